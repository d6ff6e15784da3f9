import { assertNever } from '../lib/assert-never.ts'
import { ERRORS } from '../lib/errors.ts'
import type { CompiledRule } from './compile-rules.ts'
import type { Finding } from './finding.ts'

/**
 * What the rules say of one statement. A condition that cannot be evaluated refuses. Messages leave the rule's name to the
 * protocol, which shows it after the code.
 */
export function ruleFindings(
  rules: readonly CompiledRule[],
  variables: Readonly<Record<string, unknown>>,
  statement: number,
): readonly Finding[] {
  return rules.flatMap((rule): readonly Finding[] => {
    try {
      return rule.condition.holds(variables) ? [finding(rule, statement)] : []
    } catch (error) {
      return [faultOf(rule, statement, error)]
    }
  })
}

/** What approvers are told where the rule has no words of its own. */
const HELD = 'a policy rule holds this statement'

function finding(rule: CompiledRule, statement: number): Finding {
  const { name, effect, message, hint, approval } = rule
  const common = { rule: name, statement }
  switch (effect) {
    case 'refuse':
      return {
        ...common,
        severity: 'refused',
        code: 'CHP-POLICY-REFUSED',
        message: message ?? ERRORS['CHP-POLICY-REFUSED'].title,
        hint: hint ?? 'The operator of the gateway can explain the rule.',
      }
    case 'hold':
      return {
        ...common,
        severity: 'held',
        code: 'CHP-POLICY-HELD',
        message: `${message === undefined ? '' : `${message}; `}${ERRORS['CHP-POLICY-HELD'].title}`,
        hint: hint ?? ERRORS['CHP-POLICY-HELD'].hint,
        hold: { message: message ?? HELD, approval },
      }
    case 'warn':
      return {
        ...common,
        severity: 'warned',
        code: undefined,
        message: message ?? 'a policy rule warns of this statement',
        hint: hint ?? '',
      }
    case 'alert':
      return {
        ...common,
        severity: 'alerted',
        code: undefined,
        message: message ?? 'a policy rule raises an alert for this statement',
        hint: hint ?? '',
      }
    default:
      return assertNever(effect)
  }
}

function faultOf({ name }: CompiledRule, statement: number, error: unknown): Finding {
  return {
    severity: 'error',
    rule: name,
    statement,
    code: 'CHP-POLICY-ERROR',
    message: ERRORS['CHP-POLICY-ERROR'].title,
    hint: ERRORS['CHP-POLICY-ERROR'].hint,
    reason: error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : 'unknown',
  }
}
