import type { Catalog, CatalogColumn, CatalogRelation, PhiView } from '../catalog.ts'

/**
 * Works out which columns of a catalog are PHI, from a predicate that knows the labels.
 *
 * - A column of a table is PHI if the predicate says so, or says so of the same-named column of a relation above or below
 *   it in an inheritance or partition tree: reading a parent reads its children.
 * - All columns of a view or materialised view are PHI if it depends on a PHI column, directly or through other views, or
 *   calls functions that are not built in, because which of its columns carry what is not known. A view that uses whole
 *   rows depends on every column of what it reads. One without any dependency reads system catalogs, if anything (those
 *   are not recorded), and which is not known either.
 * - All columns of a relation with rewrite rules of its own are PHI: what a statement on it returns is not in its text.
 * - For views too the predicate can add columns. It can never take one away.
 */
export function buildPhiView(
  catalog: Catalog,
  isPhi: (relation: CatalogRelation, column: CatalogColumn) => boolean,
): PhiView {
  const marking = new Marking(catalog)
  for (const relation of catalog.relations) {
    for (const column of relation.columns) if (isPhi(relation, column)) marking.add(relation, column)
    if (relation.hasRules === true) marking.addAll(relation)
    if (isView(relation) && (relation.callsUserFunctions || relation.dependsOn.length === 0)) marking.addAll(relation)
  }
  marking.spread()
  return { phiColumns: marking.columns, phiRelations: marking.relations }
}

function isView(relation: CatalogRelation): boolean {
  return relation.kind === 'v' || relation.kind === 'm'
}

/** A set of columns that grows along inheritance and view dependencies until nothing changes. */
class Marking {
  readonly columns = new Set<string>()
  readonly relations = new Set<number>()
  readonly #byOid: ReadonlyMap<number, CatalogRelation>
  readonly #children = new Map<number, CatalogRelation[]>()
  /** Views by the relations that they read. */
  readonly #readers = new Map<number, { readonly view: CatalogRelation; readonly attnum: number }[]>()
  readonly #queue: { readonly relation: CatalogRelation; readonly column: CatalogColumn }[] = []

  constructor(catalog: Catalog) {
    this.#byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]))
    for (const relation of catalog.relations) {
      for (const parent of relation.parents) append(this.#children, parent, relation)
      if (!isView(relation)) continue
      for (const { oid, attnum } of relation.dependsOn) {
        append(this.#readers, oid, { view: relation, attnum: relation.usesWholeRows === false ? attnum : 0 })
        // What a view reads but the snapshot does not hold cannot be proven free of PHI.
        if (!this.#byOid.has(oid) && oid >= FIRST_USER_OID) this.addAll(relation)
      }
    }
  }

  add(relation: CatalogRelation, column: CatalogColumn): void {
    const key = `${relation.oid}.${column.attnum}`
    if (this.columns.has(key)) return
    this.columns.add(key)
    this.relations.add(relation.oid)
    this.#queue.push({ relation, column })
  }

  addAll(relation: CatalogRelation): void {
    this.relations.add(relation.oid)
    for (const column of relation.columns) this.add(relation, column)
  }

  spread(): void {
    for (let entry = this.#queue.pop(); entry !== undefined; entry = this.#queue.pop()) {
      const { relation, column } = entry
      for (const relative of this.#relatives(relation)) {
        const twin = relative.columns.find(({ name }) => name === column.name)
        if (twin !== undefined) this.add(relative, twin)
      }
      for (const { view, attnum } of this.#readers.get(relation.oid) ?? []) {
        if (attnum === 0 || attnum === column.attnum) this.addAll(view)
      }
    }
  }

  /** Direct parents and children: the queue carries on from them. */
  #relatives(relation: CatalogRelation): readonly CatalogRelation[] {
    const parents = relation.parents.flatMap((oid) => this.#byOid.get(oid) ?? [])
    return [...parents, ...(this.#children.get(relation.oid) ?? [])]
  }
}

/** FirstNormalObjectId (src/include/access/transam.h): smaller ones belong to initdb. */
const FIRST_USER_OID = 16_384

function append<T>(map: Map<number, T[]>, key: number, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
