import { type CheckContext, items, mapping, text } from './check-context.ts'
import { checkKey } from './check-keys.ts'
import { checkPrincipals } from './check-principals.ts'
import { checkWebhooks } from './check-secrets.ts'
import { webSection } from './check-web.ts'
import type { Path } from './problem.ts'
import { suggestion } from './suggestion.ts'
import type { Data } from './yaml-document.ts'

const PATH = ['approvals']

export function checkApprovals(context: CheckContext): void {
  const root = mapping(context.data)
  const section = root['approvals']
  checkActivation(context, mapping(root['policy'])['activation'])
  if (section === undefined) return
  const approvals = mapping(section)
  for (const [name, principals] of Object.entries(mapping(approvals['pools']))) {
    checkPrincipals(context, [...PATH, 'pools', name], principals)
    checkHumans(context, [...PATH, 'pools', name], principals)
  }
  checkNeed(context, [...PATH, 'default'], approvals['default'])
  checkKey(context, [...PATH, 'key'], approvals['key'])
  checkWebhooks(context, [...PATH, 'webhooks'], approvals['webhooks'])
  const web = webSection(context)
  if (web === undefined) {
    context.report(PATH, 'cannot take effect without "listen.web", where people decide.', 'key')
  } else if ((approvals['stepUp'] ?? 'passkey') === 'passkey' && mapping(web)['signIn'] === undefined) {
    const message =
      'needs "listen.web.signIn": passkeys are used in a browser. (Without it, "stepUp: tokenOnlyWithoutPasskey" is needed.)'
    context.report(PATH, message, 'key')
  }
}

function checkActivation(context: CheckContext, activation: Data): void {
  if (typeof activation === 'object') checkNeed(context, ['policy', 'activation'], activation)
}

/** Of a rule, a grant or a setting: that its pools exist, and can be as many people as it asks for. */
export function checkNeed(context: CheckContext, path: Path, value: Data): void {
  if (typeof value !== 'object') return
  const section = mapping(context.data)['approvals']
  if (section === undefined) {
    context.report(path, 'cannot take effect without the section "approvals".', 'key')
    return
  }
  const pools = mapping(mapping(section)['pools'])
  const fallback = mapping(mapping(section)['default'])
  const need = mapping(value)
  const names = items(need['pools'] ?? fallback['pools']).flatMap((name) => text(name) ?? [])
  for (const [index, name] of items(need['pools']).entries()) {
    if (typeof name !== 'string' || Object.hasOwn(pools, name)) continue
    context.report([...path, 'pools', index], `there is no such pool.${suggestion(name, Object.keys(pools))}`)
  }
  const quorum = need['quorum'] ?? fallback['quorum']
  const people = countPeople(names.map((name) => pools[name]))
  if (typeof quorum !== 'number' || people === undefined || quorum <= people) return
  const where = need['quorum'] === undefined ? path : [...path, 'quorum']
  context.report(where, `can never be met: the pools have ${people} people.`)
}

/** How many people pools can have; undefined: any number, or a pool that is not there. */
function countPeople(pools: readonly Data[]): number | undefined {
  const people = new Set<string>()
  for (const pool of pools) {
    if (!Array.isArray(pool)) return undefined
    for (const principal of pool) {
      const { issuer, subject } = mapping(principal)
      if (typeof subject !== 'string') return undefined
      people.add(JSON.stringify([issuer ?? null, subject]))
    }
  }
  return people.size
}

/** Whoever decides is a human; a pool of others waits for nobody. */
function checkHumans(context: CheckContext, path: Path, value: Data): void {
  const fixed = new Map(
    items(mapping(context.data)['issuers']).map((issuer) => {
      const { name, claims } = mapping(issuer)
      return [text(name), text(mapping(mapping(claims)['kind'])['fixed'])]
    }),
  )
  for (const [at, item] of items(value).entries()) {
    const { issuer, kind } = mapping(item)
    const only = issuer === undefined && fixed.size === 1 ? [...fixed.values()][0] : fixed.get(text(issuer))
    const actual = text(kind) ?? only
    if (actual === 'agent' || actual === 'service') {
      context.report([...path, at], `can only match ${actual}s, and only humans decide.`, 'key')
    }
  }
}
