import { expect } from 'vitest'
import { OidcVerifier } from '../oidc/oidc-verifier.ts'
import { type Member, type Principal } from '../principal.ts'
import { type VerifiedFacts, VerifiedIdentity } from '../verified-identity.ts'
import { BegunRuns } from './begun-runs.ts'
import { exchange, type ExchangeOptions } from './exchange.ts'
import { OAuthRefusal, TOKEN_EXCHANGE_GRANT } from './exchange-request.ts'
import { GatewayKeys } from './gateway-keys.ts'
import { gatewayIssuer } from './gateway-token.ts'

export const URL_OF_GATEWAY = 'https://gateway.example'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'
export const START = Date.parse('2026-03-01T12:00:00Z')
export const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** The time of the tests, which they set. */
export const time = { now: START }
export const keys = await GatewayKeys.from(Buffer.alloc(32, 1))

export const person: Member = {
  issuer: 'main',
  subject: 'dr a',
  kind: 'human',
  groups: ['doctors'],
  claims: { ward: ['3', 4] },
}
export const planner: Member = { issuer: 'agents', subject: 'planner', kind: 'agent', groups: [] }
export const executor: Member = { issuer: 'agents', subject: 'executor', kind: 'agent', groups: ['executors'] }

export const identityOf = (
  principal: Member & Partial<Principal>,
  change: Partial<VerifiedFacts> = {},
): VerifiedIdentity =>
  VerifiedIdentity.ofVerifiedToken({
    principal: { name: undefined, ...principal },
    issuerUrl: `https://${principal.issuer}.example`,
    audience: 'chaperone',
    issuedAt: START - MINUTE,
    expiresAt: START + HOUR,
    tokenDigest: `digest of ${principal.subject}`,
    ...change,
  })

/** A verifier that knows some tokens by name and the gateway's own by their signature. */
export function setting(known: Readonly<Record<string, VerifiedIdentity>> = {}, change: Partial<ExchangeOptions> = {}) {
  const asked: Principal[] = []
  const { maxChain = 4, lifetime = 10 * MINUTE } = change
  const gateway = gatewayIssuer({
    publicUrl: URL_OF_GATEWAY,
    keys,
    lifetimeSeconds: lifetime / 1000,
    maxChain,
    issuerNames: ['main', 'agents'],
  })
  const verifier = new OidcVerifier([], { clock: () => time.now, gateway })
  const tokens: Readonly<Record<string, VerifiedIdentity>> = {
    person: identityOf({ ...person, name: 'Dr A' }),
    planner: identityOf(planner),
    executor: identityOf({ ...executor, name: 'Executor' }),
    ...known,
  }
  const options: ExchangeOptions = {
    publicUrl: URL_OF_GATEWAY,
    keys,
    lifetime,
    maxChain,
    targets: ['hospital', 'billing'],
    verify: (token) => tokens[token] ?? verifier.verify(token),
    mayReach: (principal) => asked.push(principal) > 0,
    runs: new BegunRuns(),
    clock: () => time.now,
    ...change,
  }
  return { options, verifier, asked }
}

export type Form = Readonly<Record<string, string | readonly string[] | undefined>>

export function parameters(form: Form): URLSearchParams {
  const all: Form = {
    grant_type: TOKEN_EXCHANGE_GRANT,
    ...(form['subject_token'] !== undefined && { subject_token_type: JWT }),
    ...(form['actor_token'] !== undefined && { actor_token_type: JWT }),
    ...form,
  }
  return new URLSearchParams(
    Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
    ),
  )
}

export async function refusal(form: Form, { options } = setting()): Promise<OAuthRefusal> {
  try {
    await exchange(parameters(form), options)
  } catch (error) {
    if (error instanceof OAuthRefusal) return error
    throw error
  }
  return expect.fail('not refused')
}

export const DELEGATED = { subject_token: 'person', actor_token: 'executor' }

export async function issued(
  form: Form,
  { options, verifier } = setting(),
): Promise<VerifiedIdentity & { token: string }> {
  const { response, tokenDigest } = await exchange(parameters(form), options)
  const identity = await verifier.verify(response.access_token)
  expect(tokenDigest).toBe(identity.tokenDigest)
  return Object.assign(Object.create(identity), { token: response.access_token })
}
