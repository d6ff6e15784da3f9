import type { PhiView } from '../../src/inspect/sql/catalog.ts'
import type { OutputShape, OutputTaint, SqlFacts, StoredColumn } from '../../src/inspect/sql/facts.ts'
import type { ResultColumn } from '../../src/mask/plan.ts'

/** Where analysis and server disagree about a query. Any of them is a fault of the analysis. */
export interface Disagreement {
  readonly kind: 'count' | 'origin without a table' | 'clean but PHI' | 'other column' | 'PHI out of reach'
  /** Position of the output column, from 1. */
  readonly column: number
}

/** Compares what the analysis says of the outputs of a query with what the server says of them (RowDescription). */
export function disagreements(
  { outputs, phiReachable }: Pick<SqlFacts, 'outputs' | 'phiReachable'>,
  described: readonly ResultColumn[],
  view: PhiView,
): readonly Disagreement[] {
  const isPhi = ({ tableOid, attnum }: ResultColumn): boolean => view.phiColumns.has(`${tableOid}.${attnum}`)
  const unreached = phiReachable
    ? []
    : described.flatMap((column, at) => (isPhi(column) ? [{ kind: 'PHI out of reach', column: at + 1 } as const] : []))
  if (outputs === 'unknown') return unreached
  if (outputs.length !== described.length) return [...unreached, { kind: 'count', column: 0 }]
  const found = outputs.flatMap((output, at) => {
    const column = described[at]
    const kind = column === undefined ? null : disagreement(output, column, isPhi(column), view)
    return kind === null ? [] : [{ kind, column: at + 1 }]
  })
  return [...unreached, ...found]
}

function disagreement(
  output: OutputTaint,
  column: ResultColumn,
  isPhi: boolean,
  view: PhiView,
): Disagreement['kind'] | null {
  switch (output.kind) {
    case 'clean':
      return isPhi ? 'clean but PHI' : null
    case 'origin':
      return column.tableOid === 0 ? 'origin without a table' : null
    case 'phi': {
      const stored = storedIn(output.shape)
      // The server names a view where the analysis names the table behind it.
      if (stored === null || column.tableOid === 0 || !isTableWithPhi(column, view)) return null
      return stored.oid === column.tableOid && stored.attnum === column.attnum ? null : 'other column'
    }
    case 'unproven':
      return null
    default:
      return output satisfies never
  }
}

const storedIn = (shape: OutputShape): StoredColumn | null =>
  shape.kind === 'column' && shape.path.length === 0 ? shape : null

/** Labels are of columns of tables only. */
const isTableWithPhi = ({ tableOid, attnum }: ResultColumn, view: PhiView): boolean =>
  view.labels.has(`${tableOid}.${attnum}`) && !view.labelledViewColumns.has(`${tableOid}.${attnum}`)
