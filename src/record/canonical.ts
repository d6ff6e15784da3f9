/** What JSON can hold. `undefined` is not part of it: an absent member is left out by the caller. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue }

/** Canonical JSON text (RFC 8785). Made by `fragment` only, so a record line is built by joining fragments. */
export type Fragment = string & { readonly __fragment: unique symbol }

/** Printable ASCII without quote and backslash: the text stands for itself. */
const PLAIN = /^[ !#-[\]-~]*$/

/**
 * The canonical form of a value: RFC 8785 (no white space, members sorted by UTF-16 code units, ECMAScript numbers).
 * Cache the result where the value repeats; a record costs little more than joining its fragments.
 * @throws TypeError for what I-JSON cannot hold: NaN, infinities, lone surrogates, undefined, functions, bigint.
 */
export function fragment(value: JsonValue): Fragment {
  const text = canonical(value)
  if (isFragment(text)) return text
  throw new TypeError('canonical JSON is never empty')
}

/** The one place that lets a text count as a fragment. */
function isFragment(text: string): text is Fragment {
  return text !== ''
}

function canonical(value: JsonValue | undefined): string {
  if (typeof value === 'string') return quoted(value)
  if (value === null) return 'null'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'object') return isList(value) ? list(value) : members(value)
  if (typeof value !== 'number') throw new TypeError(`canonical JSON cannot hold a value of type ${typeof value}`)
  if (!Number.isFinite(value)) throw new TypeError('canonical JSON has no NaN and no infinities')
  // RFC 8785 section 3.2.2.3 is ECMAScript's own serialisation of numbers; -0 becomes 0.
  return JSON.stringify(value)
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function list(values: readonly JsonValue[]): string {
  let text = '['
  for (const value of values) {
    if (text.length > 1) text += ','
    text += canonical(value)
  }
  return `${text}]`
}

function members(value: { readonly [member: string]: JsonValue }): string {
  let text = '{'
  // The default order of toSorted() is by UTF-16 code units, which is what RFC 8785 section 3.2.3 asks for.
  for (const name of Object.keys(value).toSorted()) {
    if (text.length > 1) text += ','
    text += `${quoted(name)}:${canonical(value[name])}`
  }
  return `${text}}`
}

function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  // RFC 8785 section 3.2.2.2: a lone surrogate is an error. JSON.stringify would write it as an escape.
  if (!text.isWellFormed()) throw new TypeError('canonical JSON cannot hold a lone surrogate')
  return JSON.stringify(text)
}
