import type { ConstantSite, StoredColumn } from '../../inspect/sql/facts.ts'
import type { StandInPolicy } from '../../decide/stand-in-policy.ts'
import { assertNever } from '../../lib/assert-never.ts'
import type { ChaperoneError } from '../../lib/errors.ts'
import type { TokenReference } from '../../phi/tokens/stand-ins.ts'
import type { TokenScope } from '../../vault/token-scope.ts'
import type { Alert } from '../alerts.ts'
import type { ConstantValue, ReadConstant } from './constant-values.ts'
import { judgeConstant, type Refused } from './judge-constant.ts'

/** A constant that a client has sent, at a site. */
export interface Constant {
  readonly use: ConstantSite['use']
  readonly column: StoredColumn
  /** As in `ConstantSite`. */
  readonly class: string
  readonly read: ReadConstant
}

export interface ConstantRules {
  /** Undefined where there is no vault, so that no token stands for anything. */
  readonly scope: TokenScope | undefined
  readonly policyOf: (phiClass: string) => StandInPolicy
  readonly refusal: (why: Refused, column: StoredColumn) => ChaperoneError
  readonly raise: (alert: Alert) => void
}

/** What each constant becomes; undefined for one that stays as it is. */
export type Settled = readonly (Buffer | undefined)[]

/** A token that the vault is asked about. */
interface Asked extends TokenReference {
  readonly constant: number
  readonly value: number
}

/**
 * Judges constants together, with one question to the vault for all their tokens. One that may not be where it is refuses
 * them all.
 */
export function settleConstants(
  constants: readonly Constant[],
  rules: ConstantRules,
): Settled | ChaperoneError | Promise<Settled | ChaperoneError> {
  const batch = new ConstantBatch(constants, rules)
  const refused = batch.judge()
  if (refused !== undefined) return refused
  if (batch.asked.length === 0) return batch.finish([])
  const resolved = rules.scope?.resolve(batch.asked) ?? []
  return resolved instanceof Promise ? resolved.then((found) => batch.finish(found)) : batch.finish(resolved)
}

class ConstantBatch {
  readonly asked: Asked[] = []
  readonly #constants: readonly Constant[]
  readonly #rules: ConstantRules
  readonly #replacements: (string | undefined)[][]
  readonly #alerts = new Map<Alert['alert'], { count: number; readonly classes: Set<string> }>()

  constructor(constants: readonly Constant[], rules: ConstantRules) {
    this.#constants = constants
    this.#rules = rules
    this.#replacements = constants.map(() => [])
  }

  /** Goes on behind the first refusal, so that the alert counts them all. */
  judge(): ChaperoneError | undefined {
    let refused: ChaperoneError | undefined
    for (const [i, constant] of this.#constants.entries()) {
      for (const [j, value] of constant.read.values.entries()) {
        const error = this.#judgeOne(i, constant, j, value)
        refused ??= error
      }
    }
    if (refused !== undefined) this.#raise()
    return refused
  }

  finish(found: readonly (string | undefined)[]): Settled | ChaperoneError {
    let refused: ChaperoneError | undefined
    for (const [i, { constant, value, phiClass }] of this.asked.entries()) {
      const real = found[i]
      const { use, read, column } = this.#constants[constant]!
      if (real !== undefined && read.values[value]?.fits(real) === true) this.#replacements[constant]![value] = real
      else {
        this.#alert('token-unknown', phiClass)
        // What is compared with it stays a token, and equals nothing.
        if (use !== 'comparison') refused ??= this.#rules.refusal('unknown', column)
      }
    }
    this.#raise()
    if (refused !== undefined) return refused
    const settled: (Buffer | undefined)[] = []
    for (const [i, { read, column }] of this.#constants.entries()) {
      const replacements = Array.from(read.values, (_, j) => this.#replacements[i]![j])
      const isChanged = replacements.some((replacement) => replacement !== undefined)
      const written = isChanged ? read.write(replacements) : undefined
      if (isChanged && written === undefined) return this.#rules.refusal('unreadable', column)
      settled.push(written)
    }
    return settled
  }

  #judgeOne(
    i: number,
    constant: Constant,
    j: number,
    { reading, label, fits }: ConstantValue,
  ): ChaperoneError | undefined {
    const phiClass = label?.class ?? constant.class
    const judgement = judgeConstant(constant.use, reading, this.#rules.policyOf(phiClass))
    switch (judgement.kind) {
      case 'leave':
        if (judgement.alert !== undefined) this.#alert(judgement.alert, phiClass)
        return undefined
      case 'resolve':
        // Without a label there is no class that it could be of.
        if (label === undefined) return this.#unresolvable(constant, phiClass)
        this.asked.push({ constant: i, value: j, phiClass: label.class, token: judgement.token })
        return undefined
      case 'replace':
        if (!fits(judgement.value)) return this.#unresolvable(constant, phiClass)
        this.#replacements[i]![j] = judgement.value
        return undefined
      case 'refuse': {
        const { why } = judgement
        if (why === 'written-back') this.#alert('write-back', phiClass)
        if (why === 'unknown') this.#alert(reading.kind === 'malformed' ? 'token-malformed' : 'token-unknown', phiClass)
        return this.#rules.refusal(why, constant.column)
      }
      default:
        return assertNever(judgement)
    }
  }

  #unresolvable({ use, column }: Constant, phiClass: string): ChaperoneError | undefined {
    this.#alert('token-unknown', phiClass)
    return use === 'comparison' ? undefined : this.#rules.refusal('unknown', column)
  }

  #alert(alert: Alert['alert'], phiClass: string): void {
    const entry = this.#alerts.get(alert) ?? { count: 0, classes: new Set<string>() }
    this.#alerts.set(alert, entry)
    entry.count++
    entry.classes.add(phiClass)
  }

  #raise(): void {
    for (const [alert, { count, classes }] of this.#alerts) {
      this.#rules.raise({ alert, classes: [...classes].toSorted(), count })
    }
    this.#alerts.clear()
  }
}
