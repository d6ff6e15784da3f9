import { assertNever } from '../lib/assert-never.ts'
import { PHI_CLASSES } from '../phi/classes.ts'
import type { Pending } from '../phi/tokens/stand-ins.ts'
import type { PlanInput } from './compile-plan.ts'
import { csvRowRewriter } from './copy/csv-row.ts'
import type { RowRewriter } from './copy/row-rewriter.ts'
import { textRowRewriter } from './copy/text-row.ts'
import type { MaskContext } from './mask-context.ts'
import type { CopyFormat, OutputShape, OutputTaint } from '../inspect/sql/facts.ts'
import type { CellMasker, RowLearner } from './plan.ts'
import { RowValues } from './row-values.ts'
import { valueMasker } from './value-masker.ts'
import { UNKNOWN_TYPE, type ValueType } from './value-type.ts'
import { WatchedStandIns } from './watched-stand-ins.ts'

/** The server describes no columns, and there are no groups. */
export interface CopyPlanInput extends Omit<PlanInput, 'columns' | 'minimumGroupSize'> {
  readonly format: CopyFormat
}

/** How to rewrite what COPY … TO STDOUT sends. */
export interface CopyPlan {
  readonly maskedCount: number
  /** See `MaskPlan.classes`. */
  readonly classes: readonly string[]
  /** See `MaskPlan.pending`: a row during which something was missing is void, and is rewritten again after `settle`. */
  readonly pending?: Pending
  /** For one run of the statement. */
  start(): CopyRewriter
}

export interface CopyRewriter {
  /**
   * Rewrites one CopyData payload, which is one row (or the header line, first); null when nothing of it changes.
   *
   * @throws CopyFormatError when it is not a row of so many fields
   */
  row(source: Buffer, start: number, end: number): Buffer | null
}

const UNTYPED: ValueType = { typeOid: UNKNOWN_TYPE, typmod: -1, format: 0 }

/**
 * The plan for the rows of COPY … TO STDOUT in text or CSV format, 'pass' when none changes, or a reason (free of data) to
 * refuse. There is no second witness here: no RowDescription says where a column comes from or of which type it is.
 */
export function compileCopyPlan(input: CopyPlanInput): CopyPlan | 'pass' | { readonly refuse: string } {
  if (PHI_CLASSES.every((phiClass) => input.clears(phiClass))) return 'pass'
  const { format, outputs, phiReachable } = input
  if (outputs === 'unknown') {
    return phiReachable ? { refuse: 'the columns of COPY are not known, and they may hold PHI' } : 'pass'
  }
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
  for (const [i, taint] of outputs.entries()) {
    const shape = shapeOf(taint, phiReachable)
    if (shape === undefined) return { refuse: `column ${i + 1} of COPY may hold PHI, and nothing says of which kind` }
    const masker = valueMasker(shape, UNTYPED, context)
    values.column(shape, UNTYPED, masker !== 'pass', context)
    cells.push(masker === 'pass' ? undefined : masker)
  }
  const maskedCount = cells.filter((masker) => masker !== undefined).length
  if (maskedCount === 0) return 'pass'
  if (format.format === 'binary') return { refuse: 'COPY in binary format has columns that would have to be masked' }
  if (!isReadable(format)) return { refuse: 'a delimiter, quote or escape of COPY is not one ASCII character' }
  if (format.format === 'text' && !isUnmistakable(format.null)) {
    return { refuse: 'a value could read as the NULL of COPY, which would tell it' }
  }
  const rewriter = learning(values.learner, rowRewriter(format, cells), format)
  const header = format.header ? headerRewriter(format, cells.length) : undefined
  const pending = standIns?.pending
  return {
    maskedCount,
    classes: [...masked].toSorted(),
    ...(pending !== undefined && { pending }),
    start: () => rowByRow(rewriter, header),
  }
}

/** Undefined when only an origin that nobody states could tell. */
function shapeOf(taint: OutputTaint, phiReachable: boolean): OutputShape | undefined {
  switch (taint.kind) {
    case 'clean':
      return { kind: 'clean' }
    case 'origin':
      return phiReachable ? undefined : { kind: 'clean' }
    case 'phi':
      return taint.shape
    case 'unproven':
      return phiReachable ? { kind: 'whole', classes: [] } : { kind: 'clean' }
    default:
      return assertNever(taint)
  }
}

function isReadable({ format, delimiter, quote, escape }: CopyFormat): boolean {
  const used = format === 'csv' ? [delimiter, quote, escape] : [delimiter]
  return used.every((character) => /^[\0-\x7f]$/u.test(character))
}

/**
 * Whether no value that tells anything is written like this marker for NULL: values have their backslashes doubled, and the
 * empty one tells no more than NULL. Of `NULL '919-15-5087'` nobody could say which rows are NULL.
 */
function isUnmistakable(marker: string): boolean {
  return marker === '' || marker === String.raw`\N`
}

/** Changes nothing, but the line has to have as many fields as the rows. */
function headerRewriter(format: CopyFormat, fields: number): RowRewriter {
  const cells = Array.from({ length: fields }, () => undefined)
  return rowRewriter(format, cells)
}

function rowRewriter(format: CopyFormat, cells: readonly (CellMasker | undefined)[]): RowRewriter {
  return format.format === 'csv' ? csvRowRewriter(format, cells) : textRowRewriter(format, cells)
}

/** A rewriter that shows each row to the learner first, by rewriting it for nobody. */
function learning(learner: RowLearner | undefined, rewriter: RowRewriter, format: CopyFormat): RowRewriter {
  if (learner === undefined) return rewriter
  const learn = rowRewriter(format, learner.cells)
  return (source, start, end) => {
    learner.begin()
    learn(source, start, end)
    return rewriter(source, start, end)
  }
}

function rowByRow(rewriter: RowRewriter, header: RowRewriter | undefined): CopyRewriter {
  let next = header ?? rewriter
  return {
    row: (source, start, end) => {
      const current = next
      next = rewriter
      return current(source, start, end)
    },
  }
}
