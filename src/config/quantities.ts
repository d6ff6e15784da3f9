import { z } from 'zod'

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** `250ms`, `30s`, `5m`, `24h`, `7d` as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * (DURATION_UNITS[match[2] ?? ''] ?? Number.NaN)
}

/** `512B`, `64KiB`, `1MiB`, `10GB` as bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,9})(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * (SIZE_UNITS[match[2] ?? ''] ?? Number.NaN)
}

interface Quantity {
  readonly what: string
  readonly example: string
  readonly pattern: RegExp
  parse(text: string): number | undefined
}

const DURATION: Quantity = {
  what: 'a duration',
  example: '30s',
  pattern: /^\d{1,9}(ms|s|m|h|d)$/,
  parse: parseDuration,
}
const SIZE: Quantity = {
  what: 'a size',
  example: '1MiB',
  pattern: /^\d{1,9}(B|kB|MB|GB|KiB|MiB|GiB)$/,
  parse: parseSize,
}

interface Bounds {
  readonly least: string
  readonly most: string
}

function required(kind: Quantity, text: string): number {
  const value = kind.parse(text)
  if (value === undefined) throw new TypeError(`not ${kind.what}: ${text}`)
  return value
}

function quantity(kind: Quantity, { least, most }: Bounds, description: string) {
  const low = required(kind, least)
  const high = required(kind, most)
  const wrongForm = `must be ${kind.what} like ${kind.example}`
  return z
    .string({ error: wrongForm })
    .transform((text, context) => {
      const value = kind.parse(text)
      if (value !== undefined && value >= low && value <= high) return value
      const message = value === undefined ? wrongForm : `must be between ${least} and ${most}`
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    })
    .meta({ description: `${description} From ${least} to ${most}.`, pattern: kind.pattern.source })
}

function withDefault(kind: Quantity, fallback: string, bounds: Bounds, description: string) {
  return quantity(kind, bounds, `${description} Default: ${fallback}.`).default(required(kind, fallback))
}

/** A duration with its default and bounds, all written as in the file. The output is milliseconds. */
export const duration = (fallback: string, least: string, most: string, description: string) =>
  withDefault(DURATION, fallback, { least, most }, description)

/** A duration that may be absent. */
export const optionalDuration = (least: string, most: string, description: string) =>
  quantity(DURATION, { least, most }, description).optional()

/** A size that may be absent. */
export const optionalSize = (least: string, most: string, description: string) =>
  quantity(SIZE, { least, most }, description).optional()

/** A size with its default and bounds, all written as in the file. The output is bytes. */
export const size = (fallback: string, least: string, most: string, description: string) =>
  withDefault(SIZE, fallback, { least, most }, description)
