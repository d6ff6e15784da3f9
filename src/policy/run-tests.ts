import { access } from '../decide/access.ts'
import type { Access, Moment } from '../decide/decision.ts'
import { grantDigest } from '../decide/grant-digest.ts'
import type { Policy } from '../decide/policy.ts'
import { chainKey, type Principal } from '../identity/principal.ts'
import { type Analyse, judgeText, type Judgement, type Question } from './judge-text.ts'
import type { PolicyTest } from './test-file.ts'

export interface TestResult {
  readonly name: string
  /** What was expected and is not so; empty: passed. */
  readonly failures: readonly string[]
}

/** Decides as the gateway would, and compares. */
export async function runTest(
  policy: Policy,
  test: PolicyTest,
  searchPath: readonly string[],
  analyse: Analyse,
  now: number,
): Promise<TestResult> {
  const { sql, ...question } = questionOf(policy, test, searchPath, now)
  const unknown = test.given.filter(
    (name) => !policy.grants.some((one) => one.name === name && one.onRequest !== undefined),
  )
  if (unknown.length > 0) return { name: test.name, failures: [`no grant on request: ${unknown.join(', ')}`] }
  const judgement =
    sql === undefined
      ? accessOnly(access(policy, question.principal, question.target, question.moment))
      : await judgeText(policy, { ...question, sql }, analyse)
  return { name: test.name, failures: compare(test.expect, judgement) }
}

/** What a test asks; without a text it is about access only. */
export function questionOf(
  policy: Policy,
  test: PolicyTest,
  searchPath: readonly string[],
  now: number,
): Omit<Question, 'sql'> & { readonly sql: string | undefined } {
  const principal = principalOf(test)
  const at = test.at === undefined ? now : Date.parse(test.at)
  const { target, sql, estimatedRows, recent } = test
  const moment = momentOf(policy, principal, test.given, at)
  return { principal, target, sql, searchPath, moment, circumstances: { now: at, estimatedRows, recent } }
}

/** Grants on request as if they had been approved a moment ago. */
export function momentOf(policy: Policy, principal: Principal, given: readonly string[], now: number): Moment {
  const chain = chainKey(principal)
  const activated = policy.grants
    .filter(({ name }) => given.includes(name))
    .map((grant) => ({ grant: grant.name, chain, until: now + 1, digest: grantDigest(grant) }))
  return { now, activated }
}

function principalOf({ principal, onBehalfOf, purpose, run, patients }: PolicyTest): Principal {
  return {
    ...memberOf(principal),
    name: undefined,
    ...(onBehalfOf.length === 0 ? {} : { onBehalfOf: onBehalfOf.map(memberOf) }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(run === undefined ? {} : { run }),
    ...(patients === undefined ? {} : { patients }),
  }
}

function memberOf({ claims, ...member }: PolicyTest['principal']) {
  return claims === undefined ? member : { ...member, claims }
}

type Found = Judgement | { readonly kind: 'access'; readonly access: Access }

const accessOnly = (given: Access | undefined): Found =>
  given === undefined ? { kind: 'no-access' } : { kind: 'access', access: given }

function compare(expected: PolicyTest['expect'], found: Found): readonly string[] {
  if (expected.access === 'none') return found.kind === 'no-access' ? [] : ['access: expected none, but it is granted']
  if (found.kind === 'no-access') return ['access: expected granted, but there is none']
  const seen = seenOf(found)
  return FIELDS.flatMap((field) => {
    const wanted = expected[field]
    if (wanted === undefined) return []
    const left = textOf(wanted)
    const right = textOf(seen[field])
    return left === right ? [] : [`${field}: expected ${left}, found ${right}`]
  })
}

const FIELDS = ['outcome', 'code', 'rule', 'rules', 'clearance', 'masked', 'pools'] as const

type Seen = { readonly [Field in (typeof FIELDS)[number]]: string | readonly string[] | undefined }

const NOTHING: Seen = {
  outcome: undefined,
  code: undefined,
  rule: undefined,
  rules: undefined,
  clearance: undefined,
  masked: undefined,
  pools: undefined,
}

function seenOf(found: Exclude<Found, { kind: 'no-access' }>): Seen {
  const clearance = found.access.clearance.key
  if (found.kind === 'access') return { ...NOTHING, clearance }
  if (found.kind === 'not-understood') return { ...NOTHING, clearance, outcome: 'refuse', code: found.code }
  const { decision, masked } = found
  const { outcome, rules } = decision
  const common = { ...NOTHING, clearance, outcome, rules, masked }
  if (decision.outcome === 'allow') return common
  if (decision.outcome === 'refuse') return { ...common, rule: decision.rule, code: decision.code }
  return { ...common, rule: decision.rule, pools: [...new Set(decision.needs.flatMap(({ pools }) => pools))] }
}

const textOf = (value: string | readonly string[] | undefined): string =>
  value === undefined ? 'nothing' : typeof value === 'string' ? value : `[${[...value].toSorted().join(', ')}]`
