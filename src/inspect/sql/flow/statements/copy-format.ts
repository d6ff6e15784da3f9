import type { CopyStmt, DefElem, Node } from '@pgsql/types'
import type { CopyFormat } from '../../facts.ts'

/** Options that do not change how rows are written, and those that are read below. */
const KNOWN: ReadonlySet<string> = new Set([
  'delimiter',
  'encoding',
  'escape',
  'force_quote',
  'format',
  'header',
  'null',
  'quote',
])

/**
 * How COPY … TO STDOUT writes its rows, with the defaults of PostgreSQL (ProcessCopyOptions in copy.c). The parser gives the
 * old spellings (`WITH CSV HEADER`) the names of the new ones. Null for a file or program, for formats and encodings that are
 * not understood, and for COPY FROM.
 */
export function copyFormat(node: CopyStmt): CopyFormat | null {
  if (node.is_from === true || node.filename !== undefined || node.is_program === true) return null
  const options = new Map<string, DefElem>()
  for (const option of node.options ?? []) {
    if (!('DefElem' in option)) return null
    const name = option.DefElem.defname ?? ''
    if (!KNOWN.has(name) || options.has(name)) return null
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
  const header = isOn(options.get('header'))
  if (delimiter === null || nullText === null || quote === null || escape === null || header === null) return null
  return { format, delimiter, null: nullText, header, quote, escape }
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
