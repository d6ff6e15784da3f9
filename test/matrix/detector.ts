import { createHash } from 'node:crypto'
import type { Received } from '../support/wire-client.ts'

/** What must not be seen of one column: its values as the server writes them, and parts of them. */
export interface Canary {
  readonly column: string
  readonly texts: readonly string[]
  /** The values in binary format. */
  readonly binaries: readonly Buffer[]
  /** Whether any six characters in a row count; not for dates, of which the year may be shown. */
  readonly inPieces: boolean
}

/** All that a client was told, in the forms that it is searched in. */
export interface Surface {
  /** As it came, byte by byte. */
  readonly bytes: Buffer
  readonly text: string
  /** Lower case; with escapes undone; and the cells of each column run together. */
  readonly lower: string
  /** Its numbers with commas between them. */
  readonly numbers: string
  readonly cells: readonly Buffer[]
}

const PIECE = 6
/** Values in binary format that are shorter are looked for as whole cells, or with their length in front. */
const SHORT = 4

/** Everything of some messages that a client could read. */
export function surfaceOf(told: readonly Received[]): Surface {
  const cells: Buffer[] = []
  const columns: Buffer[][] = []
  for (const message of told) {
    if (message.kind === 'DataRow') {
      for (const [index, value] of message.values.entries()) {
        if (value === null) continue
        cells.push(value)
        ;(columns[index] ??= []).push(value)
      }
    } else cells.push(...textsOf(message))
  }
  const bytes = Buffer.concat(cells.flatMap((cell) => [cell, Buffer.from('\n')]))
  const text = bytes.toString('utf8')
  const joined = columns.map((values) => Buffer.concat(values).toString('utf8')).join('\n')
  const lower = [text, unescaped(text), joined, runTogether(text)].join('\n').toLowerCase()
  return { bytes, text: `${text}\n${joined}`, lower, numbers: `,${text.replaceAll(/\D+/g, ',')},`, cells }
}

function textsOf(message: Exclude<Received, { kind: 'DataRow' }>): Buffer[] {
  if (message.kind === 'CopyData') return [message.data]
  if (message.kind === 'FunctionCallResponse') return message.value === null ? [] : [message.value]
  if (message.kind === 'RowDescription') return message.columns.map(({ name }) => Buffer.from(name))
  if (message.kind === 'ErrorResponse' || message.kind === 'NoticeResponse') {
    return Array.from(message.fields.values(), (field) => Buffer.from(field))
  }
  return [Buffer.from(JSON.stringify(message))]
}

/** Without what COPY and rows put between values that are one character each. */
// oxlint-disable-next-line no-control-regex -- lengths of the binary format
const runTogether = (text: string): string => text.replaceAll(/[\u0000-\u001f"()]+/g, '')

/** Undoes the escapes of JSON, COPY, CSV, composites, arrays and XML, roughly: it only has to find what is there. */
const unescaped = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/_x00([0-9a-f]{2})_/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll('&quot;', '"')
    .replaceAll('""', '"')
    .replaceAll(/\\+(["\\])/g, '$1')

/** Whether a canary can be read out of what was told, as it is or encoded. */
export function shows(surface: Surface, canary: Canary): boolean {
  return (
    canary.texts.some((text) => showsText(surface, text)) ||
    canary.binaries.some((binary) => showsBinary(surface, binary)) ||
    (canary.inPieces && canary.texts.some((text) => pieces(text).some((piece) => showsPiece(surface, piece))))
  )
}

/** Raw only: for the many canaries that a statement is not about. */
export const showsRaw = (surface: Surface, canary: Canary): boolean =>
  canary.texts.some((text) => surface.lower.includes(text.toLowerCase())) ||
  canary.binaries.some((binary) => binary.length > SHORT && surface.bytes.includes(binary))

function showsText(surface: Surface, text: string): boolean {
  const lower = text.toLowerCase()
  return (
    [lower, reversed(lower), hex(text), hex(lower), hex(text.toUpperCase())].some((form) =>
      surface.lower.includes(form),
    ) ||
    base64Forms(text).some((form) => surface.text.includes(form)) ||
    ['md5', 'sha256'].some((name) => surface.lower.includes(createHash(name).update(text).digest('hex'))) ||
    surface.numbers.includes(
      `,${Array.from(text)
        .map((one) => one.codePointAt(0))
        .join(',')},`,
    )
  )
}

const showsPiece = (surface: Surface, piece: string): boolean => {
  const lower = piece.toLowerCase()
  return [lower, reversed(lower), hex(piece)].some((form) => surface.lower.includes(form))
}

function showsBinary(surface: Surface, binary: Buffer): boolean {
  if (binary.length >= SHORT) return surface.bytes.includes(binary)
  const prefixed = Buffer.concat([Buffer.from([0, 0, 0, binary.length]), binary])
  return surface.bytes.includes(prefixed) || surface.cells.some((cell) => cell.equals(binary))
}

const pieces = (text: string): string[] =>
  Array.from({ length: Math.max(0, text.length - PIECE + 1) }, (_none, start) => text.slice(start, start + PIECE))

const reversed = (text: string): string => Array.from(text).toReversed().join('')
const hex = (text: string): string => Buffer.from(text).toString('hex')

/** What stands in base64 for a text, whatever stands before and behind it. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)])
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64')
    return whole.slice(shift === 0 ? 0 : 4)
  })
}
