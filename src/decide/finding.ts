import type { ErrorCode } from '../lib/errors.ts'

/**
 * The stricter, the lower. A matched refusal explains more than a fault, and both outrank a hold. A hazard often makes PHI of
 * what is asked about, so it explains more than the question.
 */
export const SEVERITIES = ['refused', 'hazard', 'question', 'error', 'held', 'warned'] as const

export type Severity = (typeof SEVERITIES)[number]

/** One reason for a decision. */
export interface Finding {
  readonly severity: Severity
  readonly rule: string
  /** Index of the statement in its string. */
  readonly statement: number
  /** Undefined for a warning. */
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly hint: string
  /** For the log. */
  readonly reason?: string
}

/** Strictest first, then in the order of the statements, then by name: the order of rules has no part in it. */
export function compareFindings(left: Finding, right: Finding): number {
  return (
    SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity) ||
    left.statement - right.statement ||
    (left.rule === right.rule ? 0 : left.rule < right.rule ? -1 : 1)
  )
}
