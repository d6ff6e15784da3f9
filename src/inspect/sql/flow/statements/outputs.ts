import type { OutputTaint } from '../../facts.ts'
import { valueOf } from '../values/column.ts'
import type { Column, Shape } from '../values/types.ts'

export type Outputs = readonly OutputTaint[] | 'unknown'

const ORIGIN: OutputTaint = { kind: 'origin' }
const CLEAN: OutputTaint = { kind: 'clean' }
const UNPROVEN: OutputTaint = { kind: 'unproven' }

/** The output columns of a query whose rows are sent with a RowDescription. */
export function describedOutputs({ columns, open }: Shape): Outputs {
  return open === null
    ? columns.map((column) => (valueOf(column).reported ? ORIGIN : unnamedOutput(column)))
    : 'unknown'
}

/** The output columns of rows that are sent without one: the analysis alone decides. */
export function undescribedOutputs({ columns, open }: Shape): Outputs {
  return open === null ? columns.map(unnamedOutput) : 'unknown'
}

function unnamedOutput(column: Column): OutputTaint {
  const { classes, shape, tainted } = valueOf(column)
  if (!tainted) return CLEAN
  if (classes.size === 0 && shape.kind === 'whole') return UNPROVEN
  return { kind: 'phi', classes: [...classes].toSorted(), shape }
}

export function cleanOutputs(count: number): Outputs {
  return Array.from({ length: count }, () => CLEAN)
}

export const UNPROVEN_OUTPUT: Outputs = [UNPROVEN]
