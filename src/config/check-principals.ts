import { type CheckContext, items, mapping, text } from './check-context.ts'
import type { Path } from './problem.ts'
import { suggestion } from './suggestion.ts'
import type { Data } from './yaml-document.ts'

/** Names of the issuers, those with a wrong shape left out. */
export const issuerNames = (context: CheckContext): readonly string[] =>
  items(mapping(context.data)['issuers']).flatMap((issuer) => text(mapping(issuer)['name']) ?? [])

/** A list of principals: that each says enough, and names an issuer that there is. */
export function checkPrincipals(context: CheckContext, path: Path, value: Data): void {
  const issuers = issuerNames(context)
  for (const [at, principal] of items(value).entries()) checkPrincipal(context, [...path, at], principal, issuers)
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
  checkIssuerName(context, [...path, 'issuer'], principal['issuer'])
  if (principal['issuer'] === undefined && issuers.length > 1) {
    context.report(path, 'needs "issuer": with several of them, a subject or group alone could be anybody.', 'key')
  }
}

/** Reports a name of an issuer that there is not. */
export function checkIssuerName(context: CheckContext, path: Path, value: Data): void {
  const issuers = issuerNames(context)
  const name = text(value)
  if (name === undefined || issuers.includes(name)) return
  context.report(path, `there is no such issuer.${suggestion(name, issuers)}`)
}
