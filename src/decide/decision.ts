import type { Budget } from '../budget/budget.ts'
import type { ApprovalNeedConfig, GrantedRelation } from '../config/config.ts'
import type { Principal } from '../identity/principal.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { ErrorCode } from '../lib/errors.ts'
import type { Clearance } from './clearance.ts'

/** A grant that is given on request only, and was given. */
export interface ActivatedGrant {
  readonly grant: string
  /** See `chainKey`. */
  readonly chain: string
  /** Milliseconds since the epoch. */
  readonly until: number
  /** What was approved: the grant as it was then, and for which purpose. See `grantDigest`. */
  readonly digest: string
}

/** When access is asked for, and what was given on request by then. */
export interface Moment {
  readonly now: number
  readonly activated: readonly ActivatedGrant[]
}

/** What a chain may do with one target: what every member may, and no member may not. */
export interface Access {
  /** Names of the grants that give it to the holder, sorted. */
  readonly grants: readonly string[]
  /** The strictest of the members'. */
  readonly clearance: Clearance
  /** Who shares tokens: the scopes of those grants. */
  readonly tokenGroup: string
  /** What may be named has to be in each of the lists; none: everything may. */
  readonly relations: readonly (readonly GrantedRelation[])[]
  /** All of them hold. */
  readonly budgets: readonly Budget[]
  /** The only patients; undefined: any. */
  readonly patients: readonly string[] | undefined
  /** When it has to be asked for again: something begins or ends then. Milliseconds since the epoch. */
  readonly until: number | undefined
  /** Equal for accesses that decide alike. */
  readonly key: string
}

export interface DecisionRequest {
  readonly principal: Principal
  readonly target: string
  readonly access: Access
  /** All statements of one string. */
  readonly facts: readonly SqlFacts[]
}

/** Which circumstances rules could ask for. */
export interface Asks {
  readonly estimate: boolean
  readonly recent: boolean
  readonly time: boolean
}

/** What is not known when a statement is analysed. */
export interface Circumstances {
  readonly now: number
  /** Of the planner, for all statements together; undefined: it could not be asked, which restricts. */
  readonly estimatedRows: number | undefined
  readonly recent: Recent
}

/** Of the same chain at the same target, over the last hour, at this gateway. */
export interface Recent {
  readonly statements: number
  readonly rows: number
  readonly patients: number
  readonly refusals: number
  /** Rows of PHI relations of this statement that were read in pages or without a bound: see `Reading`. */
  readonly pagedRows: number
}

export interface Warning {
  readonly rule: string
  readonly message: string
}

/** A rule that holds, and who may decide. */
export interface Need extends ApprovalNeedConfig {
  readonly rule: string
  readonly message: string
}

interface Common {
  /** Every rule that matched or failed, in any statement, sorted. */
  readonly rules: readonly string[]
  readonly warnings: readonly Warning[]
  /** Rules that raise an alert. */
  readonly alerts: readonly Warning[]
}

export type Decision =
  | ({ readonly outcome: 'allow' } & Common)
  | ({
      readonly outcome: 'hold'
      /** All have to be met; at least one. */
      readonly needs: readonly Need[]
      /** What a client is told where nobody can be asked. */
      readonly rule: string
      readonly message: string
      readonly hint: string
      readonly statement: number
    } & Common)
  | ({
      readonly outcome: 'refuse'
      readonly code: ErrorCode
      /** The rule that the other fields speak of. */
      readonly rule: string
      /** For the client; free of values. */
      readonly message: string
      readonly hint: string
      /** For the log: why a rule could not be evaluated. */
      readonly reason: string | undefined
      /** Index of the statement that is refused. All others of the string are refused with it. */
      readonly statement: number
    } & Common)
