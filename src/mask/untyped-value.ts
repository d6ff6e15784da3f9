import { assertNever } from '../lib/assert-never.ts'
import { type ValueForm, valueForm } from '../phi/value-form.ts'
import { PASS } from './json/json-mask.ts'
import { jsonCellMasker } from './json-cell.ts'
import { jsonMask } from './json-shape.ts'
import type { MaskContext } from './mask-context.ts'
import type { OutputShape } from '../inspect/sql/facts.ts'
import type { CellMasker } from './plan.ts'
import { arrayTextMasker } from './structured/array-text.ts'
import { compositeTextMasker } from './structured/composite-text.ts'
import { UNKNOWN_TYPE, type ValueType } from './value-type.ts'

const TEXT_OID = 25
const NUMERIC_OID = 1700
const COMMA = 0x2c
const TEXT_FORM: ValueForm = { kind: 'text', binary: false, limit: undefined, elementOid: 0 }
/** What JSON begins with where it is not taken for text. No SQL array or row that begins with a bracket is JSON as well. */
const ARRAY = bytes('[')
const ANY = bytes('"[{')
const TEXT = { typmod: -1, format: 0 } as const

const toNull: CellMasker = () => null

type MaskValue = (shape: OutputShape, type: ValueType, context: MaskContext) => CellMasker | 'pass'

/**
 * Masks text of a type that nobody states: a column of COPY, a field of an anonymous row. Copies of a column are taken for
 * values of its type; arrays, rows and parts of documents for JSON where they can be read as that. What has no type at all
 * becomes NULL.
 */
export function untypedMasker(shape: OutputShape, maskValue: MaskValue, context: MaskContext): CellMasker | 'pass' {
  const json = jsonMask(shape, context)
  if (json === PASS) return 'pass'
  const asJsonOr = (first: ReadonlySet<number>, otherwise: CellMasker) =>
    eitherMasker(first, jsonCellMasker(json, TEXT_FORM, otherwise), otherwise)
  const typed = (of: OutputShape, typeOid: number) => maskValue(of, { ...TEXT, typeOid }, context)
  switch (shape.kind) {
    case 'clean':
      return 'pass'
    case 'whole':
      return toNull
    case 'year':
      return typed(shape, NUMERIC_OID)
    case 'column': {
      const isPart = shape.path.length > 0
      const masker = typed(shape, isPart ? TEXT_OID : shape.typeOid)
      // Text of a text column can look like JSON, and it would tell that it does; a part of a document often is JSON.
      const couldBeJson = isPart || valueForm({ ...TEXT, typeOid: shape.typeOid }, context.typeOf)?.kind === 'array'
      return masker === 'pass' || !couldBeJson ? masker : asJsonOr(isPart ? ANY : ARRAY, masker)
    }
    case 'object':
      return jsonCellMasker(json, TEXT_FORM, toNull)
    case 'elements': {
      const element = typed(shape.element, UNKNOWN_TYPE)
      return element === 'pass' ? 'pass' : asJsonOr(ARRAY, arrayTextMasker(element, COMMA, toNull))
    }
    case 'fields': {
      const fields = shape.fields.map((field) => typed(field, UNKNOWN_TYPE))
      const row = compositeTextMasker(
        fields.map((field) => (field === 'pass' ? undefined : field)),
        toNull,
      )
      return asJsonOr(ARRAY, row)
    }
    default:
      return assertNever(shape)
  }
}

function eitherMasker(first: ReadonlySet<number>, json: CellMasker, otherwise: CellMasker): CellMasker {
  return (source, start, end) =>
    end > start && first.has(source[start]!) ? json(source, start, end) : otherwise(source, start, end)
}

function bytes(text: string): ReadonlySet<number> {
  return new Set(Buffer.from(text))
}
