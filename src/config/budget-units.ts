export const BUDGET_SPANS = ['session', 'run', 'hour'] as const
/** hour: a window that slides by minutes. run: the run of the token, or the token itself when it names none. */
export type BudgetSpan = (typeof BUDGET_SPANS)[number]

export const BUDGET_UNITS = ['rows', 'bytes', 'statements', 'patients'] as const
export type BudgetUnit = (typeof BUDGET_UNITS)[number]
