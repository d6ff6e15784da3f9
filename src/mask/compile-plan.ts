import { assertNever } from '../lib/assert-never.ts'
import { PHI_CLASSES } from '../phi/classes.ts'
import type { Label } from '../phi/labels.ts'
import type { TargetPhi } from '../phi/target-phi.ts'
import { type TypeLookup, valueForm } from '../phi/value-form.ts'
import { cellMasker } from './cell-masker.ts'
import type { CellMasker, MaskPlan, ResultColumn } from './plan.ts'

/** What the analysis says of one output column: structurally the inspect room's `OutputTaint`. */
export interface OutputTaintLike {
  readonly kind: 'clean' | 'origin' | 'unproven'
}

export interface PlanInput {
  /** As the server described them. */
  readonly columns: readonly ResultColumn[]
  /** As the analysis foretold them; 'unknown' when it could not. */
  readonly outputs: readonly OutputTaintLike[] | 'unknown'
  /** Whether the statement can reach PHI at all. */
  readonly phiReachable: boolean
  readonly phi: TargetPhi
  /** Whether the principal may see a class. */
  readonly clears: (phiClass: string) => boolean
  /** The present year of the common era: years from which an age over 89 follows are dropped. */
  readonly currentYear: number
  /** Types outside pg_catalog. Without it their values become NULL. */
  readonly typeOf?: TypeLookup | undefined
}

/** What becomes of one column. */
type ColumnVerdict = Label | 'unproven' | 'pass'

/**
 * The plan for the rows of one result, 'pass' when no cell changes, or a reason (free of data) to refuse the result.
 *
 * Two witnesses: the origin that the server reports, and the analysis. A column passes only if neither objects: where they
 * disagree, it is masked. Columns without an origin pass only if the analysis proved them clean or nothing in reach is PHI.
 */
export function compilePlan(input: PlanInput): MaskPlan | 'pass' | { readonly refuse: string } {
  if (PHI_CLASSES.every((phiClass) => input.clears(phiClass))) return 'pass'
  const { columns } = input
  const outputs = input.outputs === 'unknown' || input.outputs.length !== columns.length ? undefined : input.outputs
  const cells: (CellMasker | undefined)[] = []
  const classes = new Set<string>()
  let maskedCount = 0
  for (const [i, column] of columns.entries()) {
    const verdict = judge(column, outputs?.[i], input)
    if (verdict === 'pass') {
      cells.push(undefined)
      continue
    }
    const form = valueForm(column, input.typeOf)
    if (form === undefined)
      return { refuse: `column ${i + 1} of the result has a format that is neither text nor binary` }
    const { class: phiClass, transform } = verdict === 'unproven' ? UNPROVEN : verdict
    cells.push(cellMasker(transform, form, phiClass, input.currentYear))
    classes.add(phiClass)
    maskedCount += 1
  }
  return maskedCount === 0 ? 'pass' : { cells, maskedCount, classes: [...classes].toSorted() }
}

const UNPROVEN = { class: 'unproven', transform: 'redact' } as const

function judge(column: ResultColumn, taint: OutputTaintLike | undefined, input: PlanInput): ColumnVerdict {
  if (column.tableOid === 0) return taint?.kind === 'clean' || !input.phiReachable ? 'pass' : 'unproven'
  // System columns: ctid, xmin, tableoid … hold nothing of the row.
  if (column.attnum < 0) return 'pass'
  const phi = input.phi.columnOf(column.tableOid, column.attnum)
  if (phi === undefined) return 'unproven'
  // A column that is no PHI itself can still tell about one that a condition ties it to (WHERE code = ssn).
  const tied = input.phiReachable && taint?.kind !== 'origin' && taint?.kind !== 'clean'
  switch (phi.kind) {
    case 'unlabelled':
      return 'unproven'
    case 'clear':
      return tied ? 'unproven' : 'pass'
    case 'phi':
      if (!input.clears(phi.label.class)) return phi.label
      return tied ? 'unproven' : 'pass'
    default:
      return assertNever(phi)
  }
}
