/** A part of a psql script. Only what psql itself does is taken apart; statements are left as they are. */
export type ScriptItem =
  /** One statement without its semicolon. `ending` is the backslash command that sends it instead, such as `gset name_`. */
  | { readonly kind: 'statement'; readonly sql: string; readonly ending: string | null }
  /** What stands between COPY … FROM stdin and `\.`. */
  | { readonly kind: 'data'; readonly lines: string }
  /** A backslash command by itself, without the backslash. */
  | { readonly kind: 'command'; readonly text: string }

const STRING = /'(?:[^']|'')*'/y
const ESCAPE_STRING = /[eE]'(?:[^'\\]|\\[^]|'')*'/y
const QUOTED_NAME = /"(?:[^"]|"")*"/y
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$/y
const WORD = /[A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*/y
const NUMBER = /\d[\w.]*/y
const SPACE = /\s+/y
/** `:name`, `:'name'` and `:"name"`, but no cast and no slice of an array. */
const VARIABLE = /:(?:'(\w+)'|"(\w+)"|(\w+))/y
/** Backslash commands that send the statement before them. */
const SENDS = /^(?:g|gx|gset|gexec|gdesc|crosstabview|watch|bind)\b/
const COPIES_IN = /^\s*copy\b[^;]*\bfrom\s+(?:stdin|pstdin)\b/i

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** Where the comment, string, name, number or character that begins at `at` ends. */
export function lexemeEnd(text: string, at: number): number {
  const length = (found: string | undefined): number => at + (found?.length ?? 1)
  const char = text[at] ?? ''
  if (char === '-' && text[at + 1] === '-') return lineEnd(text, at)
  if (char === '/' && text[at + 1] === '*') return commentEnd(text, at)
  if (char === "'") return length(match(STRING, text, at))
  if (char === '"') return length(match(QUOTED_NAME, text, at))
  if (char === '$') {
    const mark = match(DOLLAR_QUOTE, text, at)
    const close = mark === undefined ? -1 : text.indexOf(mark, at + mark.length)
    return mark === undefined || close < 0 ? at + 1 : close + mark.length
  }
  return length(
    match(ESCAPE_STRING, text, at) ?? match(WORD, text, at) ?? match(NUMBER, text, at) ?? match(SPACE, text, at),
  )
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

/** Comments nest. */
function commentEnd(text: string, at: number): number {
  let depth = 0
  for (let i = at; i < text.length; i++) {
    if (text.startsWith('/*', i)) depth++
    else if (text.startsWith('*/', i)) depth--
    else continue
    i++
    if (depth === 0) return i + 1
  }
  return text.length
}

/** Counts what a semicolon may stand in without ending the statement: parentheses, and BEGIN ATOMIC … END of a function. */
class Nesting {
  #parentheses = 0
  #blocks = 0
  #previous = ''

  get open(): boolean {
    return this.#parentheses > 0 || this.#blocks > 0
  }

  see(lexeme: string): void {
    const word = lexeme.toLowerCase()
    if (word === '(') this.#parentheses++
    else if (word === ')') this.#parentheses = Math.max(0, this.#parentheses - 1)
    else if (word === 'atomic' && this.#previous === 'begin') this.#blocks++
    else if (this.#blocks > 0 && word === 'case') this.#blocks++
    else if (this.#blocks > 0 && word === 'end') this.#blocks--
    if (word.trim() !== '') this.#previous = word
  }
}

/** Takes a psql script apart, as psql does it line by line. */
export function* scriptItems(text: string): Generator<ScriptItem> {
  let from = 0
  let nesting = new Nesting()
  let at = 0
  const begin = (next: number): void => {
    from = at = next
    nesting = new Nesting()
  }
  const statement = (end: number): string => text.slice(from, end).trim()
  while (at < text.length) {
    const char = text[at]
    if (char === ';' && !nesting.open) {
      const sql = statement(at)
      begin(at + 1)
      if (sql === '') continue
      yield { kind: 'statement', sql, ending: null }
      if (!COPIES_IN.test(sql)) continue
      const data = lineEnd(text, at) + 1
      const close = /^\\\.$/m.exec(text.slice(data))
      const end = close === null ? text.length : data + close.index
      yield { kind: 'data', lines: text.slice(data, end) }
      begin(lineEnd(text, end) + 1)
    } else if (char === '\\' && text[at + 1] === ';') {
      // Sent together with the next one; apart they mean the same here.
      const sql = statement(at)
      begin(at + 2)
      if (sql !== '') yield { kind: 'statement', sql, ending: null }
    } else if (char === '\\') {
      const end = lineEnd(text, at)
      const command = text.slice(at + 1, end).trim()
      const sql = statement(at)
      if (SENDS.test(command)) {
        begin(end)
        if (sql !== '') yield { kind: 'statement', sql, ending: command }
      } else {
        yield { kind: 'command', text: command }
        if (sql === '') begin(end)
        else text = text.slice(0, at) + text.slice(end)
      }
    } else {
      const end = lexemeEnd(text, at)
      nesting.see(text.slice(at, end))
      at = end
    }
  }
}

/** Puts in the values of psql's variables. Those that are not set stay as they are written. */
export function substituted(sql: string, variables: ReadonlyMap<string, string>): string {
  let done = ''
  for (let at = 0; at < sql.length; ) {
    if (sql[at] === ':' && sql[at + 1] !== ':' && sql[at - 1] !== ':') {
      VARIABLE.lastIndex = at
      const found = VARIABLE.exec(sql)
      const [whole, literal, identifier, plain] = found ?? []
      const value = variables.get(literal ?? identifier ?? plain ?? '')
      if (whole !== undefined && value !== undefined) {
        if (literal !== undefined) done += `'${value.replaceAll("'", "''")}'`
        else if (identifier !== undefined) done += `"${value.replaceAll('"', '""')}"`
        else done += value
        at += whole.length
        continue
      }
    }
    const end = lexemeEnd(sql, at)
    done += sql.slice(at, end)
    at = end
  }
  return done
}

/** A statement without the comments and parentheses before its first word. */
export function fromFirstWord(sql: string): string {
  let at = 0
  while (at < sql.length) {
    const end = lexemeEnd(sql, at)
    const lexeme = sql.slice(at, end)
    const isBefore = lexeme.trim() === '' || lexeme.startsWith('--') || lexeme.startsWith('/*') || lexeme === '('
    if (!isBefore) break
    at = end
  }
  return sql.slice(at)
}

/** Whether a statement is a query: SELECT, VALUES, TABLE or WITH, perhaps in parentheses. */
export const isQuery = (sql: string): boolean => /^(?:select|values|table|with)\b/i.test(fromFirstWord(sql))
