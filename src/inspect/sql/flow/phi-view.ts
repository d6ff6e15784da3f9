import type { Catalog, CatalogColumn, CatalogRelation, PhiLabel, PhiView } from '../catalog.ts'

/** What is known of a column before its surroundings are looked at. */
export type ColumnLabel = PhiLabel | 'none' | 'unlabelled-mask' | 'unlabelled-pass'

/** What the operator says of a catalog. */
export interface Labels {
  /** `none` and `phi` were said of this very column; the others follow from what is done with unlabelled columns. */
  labelOf(relation: CatalogRelation, column: CatalogColumn): ColumnLabel
  /** As `schema.name`. */
  readonly trustedFunctions: ReadonlySet<string>
}

/**
 * Works out which columns of a catalog are PHI, from the labels.
 *
 * - A column of a table is PHI if its label says so, if it has none and such columns are masked, or if the same is true of the
 *   same-named column of a relation above or below it in an inheritance or partition tree (reading a parent reads its
 *   children), or of a column that it is generated from. It has the label of its own, else that of its namesakes above and
 *   below, if they have but one.
 * - A view or materialised view has PHI if it depends on a PHI column, directly or through other views, or calls functions
 *   that are not built in. One without any dependency reads system catalogs, if anything (those are not recorded), and which
 *   is not known either. A view that uses whole rows depends on every column of what it reads.
 * - Which columns of a view are PHI follows from its definition (`view-definition.ts`), unless they have labels. If the
 *   definition cannot be read and the view has PHI, all of them are.
 * - All columns of a relation with rewrite rules of its own are PHI: what a statement on it returns is not in its text.
 * - Labels can add PHI to tables; they can never take it away.
 */
export function buildPhiView(catalog: Catalog, labels: Labels): PhiView {
  const marking = new Marking(catalog)
  const labelledViewColumns = new Map<string, 'phi' | 'clear'>()
  for (const relation of catalog.relations) {
    const readable = isView(relation) && hasDefinition(relation)
    for (const column of relation.columns) {
      const label = labels.labelOf(relation, column)
      if (typeof label !== 'string') marking.label(relation, column, label)
      else if (label === 'unlabelled-mask' && !readable) marking.add(relation, column, 'unlabelled')
      if (!isView(relation)) continue
      if (label === 'none') labelledViewColumns.set(keyOf(relation, column), 'clear')
      else if (typeof label !== 'string') labelledViewColumns.set(keyOf(relation, column), 'phi')
    }
    if (relation.hasRules === true) marking.addAll(relation)
    if (isView(relation) && (relation.callsUserFunctions || relation.dependsOn.length === 0)) marking.addView(relation)
  }
  marking.spread()
  return {
    phiColumns: new Set(marking.columns.keys()),
    phiRelations: marking.relations,
    labels: marking.labels,
    labelledViewColumns,
    trustedFunctions: labels.trustedFunctions,
  }
}

export function isView(relation: CatalogRelation): boolean {
  return relation.kind === 'v' || relation.kind === 'm'
}

function hasDefinition({ definition }: CatalogRelation): boolean {
  return definition !== undefined && definition !== null
}

function keyOf(relation: CatalogRelation, column: CatalogColumn): string {
  return `${relation.oid}.${column.attnum}`
}

/** The label of a column; 'several' when those above and below it differ, which counts as none. */
type Found = PhiLabel | 'unlabelled' | 'several'

interface Reader {
  readonly view: CatalogRelation
  readonly attnum: number
}

/** A set of columns that grows along inheritance, generated columns and view dependencies until nothing changes. */
class Marking {
  readonly columns = new Map<string, Found>()
  readonly relations = new Set<number>()
  readonly #byOid: ReadonlyMap<number, CatalogRelation>
  readonly #children = new Map<number, CatalogRelation[]>()
  /** Views by the relations that they read. */
  readonly #readers = new Map<number, Reader[]>()
  readonly #queue: { readonly relation: CatalogRelation; readonly column: CatalogColumn }[] = []
  readonly #views: CatalogRelation[] = []
  readonly #own = new Set<string>()

  constructor(catalog: Catalog) {
    this.#byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]))
    for (const relation of catalog.relations) {
      for (const parent of relation.parents) append(this.#children, parent, relation)
      if (!isView(relation)) continue
      for (const { oid, attnum } of relation.dependsOn) {
        append(this.#readers, oid, { view: relation, attnum: relation.usesWholeRows === false ? attnum : 0 })
        // What a view reads but the snapshot does not hold cannot be proven free of PHI.
        if (!this.#byOid.has(oid) && oid >= FIRST_USER_OID) this.addView(relation)
      }
    }
  }

  get labels(): ReadonlyMap<string, PhiLabel> {
    return new Map(
      [...this.columns].flatMap(([key, found]) => (typeof found === 'string' ? [] : [[key, found] as const])),
    )
  }

  /** A label that speaks of this very column. */
  label(relation: CatalogRelation, column: CatalogColumn, label: PhiLabel): void {
    this.#own.add(keyOf(relation, column))
    this.#set(relation, column, label)
  }

  /** What columns above or below have to say. */
  add(relation: CatalogRelation, column: CatalogColumn, found: Found): void {
    const key = keyOf(relation, column)
    const known = this.columns.get(key)
    if (known === undefined) this.#set(relation, column, found)
    else if (known === found || found === 'unlabelled' || known === 'several' || this.#own.has(key)) return
    else this.#set(relation, column, known === 'unlabelled' ? found : 'several')
  }

  #set(relation: CatalogRelation, column: CatalogColumn, found: Found): void {
    this.columns.set(keyOf(relation, column), found)
    this.relations.add(relation.oid)
    this.#queue.push({ relation, column })
  }

  addAll(relation: CatalogRelation): void {
    this.relations.add(relation.oid)
    for (const column of relation.columns) this.add(relation, column, 'unlabelled')
  }

  addView(view: CatalogRelation): void {
    if (!hasDefinition(view)) this.addAll(view)
    if (this.#views.includes(view)) return
    this.relations.add(view.oid)
    this.#views.push(view)
  }

  spread(): void {
    this.#spreadColumns()
    // The list grows while it is walked: views over views.
    for (const view of this.#views) {
      for (const reader of this.#readers.get(view.oid) ?? []) this.addView(reader.view)
      this.#spreadColumns()
    }
  }

  #spreadColumns(): void {
    for (let entry = this.#queue.shift(); entry !== undefined; entry = this.#queue.shift()) {
      const { relation, column } = entry
      const found = this.columns.get(keyOf(relation, column)) ?? 'unlabelled'
      for (const relative of this.#relatives(relation)) {
        const twin = relative.columns.find(({ name }) => name === column.name)
        if (twin !== undefined) this.add(relative, twin, found)
      }
      for (const other of relation.columns) {
        // What is computed is no copy: the replacement of its source tells nothing of it.
        if (other.generatedFrom?.includes(column.attnum) === true) this.add(relation, other, 'unlabelled')
      }
      for (const { view, attnum } of this.#readers.get(relation.oid) ?? []) {
        if (attnum === 0 || attnum === column.attnum) this.addView(view)
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
