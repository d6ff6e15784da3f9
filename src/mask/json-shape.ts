import { assertNever } from '../lib/assert-never.ts'
import type { DocumentNode } from '../phi/document.ts'
import type { Label } from '../phi/labels.ts'
import { type ValueForm, type ValueKind, valueForm } from '../phi/value-form.ts'
import { cellTransform } from '../phi/cell-transform.ts'
import { isPlainName } from '../phi/transforms/detected-text.ts'
import {
  HIDDEN_OBJECT,
  type JsonLeaf,
  type JsonMask,
  type JsonReplacer,
  MemberNames,
  PASS,
  REDACTED_WHOLE,
} from './json/json-mask.ts'
import { clearsAll, type MaskContext, noteClasses, UNPROVEN } from './mask-context.ts'
import type { OutputShape, StoredColumn } from '../inspect/sql/facts.ts'
import { type ColumnVerdict, judgeColumn, judgeNode, releasesYear } from './stored-column.ts'
import { isNumberForm } from './value-type.ts'

const JSON_OID = 114
const TEXT_FORM: ValueForm = { kind: 'text', binary: false, limit: undefined, elementOid: 0 }
const NUMERIC_FORM: ValueForm = { ...TEXT_FORM, kind: 'numeric' }
const INT8_FORM: ValueForm = { ...TEXT_FORM, kind: 'int8' }
const NULL = Buffer.from('null')
const NO_MEMBERS = new MemberNames([])

/** How a JSON value of this shape is masked. `PASS` when nothing of it changes. */
export function jsonMask(shape: OutputShape, context: MaskContext): JsonMask {
  switch (shape.kind) {
    case 'clean':
      return PASS
    case 'whole':
      if (clearsAll(shape.classes, context)) return PASS
      noteClasses(shape.classes, context)
      return REDACTED_WHOLE
    case 'column':
      return columnMask(shape, context)
    case 'year':
      return yearMask(shape.column, context)
    case 'object': {
      const members = shape.members.map(([name, member]) => [name, jsonMask(member, context)] as const)
      const rest = jsonMask(shape.rest, context)
      if (rest.kind === 'pass' && members.every(([, mask]) => mask.kind === 'pass')) return PASS
      return { kind: 'object', members: new MemberNames(members), rest, hidesNames: false, scalar: REDACTED_WHOLE }
    }
    case 'elements': {
      const element = jsonMask(shape.element, context)
      return element.kind === 'pass' ? PASS : { kind: 'elements', element }
    }
    case 'fields': {
      const items = shape.fields.map((field) => jsonMask(field, context))
      return items.every(({ kind }) => kind === 'pass') ? PASS : { kind: 'items', items }
    }
    default:
      return assertNever(shape)
  }
}

/** How JSON is masked that is a copy of a stored column, or of a part of a document. */
function columnMask(column: StoredColumn, context: MaskContext): JsonMask {
  const typeOid = column.path.length === 0 ? column.typeOid : JSON_OID
  return verdictMask(judgeColumn(column, context), typeOid, context)
}

/** @param typeOid of the stored value that the JSON stands for. */
export function verdictMask(verdict: ColumnVerdict, typeOid: number, context: MaskContext): JsonMask {
  switch (verdict.kind) {
    case 'pass':
      return PASS
    case 'label':
      return searchedMask(verdict.label, typeOid, context) ?? labelMask(verdict.label, typeOid, context)
    case 'members': {
      const { label, members } = verdict
      const below = (node: DocumentNode) => verdictMask(judgeNode(node, label, context), JSON_OID, context)
      const rest = below(members.others)
      return {
        kind: 'object',
        members: new MemberNames([...members.members].map(([name, node]) => [name, below(node)])),
        rest,
        hidesNames: rest.kind !== 'pass',
        // Who is cleared for the whole but not for a part must not find the part where it does not belong.
        scalar: context.clears(label.class) ? REDACTED_WHOLE : labelMask(label, JSON_OID, context),
      }
    }
    case 'unproven':
      return REDACTED_WHOLE
    default:
      return assertNever(verdict)
  }
}

/** A document that is searched keeps its structure: each of its leaves is searched by itself. Undefined under other labels. */
function searchedMask(label: Label, typeOid: number, context: MaskContext): JsonMask | undefined {
  const { transform } = label
  if (typeof transform === 'string' || transform.kind !== 'detect') return undefined
  const mask: JsonMask = {
    kind: 'object',
    members: NO_MEMBERS,
    get rest() {
      return mask
    },
    hidesNames: (source, start, end) => !isPlainName(source, start, end, transform),
    scalar: { ...labelMask(label, typeOid, context), keepsBooleans: true },
  }
  return mask
}

/** Scalars as the label replaces them; the elements of an array likewise, since how many there are is no secret of theirs. */
function labelMask(label: Label, typeOid: number, context: MaskContext): JsonLeaf {
  const form = scalarForm(typeOid, context)
  return {
    kind: 'leaf',
    string: cellTransform(label.transform, form ?? TEXT_FORM, label.class, context),
    number: numberReplacer(label, form, context),
    object: label.transform === 'null' ? NULL : HIDDEN_OBJECT,
    array: 'each',
  }
}

/** The form of what PostgreSQL writes for a value of a type in JSON; undefined for JSON itself and for types that no transform knows. */
function scalarForm(typeOid: number, { typeOf }: MaskContext): ValueForm | undefined {
  const textForm = (oid: number) => valueForm({ typeOid: oid, typmod: -1, format: 0 }, typeOf)
  const own = textForm(typeOid)
  const form = own?.kind === 'array' ? textForm(own.elementOid) : own
  return form === undefined || UNTRANSFORMED.has(form.kind) ? undefined : form
}

const UNTRANSFORMED: ReadonlySet<ValueKind> = new Set(['json', 'jsonb', 'array', 'other'])

function numberReplacer(label: Label, form: ValueForm | undefined, context: MaskContext): JsonReplacer {
  const transform = (of: ValueForm) => cellTransform(label.transform, of, label.class, context)
  if (form !== undefined && isNumberForm(form)) return transform(form)
  // What is found in its digits decides; what is no number any more becomes null.
  if (typeof label.transform !== 'string' && label.transform.kind === 'detect') return transform(TEXT_FORM)
  const number = transform(NUMERIC_FORM)
  // A token that is not there yet must not be asked for in another form.
  if (label.transform === 'token') return number
  // JSON does not tell integers from other numbers, but some transforms are for integers only.
  const integer = transform(INT8_FORM)
  return (source, start, end) => number(source, start, end) ?? integer(source, start, end)
}

function yearMask(column: StoredColumn, context: MaskContext): JsonMask {
  const verdict = judgeColumn(column, context)
  if (verdict.kind === 'pass') return PASS
  if (verdict.kind !== 'label' || !releasesYear(verdict.label, column, context)) {
    context.masked.add(UNPROVEN)
    return REDACTED_WHOLE
  }
  const { label } = verdict
  return { ...REDACTED_WHOLE, number: cellTransform('year', NUMERIC_FORM, label.class, context) }
}
