import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Revocation, RevokedThing } from '../identity/revocations.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { json, problem } from './answers.ts'

export const KILLABLE = ['session', 'principal', 'run', 'target', 'everything'] as const

/** Which sessions end. principal: whoever it is in a chain, as `issuer/subject`. */
export interface KillOrder {
  readonly what: (typeof KILLABLE)[number]
  /** Empty for everything. */
  readonly value: string
  readonly reason: string
}

export interface RevocationOrder {
  readonly thing: RevokedThing
  /** Milliseconds since the epoch. */
  readonly issuedBefore: number | undefined
  readonly until: number | undefined
  readonly reason: string
}

export interface RevocationOutcome {
  readonly revocation: Revocation
  /** Whether other gateways learn of it. */
  readonly isShared: boolean
  /** Whether it is written down, so that a restart does not forget it. */
  readonly isKept: boolean
}

/** What an operator may do to those who are connected, or want to be. On record before it takes effect. */
export interface ControlAdministration {
  /** How many sessions ended. */
  kill(order: KillOrder): Promise<number>
  revocations(): readonly (Revocation & { readonly isShared: boolean })[]
  revoke(order: RevocationOrder): Promise<RevocationOutcome>
  /** False when there is no such revocation. */
  lift(id: string): Promise<boolean>
}

type Handler = (control: ControlAdministration, query: URLSearchParams, response: ServerResponse) => Promise<void>

const HANDLERS: Readonly<Record<string, Handler>> = {
  'POST /v1/kill': kill,
  'GET /v1/revocations': async (control, _, response) => json(response, { revocations: control.revocations() }),
  'POST /v1/revocations': revoke,
  'DELETE /v1/revocations': lift,
}

/** Answers a request that is about sessions and revocations; false when it is none. */
export async function answerControl(
  request: IncomingMessage,
  response: ServerResponse,
  control: ControlAdministration,
): Promise<boolean> {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const methods = Object.keys(HANDLERS).filter((name) => name.endsWith(` ${path}`))
  if (methods.length === 0) return false
  const handler = HANDLERS[`${request.method} ${path}`]
  if (handler === undefined) {
    problem(response, 405, 'not by this method')
    return true
  }
  try {
    await handler(control, new URLSearchParams(query), response)
  } catch (error) {
    if (!(error instanceof ChaperoneError)) throw error
    problem(response, 503, error.message, error.code)
  }
  return true
}

/** The parameters, each once; undefined when one is there twice, is not known, or is required and missing. */
function parameters(
  query: URLSearchParams,
  required: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, string>> | undefined {
  const known = new Set([...required, ...optional])
  const names = [...query.keys()]
  if (new Set(names).size !== names.length || names.some((name) => !known.has(name))) return undefined
  if (required.some((name) => !names.includes(name))) return undefined
  return Object.fromEntries(query)
}

const MAX_TEXT = 500

const isText = (text: string | undefined): text is string =>
  text !== undefined && text !== '' && text.length <= MAX_TEXT && !/\p{Cc}/u.test(text)

async function kill(control: ControlAdministration, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const given = parameters(query, ['what', 'reason'], ['value'])
  const what = KILLABLE.find((one) => one === given?.['what'])
  const value = given?.['value'] ?? ''
  const reason = given?.['reason']
  const isWhole = what === 'everything' ? value === '' : isText(value)
  if (what === undefined || !isWhole || !isText(reason)) {
    return problem(response, 400, `needed: what (${KILLABLE.join(', ')}), value (but for everything), reason`)
  }
  json(response, { ended: await control.kill({ what, value, reason }) })
}

async function revoke(control: ControlAdministration, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const given = parameters(query, ['what', 'value', 'reason'], ['issuer', 'issuedBefore', 'until'])
  const thing = given === undefined ? undefined : thingOf(given)
  const [issuedBefore, until] = [timeOf(given?.['issuedBefore']), timeOf(given?.['until'])]
  const reason = given?.['reason']
  if (thing === undefined || issuedBefore === null || until === null || !isText(reason)) {
    const names = 'what (token, tokenId with issuer, principal, run), value, reason, and optionally issuedBefore, until'
    return problem(response, 400, `needed: ${names}`)
  }
  json(response, await control.revoke({ thing, issuedBefore, until, reason }))
}

function thingOf(given: Readonly<Record<string, string>>): RevokedThing | undefined {
  const { what = '', value, issuer } = given
  if (!isText(value) || (issuer !== undefined) !== (what === 'tokenId')) return undefined
  switch (what) {
    case 'token':
      return /^[0-9a-f]{16}$/.test(value) ? { kind: 'token', digest: value } : undefined
    case 'tokenId':
      return isText(issuer) ? { kind: 'tokenId', issuer, id: value } : undefined
    case 'principal':
      return value.includes('/') ? { kind: 'member', member: value } : undefined
    case 'run':
      return { kind: 'run', run: value }
    default:
      return undefined
  }
}

/** Milliseconds since the epoch; null for what is none. */
function timeOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

async function lift(control: ControlAdministration, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const id = parameters(query, ['id'])?.['id']
  if (!isText(id)) return problem(response, 400, 'needed: id')
  if (await control.lift(id)) json(response, { lifted: true })
  else problem(response, 404, 'there is no such revocation')
}
