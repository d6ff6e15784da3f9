import type { FuncCall } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { printed, type RoutineName, routineName } from '../known/check-routine.ts'
import { isTainted } from '../values/column.ts'
import type { AnalysisContext } from '../context.ts'
import type { Place } from '../place.ts'
import { type Argument, argumentsOf } from './sql-arguments.ts'
import { type BodyResult, bodyResult } from './sql-body.ts'
import { type Candidate, candidatesOf } from './sql-candidates.ts'
import { anyOf, type ResultColumn, type RoutineResult } from './sql-result.ts'
import { either, type Taint } from '../values/taint.ts'
import { type Column, noteSink, TAINTED, type Value } from '../values/types.ts'
import { taintedBy, taintIn, worst } from '../values/value.ts'

/** What a call gives of functions that are not built in. */
export interface SqlCall extends RoutineResult {
  /** Set when the number of rows may tell PHI. */
  readonly multiplied: Taint | null
  /** Columns of the caller that flow into the arguments. */
  readonly sources: readonly Column[]
}

/**
 * A call of functions that are known by their bodies or vouched for. Null when the name does not lead to such functions only.
 * When it does, but a body is not known to be harmless, that is a hazard, and the result is anything.
 */
export function sqlFunctionCall(call: FuncCall, place: Place): SqlCall | null {
  const { state } = place
  const name = routineName(nameParts(call.funcname))
  const candidates = state.looksIntoBodies ? candidatesOf(name, call, state.context) : null
  if (candidates === null) return null
  state.calls(name)
  const args = argumentsOf(call, place)
  const sources = args.flatMap(({ sink }) => [...sink.columns.keys()])
  const results = resultsOf(candidates, args, place)
  if (results === null) return unknownCall(call, name, sources, place)
  state.knowsCall(call, true)
  recheck(call, name, candidates, args, place)

  const control = either(...results.map((result) => result.control))
  noteSink(place.sink, { control, reach: Number.POSITIVE_INFINITY, multiplied: null })
  const multiplied = either(...results.map((result) => result.multiplied))
  const { value, columns, isScalar } = carrying(anyOf(results), name, args, state.context)
  // What is asked for each row of the caller's is answered by each result, as by a correlated sub-select.
  const answers = sources.length > 0 && results.some(({ usesArguments }) => usesArguments) ? control : null
  return {
    value: answers === null ? value : worst([value, taintedBy(answers)]),
    columns,
    isScalar,
    multiplied,
    sources,
  }
}

function unknownCall(call: FuncCall, name: RoutineName, sources: readonly Column[], { state }: Place): SqlCall {
  state.hazard('function-not-known-safe', printed(name))
  state.knowsCall(call, false)
  return { value: TAINTED, columns: null, isScalar: false, multiplied: taintIn(TAINTED), sources }
}

function resultsOf(
  candidates: readonly Candidate[],
  args: readonly Argument[],
  place: Place,
): readonly BodyResult[] | null {
  const results: BodyResult[] = []
  for (const candidate of candidates) {
    const result =
      candidate.kind === 'body'
        ? bodyResult(candidate.routine, candidate.sql, args, place)
        : vouched(candidate.kind === 'trusted', args, place)
    if (result === null) return null
    results.push(result)
  }
  return results
}

/** Of a trusted function the operator says that it does not fail; of one of an extension nobody has said for which arguments. */
function vouched(isTrusted: boolean, args: readonly Argument[], { state }: Place): BodyResult {
  const value = worst(args.map((arg) => arg.value))
  const taint = taintIn(value)
  if (taint !== null && !isTrusted) state.question('computation', taint, false)
  return { value, columns: null, isScalar: false, control: null, usesArguments: true, multiplied: taint }
}

/** A condition elsewhere may yet tie an argument to PHI: then the bodies are looked at once more with that. */
function recheck(
  call: FuncCall,
  name: RoutineName,
  candidates: readonly Candidate[],
  args: readonly Argument[],
  place: Place,
): void {
  const count = taintedSources(args)
  place.state.later(() => {
    if (taintedSources(args) === count || resultsOf(candidates, args, place) !== null) return
    place.state.hazard('function-not-known-safe', printed(name))
    place.state.knowsCall(call, false)
  })
}

function taintedSources(args: readonly Argument[]): number {
  return args.reduce((count, { sink }) => count + [...sink.columns.keys()].filter(isTainted).length, 0)
}

/**
 * `name(x)` is also a way to write a cast to a type of that name and, for a row `x`, its column of that name (PostgreSQL
 * documentation, 4.2.6 and 8.16.5). Where it could be, the result carries the argument, too.
 */
function carrying(
  result: RoutineResult,
  name: RoutineName,
  args: readonly Argument[],
  { index }: AnalysisContext,
): RoutineResult {
  const [only, ...others] = args
  if (only === undefined || others.length > 0 || !only.value.tainted) return result
  const isCast = index.typesByName.has(name.name) || index.relationsByName.has(name.name)
  if (!isCast && (name.schema !== null || !couldHaveColumn(only.value, name.name))) return result
  const columns = result.columns?.map(
    (column): ResultColumn => ({
      name: column.name,
      value: worst([column.value, only.value]),
    }),
  )
  return { ...result, value: worst([result.value, only.value]), columns: columns ?? null }
}

/** Whether a value could be a row with a column of that name. */
function couldHaveColumn({ exact, row, part }: Value, name: string): boolean {
  if (row !== undefined && row.open === null) return row.columns.some((column) => column.name === name)
  if (part !== undefined) return false
  return exact === null || exact.typeOid >= FIRST_USER_OID
}

/** FirstNormalObjectId (src/include/access/transam.h): smaller ones belong to initdb. */
const FIRST_USER_OID = 16_384
