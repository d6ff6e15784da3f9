import type { IncomingMessage, ServerResponse } from 'node:http'
import { ChaperoneError } from '../lib/errors.ts'
import type { ScopeKey } from '../vault/token-scope.ts'
import type { VaultStatus } from '../vault/vault-status.ts'
import { json, problem } from './answers.ts'

/** What an operator may do with tokens. Nobody can ask here what one stands for. All reject with CHP-VAULT-UNAVAILABLE. */
export interface TokenAdministration {
  status(): Promise<VaultStatus>
  /** False when there was no such scope. */
  deleteScope(key: ScopeKey): Promise<boolean>
  /** Deletes expired tokens now, and says how many. */
  expire(): Promise<number>
  /** Wraps the keys of all scopes with the current key, and says how many had another one. */
  rewrap(): Promise<number>
}

const PATH = '/v1/tokens'

type Handler = (tokens: TokenAdministration, query: URLSearchParams, response: ServerResponse) => Promise<void>

const HANDLERS: Readonly<Record<string, Handler>> = {
  [`GET ${PATH}`]: async (tokens, _, response) => json(response, await tokens.status()),
  [`DELETE ${PATH}/scope`]: deleteScope,
  [`POST ${PATH}/expire`]: async (tokens, _, response) => json(response, { deleted: await tokens.expire() }),
  [`POST ${PATH}/rotate-key`]: async (tokens, _, response) => json(response, { rewrapped: await tokens.rewrap() }),
}

/** Answers a request for tokens; false when it is none. */
export async function answerTokens(
  request: IncomingMessage,
  response: ServerResponse,
  tokens: TokenAdministration | undefined,
): Promise<boolean> {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  if (path !== PATH && !path.startsWith(`${PATH}/`)) return false
  const name = `${request.method} ${path}`
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined
  if (handler === undefined) {
    const known = Object.keys(HANDLERS).some((one) => one.endsWith(` ${path}`))
    if (known) problem(response, 405, 'not by this method')
    else problem(response, 404, 'there is nothing here')
  } else if (tokens === undefined) problem(response, 404, 'no label of this gateway has the transform token')
  else await handle(handler, tokens, new URLSearchParams(query), response)
  return true
}

async function handle(
  handler: Handler,
  tokens: TokenAdministration,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  try {
    await handler(tokens, query, response)
  } catch (error) {
    if (!(error instanceof ChaperoneError)) throw error
    problem(response, 503, error.message, error.code)
  }
}

const SCOPE_FIELDS = ['group', 'purpose', 'target'] as const

/** Every field has to be said, the empty purpose as well: a scope is not deleted by leaving something out. */
async function deleteScope(
  tokens: TokenAdministration,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const given = SCOPE_FIELDS.map((name) => query.getAll(name))
  if (given.some(({ length }) => length !== 1) || query.size !== SCOPE_FIELDS.length) {
    return problem(response, 400, `exactly these are needed: ${SCOPE_FIELDS.join(', ')}`)
  }
  const [[group = ''] = [], [purpose = ''] = [], [target = ''] = []] = given
  if (await tokens.deleteScope({ group, purpose, target })) json(response, { deleted: true })
  else problem(response, 404, 'there is no such scope')
}
