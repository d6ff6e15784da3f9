import type { NOT_PHI, PhiClass } from '../classes.ts'

/** high: named as such, or hardly anything else looks so. medium: name or values speak for it. low: worth a look. */
export type Confidence = 'high' | 'medium' | 'low'

/** What a column (or a member of its documents) probably holds, and why. Counts and names of the catalog; never a value. */
export interface Finding {
  readonly class: PhiClass
  readonly confidence: Confidence
  /** Sentences without a subject, the strongest first. */
  readonly reasons: readonly string[]
  /** Of JSON documents: parts with a label of their own. Everything else in them is masked. */
  readonly members?: readonly MemberFinding[]
}

export interface MemberFinding {
  readonly path: readonly string[]
  readonly class: PhiClass | typeof NOT_PHI
}

const RANK: Readonly<Record<Confidence, number>> = { low: 0, medium: 1, high: 2 }

/** Whether `a` is the stronger one. */
export const isStronger = (a: Confidence, b: Confidence): boolean => RANK[a] > RANK[b]
