import { hash } from 'node:crypto'
import type { Catalog, CatalogRelation, CatalogRoutine, CatalogType, SqlRoutine } from '../../inspect/sql/catalog.ts'
import { catalogQuery } from './catalog-query.ts'
import type { TargetClient } from './target-client.ts'

/**
 * With an empty search_path the server qualifies every name that it prints. To print a view it locks what the view reads, which a
 * transaction with an ALTER TABLE keeps until it ends: and that one may be waiting for this very catalog. For the rest of
 * the transaction only.
 */
const SETTINGS = `select pg_catalog.set_config('lock_timeout', '1s', true), pg_catalog.set_config('search_path', '', true);`

interface RoutineDocument extends Omit<CatalogRoutine, 'sql'> {
  readonly sql: SqlDocument | null
}

/** Of pg_proc, as it is. */
interface SqlDocument {
  /** Null when it was not asked for. */
  readonly body: string | null
  readonly parsed: boolean
  /** Null when all arguments are IN. */
  readonly modes: readonly ('i' | 'o' | 'b' | 'v' | 't')[] | null
  readonly names: readonly string[] | null
  /** Of input arguments. */
  readonly types: readonly number[]
  /** Of all arguments; null when they are the input arguments. */
  readonly allTypes: readonly number[] | null
  readonly defaults: number
  readonly defaultValues: string | null
  readonly variadic: boolean
  readonly returnType: number
  readonly returnsSet: boolean
  readonly volatility: 'i' | 's' | 'v'
  readonly settings: readonly string[]
}

interface TypeDocument extends Omit<CatalogType, 'fields' | 'version'> {
  readonly fields: NonNullable<CatalogType['fields']> | null
  readonly version: string | null
}

interface CatalogDocument {
  readonly version: number
  readonly code: string
  readonly relations: readonly CatalogRelation[]
  readonly constraints: readonly string[]
  readonly unusableSchemas: readonly string[]
  readonly userFunctions: readonly RoutineDocument[]
  readonly userOperators: readonly CatalogRoutine[]
  readonly userTypes: readonly TypeDocument[]
}

/** Reads the catalog over a connection of the gateway's own. */
export async function loadCatalog(client: TargetClient): Promise<Catalog> {
  const text = await readCatalogText(client)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query makes exactly this document
  const document = JSON.parse(text) as CatalogDocument
  return Object.freeze({
    epoch: hash('sha256', text, 'hex'),
    serverMajor: Math.floor(document.version / 10_000),
    code: document.code,
    relations: document.relations,
    constraints: document.constraints,
    unusableSchemas: document.unusableSchemas,
    userFunctions: document.userFunctions.map(routineOf),
    userOperators: document.userOperators,
    userTypes: typesOf(document),
  })
}

/**
 * What is dropped, or stays locked, while its text is printed fails the query. When it does so again, views and functions have
 * no text for now.
 */
async function readCatalogText(client: TargetClient): Promise<string> {
  const whole = SETTINGS + catalogQuery('with-texts')
  for (let attempt = 1; attempt <= 2; attempt++) {
    const answer = await client.ask(whole)
    if ('rows' in answer) return answer.rows[0]?.[0] ?? '{}'
  }
  const rows = await client.query(SETTINGS + catalogQuery('without-texts'))
  return rows[0]?.[0] ?? '{}'
}

function routineOf({ sql, ...routine }: RoutineDocument): CatalogRoutine {
  const known = sql === null ? undefined : sqlRoutine(sql)
  return known === undefined ? routine : { ...routine, sql: known }
}

function sqlRoutine(sql: SqlDocument): SqlRoutine | undefined {
  if (sql.body === null) return undefined
  const all = (sql.allTypes ?? sql.types).map((type, at) => ({
    type,
    mode: sql.modes?.[at] ?? 'i',
    name: sql.names?.[at] ?? '',
  }))
  const inputs = all.filter(({ mode }) => mode !== 'o' && mode !== 't')
  const outputs = all.filter(({ mode }) => mode === 'o' || mode === 'b' || mode === 't')
  return {
    body: sql.body,
    parsed: sql.parsed,
    argumentNames: inputs.map(({ name }) => name),
    argumentTypes: sql.types,
    defaults: sql.defaults,
    ...(sql.defaultValues === null ? {} : { defaultValues: sql.defaultValues }),
    variadic: sql.variadic,
    outputNames: outputs.map(({ name }) => name),
    outputTypes: outputs.map(({ type }) => type),
    returnType: sql.returnType,
    returnsSet: sql.returnsSet,
    volatility: sql.volatility,
    settings: sql.settings,
  }
}

/** The fields of a relation's row type are its columns. */
function typesOf({ userTypes, relations }: CatalogDocument): readonly CatalogType[] {
  const columnsOf = new Map(relations.map(({ rowTypeOid, columns }) => [rowTypeOid, columns]))
  return userTypes.map(({ fields, version, ...type }) => {
    const known = fields ?? (type.kind === 'c' ? columnsOf.get(type.oid) : undefined)
    return {
      ...type,
      ...(known === undefined ? {} : { fields: known.map(({ name, typeOid }) => ({ name, typeOid })) }),
      ...(version === null ? {} : { version }),
    }
  })
}
