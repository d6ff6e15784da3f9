import { isSafeText } from '../safe-text.ts'
import { isPurposeOfUse } from './purpose-of-use.ts'

export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** RFC 8693, section 3. What is exchanged here is read as a JWT, whichever of the two it is called. */
const TOKEN_TYPES: ReadonlySet<string> = new Set([ACCESS_TOKEN_TYPE, 'urn:ietf:params:oauth:token-type:jwt'])
const MAX_LISTED = 100
const MAX_RUN_CHARACTERS = 128

/** RFC 6749, section 5.2; RFC 8693, section 2.2.2. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable'

/** A refusal in OAuth's words. The description is free of what was sent. */
export class OAuthRefusal extends Error {
  readonly code: OAuthErrorCode
  /** For the log. */
  readonly reason: string | undefined

  constructor(code: OAuthErrorCode, description: string, reason?: string) {
    super(description)
    this.name = 'OAuthRefusal'
    this.code = code
    this.reason = reason
  }
}

export interface ExchangeRequest {
  readonly subjectToken: string
  readonly actorToken: string | undefined
  /** Names of the only targets that the token is to be good for; empty: no such bound was asked for. */
  readonly targets: readonly string[]
  readonly purpose: string | undefined
  readonly run: string | undefined
  readonly patients: readonly string[] | undefined
  readonly lifetimeSeconds: number | undefined
}

/**
 * The parameters of a token exchange (RFC 8693, section 2.1) and the gateway's own: `purpose`, `run`, `patients` (repeated, one
 * key each) and `expires_in`. Parameters that are not known are ignored, as RFC 6749 wants it.
 * @throws OAuthRefusal
 */
export function readExchangeRequest(parameters: URLSearchParams, publicUrl: string): ExchangeRequest {
  const one = (name: string): string | undefined => {
    const [value, ...more] = parameters.getAll(name)
    if (more.length > 0) throw new OAuthRefusal('invalid_request', `${name} is there more than once`)
    // RFC 6749, section 3.2: without a value it counts as left out.
    return value === '' ? undefined : value
  }
  if (one('grant_type') !== TOKEN_EXCHANGE_GRANT) {
    throw new OAuthRefusal('unsupported_grant_type', 'only token exchange (RFC 8693) is available')
  }
  const [subjectToken, subjectType] = [one('subject_token'), one('subject_token_type')]
  const [actorToken, actorType] = [one('actor_token'), one('actor_token_type')]
  if (subjectToken === undefined || subjectType === undefined) {
    throw new OAuthRefusal('invalid_request', 'subject_token and subject_token_type are needed')
  }
  if ((actorToken === undefined) !== (actorType === undefined)) {
    throw new OAuthRefusal('invalid_request', 'actor_token and actor_token_type go together')
  }
  for (const type of [subjectType, actorType ?? subjectType]) {
    if (!TOKEN_TYPES.has(type))
      throw new OAuthRefusal('invalid_request', 'only tokens of type access_token or jwt are taken')
  }
  if ((one('requested_token_type') ?? ACCESS_TOKEN_TYPE) !== ACCESS_TOKEN_TYPE) {
    throw new OAuthRefusal('invalid_request', 'only tokens of type access_token are issued')
  }
  if (one('scope') !== undefined)
    throw new OAuthRefusal('invalid_scope', 'there are no scopes; name targets as audience')
  return {
    subjectToken,
    actorToken,
    targets: targetsOf(parameters, publicUrl),
    purpose: purposeOf(one('purpose')),
    run: runOf(one('run')),
    patients: patientsOf(parameters.getAll('patients')),
    lifetimeSeconds: lifetimeOf(one('expires_in')),
  }
}

/** As `audience` by name, as `resource` by URL: below the gateway's own. The gateway itself stands for no bound. */
function targetsOf(parameters: URLSearchParams, publicUrl: string): readonly string[] {
  const prefix = `${publicUrl}/targets/`
  const resources = parameters.getAll('resource').filter((resource) => resource !== publicUrl)
  const named = resources.map((resource) => {
    if (resource.startsWith(prefix)) return resource.slice(prefix.length)
    throw new OAuthRefusal('invalid_target', 'resource is not a target of this gateway')
  })
  const audiences = parameters.getAll('audience').filter((audience) => audience !== publicUrl)
  const targets = [...new Set([...named, ...audiences])]
  if (targets.length > MAX_LISTED) throw new OAuthRefusal('invalid_target', `more than ${MAX_LISTED} targets`)
  return targets
}

function purposeOf(purpose: string | undefined): string | undefined {
  if (purpose !== undefined && !isSafeText(purpose))
    throw new OAuthRefusal('invalid_request', 'purpose is not plain text')
  return purpose
}

/** A purpose that no token behind the exchange has stated has to be a word that everybody understands. */
export function requireKnownPurpose(purpose: string): string {
  if (isPurposeOfUse(purpose)) return purpose
  throw new OAuthRefusal('invalid_request', 'purpose is not a code of HL7 PurposeOfUse, such as TREAT or HOPERAT')
}

function runOf(run: string | undefined): string | undefined {
  if (run === undefined || isSafeText(run, MAX_RUN_CHARACTERS)) return run
  throw new OAuthRefusal('invalid_request', `run is not plain text of at most ${MAX_RUN_CHARACTERS} characters`)
}

function patientsOf(patients: readonly string[]): readonly string[] | undefined {
  if (patients.length === 0) return undefined
  if (patients.length > MAX_LISTED) throw new OAuthRefusal('invalid_request', `more than ${MAX_LISTED} patients`)
  if (!patients.every((patient) => isSafeText(patient, MAX_RUN_CHARACTERS))) {
    throw new OAuthRefusal('invalid_request', 'patients is not the key of a patient')
  }
  return [...new Set(patients)]
}

function lifetimeOf(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined
  if (/^[1-9][0-9]{0,8}$/.test(seconds)) return Number(seconds)
  throw new OAuthRefusal('invalid_request', 'expires_in is not a number of seconds')
}
