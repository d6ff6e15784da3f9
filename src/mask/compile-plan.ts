import { assertNever } from '../lib/assert-never.ts'
import { PHI_CLASSES } from '../phi/classes.ts'
import type { ColumnPhi, TargetPhi } from '../phi/target-phi.ts'
import type { StandIns } from '../phi/tokens/stand-ins.ts'
import type { KnownValues } from '../phi/detect/known-values.ts'
import type { TypeLookup } from '../phi/value-form.ts'
import { groupGuard } from './group-guard.ts'
import type { MaskContext } from './mask-context.ts'
import type { OutputShape, OutputTaint, StoredColumn } from '../inspect/sql/facts.ts'
import type { CellMasker, GroupGuard, MaskPlan, ResultColumn } from './plan.ts'
import { RowValues } from './row-values.ts'
import { valueMasker } from './value-masker.ts'
import type { ValueType } from './value-type.ts'
import { WatchedStandIns } from './watched-stand-ins.ts'

export interface PlanInput {
  /** As the server described them. */
  readonly columns: readonly ResultColumn[]
  /** As the analysis foretold them; 'unknown' when it could not. */
  readonly outputs: readonly OutputTaint[] | 'unknown'
  /** Whether the statement can reach PHI at all. */
  readonly phiReachable: boolean
  readonly phi: TargetPhi
  /** Whether the principal may see a class. */
  readonly clears: (phiClass: string) => boolean
  /** The present year of the common era: years from which an age over 89 follows are dropped. */
  readonly currentYear: number
  /** Types outside pg_catalog. Without it their values become NULL. */
  readonly typeOf?: TypeLookup | undefined
  /** How many different values a sum or mean over PHI must be made from to pass. Without it none passes. */
  readonly minimumGroupSize?: number | undefined
  /** Undefined when nobody can fetch tokens: then they are redacted. */
  readonly standIns?: StandIns | undefined
  /** Values of earlier results, to be looked for in texts and added to. Undefined where only those of the same row count. */
  readonly knownValues?: KnownValues | undefined
}

/** Computed from nobody knows what. */
const UNPROVEN_SHAPE: OutputShape = { kind: 'whole', classes: [] }

/**
 * The plan for the rows of one result, 'pass' when no cell changes, or a reason (free of data) to refuse the result.
 *
 * Two witnesses: the origin that the server reports, and the analysis. A column passes only if neither objects: where they
 * disagree, it is masked. Columns without an origin, and columns of views that nobody has labelled, pass only if the analysis
 * proved them clean or nothing in reach is PHI.
 */
export function compilePlan(input: PlanInput): MaskPlan | 'pass' | { readonly refuse: string } {
  if (PHI_CLASSES.every((phiClass) => input.clears(phiClass))) return 'pass'
  const { columns } = input
  const outputs = input.outputs === 'unknown' || input.outputs.length !== columns.length ? undefined : input.outputs
  const masked = new Set<string>()
  const standIns = input.standIns === undefined ? undefined : new WatchedStandIns(input.standIns)
  const values = new RowValues(input.knownValues)
  const context: MaskContext = {
    phi: input.phi,
    clears: input.clears,
    currentYear: input.currentYear,
    typeOf: input.typeOf,
    standIns,
    get known() {
      return values.known
    },
    masked,
  }
  const cells: (CellMasker | undefined)[] = []
  const groups: GroupGuard[] = []
  let maskedCount = 0
  for (const [i, column] of columns.entries()) {
    const shape = judge(column, outputs?.[i], input)
    const type = typeIn(column)
    const masker = shape.kind === 'clean' ? 'pass' : valueMasker(shape, type ?? AS_TEXT, context)
    values.column(shape, type ?? AS_TEXT, masker !== 'pass', context)
    if (masker === 'pass') {
      cells.push(undefined)
      continue
    }
    if (type === undefined)
      return { refuse: `column ${i + 1} of the result has a format that is neither text nor binary` }
    cells.push(masker)
    maskedCount += 1
    const guard = guardOf(i, outputs, input)
    if (guard !== null) groups.push(guard)
  }
  if (maskedCount === 0) return 'pass'
  const classes = [...masked].toSorted()
  const pending = standIns?.pending
  const learn = values.learner
  return {
    cells,
    maskedCount,
    classes,
    ...(groups.length > 0 && { groups }),
    ...(pending !== undefined && { pending }),
    ...(learn !== undefined && { learn }),
  }
}

function guardOf(
  cell: number,
  outputs: readonly OutputTaint[] | undefined,
  { columns, minimumGroupSize, phi }: PlanInput,
): GroupGuard | null {
  if (minimumGroupSize === undefined || outputs === undefined) return null
  return groupGuard(cell, { columns, outputs, phi, minimumGroupSize })
}

const AS_TEXT: ValueType = { typeOid: 25, typmod: -1, format: 0 }

function typeIn({ typeOid, typmod, format }: ResultColumn): ValueType | undefined {
  return format === 0 || format === 1 ? { typeOid, typmod, format } : undefined
}

/** What has to be masked in a column: its shape by the stricter witness. */
function judge(column: ResultColumn, taint: OutputTaint | undefined, input: PlanInput): OutputShape {
  const analysed = analysedShape(taint, input.phiReachable)
  if (column.tableOid === 0) return analysed === 'by-origin' ? unlessUnreachable(input) : analysed
  // System columns: ctid, xmin, tableoid … hold nothing of the row.
  if (column.attnum < 0) return CLEAN
  const stored: StoredColumn = {
    kind: 'column',
    oid: column.tableOid,
    attnum: column.attnum,
    typeOid: column.typeOid,
    path: [],
  }
  // Of a whole row the origin tells no more than whether there is PHI in it; what is where in it, only the analysis knows.
  const phi = input.phi.columnOf(column.tableOid, column.attnum)
  if (column.attnum === 0 && phi !== undefined && analysed !== 'by-origin' && analysed.kind === 'fields')
    return analysed
  return judgeOrigin(phi, stored, analysed, input)
}

const CLEAN: OutputShape = { kind: 'clean' }

function unlessUnreachable({ phiReachable }: PlanInput): OutputShape {
  return phiReachable ? UNPROVEN_SHAPE : CLEAN
}

/** What the analysis says; 'by-origin' when it leaves the answer to the origin. */
function analysedShape(taint: OutputTaint | undefined, phiReachable: boolean): OutputShape | 'by-origin' {
  switch (taint?.kind) {
    case 'clean':
      return CLEAN
    case 'origin':
      return 'by-origin'
    case 'phi':
      return taint.shape
    case 'unproven':
    case undefined:
      return phiReachable ? UNPROVEN_SHAPE : CLEAN
    default:
      return assertNever(taint)
  }
}

function judgeOrigin(
  phi: ColumnPhi | undefined,
  stored: StoredColumn,
  analysed: OutputShape | 'by-origin',
  input: PlanInput,
): OutputShape {
  switch (phi?.kind) {
    case undefined:
    case 'unlabelled':
      return UNPROVEN_SHAPE
    case 'clear':
      return analysed === 'by-origin' ? CLEAN : analysed
    case 'derived':
      return analysed === 'by-origin' ? unlessUnreachable(input) : analysed
    case 'phi':
      if (!input.clears(phi.label.class)) return unlessMixed(stored, analysed)
      return analysed === 'by-origin' ? CLEAN : analysed
    case 'document':
      return isSame(analysed, stored) ? unlessMixed(stored, analysed) : UNPROVEN_SHAPE
    default:
      return assertNever(phi)
  }
}

/** What the server names the origin of holds nothing else, unless the analysis says so. */
function unlessMixed(stored: StoredColumn, analysed: OutputShape | 'by-origin'): StoredColumn {
  const isMixed = analysed !== 'by-origin' && analysed.kind === 'column' && analysed.mixed === true
  return isMixed ? { ...stored, mixed: true } : stored
}

/** Whether the analysis does not take a document for anything but what its origin says. */
function isSame(analysed: OutputShape | 'by-origin', stored: StoredColumn): boolean {
  if (analysed === 'by-origin' || analysed.kind === 'clean') return true
  return (
    analysed.kind === 'column' &&
    analysed.oid === stored.oid &&
    analysed.attnum === stored.attnum &&
    analysed.path.length === 0
  )
}
