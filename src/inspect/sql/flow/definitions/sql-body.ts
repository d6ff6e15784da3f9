import type { Node } from '@pgsql/types'
import type { CatalogRelation, CatalogRoutine, SqlRoutine } from '../../catalog.ts'
import { nameParts, walkSyntax } from '../../syntax-tree.ts'
import { bodyQueries, defaultArguments, numberedArgument } from './definition-text.ts'
import { expression } from '../expressions/expression.ts'
import type { Place } from '../place.ts'
import { routinePath } from './routine-path.ts'
import { type Argument, argumentScope } from './sql-arguments.ts'
import { declaredResult, type RoutineResult } from './sql-result.ts'
import { askResultOrder } from '../questions/row-order.ts'
import { FlowState } from '../state.ts'
import type { Taint } from '../values/taint.ts'
import { newSink, type QueryResult, TAINTED, type Value } from '../values/types.ts'

/** What the body of a function does when it is called with some arguments. */
export interface BodyResult extends RoutineResult {
  /** Set when a condition over PHI decides about its rows. */
  readonly control: Taint | null
  /** Whether it uses its arguments for that, or for anything else. */
  readonly usesArguments: boolean
  readonly multiplied: Taint | null
}

/** A body counts as so many queries: those of one function that calls another twice, which calls … double with each. */
const COST = 20

/**
 * Looks at the body of a function in SQL as at a query inside the statement, with the arguments as columns around it. Null
 * unless everything in it is known and only reads. Its questions are those of the caller, who chooses the arguments; only if
 * it takes nothing from the caller they are the owner's.
 */
export function bodyResult(
  routine: CatalogRoutine,
  sql: SqlRoutine,
  args: readonly Argument[],
  place: Place,
): BodyResult | null {
  const { state } = place
  const queries = bodyQueries(sql)
  const path = routinePath(sql)
  if (queries === null || path === null || state.routines.has(routine)) return null
  const { definitions } = state.context
  const setPath = path === 'inherited' ? state.context.setPath : path
  const context = definitions.context(sql.parsed ? [] : setPath, setPath)
  const inner = new FlowState(context, state, routine)
  if (!inner.spend(COST)) return null
  const scope = argumentScope(routine, sql, args, (index) => defaultValue(sql, index, inner, place), definitions)
  let result: QueryResult | null = null
  for (const query of queries) result = place.query(query, { state: inner, scope, tables: null, query: place.query })
  askResultOrder(result?.sortedBy, { state: inner })
  inner.finish()
  if (result === null || inner.hazards.length > 0 || !areNamesSteady(inner)) return null
  const declared = declaredResult(result.shape, sql, definitions)
  if (declared === null) return null

  const { use, namesElsewhere } = inner.lookups
  const isOfOwner = !mentionsArguments(queries, routine, sql) && use.names.length + namesElsewhere.length === 0
  if (!isOfOwner) {
    for (const { use: by, classes, columns, released } of inner.questions) {
      state.question(by, { classes: new Set(classes), columns: new Set(columns) }, released)
    }
  }
  state.absorb(inner)
  state.lookups.add(use)
  const { control, reach, multiplied } = result
  return { ...declared, control, usesArguments: reach <= scope.depth, multiplied: sql.returnsSet ? multiplied : null }
}

/** Defaults are expressions without queries, made by the owner. */
function defaultValue(sql: SqlRoutine, index: number, inner: FlowState, place: Place): Value {
  const defaults = defaultArguments(sql)
  const node = defaults[index - (sql.argumentTypes.length - defaults.length)]
  if (node === undefined) return TAINTED
  const scope = { items: [], parent: null, depth: 0 }
  return expression(node, {
    state: inner,
    scope,
    tables: null,
    query: place.query,
    sink: newSink(),
    windows: new Map(),
  })
}

/**
 * Whether the unqualified names of a body, looked up anew whenever it runs, will be found to be the same again. On the search
 * path of the session that can be checked when the statement runs. On a path of the function's own it is certain for the
 * first schema only: nothing can get in before it. And what only the owner may use could be passed over for the caller.
 */
function areNamesSteady({ lookups, context }: FlowState): boolean {
  const { index, searchPath, definitions } = context
  const named = (name: string): readonly CatalogRelation[] => index.relationsByName.get(name) ?? []
  const isUsable = lookups.use.names.every(
    ({ name, oid }) => oid === null || named(name).some((found) => found.oid === oid && definitions.isUsable(found)),
  )
  const first = searchPath.find((schema) => schema !== 'pg_catalog')
  const hasSystemLater = searchPath.some((schema, i) => i > 0 && SYSTEM.has(schema))
  const isSteady = lookups.namesElsewhere.every(({ name, oid }) => {
    if (oid === null) return !hasSystemLater
    const found = named(name).find((relation) => relation.oid === oid)
    if (found === undefined || found.schema !== first) return false
    return definitions.isUsable(found) || !named(name).some((other) => isPassedTo(other, found, searchPath))
  })
  return isUsable && isSteady
}

const SYSTEM: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema'])

function isPassedTo(other: CatalogRelation, found: CatalogRelation, searchPath: readonly string[]): boolean {
  return other !== found && searchPath.includes(other.schema)
}

function mentionsArguments(queries: readonly Node[], { name: own }: CatalogRoutine, sql: SqlRoutine): boolean {
  const numbered = sql.argumentTypes.map((_, i) => numberedArgument(i + 1))
  const names = new Set([own, ...sql.argumentNames, ...numbered])
  let mentions = false
  walkSyntax(queries, (name, body) => {
    if (name === 'ColumnRef' && nameParts(body['fields']).some((part) => names.has(part))) mentions = true
    return !mentions
  })
  return mentions
}
