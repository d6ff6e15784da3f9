import type { PredicatePolicy, PredicatesConfig } from '../config/config.ts'
import type { UNLABELLED as Unlabelled } from '../inspect/sql/facts.ts'

/** What has no label is cleared only with everything: it can be of any class. */
export const UNLABELLED: typeof Unlabelled = 'unlabelled'

/** What may be asked about a class. */
export function policyFor(phiClass: string, { classes, default: otherwise }: PredicatesConfig): PredicatePolicy {
  return (Object.hasOwn(classes, phiClass) ? classes[phiClass] : undefined) ?? otherwise
}
