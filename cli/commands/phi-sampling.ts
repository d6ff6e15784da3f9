import { refusalOf } from '../../src/compose/target-probe.ts'
import type { Catalog, CatalogRelation } from '../../src/inspect/sql/catalog.ts'
import { examineValues } from '../../src/phi/discovery/examine.ts'
import type { ExaminedColumn, ExaminedTable } from '../../src/phi/discovery/propose.ts'
import type { ForeignKey } from '../../src/phi/discovery/table-subject.ts'
import { type ColumnType, columnType, JSON_TYPES } from '../../src/phi/discovery/type-group.ts'
import { quotedName } from '../../src/protocols/postgres/quoted-name.ts'
import type { TargetClient } from '../../src/protocols/postgres/target-client.ts'

export interface Sampling {
  readonly tables: readonly ExaminedTable[]
  readonly foreignKeys: readonly ForeignKey[]
  /** Relations and columns of which no value was looked at, or not all were; names and types count all the same. */
  readonly skipped: readonly { readonly schema: string; readonly table: string; readonly reason: string }[]
}

interface TableFacts {
  readonly oid: number
  readonly pages: number
  readonly rows: number
  readonly usable: boolean
  readonly readable: readonly number[]
  readonly primaryKey: readonly number[]
}

interface Metadata {
  readonly tables: readonly TableFacts[]
  readonly foreignKeys: readonly ForeignKey[]
}

const METADATA = `
with rel as (
  select c.oid, c.relnamespace, c.relpages, c.reltuples from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast|temp)'
)
select pg_catalog.json_build_object(
  'tables', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', rel.oid::bigint, 'pages', rel.relpages, 'rows', rel.reltuples,
    'usable', pg_catalog.has_schema_privilege(rel.relnamespace, 'usage'),
    'readable', coalesce((select pg_catalog.json_agg(a.attnum) from pg_catalog.pg_attribute a where a.attrelid = rel.oid
      and a.attnum > 0 and not a.attisdropped and pg_catalog.has_column_privilege(rel.oid, a.attnum, 'select')), '[]'),
    'primaryKey', coalesce((select pg_catalog.to_json(conkey) from pg_catalog.pg_constraint
      where conrelid = rel.oid and contype = 'p'), '[]'))) from rel), '[]'),
  'foreignKeys', coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object('from', conrelid::bigint, 'fromColumns', conkey,
    'to', confrelid::bigint, 'toColumns', confkey)) from pg_catalog.pg_constraint where contype = 'f'), '[]')
)::text`

const MAX_ROWS = 200
const MAX_TEXT = 4_096
/** A document that is cut off cannot be read. */
const MAX_JSON = 65_536
/** Enough to see what sort of file it is. */
const MAX_BYTES = 160
/** Stored size (pg_column_size) of a value that is worth reading for that. */
const MAX_STORED = 1_048_576
/** So that an answer stays small in memory however wide the table is. */
const COLUMNS_AT_ONCE = 20
/** The server's own time-out comes first; this is for one that does not answer at all. */
const QUERY_TIMEOUT_MS = 30_000
/** Pages of a table that can be read whole: 8 MB. */
const SMALL_TABLE = 1_000

/**
 * Looks at up to 200 rows of every table: what comes back are counts, and the values are gone. Views are left out, because
 * their definitions say what they hold; so are partitions, which have the labels of their parents.
 */
export async function sampleTarget(
  client: TargetClient,
  abort: () => void,
  catalog: Catalog,
  onTable: (name: string, index: number, of: number) => void,
): Promise<Sampling> {
  const ask = impatient(client, abort)
  const [[text] = []] = await ask(METADATA)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query above makes exactly this document
  const metadata = JSON.parse(text ?? '{}') as Metadata
  const facts = new Map(metadata.tables.map((table) => [table.oid, table]))
  const types = new Map(catalog.userTypes.map((type) => [type.oid, type]))
  const relations = catalog.relations.filter(({ oid }) => facts.has(oid)).map(withoutInherited(catalog))
  const tables: ExaminedTable[] = []
  const skipped: Sampling['skipped'][number][] = []
  for (const [index, relation] of relations.entries()) {
    const { oid, schema, name } = relation
    if (relation.columns.length === 0) continue
    onTable(`${schema}.${name}`, index, relations.length)
    const columns = relation.columns.map((column) => ({ ...column, type: columnType(column.typeOid, types) }))
    const table = facts.get(oid)
    const examined: ExaminedColumn[] = []
    for (const some of chunks(columns, COLUMNS_AT_ONCE)) {
      const { values, reason } = await sampleColumns(ask, relation, table, some)
      examined.push(
        ...some.map(({ attnum, name: column, type }, at) => ({
          attnum,
          name: column,
          type,
          evidence: examineValues(values[at] ?? [], type),
        })),
      )
      if (reason !== undefined && skipped.at(-1)?.table !== name) skipped.push({ schema, table: name, reason })
    }
    tables.push({ oid, schema, name, primaryKey: table?.primaryKey ?? [], columns: examined })
  }
  return { tables, foreignKeys: metadata.foreignKeys, skipped }
}

/** Inherited columns have the labels of the parent's, whose sample has the rows of its children. */
function withoutInherited({ relations }: Catalog): (relation: CatalogRelation) => CatalogRelation {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
  return (relation) => {
    const inherited = new Set(relation.parents.flatMap((oid) => byOid.get(oid)?.columns.map(({ name }) => name) ?? []))
    return { ...relation, columns: relation.columns.filter(({ name }) => !inherited.has(name)) }
  }
}

type Ask = TargetClient['query']

function impatient(client: TargetClient, abort: () => void): Ask {
  return async (sql) => {
    const deadline = setTimeout(abort, QUERY_TIMEOUT_MS)
    try {
      return await client.query(sql)
    } finally {
      clearTimeout(deadline)
    }
  }
}

interface TypedColumn {
  readonly attnum: number
  readonly name: string
  readonly type: ColumnType
}

interface Sample {
  /** By column, NULLs left out. */
  readonly values: readonly (readonly string[])[]
  readonly reason?: string
}

async function sampleColumns(
  ask: Ask,
  relation: CatalogRelation,
  table: TableFacts | undefined,
  columns: readonly TypedColumn[],
): Promise<Sample> {
  if (relation.kind === 'f') return { values: [], reason: 'a foreign table: its rows are on another server' }
  if (table?.usable !== true) return { values: [], reason: 'no right to use its schema' }
  const readable = columns.filter(({ attnum }) => table.readable.includes(attnum))
  const rights = readable.length === columns.length ? {} : { reason: 'no right to read all of its columns' }
  if (readable.length === 0) return { values: [], ...rights }
  try {
    let rows = await ask(sampleQuery(relation, readable, sampleClause(relation, table)))
    // By chance, or because its pages are empty.
    if (rows.length === 0) rows = await ask(sampleQuery(relation, readable, ''))
    const values = columns.map((column) => {
      const at = readable.indexOf(column)
      return rows.map((row) => row[at]).filter((value) => typeof value === 'string')
    })
    return { values, ...rights }
  } catch (thrown) {
    return { values: [], reason: refusalOf(thrown) }
  }
}

/**
 * TABLESAMPLE (documentation, SELECT) of a few more rows than wanted, from all over the table: row by row where reading all
 * of it is cheap, else by pages.
 */
function sampleClause({ kind }: CatalogRelation, { pages, rows }: TableFacts): string {
  const wanted = 1.25 * MAX_ROWS
  if (kind !== 'r' || rows <= wanted) return ''
  const small = pages < SMALL_TABLE
  const share = small ? wanted / rows : Math.max(10, (wanted * pages) / rows) / pages
  return ` tablesample pg_catalog.${small ? 'bernoulli' : 'system'} (${(100 * Math.min(1, share)).toFixed(6)}) repeatable (1)`
}

function sampleQuery({ schema, name }: CatalogRelation, columns: readonly TypedColumn[], sample: string): string {
  const list = columns
    .map(({ attnum, name: column, type }) => `${valueOf(quotedName(column), type)} as c${attnum}`)
    .join(', ')
  return `select ${list} from ${quotedName(schema)}.${quotedName(name)}${sample} limit ${MAX_ROWS}`
}

/** By the output function of the type and not by a cast to text, which a user may have defined. */
function valueOf(column: string, { group, oid, array }: ColumnType): string {
  const text =
    group === 'bytes' && !array
      ? `pg_catalog.format('%s', pg_catalog.substr(${column}, 1, ${MAX_BYTES}))`
      : `pg_catalog.left(pg_catalog.format('%s', ${column}), ${JSON_TYPES.has(oid) ? MAX_JSON : MAX_TEXT})`
  return `case when pg_catalog.pg_column_size(${column}) operator(pg_catalog.<=) ${MAX_STORED} then ${text} end`
}

function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size))
}
