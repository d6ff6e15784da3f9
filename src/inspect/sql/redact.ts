import { type ScanToken, scanSync } from 'libpg-query'

/** Token numbers of PostgreSQL 18's scanner (libpg_query protobuf Token). */
const LITERALS: ReadonlySet<number> = new Set([
  260, // FCONST
  261, // SCONST, dollar-quoted strings included
  262, // USCONST
  263, // BCONST
  264, // XCONST
  266, // ICONST
])
const COMMENTS: ReadonlySet<number> = new Set([275, 276])
const IDENT = 258
const UIDENT = 259

/** Characters that the scanner's JSON output does not escape; none of them ends or begins a token inside a literal. */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f]/g

/**
 * The tokens of a statement; `start` and `end` are UTF-8 byte offsets. Returns null when the scanner does not accept the
 * text (the parser then says why).
 */
export function scanTokens(sql: string): readonly ScanToken[] | null {
  try {
    return scanSync(sql.replace(UNPRINTABLE, '?')).tokens
  } catch (error) {
    // The binding reports a scanner error by failing to read its message as JSON; anything else is a fault.
    if (error instanceof SyntaxError || (error instanceof Error && error.constructor === Error)) return null
    throw error
  }
}

/** A quoted identifier that could just as well have been written without quotes is a name, not data. */
const PLAIN_NAME = /^"[A-Za-z_][A-Za-z_]*[0-9]{0,3}[A-Za-z_]*"$/

/**
 * The statement with every literal replaced by `?`, comments by a space, and quoted identifiers that are neither plain
 * nor in `names` by `"?"` (people quote values with the wrong quotes). Depends on the text's skeleton only.
 */
export function redact(sql: string, tokens: readonly ScanToken[], names: ReadonlySet<string>): string {
  const bytes = Buffer.from(sql, 'utf8')
  let redacted = ''
  let copied = 0
  for (const token of tokens) {
    const replacement = replacementOf(token, bytes, names)
    if (replacement === null) continue
    redacted += bytes.toString('utf8', copied, token.start) + replacement
    copied = token.end
  }
  return redacted + bytes.toString('utf8', copied)
}

function replacementOf(token: ScanToken, bytes: Buffer, names: ReadonlySet<string>): string | null {
  if (LITERALS.has(token.tokenType)) return '?'
  if (COMMENTS.has(token.tokenType)) return ' '
  if (token.tokenType !== IDENT && token.tokenType !== UIDENT) return null
  const text = bytes.toString('utf8', token.start, token.end)
  if (!text.startsWith('"')) return token.tokenType === UIDENT ? '"?"' : null
  return PLAIN_NAME.test(text) || names.has(text.slice(1, -1).replaceAll('""', '"')) ? null : '"?"'
}
