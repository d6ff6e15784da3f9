import type { OutputTaint } from '../facts.ts'
import { valueOf } from './column.ts'
import type { Column, Shape } from './types.ts'

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
  return valueOf(column).tainted ? UNPROVEN : CLEAN
}

export function cleanOutputs(count: number): Outputs {
  return Array.from({ length: count }, () => CLEAN)
}

export const UNPROVEN_OUTPUT: Outputs = [UNPROVEN]
