import { checkNeed } from './check-approvals.ts'
import { type CheckContext, items, mapping, requireUnique, text } from './check-context.ts'
import { suggestion } from './suggestion.ts'

/** Rule names of the product begin like this, so that a message always tells whose rule decided. */
const RESERVED_RULE_PREFIXES = ['guardrails.', 'masking.', 'grants.']

export function checkRules(context: CheckContext): void {
  const root = mapping(context.data)
  requireUnique(context, root['rules'], ['rules'], 'name')
  for (const [index, value] of items(root['rules']).entries()) {
    const { name, when, effect, approval } = mapping(value)
    const reserved = RESERVED_RULE_PREFIXES.find((prefix) => text(name)?.startsWith(prefix))
    if (reserved !== undefined) {
      context.report(['rules', index, 'name'], `names that begin with ${reserved} belong to built-in rules.`)
    }
    if (approval !== undefined && effect !== 'hold') {
      context.report(['rules', index, 'approval'], 'cannot take effect: the rule does not hold.', 'key')
    } else checkNeed(context, ['rules', index, 'approval'], approval)
    const fault = typeof when === 'string' && when !== '' ? context.policy.condition(when) : undefined
    if (fault !== undefined) context.report(['rules', index, 'when'], fault.message, { character: fault.index })
  }
  const known = context.policy.guardrails
  const disabled = items(mapping(mapping(root['packs'])['guardrails'])['disable'])
  for (const [index, name] of disabled.entries()) {
    if (typeof name !== 'string' || known.includes(name)) continue
    const message = `there is no such rule in the pack.${suggestion(name, known)}`
    context.report(['packs', 'guardrails', 'disable', index], message)
  }
}
