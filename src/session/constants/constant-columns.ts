import type { StandInPolicy } from '../../decide/stand-in-policy.ts'
import type { StoredColumn } from '../../inspect/sql/facts.ts'
import type { TypeLookup } from '../../phi/value-form.ts'
import type { TargetSnapshot } from '../target-state.ts'
import { type ConstantColumn, constantColumn, hasParts } from './constant-column.ts'

/** The columns that constants meet, by one snapshot of the catalog. */
export class ConstantColumns {
  readonly typeOf: TypeLookup
  readonly #snapshot: TargetSnapshot
  readonly #policyOf: (phiClass: string) => StandInPolicy
  /** By the object: an analysis has one for each, and goes with it. */
  readonly #single = new WeakMap<StoredColumn, ConstantColumn>()
  readonly #elements = new WeakMap<StoredColumn, ConstantColumn>()

  constructor(snapshot: TargetSnapshot, policyOf: (phiClass: string) => StandInPolicy) {
    this.#snapshot = snapshot
    this.#policyOf = policyOf
    this.typeOf = snapshot.typeOf
  }

  /** Undefined where the principal sees everything that can be there, so that constants are left alone. */
  of(column: StoredColumn, phiClass: string, elements: boolean): ConstantColumn | undefined {
    const known = elements ? this.#elements : this.#single
    let found = known.get(column)
    if (found === undefined) {
      found = constantColumn(column, phiClass, elements, this.#snapshot)
      known.set(column, found)
    }
    return this.#policyOf(phiClass) === 'cleared' && !hasParts(found) ? undefined : found
  }
}
