import type { ApprovalNeedConfig, Config, RuleEffect } from '../config/config.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { compileCondition, type Condition } from './condition.ts'
import { GUARDRAILS } from './packs/guardrails.ts'

export interface CompiledRule {
  /** As it appears in messages and in the journal. Rules of a pack carry its name: `guardrails.truncate`. */
  readonly name: string
  readonly effect: RuleEffect
  readonly condition: Condition
  readonly message: string | undefined
  readonly hint: string | undefined
  /** Who may decide about what it holds; undefined: the default. */
  readonly approval: ApprovalNeedConfig | undefined
}

/** The text of a rule that could not be compiled. `index` is the position in its condition. */
export interface PolicyProblem {
  readonly rule: string
  readonly message: string
  readonly index: number
}

/** Never seen after `loadConfig`, which reports the same problems with their place in the file. */
export class PolicyError extends ChaperoneError {
  readonly problems: readonly PolicyProblem[]

  constructor(problems: readonly PolicyProblem[]) {
    const lines = problems.map(({ rule, message, index }) => `rule ${rule}, character ${index + 1}: ${message}`)
    super('CHP-CONFIG-INVALID', { message: `the policy is not valid\n${lines.join('\n')}` })
    this.name = 'PolicyError'
    this.problems = problems
  }
}

/**
 * The operator's rules and the packs', sorted by name.
 * @throws PolicyError with every rule that does not compile, and names that are there twice or unknown to the pack
 */
export function compileRules({ rules, packs }: Pick<Config, 'rules' | 'packs'>): readonly CompiledRule[] {
  const problems: PolicyProblem[] = []
  const disabled = new Set(packs.guardrails.disable)
  for (const name of disabled) {
    if (GUARDRAILS.some((rule) => rule.name === name)) continue
    problems.push({ rule: `guardrails.${name}`, message: 'there is no such rule in the pack.', index: 0 })
  }
  const packed = GUARDRAILS.filter(({ name }) => !disabled.has(name)).map((rule) => {
    return { ...rule, name: `guardrails.${rule.name}`, approval: undefined }
  })
  const names = new Set<string>()
  const compiled = [...rules, ...packed].flatMap(({ name, when, effect, message, hint, approval }): CompiledRule[] => {
    if (names.has(name)) problems.push({ rule: name, message: 'the name is there twice.', index: 0 })
    names.add(name)
    const condition = compileCondition(when)
    if ('holds' in condition) return [{ name, effect, condition, message, hint, approval }]
    problems.push({ rule: name, ...condition })
    return []
  })
  if (problems.length > 0) throw new PolicyError(problems)
  return compiled.toSorted((left, right) => (left.name < right.name ? -1 : 1))
}
