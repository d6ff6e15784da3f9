import { hash, randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import { MAX_TOKEN_CHARACTERS } from '../oidc/unverified-token.ts'
import { chainOf, type Member, memberKey, type Principal } from '../principal.ts'
import type { VerifiedIdentity } from '../verified-identity.ts'
import type { BegunRuns } from './begun-runs.ts'
import {
  ACCESS_TOKEN_TYPE,
  type ExchangeRequest,
  OAuthRefusal,
  readExchangeRequest,
  requireKnownPurpose,
} from './exchange-request.ts'
import type { GatewayKeys } from './gateway-keys.ts'
import { CLOCK_SKEW_SECONDS, expirationOf, type GatewayTokenContent, signGatewayToken } from './gateway-token.ts'

export interface ExchangeOptions {
  /** How clients reach the gateway: `iss` of what it issues. */
  readonly publicUrl: string
  readonly keys: GatewayKeys
  /** Longest life of a token, in milliseconds. */
  readonly lifetime: number
  /** Members of a chain at most, the holder included. */
  readonly maxChain: number
  readonly targets: readonly string[]
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  /** Whether policy gives the chain any access to a target, now or after a request: what nobody could use is not issued. */
  readonly mayReach: (principal: Principal, target: string) => boolean
  readonly runs: BegunRuns
  readonly clock: Clock
}

/** A token that was issued: what is sent, and what is recorded. */
export interface Exchanged {
  /** RFC 8693, section 2.2.1. */
  readonly response: {
    readonly access_token: string
    readonly issued_token_type: string
    readonly token_type: 'Bearer'
    readonly expires_in: number
  }
  readonly content: GatewayTokenContent
  /** Names the token in logs. */
  readonly tokenDigest: string
}

/** So often may tokens be exchanged for one another. */
const MAX_SOURCES = 32

/**
 * Token exchange (RFC 8693): the token of somebody (a person, a planner), and that of the one who acts for it, for a short-lived
 * token of the gateway with the whole chain. Without an actor token the holder's own token is narrowed. What comes out is
 * never more than what went in: it ends no later, for no other purpose and run, for no patient and target that was not
 * allowed before.
 * @throws OAuthRefusal
 */
export async function exchange(parameters: URLSearchParams, options: ExchangeOptions): Promise<Exchanged> {
  const request = readExchangeRequest(parameters, options.publicUrl)
  const subject = await verified(request.subjectToken, 'subject_token', options)
  const actor =
    request.actorToken === undefined ? undefined : await verified(request.actorToken, 'actor_token', options)
  const principal = narrowed(chained(subject, actor, options.maxChain), request, subject.principal, actor?.principal)
  requireReach(principal, options)
  const isStated = subject.principal.run !== undefined || actor?.principal.run !== undefined
  if (!isStated && !options.runs.begin(subject, principal)) {
    throw new OAuthRefusal('invalid_request', 'too many runs were begun with subject_token')
  }
  const content = contentOf(principal, request, subject, actor, options)
  const token = await signGatewayToken(content, options.publicUrl, options.keys)
  if (token.length > MAX_TOKEN_CHARACTERS) {
    throw new OAuthRefusal('invalid_request', 'the token would be too long: its members have too many groups')
  }
  return {
    response: {
      access_token: token,
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: 'Bearer',
      expires_in: expirationOf(content.expiresAt) - Math.floor(content.issuedAt / 1000),
    },
    content,
    tokenDigest: hash('sha256', token).slice(0, 16),
  }
}

/** RFC 8693, section 2.2.2: a token that is not good, for whatever reason, makes the request invalid. */
async function verified(token: string, what: string, { verify }: ExchangeOptions): Promise<VerifiedIdentity> {
  try {
    return await verify(token)
  } catch (error) {
    if (error instanceof IdentityRejected && error.reason === 'keys-unavailable') {
      throw new OAuthRefusal(
        'temporarily_unavailable',
        `the keys of the issuer of ${what} are not available`,
        error.reason,
      )
    }
    if (!(error instanceof ChaperoneError) || !error.code.startsWith('CHP-AUTH-')) throw error
    throw new OAuthRefusal('invalid_request', `${what} was not accepted`, `${what}: ${error.reason ?? error.code}`)
  }
}

type Chained = Pick<Principal, keyof Member | 'name' | 'onBehalfOf'>

function chained(subject: VerifiedIdentity, actor: VerifiedIdentity | undefined, maxChain: number): Chained {
  const before = chainOf(subject.principal).map(memberOf)
  if (actor === undefined) {
    const [holder = memberOf(subject.principal), ...others] = before
    return { ...holder, name: subject.principal.name, ...(others.length > 0 && { onBehalfOf: others }) }
  }
  const key = memberKey(actor.principal)
  if (actor.principal.onBehalfOf !== undefined) {
    throw new OAuthRefusal(
      'invalid_request',
      'actor_token is that of somebody who acts for others: the actor needs its own',
    )
  }
  if (subject.mayAct !== undefined && subject.mayAct !== key) {
    throw new OAuthRefusal('invalid_request', 'may_act of subject_token names somebody else')
  }
  // A loop would give nobody more; it would only hide who has asked whom.
  if (before.some((member) => memberKey(member) === key)) {
    throw new OAuthRefusal('invalid_request', 'the actor is in the chain already')
  }
  if (before.length + 1 > maxChain) throw new OAuthRefusal('invalid_request', `a chain has at most ${maxChain} members`)
  return { ...memberOf(actor.principal), name: actor.principal.name, onBehalfOf: before }
}

function memberOf({ issuer, subject, kind, groups, claims }: Member): Member {
  return claims === undefined ? { issuer, subject, kind, groups } : { issuer, subject, kind, groups, claims }
}

/** Both tokens bind: what either says about the use of it stays, and the request can add to that only. */
function narrowed(
  chain: Chained,
  request: ExchangeRequest,
  subject: Principal,
  actor: Principal | undefined,
): Principal {
  const stated = agreed('purpose', subject.purpose, actor?.purpose)
  const purpose = stated ?? (request.purpose === undefined ? undefined : requireKnownPurpose(request.purpose))
  agreed('purpose', stated, request.purpose)
  const run = agreed('run', agreed('run', subject.run, actor?.run), request.run) ?? randomUUID()
  const patients = common(subject.patients, actor?.patients, request.patients)
  if (patients?.length === 0) throw new OAuthRefusal('invalid_request', 'none of these patients is allowed')
  const allowed = common(subject.targets, actor?.targets)
  if (request.targets.some((target) => allowed !== undefined && !allowed.includes(target))) throw unreachable()
  const targets = common(allowed, request.targets.length === 0 ? undefined : request.targets)
  if (targets?.length === 0) throw unreachable()
  return {
    ...chain,
    ...(purpose !== undefined && { purpose }),
    run,
    ...(patients !== undefined && { patients }),
    ...(targets !== undefined && { targets }),
  }
}

function agreed(what: string, one: string | undefined, other: string | undefined): string | undefined {
  if (one !== undefined && other !== undefined && one !== other) {
    throw new OAuthRefusal('invalid_request', `${what} cannot be another than that of the tokens`)
  }
  return one ?? other
}

/** What is in all lists; undefined where there is none. */
function common(...lists: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const [first, ...others] = lists.filter((list) => list !== undefined)
  return first?.filter((item) => others.every((list) => list.includes(item)))
}

/** Unknown and forbidden targets look the same. */
const unreachable = (): OAuthRefusal => new OAuthRefusal('invalid_target', 'this chain may not use the target')

function requireReach(principal: Principal, { targets, mayReach }: ExchangeOptions): void {
  const reaches = (target: string) => targets.includes(target) && mayReach(principal, target)
  const wanted = principal.targets
  if (wanted === undefined ? !targets.some(reaches) : !wanted.every(reaches)) throw unreachable()
}

function contentOf(
  principal: Principal,
  request: ExchangeRequest,
  subject: VerifiedIdentity,
  actor: VerifiedIdentity | undefined,
  { clock, lifetime }: ExchangeOptions,
): GatewayTokenContent {
  const now = clock()
  const behind = actor === undefined ? [subject] : [subject, actor]
  const asked = request.lifetimeSeconds === undefined ? lifetime : (request.lifetimeSeconds + CLOCK_SKEW_SECONDS) * 1000
  const expiresAt = Math.min(now + lifetime, now + asked, ...behind.map((identity) => identity.expiresAt))
  if (expirationOf(expiresAt) <= Math.floor(now / 1000)) {
    throw new OAuthRefusal('invalid_request', 'the tokens are about to expire')
  }
  const sources = [...new Set(behind.flatMap(({ tokenDigest, sources: older }) => [tokenDigest, ...older]))]
  if (sources.length > MAX_SOURCES) throw new OAuthRefusal('invalid_request', 'the tokens were exchanged too often')
  return {
    principal,
    tokenId: randomUUID(),
    issuedAt: now,
    expiresAt,
    sources,
    sourceIds: [...new Set(behind.flatMap(({ tokenIds }) => tokenIds))],
    firstIssuedAt: Math.min(...behind.map(({ firstIssuedAt }) => firstIssuedAt)),
    mayAct: subject.mayAct,
  }
}
