import type { Node, WindowDef } from '@pgsql/types'
import type { FlowState } from './state.ts'
import { type CommonTables, newSink, type QueryResult, type Scope, type Sink } from './values/types.ts'

/** What a query sees of the statement around it. */
export interface Surroundings {
  readonly state: FlowState
  /** The scope of the enclosing query, if it may be referred to. */
  readonly scope: Scope | null
  readonly tables: CommonTables | null
  /** Analyses a query: SELECT, VALUES, or DML with RETURNING. Passed along, because queries and expressions nest. */
  readonly query: (node: Node, around: Surroundings) => QueryResult
}

/** Where an expression stands. */
export interface Place extends Surroundings {
  readonly scope: Scope
  readonly sink: Sink
  readonly windows: ReadonlyMap<string, WindowDef>
}

/** The same place with a sink of its own, so that what flows can be looked at or dropped. */
export function apart(place: Place): Place {
  return { ...place, sink: newSink() }
}
