import type { TypeLookup } from '../../phi/value-form.ts'
import type { CellMasker } from '../plan.ts'
import { UNKNOWN_TYPE, type ValueType } from '../value-type.ts'
import { compositeBinaryMasker, type FieldMasker } from './composite-binary.ts'
import { compositeTextMasker } from './composite-text.ts'

const RECORD_OID = 2249
/** Domains over domains; longer chains are not followed. */
const MAX_DOMAIN_DEPTH = 32

/** The types of the fields, or that only the values tell them, as with an anonymous row; undefined when it is no row type. */
export function fieldTypes(typeOid: number, typeOf: TypeLookup | undefined): readonly number[] | 'unknown' | undefined {
  let oid = typeOid
  for (let depth = 0; depth < MAX_DOMAIN_DEPTH; depth += 1) {
    if (oid === RECORD_OID) return 'unknown'
    const type = typeOf?.(oid)
    if (type?.kind === 'c') return type.fields?.map((field) => field.typeOid) ?? 'unknown'
    if (type?.kind !== 'd') return undefined
    oid = type.baseOid
  }
  return undefined
}

/** Masks a row field by field; a row that cannot be read, or has another number of fields, is left to `malformed`. */
export function compositeMasker<Shape>(
  types: readonly number[] | 'unknown',
  shapes: readonly Shape[],
  { format }: ValueType,
  maskField: (shape: Shape, type: ValueType) => CellMasker | 'pass',
  malformed: CellMasker,
): CellMasker {
  if (types !== 'unknown' && types.length !== shapes.length) return malformed
  const typeOf = (i: number) => (types === 'unknown' ? UNKNOWN_TYPE : (types[i] ?? UNKNOWN_TYPE))
  if (format === 1)
    return compositeBinaryMasker(
      shapes.map((shape) => byType(shape, maskField)),
      malformed,
    )
  const fields = shapes.map((shape, i) => maskField(shape, { typeOid: typeOf(i), typmod: -1, format: 0 }))
  return compositeTextMasker(
    fields.map((field) => (field === 'pass' ? undefined : field)),
    malformed,
  )
}

/** In binary a row states the types of its fields itself. */
function byType<Shape>(shape: Shape, maskField: (shape: Shape, type: ValueType) => CellMasker | 'pass'): FieldMasker {
  const known = new Map<number, CellMasker | 'pass'>([[UNKNOWN_TYPE, () => null]])
  return (typeOid) => {
    let masker = known.get(typeOid)
    if (masker === undefined) {
      masker = maskField(shape, { typeOid, typmod: -1, format: 1 })
      known.set(typeOid, masker)
    }
    return masker
  }
}
