import type { ConstantSite } from '../../inspect/sql/facts.ts'
import { assertNever } from '../../lib/assert-never.ts'
import type { Label } from '../../phi/labels.ts'
import { isNumberForm } from '../../mask/value-type.ts'
import { recognise } from '../../phi/tokens/recognise.ts'
import { holdsToken } from '../../phi/tokens/token-text.ts'
import { readValue, writeValue } from '../../phi/tokens/token-value.ts'
import { isText } from '../../phi/transforms/cell.ts'
import { type TypeLookup, type ValueForm, type ValueKind, valueForm } from '../../phi/value-form.ts'
import { binaryElements, textElements } from './array-elements.ts'
import type { ConstantColumn } from './constant-column.ts'
import { composed, type ReadConstant, UNREADABLE } from './constant-values.ts'
import type { Reading } from './judge-constant.ts'
import { readDocument } from './read-document.ts'

/**
 * Reads a constant in the form that it has been sent in; 'unknown' for bytes of a type that nobody states. What it stands
 * for is told by the column's own type, which the server takes it for.
 */
export function readConstant(
  source: Buffer,
  sent: ValueForm | 'unknown',
  column: ConstantColumn,
  use: ConstantSite['use'],
  typeOf: TypeLookup,
): ReadConstant {
  if (use === 'embedded') return readEmbedded(source, sent, column, typeOf)
  if (sent === 'unknown') return column.form.kind === 'other' ? composed(source, []) : UNREADABLE
  if (!column.isArray) return readOne(source, sent, column)
  const elements = sent.binary ? binaryElements(source) : textElements(source)
  if (elements === undefined) return UNREADABLE
  const { elementOid, cells } = elements
  const form =
    elementOid === undefined ? column.form : valueForm({ typeOid: elementOid, typmod: -1, format: 1 }, typeOf)
  if (form === undefined) return UNREADABLE
  return composed(
    source,
    cells.map(({ start, end, value, encode }) => ({ start, end, encode, read: readOne(value, form, column) })),
  )
}

/**
 * A part of what is stored can be of any type: a path, a piece of text, an array of values, a document with them. It is looked
 * at as all of them.
 */
function readEmbedded(
  source: Buffer,
  sent: ValueForm | 'unknown',
  column: ConstantColumn,
  typeOf: TypeLookup,
): ReadConstant {
  if (sent === 'unknown') {
    const values = possibleForms(source, column).flatMap((one) => readEmbedded(source, one, column, typeOf).values)
    return { values, write: () => undefined }
  }
  const { form, node, label } = column
  if (isNumberForm(sent) && WITHOUT_NUMBERS.has(form.kind)) return composed(source, [])
  const known = textOf(source, sent)
  const text = typeof known === 'string' ? known : source.toString('utf8')
  const texts = [text, ...elementsIn(source, typeOf)]
  const values = texts.flatMap((one) =>
    [form, TEXT_FORM].map((as) => ({ reading: readingOf(one, as, label), label, fits: never })),
  )
  const document = isJson(form)
    ? readDocument(source, sent, node, label)
    : readDocument(source, JSON_FORM, label === undefined ? undefined : { kind: 'phi', label }, label)
  const parts = document === UNREADABLE ? [] : document.values
  return { values: [...values, ...parts], write: () => undefined }
}

/** What bytes of a type that nobody states can be: text, a value of the column, and what has stand-ins of this length. */
function possibleForms(source: Buffer, { form }: ConstantColumn): readonly ValueForm[] {
  const kinds = (['int4', 'int8', 'uuid', 'numeric'] as const).filter((kind) => {
    const size = BINARY_SIZES[kind]
    return size === undefined || size === source.length
  })
  return [TEXT_FORM, { ...form, binary: true }, ...kinds.map((kind) => ({ ...TEXT_FORM, kind, binary: true }))]
}

/** In bytes, of types that have tokens. */
const BINARY_SIZES = { int4: 4, int8: 8, uuid: 16, numeric: undefined } as const

/** A number is an argument there, or what another column gets: it does not become a part of the value as it is. */
const WITHOUT_NUMBERS: ReadonlySet<ValueKind> = new Set(['text', 'bpchar', 'date', 'timestamp', 'timestamptz', 'uuid'])

const TEXT_FORM: ValueForm = { kind: 'text', binary: false, limit: undefined, elementOid: 0 }
const JSON_FORM: ValueForm = { ...TEXT_FORM, kind: 'json' }

/** Of an array in either format, as texts. */
function elementsIn(source: Buffer, typeOf: TypeLookup): readonly string[] {
  const { elementOid = 0, cells } = textElements(source) ?? binaryElements(source) ?? { cells: [] }
  const form = elementOid === 0 ? TEXT_FORM : valueForm({ typeOid: elementOid, typmod: -1, format: 1 }, typeOf)
  return cells.flatMap(({ value }) => {
    const text = form === undefined ? undefined : textOf(value, form)
    return typeof text === 'string' ? [text] : []
  })
}

const never = (): boolean => false

const isJson = ({ kind }: ValueForm): boolean => kind === 'json' || kind === 'jsonb'

function readOne(source: Buffer, sent: ValueForm, { form, node, label }: ConstantColumn): ReadConstant {
  if (isJson(form)) return readDocument(source, sent, node, label)
  const text = textOf(source, sent)
  // No transform leaves anything in such a column, and it has no tokens.
  if (text === undefined && form.kind !== 'other') return UNREADABLE
  const reading: Reading = text === undefined || text === NO_VALUE ? { kind: 'value' } : readingOf(text, form, label)
  // Where the token itself would fail, whether its value does must not show.
  const canBeSent = reading.kind !== 'token' || writeValue(sent, reading.token) !== undefined
  const fits = (value: string) =>
    canBeSent && writeValue(form, value) !== undefined && writeValue(sent, value) !== undefined
  return {
    values: [{ reading, label, fits }],
    write: ([replacement]) => (replacement === undefined ? undefined : writeValue(sent, replacement)),
  }
}

/** A text that is a value by itself can still quote a token. */
export function readingOf(text: string, form: ValueForm, label: Label | undefined): Reading {
  if (text === '') return { kind: 'empty' }
  const recognised = recognise(text, form, label)
  return recognised.kind === 'value' && isText(form) && holdsToken(text) ? { kind: 'embedding' } : recognised
}

/** The text that the server would make of it; undefined when that is not known. */
function textOf(source: Buffer, sent: ValueForm): string | typeof NO_VALUE | undefined {
  if (!sent.binary) return source.toString('utf8')
  switch (sent.kind) {
    case 'text':
    case 'bpchar':
    case 'char':
    case 'xml':
      return source.toString('utf8')
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
    case 'uuid':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return readValue(sent, source, 0, source.length) ?? NO_VALUE
    case 'bytea':
    case 'float4':
    case 'float8':
      return NO_VALUE
    case 'json':
    case 'jsonb':
    case 'array':
    case 'other':
      return undefined
    default:
      return assertNever(sent.kind)
  }
}

/** Infinity, NaN and what no token stands for. */
const NO_VALUE = Symbol('no value')
