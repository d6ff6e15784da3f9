import type { Catalog, CatalogRelation } from '../../inspect/sql/catalog.ts'
import { NOT_PHI } from '../classes.ts'
import type { LabelSet } from '../labels.ts'

export interface TableCoverage {
  readonly schema: string
  readonly table: string
  /** Columns with a PHI class, reviewed and free of PHI, without a label. Partitions have the labels of their parents. */
  readonly labelled: number
  readonly none: number
  readonly unlabelled: readonly string[]
  /** Of a view: columns that nobody has labelled, and that its definition decides. */
  readonly derived: number
}

/** Relation kinds with rows of their own (pg_class.relkind): tables, partitioned and foreign tables; then views. */
const TABLES: ReadonlySet<string> = new Set(['r', 'p', 'f'])
const VIEWS: ReadonlySet<string> = new Set(['v', 'm'])

/** What of a target is labelled, relation by relation, sorted by name. */
export function coverageOf({ relations }: Catalog, labels: LabelSet): readonly TableCoverage[] {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
  return relations
    .filter(({ kind, schema }) => (TABLES.has(kind) || VIEWS.has(kind)) && !schema.startsWith('pg_temp'))
    .map((relation) => coverageOfRelation(relation, byOid, labels))
    .toSorted((a, b) => compare(a.schema, b.schema) || compare(a.table, b.table))
}

function coverageOfRelation(
  relation: CatalogRelation,
  byOid: ReadonlyMap<number, CatalogRelation>,
  labels: LabelSet,
): TableCoverage {
  const view = VIEWS.has(relation.kind)
  const labelOf = (one: CatalogRelation, column: string) =>
    view ? labels.labelOfView(one.schema, one.name, column) : labels.labelOf(one.schema, one.name, column)
  const family = [relation, ...ancestors(relation, byOid)]
  const found = relation.columns.map(({ name }) => ({
    name,
    label:
      family
        .filter(({ columns }) => columns.some((column) => column.name === name))
        .map((one) => labelOf(one, name))
        .find((label) => label !== 'unlabelled') ?? 'unlabelled',
  }))
  const open = found.filter(({ label }) => label === 'unlabelled').map(({ name }) => name)
  return {
    schema: relation.schema,
    table: relation.name,
    labelled: found.filter(({ label }) => label !== 'unlabelled' && label !== NOT_PHI).length,
    none: found.filter(({ label }) => label === NOT_PHI).length,
    unlabelled: view ? [] : open,
    derived: view ? open.length : 0,
  }
}

/** Labels whose pattern matches no column of the catalog; `*` stands for every table or column. */
export function labelsOfNothing<
  Named extends { readonly schema: string; readonly table: string; readonly column: string },
>({ relations }: Catalog, labels: readonly Named[]): readonly Named[] {
  return labels.filter(
    ({ schema, table, column }) =>
      !relations.some(
        (relation) =>
          relation.schema === schema &&
          (table === '*' ||
            (relation.name === table && (column === '*' || relation.columns.some(({ name }) => name === column)))),
      ),
  )
}

/** Nearest first; every relation once, so that a damaged catalog with a cycle ends too. */
function ancestors(relation: CatalogRelation, byOid: ReadonlyMap<number, CatalogRelation>): readonly CatalogRelation[] {
  const seen = new Set([relation.oid])
  const queue = [...relation.parents]
  const found: CatalogRelation[] = []
  for (const oid of queue) {
    const parent = byOid.get(oid)
    if (parent === undefined || seen.has(oid)) continue
    seen.add(oid)
    found.push(parent)
    queue.push(...parent.parents)
  }
  return found
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
