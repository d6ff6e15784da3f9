import { QUANTITIES } from '../phi/classes.ts'
import type { TargetPhi } from '../phi/target-phi.ts'
import type { OutputTaint } from '../inspect/sql/facts.ts'
import type { GroupGuard, ResultColumn } from './plan.ts'

const INT8_OID = 20

interface GuardInput {
  readonly columns: readonly ResultColumn[]
  readonly outputs: readonly OutputTaint[]
  readonly phi: TargetPhi
  readonly minimumGroupSize: number
}

/**
 * When a masked cell may pass because it sums up a large enough group; null for never. Both witnesses have to agree that
 * it and the size of the group are computed, and the column that is summed up has to be labelled as a quantity.
 */
export function groupGuard(cell: number, { columns, outputs, phi, minimumGroupSize }: GuardInput): GroupGuard | null {
  const taint = outputs[cell]
  if (taint?.kind !== 'phi' || taint.aggregate === undefined || columns[cell]?.tableOid !== 0) return null
  const { column, distinct } = taint.aggregate
  const size = columns[distinct]
  if (size?.tableOid !== 0 || size.typeOid !== INT8_OID || outputs[distinct]?.kind !== 'clean') return null
  if (size.format !== 0 && size.format !== 1) return null
  const found = column.path.length === 0 ? phi.columnOf(column.oid, column.attnum) : undefined
  if (found?.kind !== 'phi' || !QUANTITIES.has(found.label.class)) return null
  return { cell, count: distinct, binary: size.format === 1, atLeast: minimumGroupSize }
}
