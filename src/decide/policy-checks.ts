import type { PolicyChecks } from '../config/check-context.ts'
import { compileCondition } from './condition.ts'
import { GUARDRAILS } from './packs/guardrails.ts'

/** What `loadConfig` needs to know of rules. */
export const policyChecks: PolicyChecks = Object.freeze({
  condition: (text: string) => {
    const result = compileCondition(text)
    return 'holds' in result ? undefined : result
  },
  guardrails: Object.freeze(GUARDRAILS.map(({ name }) => name)),
})
