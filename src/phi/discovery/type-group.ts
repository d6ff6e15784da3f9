import type { CatalogType } from '../../inspect/sql/catalog.ts'
import { BUILTIN_ARRAYS } from '../builtin-types.ts'

/** What sort of value a column holds, as far as it says something about identifiers. Of an array: its elements. */
export type TypeGroup =
  | 'text'
  | 'date' // and ranges of dates
  | 'time'
  | 'interval'
  | 'integer'
  | 'number'
  | 'uuid'
  | 'network'
  | 'mac'
  | 'document' // json, jsonb, xml, hstore, tsvector: any text may be inside
  | 'bytes'
  | 'boolean'
  | 'enum' // values that the schema lists
  | 'composite'
  | 'geometry'
  | 'other'

/** pg_type.oid of built-in types (src/include/catalog/pg_type.dat; stable across versions). */
const BUILTIN: ReadonlyMap<number, TypeGroup> = new Map(
  (
    [
      ['boolean', [16]],
      ['bytes', [17]],
      ['text', [18, 19, 25, 1042, 1043]],
      ['integer', [20, 21, 23]],
      ['number', [700, 701, 790, 1700]],
      ['document', [114, 142, 3802, 3614]],
      ['date', [1082, 1114, 1184, 3908, 3910, 3912, 4533, 4534, 4535]],
      ['time', [1083, 1266]],
      ['interval', [1186]],
      ['uuid', [2950]],
      ['network', [650, 869]],
      ['mac', [774, 829]],
      ['geometry', [600, 601, 602, 603, 604, 628, 718]],
    ] satisfies readonly (readonly [TypeGroup, readonly number[]])[]
  ).flatMap(([group, oids]) => oids.map((oid) => [oid, group] as const)),
)

/** json and jsonb: the documents whose members can be labelled. */
export const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802])

/** Types of extensions, by name: PostgreSQL gives them another oid in every database. */
const BY_NAME: ReadonlyMap<string, TypeGroup> = new Map([
  ['citext', 'text'],
  ['hstore', 'document'],
  ['geometry', 'geometry'],
  ['geography', 'geometry'],
])

export interface ColumnType {
  readonly group: TypeGroup
  /** pg_type.oid behind domains and arrays. */
  readonly oid: number
  readonly array: boolean
  /** Names of the fields of a composite type. */
  readonly fields: readonly string[]
}

/** Domains nest, and arrays of domains of arrays exist. */
const MAX_STEPS = 16

/** Looks through domains and arrays. */
export function columnType(typeOid: number, userTypes: ReadonlyMap<number, CatalogType>): ColumnType {
  let oid = typeOid
  let array = false
  for (let step = 0; step < MAX_STEPS; step++) {
    const element = BUILTIN_ARRAYS.get(oid)
    const user = userTypes.get(oid)
    if (element !== undefined) array = true
    else if (user === undefined || user.baseOid === 0) break
    else array ||= user.kind !== 'd'
    oid = element ?? user?.baseOid ?? 0
  }
  const user = userTypes.get(oid)
  const fields = user?.fields?.map(({ name }) => name) ?? []
  return { group: BUILTIN.get(oid) ?? userGroup(user), oid, array, fields }
}

function userGroup(type: CatalogType | undefined): TypeGroup {
  if (type?.kind === 'e') return 'enum'
  if (type?.kind === 'c') return 'composite'
  return BY_NAME.get(type?.name ?? '') ?? 'other'
}
