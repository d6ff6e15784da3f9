import { ChaperoneError } from '../../lib/errors.ts'
import type { CatalogExpectation } from '../protocol.ts'
import {
  FIRST_USER_OID,
  functionVersion,
  type Looked,
  operatorVersion,
  type Outdated,
  relationVersion,
} from './catalog-version.ts'
import { encodeBind, encodeClose, encodeExecute, encodeParse } from './encode.ts'
import { quotedName } from './quoted-name.ts'

/**
 * The gateway's own question to a target, asked in the transaction of a masked statement once that one holds its locks and
 * before it runs: is the catalog still what the statement was analysed against? Where it is not, the question fails, and so
 * the server itself passes over the statement, as it passes over everything up to Sync after an error. See
 * docs/adr/0005-catalog-check.md.
 */

/** Names that begin so belong to the gateway: a client that could replace the question would answer it, too. */
const RESERVED_PREFIX = '_chaperone_'

export const isReservedName = (name: string): boolean => name.startsWith(RESERVED_PREFIX)

/** The portal, and the start of the names of the statements. */
const CHECK = `${RESERVED_PREFIX}check`
const LOCK_STATEMENT = `${RESERVED_PREFIX}lock`

/**
 * Under REPEATABLE READ and above a query sees the catalog as of its transaction's snapshot, the parser as it is now. There,
 * each row must be the newest of its kind: currtid2 follows a row to its latest version.
 */
const outdated: Outdated = (catalog, row) =>
  `case when p.committed then 0
    when pg_catalog.currtid2('pg_catalog.${catalog}', ${row}.ctid) operator(pg_catalog.=) ${row}.ctid then 0 else 1 end`

/**
 * The planner takes children and partitions of now as well, and a parent's row of pg_class need not change for one more. The
 * functions about partitions look at the catalog of now; for other parents there is none, so that these are not used there.
 */
const UNSEEN_CHILDREN = `(select pg_catalog.count(*) from (select pg_catalog.unnest(p.relations)) u (oid)
    join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) u.oid
    where not p.committed and c.relhassubclass and case when c.relkind operator(pg_catalog.=) 'p'
      then exists (select from pg_catalog.pg_partition_tree(c.oid::pg_catalog.regclass) t
        where t.level operator(pg_catalog.>) 0 and not exists (select from pg_catalog.pg_inherits i
          where i.inhrelid operator(pg_catalog.=) t.relid and i.inhparent operator(pg_catalog.=) t.parentrelid))
      else true end)`

type Value = (expectation: CatalogExpectation) => string

/** What every question has: columns of `p`, their types, and their values. */
const COMMON: readonly (readonly [string, string, Value])[] = [
  ['relations', '_oid', ({ relations }) => arrayOf(relations.map(String))],
  ['version', 'numeric', ({ version }) => version],
  ['names', '_text', (expectation) => arrayOf(namesOf(expectation).map(([name]) => name))],
  ['oids', '_int8', (expectation) => arrayOf(namesOf(expectation).map(([, oid]) => String(oid ?? 0)))],
  ['search_paths', '_text', ({ searchPaths }) => arrayOf(searchPaths.map((path) => path.replaceAll(/[" ]/g, '')))],
  ['role', 'name', ({ role }) => role],
]

/** Parts that most statements do without: the server prepares each part of a plan every time, whether or not it comes to it. */
interface Parts {
  readonly looked: Looked
  readonly functions: boolean
  readonly operators: boolean
}

/** A question of one kind, prepared under a name of its own. */
export interface CheckStatement {
  readonly name: string
  /** Prepares it anew, whether or not the session has it. */
  readonly prepare: Buffer
  readonly values: readonly Value[]
}

function checkStatement({ looked, functions, operators }: Parts): CheckStatement {
  const columns = [
    ...COMMON,
    ...(functions ? ([['functions', '_name', (one) => arrayOf(one.functions)]] as typeof COMMON) : []),
    ...(operators ? ([['operators', '_name', (one) => arrayOf(one.operators)]] as typeof COMMON) : []),
  ]
  const versions = [
    `coalesce((select pg_catalog.sum(${relationVersion('u.oid', outdated, looked)}) from (select pg_catalog.unnest(p.relations)) u (oid)), 0)`,
    ...(looked === 'whole' ? [UNSEEN_CHILDREN] : []),
    ...(functions ? [functionVersion('r.proname operator(pg_catalog.=) any (p.functions)', outdated)] : []),
    ...(operators ? [operatorVersion('r.oprname operator(pg_catalog.=) any (p.operators)', outdated)] : []),
  ]
  // OFFSET hides the parameters from the planner: a plan for all values costs what one for these would, so it is made once.
  const text = `select from (select ${columns.map(([, type], at) => `$${at + 1}::pg_catalog.${type}`).join(', ')},
    pg_catalog.current_setting('transaction_isolation') operator(pg_catalog.=) 'read committed' offset 0)
  p (${columns.map(([column]) => column).join(', ')}, committed)
where 1 operator(pg_catalog./) case when
  ${versions.join(' operator(pg_catalog.+) ')} operator(pg_catalog.=) p.version
  and coalesce((select pg_catalog.bool_and(case when u.oid operator(pg_catalog.=) 0
      then coalesce(${standsFor('u.name')} operator(pg_catalog.<) ${FIRST_USER_OID}, true)
      else coalesce(${standsFor('u.name')} operator(pg_catalog.=) u.oid, false) end)
    from (select pg_catalog.unnest(p.names), pg_catalog.unnest(p.oids)) u (name, oid)), true)
  and pg_catalog.translate(pg_catalog.current_setting('search_path'), '" ', '') operator(pg_catalog.=) any (p.search_paths)
  and current_user operator(pg_catalog.=) p.role
  then 1 else 0 end operator(pg_catalog.<) 0`
  const name = `${CHECK}${looked === 'plain' ? '' : '_whole'}${functions ? '_functions' : ''}${operators ? '_operators' : ''}`
  return {
    name,
    prepare: Buffer.concat([encodeClose('S', name), encodeParse(name, text)]),
    values: columns.map(([, , value]) => value),
  }
}

const standsFor = (name: string): string => `pg_catalog.to_regclass(${name})::pg_catalog.oid::pg_catalog.int8`

const BOTH = [false, true]
const STATEMENTS: readonly (Parts & { readonly statement: CheckStatement })[] = (['plain', 'whole'] as const).flatMap(
  (looked) =>
    BOTH.flatMap((functions) =>
      BOTH.map((operators) => {
        const parts = { looked, functions, operators }
        return { ...parts, statement: checkStatement(parts) }
      }),
    ),
)

/** The kind of question that says all of an expectation. */
export function statementFor(expectation: CatalogExpectation): CheckStatement {
  const found = STATEMENTS.find(
    ({ looked, functions, operators }) =>
      (looked === 'plain') === expectation.plain &&
      functions === expectation.functions.length > 0 &&
      operators === expectation.operators.length > 0,
  )
  if (found === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'no question for an expectation' })
  return found.statement
}

/** Expectations are shared by all executions of a statement, so their messages are made once. */
const questions = new WeakMap<CatalogExpectation, Buffer>()

/** Close, Bind and Execute of a portal of the gateway's own. */
export function askCheck(expectation: CatalogExpectation): Buffer {
  let question = questions.get(expectation)
  if (question === undefined) {
    question = Buffer.concat([
      encodeClose('P', CHECK),
      encodeBind({
        portal: CHECK,
        statement: statementFor(expectation).name,
        parameters: parametersOf(expectation),
      }),
      encodeExecute(CHECK),
    ])
    questions.set(expectation, question)
  }
  return question
}

const parametersOf = (expectation: CatalogExpectation): readonly string[] =>
  statementFor(expectation).values.map((value) => value(expectation))

/** Where a name that is looked up says what a relation is, it is not asked again by its schema. */
function namesOf({ names, lockable }: CatalogExpectation): readonly (readonly [string, number | null])[] {
  const found = new Set(names.map(({ oid }) => oid))
  return [
    ...names.map(({ name, oid }) => [quotedName(name), oid] as const),
    // A relation that was dropped and made anew is another one, though a snapshot of before shows the old one.
    ...lockable
      .filter(({ oid }) => !found.has(oid))
      .map(({ oid, schema, name }) => [qualifiedName(schema, name), oid] as const),
  ]
}

/**
 * The same question as SQL, for the front of a simple query that has to stay one. A server takes no simple query behind an
 * Execute of the same transaction (18 would leave that open).
 */
export function askedFirst(expectation: CatalogExpectation): string {
  const values = parametersOf(expectation).map((value) => `'${value.replaceAll("'", "''")}'`)
  return `execute ${statementFor(expectation).name}(${values.join(', ')});`
}

/** An array of text as the server reads it (documentation, "Array Input and Output Syntax"). */
const arrayOf = (elements: readonly string[]): string =>
  `{${elements.map((element) => `"${element.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`

const qualifiedName = (schema: string, name: string): string => `${quotedName(schema)}.${quotedName(name)}`

/**
 * Statements that take no locks before they run (several in one text, COPY, DECLARE, EXECUTE, EXPLAIN) are preceded by one
 * that is parsed and never run: parsing it locks what it names, and what the views among it read, until the transaction ends.
 */
const locks = new WeakMap<CatalogExpectation, Buffer>()

/** Close and Parse of the statement that locks. */
export function takeLocks(expectation: CatalogExpectation): Buffer {
  let taking = locks.get(expectation)
  if (taking === undefined) {
    const items = expectation.lockable.map(({ schema, name }) => qualifiedName(schema, name))
    const text = items.length === 0 ? 'select' : `select from ${items.map((item, at) => `${item} t${at}`).join(', ')}`
    taking = Buffer.concat([encodeClose('S', LOCK_STATEMENT), encodeParse(LOCK_STATEMENT, text)])
    locks.set(expectation, taking)
  }
  return taking
}

/**
 * SQLSTATEs by which the two say that the catalog is not what was expected: the division, a relation, schema or right that has
 * gone, or the question itself, which somebody has deallocated. Anything else is an error like that of any other statement.
 */
const CHANGED: ReadonlySet<string> = new Set(['22012', '26000', '3F000', '42501', '42809', '42P01'])

export const saysChanged = (sqlstate: string): boolean => CHANGED.has(sqlstate)
