/** The kinds never mix: PostgreSQL types an undecorated literal by its spelling. */
export type LiteralKind = 'string' | 'integer' | 'bigint' | 'decimal'

export interface Literal {
  readonly kind: LiteralKind
  /** As written, with quotes. */
  readonly text: string
  /** Index of its first UTF-16 unit in the statement. */
  readonly start: number
}

export interface Skeleton {
  /** The statement with each literal replaced by a control character that names its kind. */
  readonly text: string
  /** Start and end (exclusive) of each literal, as UTF-16 indices: start0, end0, start1, end1 … */
  readonly spans: readonly number[]
}

const OTHER = 0
const IDENTIFIER = 1
const DIGIT = 2
const QUOTE = 3
const DOUBLE_QUOTE = 4
const DOT = 5
const DOLLAR = 6
const MINUS = 7
const SLASH = 8
const AMPERSAND = 9
const REFUSED = 10

const CLASS = characterClasses()

function characterClasses(): Uint8Array {
  const classes = new Uint8Array(128)
  classes.fill(REFUSED, 0, 32)
  for (const space of [9, 10, 13]) classes[space] = OTHER
  classes[127] = REFUSED
  for (let code = 0x30; code <= 0x39; code++) classes[code] = DIGIT
  for (let code = 0x41; code <= 0x5a; code++) classes[code] = classes[code + 0x20] = IDENTIFIER
  classes[0x5f] = IDENTIFIER
  classes[0x22] = DOUBLE_QUOTE
  classes[0x24] = DOLLAR
  classes[0x26] = AMPERSAND
  classes[0x27] = QUOTE
  classes[0x2d] = MINUS
  classes[0x2e] = DOT
  classes[0x2f] = SLASH
  classes[0x5c] = REFUSED // backslash
  classes[0x60] = REFUSED // backtick: no token of SQL
  return classes
}

const MARK_STRING = '\u0001'
const MARK_INTEGER = '\u0002'
const MARK_DECIMAL = '\u0003'
const MARK_BIGINT = '\u0004'
const NO_SPANS: readonly number[] = []

/** Longest integer that is certainly an int4, so that lifting it cannot change a type. */
const INTEGER_DIGITS = 9
const LAST_INT4 = '2147483647'
/** -2147483648 is an int4. */
const FIRST_INT8 = '2147483648'
const LAST_INT8 = '9223372036854775807'

/**
 * Splits a statement into its text without literals and the places of the literals. Deliberately narrow: it yields null
 * for anything that PostgreSQL's scanner (src/backend/parser/scan.l) treats specially, such as dollar quotes, prefixed or
 * continued strings, backslashes, comments, numbers in another notation, and characters outside ASCII except in plain strings. Then the
 * whole text is the key. It runs for every statement on the data path, hence the one loop over character codes.
 */
export function skeletonOf(sql: string): Skeleton | null {
  const length = sql.length
  let text = ''
  let copied = 0
  let spans: number[] | undefined
  let at = 0
  while (at < length) {
    const code = sql.charCodeAt(at)
    const kind = code < 128 ? (CLASS[code] ?? REFUSED) : REFUSED
    switch (kind) {
      case OTHER:
        at++
        break
      case IDENTIFIER: {
        at = endOfIdentifier(sql, at + 1)
        const next = sql.charCodeAt(at)
        // Prefixed strings (E'', X'', N''), `$` inside identifiers.
        if (next === 0x27 || next === 0x24) return null
        break
      }
      case QUOTE: {
        const end = endOfString(sql, at)
        if (end < 0) return null
        text += sql.slice(copied, at) + MARK_STRING
        spans ??= []
        spans.push(at, end)
        copied = at = end
        break
      }
      case DIGIT: {
        const end = endOfNumber(sql, at)
        if (end === 0) return null
        const size = Math.abs(end) - at
        const mark = end < 0 ? MARK_DECIMAL : size <= INTEGER_DIGITS ? MARK_INTEGER : markOf(sql.slice(at, end))
        if (mark !== null) {
          text += sql.slice(copied, at) + mark
          spans ??= []
          spans.push(at, at + size)
          copied = at + size
        }
        at += size
        break
      }
      case DOUBLE_QUOTE: {
        at = endOfQuotedIdentifier(sql, at)
        if (at < 0) return null
        break
      }
      case DOT:
        // `.5` and `a.1`
        if (isDigit(sql.charCodeAt(++at))) return null
        break
      case DOLLAR: {
        at++
        if (!isDigit(sql.charCodeAt(at))) return null
        while (isDigit(sql.charCodeAt(at))) at++
        if (continuesWord(sql.charCodeAt(at))) return null
        break
      }
      case MINUS:
        if (sql.charCodeAt(++at) === 0x2d) return null
        break
      case SLASH:
        if (sql.charCodeAt(++at) === 0x2a) return null
        break
      case AMPERSAND: {
        // U&'' and U&""
        const next = sql.charCodeAt(++at)
        if (next === 0x27 || next === 0x22) return null
        break
      }
      default:
        return null
    }
  }
  if (spans === undefined) return { text: sql, spans: NO_SPANS }
  return { text: copied < length ? text + sql.slice(copied) : text, spans }
}

/** The literals of a skeleton, in order. */
export function literalsOf(sql: string, skeleton: Skeleton): readonly Literal[] {
  const literals: Literal[] = []
  for (let i = 0; i < skeleton.spans.length; i += 2) {
    const start = skeleton.spans[i] ?? 0
    const text = sql.slice(start, skeleton.spans[i + 1])
    literals.push({ kind: kindOf(text), text, start })
  }
  return literals
}

function kindOf(text: string): LiteralKind {
  if (text.startsWith("'")) return 'string'
  if (text.includes('.')) return 'decimal'
  return text.length <= INTEGER_DIGITS || markOf(text) === MARK_INTEGER ? 'integer' : 'bigint'
}

/**
 * The mark of an integer by the type that it has: int4, int8, or null for any beyond. The first number of a type whose negative
 * is still of the one before has none either.
 */
function markOf(digits: string): string | null {
  const { length } = digits
  // Leading zeros are rare, and count for nothing.
  if (digits.startsWith('0') || length > LAST_INT8.length) return null
  if (length < LAST_INT4.length || (length === LAST_INT4.length && digits <= LAST_INT4)) return MARK_INTEGER
  if (digits === FIRST_INT8) return null
  return length < LAST_INT8.length || digits <= LAST_INT8 ? MARK_BIGINT : null
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Whether a character right after a token would make the scanner see something else: a letter, digit, _, $ or beyond ASCII. */
function continuesWord(code: number): boolean {
  if (code < 128) return CLASS[code] === IDENTIFIER || CLASS[code] === DIGIT || code === 0x24
  return code >= 128
}

function endOfIdentifier(sql: string, from: number): number {
  let at = from
  for (;;) {
    const code = sql.charCodeAt(at)
    // NaN at the end of the text fails both comparisons.
    if (!(code < 128)) return at
    const kind = CLASS[code]
    if (kind !== IDENTIFIER && kind !== DIGIT) return at
    at++
  }
}

/** Where a plain string ends, or -1 when it is not plain or is not followed by something harmless. */
function endOfString(sql: string, from: number): number {
  const length = sql.length
  let at = from + 1
  for (;;) {
    if (at >= length) return -1
    const code = sql.charCodeAt(at)
    if (code === 0x27) {
      if (sql.charCodeAt(at + 1) !== 0x27) break
      at += 2
      continue
    }
    if (code < 32) {
      if (code !== 9 && code !== 10 && code !== 13) return -1
    } else if (code === 0x5c || (code >= 0xd800 && code <= 0xdfff)) {
      return -1
    }
    at++
  }
  at++
  if (continuesWord(sql.charCodeAt(at))) return -1
  // Two strings with a line break between them are one string.
  let next = at
  for (;;) {
    const code = sql.charCodeAt(next)
    if (code === 0x20 || code === 9 || code === 10 || code === 13) next++
    else return code === 0x27 ? -1 : at
  }
}

/** Where a number ends; negative for one with a decimal point; 0 when it is not in plain notation. */
function endOfNumber(sql: string, from: number): number {
  let at = from + 1
  while (isDigit(sql.charCodeAt(at))) at++
  let decimal = false
  if (sql.charCodeAt(at) === 0x2e) {
    decimal = true
    at++
    if (!isDigit(sql.charCodeAt(at))) return 0
    while (isDigit(sql.charCodeAt(at))) at++
    if (sql.charCodeAt(at) === 0x2e) return 0
  }
  if (continuesWord(sql.charCodeAt(at)) || sql.charCodeAt(at) === 0x27) return 0
  return decimal ? -at : at
}

function endOfQuotedIdentifier(sql: string, from: number): number {
  let at = from + 1
  for (;;) {
    const code = sql.charCodeAt(at)
    // Also stops at the end of the text (NaN).
    if (!(code < 127) || code < 32 || code === 0x5c) return -1
    at++
    if (code !== 0x22) continue
    if (sql.charCodeAt(at) !== 0x22) break
    at++
  }
  return sql.charCodeAt(at) === 0x27 || sql.charCodeAt(at) === 0x22 ? -1 : at
}
