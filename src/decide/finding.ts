import type { ApprovalNeedConfig } from '../config/config.ts'
import type { ErrorCode } from '../lib/errors.ts'

/**
 * The stricter, the lower. A matched refusal explains more than a fault, and both outrank a hold. A hazard often makes PHI of
 * what is asked about, so it explains more than the question; what may not be named at all explains more than either.
 */
export const SEVERITIES = ['refused', 'ungranted', 'hazard', 'question', 'error', 'held', 'warned', 'alerted'] as const

export type Severity = (typeof SEVERITIES)[number]

/** One reason for a decision. */
export interface Finding {
  readonly severity: Severity
  readonly rule: string
  /** Index of the statement in its string. */
  readonly statement: number
  /** Undefined for a warning and an alert. */
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly hint: string
  /** For the log. */
  readonly reason?: string
  /** Of what is held: who may decide, unless that is left to the default, and what they are told. */
  readonly hold?: { readonly message: string; readonly approval: ApprovalNeedConfig | undefined }
}

/** Strictest first, then in the order of the statements, then by name: the order of rules has no part in it. */
export function compareFindings(left: Finding, right: Finding): number {
  return (
    SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity) ||
    left.statement - right.statement ||
    (left.rule === right.rule ? 0 : left.rule < right.rule ? -1 : 1)
  )
}
