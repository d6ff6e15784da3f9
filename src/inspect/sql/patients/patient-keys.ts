import type { CatalogRelation, PhiView } from '../catalog.ts'
import type { PatientKeyForm } from '../facts.ts'

/** A column that holds the key of a row's patient, as the configuration names it. */
export interface PatientKeyName {
  readonly schema: string
  readonly table: string
  readonly column: string
}

const FORMS: ReadonlyMap<number, PatientKeyForm> = new Map([
  [20, 'integer'],
  [21, 'integer'],
  [23, 'integer'],
  [25, 'text'],
  [1043, 'text'],
  [2950, 'uuid'],
])

/** How values of a type (pg_type.oid) are told apart; undefined where equal values have several spellings: bpchar, numeric, citext. */
export function keyFormOf(typeOid: number): PatientKeyForm | undefined {
  return FORMS.get(typeOid)
}

/**
 * The key columns of every relation of a catalog. Relations above and below in an inheritance or partition tree have the
 * same keys, because reading a parent reads its children; one that lacks the column has a key that nothing can bind.
 */
export function patientKeysOf(
  relations: readonly CatalogRelation[],
  names: readonly PatientKeyName[],
): NonNullable<PhiView['patientKeys']> {
  const keys = new Map<number, Set<string>>()
  const own = new Map(names.map((name) => [JSON.stringify([name.schema, name.table]), new Set<string>()]))
  for (const { schema, table, column } of names) own.get(JSON.stringify([schema, table]))?.add(column)
  const family = familyOf(relations)
  for (const relation of relations) {
    const columns = own.get(JSON.stringify([relation.schema, relation.name]))
    if (columns === undefined) continue
    for (const member of family(relation.oid)) {
      const known = keys.get(member) ?? new Set()
      keys.set(member, known)
      for (const column of columns) known.add(column)
    }
  }
  return keys
}

/** A relation with all that is above and below it. */
function familyOf(relations: readonly CatalogRelation[]): (oid: number) => ReadonlySet<number> {
  const children = new Map<number, number[]>()
  const parents = new Map(relations.map((relation) => [relation.oid, relation.parents]))
  for (const { oid, parents: above } of relations)
    for (const parent of above) children.set(parent, [...(children.get(parent) ?? []), oid])
  return (oid) =>
    new Set([...along(oid, (one) => parents.get(one) ?? []), ...along(oid, (one) => children.get(one) ?? [])])
}

function along(start: number, next: (oid: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set([start])
  for (const oid of seen) for (const one of next(oid)) seen.add(one)
  return seen
}
