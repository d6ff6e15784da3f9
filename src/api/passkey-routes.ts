import type { IncomingMessage, ServerResponse } from 'node:http'
import { ChaperoneError } from '../lib/errors.ts'
import { json, problem } from './answers.ts'

/** What an operator may do about passkeys: take them from somebody who has lost them. On record before it is done. */
export interface PasskeyAdministration {
  /** How many there were. The next one that this person registers is a first one again. */
  removeAll(of: { readonly issuer: string; readonly subject: string }, reason: string): Promise<number>
}

const PATH = '/v1/passkeys'
const MAX_TEXT = 500

/** Answers a request that is about passkeys; false when it is none. */
export async function answerPasskeys(
  request: IncomingMessage,
  response: ServerResponse,
  passkeys: PasskeyAdministration | undefined,
): Promise<boolean> {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  if (path !== PATH) return false
  if (request.method !== 'DELETE') problem(response, 405, 'not by this method')
  else if (passkeys === undefined) problem(response, 404, 'there are no approvals here')
  else await remove(passkeys, new URLSearchParams(query), response)
  return true
}

async function remove(
  passkeys: PasskeyAdministration,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const [issuer, subject, reason] = ['issuer', 'subject', 'reason'].map((name) => textOf(query, name))
  if (issuer === undefined || subject === undefined || reason === undefined || query.size !== 3) {
    return problem(response, 400, 'needed: issuer (as the configuration names it), subject, reason')
  }
  try {
    json(response, { removed: await passkeys.removeAll({ issuer, subject }, reason) })
  } catch (error) {
    if (!(error instanceof ChaperoneError)) throw error
    problem(response, 503, error.message, error.code)
  }
}

function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name)
  return text === null || text === '' || text.length > MAX_TEXT || /\p{Cc}/u.test(text) ? undefined : text
}
