import { type CheckContext, items, mapping, requireUnique, text } from './check-context.ts'
import type { Path } from './problem.ts'
import { suggestion } from './suggestion.ts'
import type { Data } from './yaml-document.ts'

/** Rule names of the product begin like this, so that a message always tells whose rule decided. */
const RESERVED_RULE_PREFIXES = ['guardrails.', 'masking.']

export function checkGrants(context: CheckContext): void {
  const root = mapping(context.data)
  const targets = Object.keys(mapping(root['targets']))
  const issuers = items(root['issuers']).flatMap((issuer) => text(mapping(issuer)['name']) ?? [])
  requireUnique(context, root['grants'], ['grants'], 'name')
  for (const [index, value] of items(root['grants']).entries()) {
    const grant = mapping(value)
    for (const [at, target] of items(grant['targets']).entries()) {
      if (typeof target !== 'string' || targets.includes(target)) continue
      context.report(['grants', index, 'targets', at], `there is no such target.${suggestion(target, targets)}`)
    }
    for (const [at, principal] of items(grant['principals']).entries()) {
      checkPrincipal(context, ['grants', index, 'principals', at], principal, issuers)
    }
  }
}

function checkPrincipal(context: CheckContext, path: Path, value: Data, issuers: readonly string[]): void {
  const principal = mapping(value)
  const claims = mapping(principal['claim'])
  if (principal['claim'] !== undefined && Object.keys(claims).length === 0) {
    context.report([...path, 'claim'], 'must not be empty.', 'key')
  }
  if (!['subject', 'group', 'kind', 'claim'].some((name) => principal[name] !== undefined)) {
    context.report(path, 'needs at least one of "subject", "group", "kind" and "claim".', 'key')
  }
  const issuer = text(principal['issuer'])
  if (issuer !== undefined && !issuers.includes(issuer)) {
    context.report([...path, 'issuer'], `there is no such issuer.${suggestion(issuer, issuers)}`)
  }
  if (principal['issuer'] === undefined && issuers.length > 1) {
    context.report(path, 'needs "issuer": with several of them, a subject or group alone could be anybody.', 'key')
  }
}

export function checkRules(context: CheckContext): void {
  const root = mapping(context.data)
  requireUnique(context, root['rules'], ['rules'], 'name')
  for (const [index, value] of items(root['rules']).entries()) {
    const { name, when } = mapping(value)
    const reserved = RESERVED_RULE_PREFIXES.find((prefix) => text(name)?.startsWith(prefix))
    if (reserved !== undefined) {
      context.report(['rules', index, 'name'], `names that begin with ${reserved} belong to built-in rules.`)
    }
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
