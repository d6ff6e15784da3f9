import type { RangeVar } from '@pgsql/types'
import { shapeIsTainted } from '../values/column.ts'
import type { FlowState } from '../state.ts'
import type { QueryResult } from '../values/types.ts'

/** A table or view made from a query has no labels, so nothing that may be PHI may go into it. */
export function checkNewTable(name: RangeVar | undefined, { shape, multiplied }: QueryResult, state: FlowState): void {
  const relname = name?.relname ?? ''
  state.usesName(name?.schemaname ?? null, relname, 'schema')
  if (multiplied !== null || shapeIsTainted(shape)) state.hazard('phi-copied', relname)
}
