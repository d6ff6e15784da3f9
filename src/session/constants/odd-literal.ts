const DOLLARS = /^\$[^$]*\$/u
const BASED = /^0[xob][0-9a-f]+$/iu
/** Within quotes: a quote, and where a string goes on in the next line. */
const QUOTES = /''|'\s+'/gu
/** The same with backslashes (PostgreSQL documentation, 4.1.2.2). */
const ESCAPED =
  /''|'\s+'|\\(?:x(?<hex>[0-9a-fA-F]{1,2})|u(?<short>[0-9a-fA-F]{4})|U(?<long>[0-9a-fA-F]{8})|(?<octal>[0-7]{1,3})|(?<plain>[^]))/gu
const UNICODE = /''|'\s+'|\\(?:\+(?<long>[0-9a-f]{6})|(?<short>[0-9a-f]{4})|(?<plain>\\))/giu
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])
const LAST_CODE_POINT = 0x10_ffff

/**
 * What a literal says that is not spelled plainly: E'', U&'', N'', dollar quotes, strings that go on in the next line, numbers of
 * other bases and with underscores. Only to look at it: nothing is put in its place.
 */
export function oddLiteralText(spelling: string): string {
  const dollars = DOLLARS.exec(spelling)?.[0]
  if (dollars !== undefined) return spelling.slice(dollars.length, -dollars.length)
  const quote = spelling.indexOf("'")
  if (quote < 0) return numberText(spelling.replaceAll('_', ''))
  const content = spelling.slice(quote + 1, -1)
  switch (spelling.slice(0, quote).toUpperCase()) {
    case 'E':
      return content.replaceAll(ESCAPED, character)
    case 'U&':
      return content.replaceAll(UNICODE, character)
    default:
      return content.replaceAll(QUOTES, quoted)
  }
}

function numberText(spelling: string): string {
  return BASED.test(spelling) ? String(BigInt(spelling)) : spelling
}

const quoted = (match: string): string => (match === "''" ? "'" : '')

interface Escape {
  readonly hex?: string
  readonly short?: string
  readonly long?: string
  readonly octal?: string
  readonly plain?: string
}

function character(match: string, ...rest: readonly unknown[]): string {
  if (match.startsWith("'")) return quoted(match)
  const { hex, short, long, octal, plain } = groupsOf(rest)
  if (plain !== undefined) return LETTERS.get(plain) ?? plain
  const code = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '0', 16) : Number.parseInt(octal, 8)
  return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : match
}

/** The last argument of a replacer, when the pattern has named groups. */
function groupsOf(rest: readonly unknown[]): Escape {
  const last = rest.at(-1)
  return typeof last === 'object' && last !== null ? last : {}
}
