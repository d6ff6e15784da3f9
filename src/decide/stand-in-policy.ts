import type { ErrorCode } from '../lib/errors.ts'
import type { Clearance } from './clearance.ts'
import type { Policy } from './policy.ts'
import { policyFor, UNLABELLED } from './predicate-policy.ts'
import { constantFinding } from './question-findings.ts'

/**
 * Which constants somebody may compare with a column of a class. cleared: any, and none is looked at, for its values are seen as
 * they are. any: any, and stand-ins are resolved. stand-ins-only: any other is refused. hold: any other needs an approval.
 */
export type StandInPolicy = 'cleared' | 'any' | 'stand-ins-only' | 'hold'

/**
 * What the policy says of constants at the sites of a class. Where people can be asked, a held class has its statements held as they
 * stand (see `questionFindings`), and the constants are theirs to look at.
 */
export function standInPolicy(
  phiClass: string,
  clearance: Clearance,
  { predicates, approvals }: Pick<Policy, 'predicates' | 'approvals'>,
): StandInPolicy {
  // What has no label can be of any class.
  const isCleared = phiClass === UNLABELLED ? clearance.clearsEverything : clearance.clears(phiClass)
  if (isCleared) return 'cleared'
  const policy = policyFor(phiClass, predicates)
  switch (policy) {
    case 'allow':
      return 'any'
    case 'hold':
      return approvals === undefined ? 'hold' : 'any'
    case 'released-granularity':
    case 'refuse':
      return 'stand-ins-only'
    default:
      // A policy of a newer configuration: unknown means no.
      policy satisfies never
      return 'stand-ins-only'
  }
}

/** Why a statement is not run: as a finding that is known before. */
export interface ConstantRefusal {
  readonly code: ErrorCode
  readonly rule: string
  /** For the client; free of values. */
  readonly message: string
  readonly hint: string
}

/** A constant that is no stand-in, compared with one of these columns (`schema.table.column`) under a policy other than 'any'. */
export function constantRefused(
  columns: readonly string[],
  policy: Extract<StandInPolicy, 'stand-ins-only' | 'hold'>,
): ConstantRefusal {
  return constantFinding(columns, policy === 'hold')
}
