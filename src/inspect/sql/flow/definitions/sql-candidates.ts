import type { FuncCall } from '@pgsql/types'
import type { CatalogRoutine, SqlRoutine } from '../../catalog.ts'
import type { RoutineName } from '../known/check-routine.ts'
import type { AnalysisContext } from '../context.ts'
import { SAFE_EXTENSIONS } from '../known/safe-extensions.ts'

/** A function that a call could mean. */
export type Candidate =
  /** Its body says what it does. */
  | { readonly kind: 'body'; readonly routine: CatalogRoutine; readonly sql: SqlRoutine }
  /** The operator vouches for it, or its extension is known: the result carries what the arguments carry. */
  | { readonly kind: 'trusted'; readonly routine: CatalogRoutine }
  | { readonly kind: 'extension'; readonly routine: CatalogRoutine }

/**
 * All functions that a call could mean, or null when one of them is not known. Which one the server picks depends on types, so
 * whatever fits by schema, name and number of arguments counts (PostgreSQL documentation, 10.3).
 */
export function candidatesOf(name: RoutineName, call: FuncCall, context: AnalysisContext): readonly Candidate[] | null {
  if (isDecorated(call)) return null
  const found: Candidate[] = []
  for (const routine of context.index.functionsByName.get(name.name) ?? []) {
    if (!isInReach(routine, name, context)) continue
    // A built-in function may be meant: which ones there are is not known here, only which ones are safe.
    if (name.schema === null && routine.builtInNamesake !== false) return null
    if (routine.sql !== undefined && !fits(routine.sql, call)) continue
    const candidate = candidateOf(routine, context)
    if (candidate === null) return null
    found.push(candidate)
  }
  return found.length === 0 ? null : found
}

function candidateOf(routine: CatalogRoutine, context: AnalysisContext): Candidate | null {
  const exceptions = SAFE_EXTENSIONS.get(routine.extension ?? '')
  const isOfExtension = exceptions !== undefined && !exceptions.includes(routine.name)
  const isTrusted = context.phi.trustedFunctions.has(`${routine.schema}.${routine.name}`)
  if (isTrusted) return { kind: 'trusted', routine }
  if (isOfExtension) return { kind: 'extension', routine }
  return routine.sql === undefined ? null : { kind: 'body', routine, sql: routine.sql }
}

function isInReach({ schema }: CatalogRoutine, name: RoutineName, { searchPath }: AnalysisContext): boolean {
  return name.schema === null ? schema === 'pg_catalog' || searchPath.includes(schema) : schema === name.schema
}

/** What only aggregates and window functions have. */
function isDecorated(call: FuncCall): boolean {
  const { agg_order, agg_filter, agg_distinct, agg_star, agg_within_group, over } = call
  const plain = agg_distinct !== true && agg_star !== true && agg_within_group !== true
  return !plain || over !== undefined || agg_filter !== undefined || (agg_order ?? []).length > 0
}

function fits({ argumentNames, argumentTypes, defaults, variadic }: SqlRoutine, call: FuncCall): boolean {
  const args = call.args ?? []
  const named = args.flatMap((arg) => ('NamedArgExpr' in arg ? [arg.NamedArgExpr.name ?? ''] : []))
  if (!named.every((name) => argumentNames.includes(name))) return false
  const most = argumentTypes.length
  // The array of VARIADIC may be spelled out as any number of arguments.
  const least = most - defaults - (variadic && defaults === 0 ? 1 : 0)
  return args.length >= least && (args.length <= most || variadic)
}
