import type { CopyStmt, DefElem, Node } from '@pgsql/types'
import type { CopyFormat } from '../../facts.ts'

/** Options that do not change how rows are written, and those that are read below. */
const KNOWN = ['delimiter', 'encoding', 'escape', 'format', 'header', 'null', 'quote']
const KNOWN_OUT: ReadonlySet<string> = new Set([...KNOWN, 'force_quote'])
/** What is taken for NULL, for the default or for neither is the server's to say: the cell itself is read as ever. */
const KNOWN_IN: ReadonlySet<string> = new Set([...KNOWN, 'default', 'force_not_null', 'force_null', 'freeze'])

/**
 * How COPY … TO STDOUT writes its rows. Null for a file or program, for formats and encodings that are not understood, and
 * for COPY FROM.
 */
export function copyFormat(node: CopyStmt): CopyFormat | null {
  return node.is_from === true ? null : formatOf(node, KNOWN_OUT)
}

/** The same for the rows that COPY … FROM STDIN reads. */
export function copyInFormat(node: CopyStmt): CopyFormat | null {
  return node.is_from === true ? formatOf(node, KNOWN_IN) : null
}

/**
 * The format with the defaults of PostgreSQL (ProcessCopyOptions in copy.c). The parser gives the old spellings (`WITH CSV
 * HEADER`) the names of the new ones.
 */
function formatOf(node: CopyStmt, known: ReadonlySet<string>): CopyFormat | null {
  if (node.filename !== undefined || node.is_program === true) return null
  const options = new Map<string, DefElem>()
  for (const option of node.options ?? []) {
    if (!('DefElem' in option)) return null
    const name = option.DefElem.defname ?? ''
    if (!known.has(name) || options.has(name)) return null
    options.set(name, option.DefElem)
  }
  const encoding = textOf(options.get('encoding'), 'UTF8')
  if (encoding === null || !/^utf-?8$/i.test(encoding)) return null
  const format = textOf(options.get('format'), 'text')
  if (format !== 'text' && format !== 'csv' && format !== 'binary') return null
  const isCsv = format === 'csv'
  const delimiter = textOf(options.get('delimiter'), isCsv ? ',' : '\t')
  const nullText = textOf(options.get('null'), isCsv ? '' : '\\N')
  const quote = textOf(options.get('quote'), '"')
  const escape = textOf(options.get('escape'), quote ?? '')
  const header = headerOf(options.get('header'), node.is_from === true)
  // What looks like NULL is stored then, and whoever reads the rows would not look at it.
  if (isCsv && nullText !== '' && options.has('force_not_null')) return null
  if (delimiter === null || nullText === null || quote === null || escape === null || header === null) return null
  return { format, delimiter, null: nullText, header, quote, escape }
}

/** The names of the columns, which the server may compare with its own when it reads them. */
function headerOf(option: DefElem | undefined, reads: boolean): boolean | null {
  return reads && textOf(option, '')?.toLowerCase() === 'match' ? true : isOn(option)
}

/** Null when it is not written as a text. */
function textOf(option: DefElem | undefined, otherwise: string): string | null {
  if (option === undefined) return otherwise
  const { arg } = option
  return arg !== undefined && 'String' in arg ? (arg.String.sval ?? '') : null
}

/** As defGetBoolean in define.c has it; null for anything else. */
function isOn(option: DefElem | undefined): boolean | null {
  if (option === undefined) return false
  const { arg }: { readonly arg?: Node } = option
  if (arg === undefined) return true
  if ('Integer' in arg) return oneOrZero(arg.Integer.ival ?? 0)
  if ('Boolean' in arg) return arg.Boolean.boolval === true
  const text = 'String' in arg ? (arg.String.sval ?? '').toLowerCase() : ''
  if (text === 'true' || text === 'on') return true
  return text === 'false' || text === 'off' ? false : null
}

function oneOrZero(value: number): boolean | null {
  return value === 1 ? true : value === 0 ? false : null
}
