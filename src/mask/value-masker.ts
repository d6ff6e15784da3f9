import { assertNever } from '../lib/assert-never.ts'
import { cellTransform } from '../phi/cell-transform.ts'
import type { Label } from '../phi/labels.ts'
import { isText } from '../phi/transforms/cell.ts'
import { type ValueForm, type ValueKind, valueForm } from '../phi/value-form.ts'
import { jsonCellMasker } from './json-cell.ts'
import { jsonMask, verdictMask } from './json-shape.ts'
import { clearsAll, type MaskContext, noteClasses, UNPROVEN } from './mask-context.ts'
import type { OutputShape, StoredColumn } from '../inspect/sql/facts.ts'
import type { CellMasker } from './plan.ts'
import { type ColumnVerdict, judgeColumn, releasesYear } from './stored-column.ts'
import { arrayMasker } from './structured/array.ts'
import { compositeMasker, fieldTypes } from './structured/composite.ts'
import { untypedMasker } from './untyped-value.ts'
import { isNumberForm, UNKNOWN_TYPE, type ValueType } from './value-type.ts'

/** Masks values of a shape; 'pass' when nothing of them is masked. */
export function valueMasker(shape: OutputShape, type: ValueType, context: MaskContext): CellMasker | 'pass' {
  if (type.typeOid === UNKNOWN_TYPE) return untypedMasker(shape, valueMasker, context)
  switch (shape.kind) {
    case 'clean':
      return 'pass'
    case 'whole':
      if (clearsAll(shape.classes, context)) return 'pass'
      noteClasses(shape.classes, context)
      return redacted(type, context)
    case 'column':
      return columnMasker(judgeColumn(shape, context), shape, type, context)
    case 'year':
      return yearMasker(shape.column, type, context)
    case 'object':
    case 'elements':
    case 'fields':
      return structureMasker(shape, type, context)
    default:
      return assertNever(shape)
  }
}

/** Nothing of the value stays. */
function redacted(type: ValueType, context: MaskContext): CellMasker {
  return cellTransform('redact', formOf(type, context), UNPROVEN, context)
}

/** Masks values that are copies of a stored column, or of a part of a document, of which `verdict` is known. */
function columnMasker(
  verdict: ColumnVerdict,
  column: StoredColumn,
  type: ValueType,
  context: MaskContext,
): CellMasker | 'pass' {
  if (verdict.kind === 'pass') return 'pass'
  if (verdict.kind === 'unproven') return redacted(type, context)
  if (verdict.kind === 'label' && verdict.label.transform === 'null') return () => null
  const form = formOf(type, context)
  if (form.kind === 'array') {
    const element = columnMasker(verdict, column, { ...type, typeOid: form.elementOid }, context)
    return arrayMasker(form, element, redacted(type, context))
  }
  const isPart = column.path.length > 0
  if (isJson(form) || (verdict.kind === 'members' && holdsJsonText(form))) {
    const typeOid = isPart ? JSON_OID : column.typeOid
    return jsonCellMasker(verdictMask(verdict, typeOid, context), form, redacted(type, context))
  }
  if (verdict.kind === 'members') return redacted(type, context)
  const { label } = verdict
  const writtenAs = isPart ? partForm(form) : copyForm(storedForm(column, context), form, label)
  if (writtenAs === undefined) return redacted(type, context)
  return cellTransform(label.transform, writtenAs, label.class, context)
}

const JSON_OID = 114

/** The form of a stored value, or of its elements: an array stands for each of them. */
function storedForm(column: StoredColumn, context: MaskContext): ValueForm {
  const text = (typeOid: number) => formOf({ typeOid, typmod: -1, format: 0 }, context)
  const form = text(column.typeOid)
  return form.kind === 'array' ? text(form.elementOid) : form
}

/** The form in which a part of a document is masked outside JSON; undefined when only nothing of it may stay. */
function partForm(form: ValueForm): ValueForm | undefined {
  return isText(form) ? form : undefined
}

/** The form in which copies of a stored value are masked in a result of this form. */
function copyForm(stored: ValueForm, form: ValueForm, { transform }: Label): ValueForm | undefined {
  if (family(stored.kind) === family(form.kind)) return sameFamily(stored, form)
  // What a transform makes of a number can depend on its type. A token is that of the stored number.
  if (isExactNumber(stored) && isExactNumber(form)) {
    return transform === 'token' ? { ...form, storedKind: stored.kind } : undefined
  }
  if (!isText(form) || stored.kind === 'other') return undefined
  // body::text, and to_jsonb(p) ->> 'born': text is written as the type writes it, in both formats.
  return isJson(stored) ? form : { ...stored, binary: false }
}

function isExactNumber({ kind }: ValueForm): boolean {
  return kind === 'int2' || kind === 'int4' || kind === 'int8' || kind === 'numeric'
}

/**
 * A date that the server made out of a point in time, or the reverse, depends on the session's time zone, which the client
 * chooses: of a point in time nothing stays, and a date keeps the year that it has where it was stored.
 */
function sameFamily(stored: ValueForm, form: ValueForm): ValueForm | undefined {
  if (family(stored.kind) !== 'date' || (stored.kind === 'timestamptz') === (form.kind === 'timestamptz')) return form
  return stored.kind === 'timestamptz' ? undefined : { ...form, local: true }
}

/** Types whose values have the same meaning to a transform. */
function family(kind: ValueKind): string {
  if (kind === 'bpchar') return 'text'
  return kind === 'timestamp' || kind === 'timestamptz' ? 'date' : kind
}

function yearMasker(column: StoredColumn, type: ValueType, context: MaskContext): CellMasker | 'pass' {
  const verdict = judgeColumn(column, context)
  if (verdict.kind === 'pass') return 'pass'
  const form = formOf(type, context)
  if (isJson(form)) return jsonCellMasker(jsonMask({ kind: 'year', column }, context), form, redacted(type, context))
  const isWritten = isNumberForm(form) || (form.kind === 'text' && form.limit === undefined)
  if (verdict.kind !== 'label' || !releasesYear(verdict.label, column, context) || !isWritten)
    return redacted(type, context)
  return cellTransform('year', form, verdict.label.class, context)
}

type Structure = Extract<OutputShape, { kind: 'object' | 'elements' | 'fields' }>

function structureMasker(shape: Structure, type: ValueType, context: MaskContext): CellMasker | 'pass' {
  const mask = jsonMask(shape, context)
  if (mask.kind === 'pass') return 'pass'
  const form = formOf(type, context)
  const malformed = redacted(type, context)
  if (isJson(form) || (shape.kind === 'object' && holdsJsonText(form))) return jsonCellMasker(mask, form, malformed)
  if (form.kind === 'array' && shape.kind === 'elements') {
    const elementType = { ...type, typeOid: form.elementOid }
    return arrayMasker(form, valueMasker(innermost(shape, elementType, context), elementType, context), malformed)
  }
  const types = shape.kind === 'fields' ? fieldTypes(type.typeOid, context.typeOf) : undefined
  if (shape.kind !== 'fields' || types === undefined) {
    context.masked.add(UNPROVEN)
    return malformed
  }
  return compositeMasker(types, shape.fields, type, (field, of) => valueMasker(field, of, context), malformed)
}

/** In SQL an array of arrays is one array with more dimensions. */
function innermost(shape: Structure & { kind: 'elements' }, elementType: ValueType, context: MaskContext): OutputShape {
  const form = formOf(elementType, context)
  let { element } = shape
  while (element.kind === 'elements' && form.kind !== 'array' && !isJson(form)) element = element.element
  return element
}

function formOf(type: ValueType, { typeOf }: MaskContext): ValueForm {
  // Undefined for formats that do not exist only; `ValueType` has none.
  return valueForm(type, typeOf) ?? OTHER
}

const OTHER: ValueForm = { kind: 'other', binary: false, limit: undefined, elementOid: 0 }

function isJson({ kind }: ValueForm): boolean {
  return kind === 'json' || kind === 'jsonb'
}

/** JSON masked inside can be longer than it was, so a type with a limit does not hold it. */
function holdsJsonText(form: ValueForm): boolean {
  return isText(form) && form.limit === undefined
}
