import { type JournalHeader, MAXIMUM_HEADER_BYTES, RECORD_KINDS } from './format.ts'
import type { ProblemCode } from './verify-report.ts'

export type HeaderCheck =
  | { readonly ok: true; readonly header: JournalHeader }
  | { readonly ok: false; readonly code: ProblemCode; readonly message: string }

const KINDS: ReadonlySet<unknown> = new Set(RECORD_KINDS)
const DIGEST = /^[0-9a-f]{64}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const NAMES = 'kind op seq session time v what who'

/** Whether a line is a header: canonical JSON with exactly the members of the format. */
export function checkHeader(bytes: Buffer): HeaderCheck {
  const line = bytes.toString()
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { ok: false, code: 'line-invalid', message: 'not JSON' }
  }
  if (canonicalText(value) !== line)
    return { ok: false, code: 'header-form', message: 'not in canonical form (RFC 8785)' }
  if (bytes.length > MAXIMUM_HEADER_BYTES) return { ok: false, code: 'header-shape', message: 'too long' }
  return isHeader(value)
    ? { ok: true, header: value }
    : { ok: false, code: 'header-shape', message: 'not the members of a header' }
}

function isHeader(value: unknown): value is JournalHeader {
  if (typeof value !== 'object' || value === null) return false
  const { body, kind, op, seq, session, time, v, what, who } = value as Partial<Record<keyof JournalHeader, unknown>>
  const names = Object.keys(value).join(' ')
  return (
    names === (body === undefined ? NAMES : `body ${NAMES}`) &&
    (body === undefined || (typeof body === 'string' && DIGEST.test(body))) &&
    KINDS.has(kind) &&
    isNatural(op) &&
    isNatural(seq) &&
    typeof session === 'string' &&
    UUID.test(session) &&
    typeof time === 'string' &&
    TIME.test(time) &&
    v === 1 &&
    what !== undefined &&
    who !== undefined
  )
}

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/**
 * RFC 8785 for what JSON.parse returns, written apart from the writer's. Duplicate members, escapes that need not be,
 * white space and unsorted members all give another text than the one that was parsed.
 */
export function canonicalText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, content]) => `${JSON.stringify(name)}:${canonicalText(content)}`).join(',')}}`
}
