import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { AdminConfig } from '../config/config.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { readJournal } from '../record/reader.ts'
import { viewOf } from '../session/live-session.ts'
import type { SessionRegistry } from '../session/session-registry.ts'
import { json, problem } from './answers.ts'
import { answerControl, type ControlAdministration } from './control-routes.ts'
import { answerPasskeys, type PasskeyAdministration } from './passkey-routes.ts'
import { answerPolicy, type PolicyAdministration } from './policy-routes.ts'
import { answerTokens, type TokenAdministration } from './token-routes.ts'

export interface AdminApiSources {
  readonly registry: SessionRegistry
  readonly journalDirectory: string
  /** Undefined: nothing is tokenised. */
  readonly tokens: TokenAdministration | undefined
  readonly control: ControlAdministration
  /** Undefined: the file decides, and no versions are kept. */
  readonly policy: PolicyAdministration | undefined
  /** Undefined: there are no approvals. */
  readonly passkeys: PasskeyAdministration | undefined
  /** Of the store; undefined when none is needed. */
  readonly store: () => StoreHealth | undefined
}

export interface StoreHealth {
  readonly state: string
  /** Why it is down, without values. */
  readonly reason?: string | undefined
}

export interface AdminApi {
  close(): Promise<void>
}

/**
 * The admin API: who may open the Unix socket (mode 0600, the gateway's own user) may use it.
 *
 *   GET /v1/health                 whether the gateway takes work, and whether its store does
 *   GET /v1/sessions               sessions that are alive
 *   GET /v1/sessions/ID            one of them; 404 when it is over
 *   GET /v1/sessions/ID/events     its journal headers, live or over, one JSON object a line
 *   GET /v1/tokens                 scopes of tokens and how many there are
 *   DELETE /v1/tokens/scope        ?group=…&purpose=…&target=…: shreds the scope
 *   POST /v1/tokens/expire         deletes expired tokens now
 *   POST /v1/tokens/rotate-key     encrypts the keys of the scopes with the current key
 *   POST /v1/kill                  ?what=…&value=…&reason=…: ends sessions
 *   GET /v1/revocations            what is revoked
 *   POST /v1/revocations           ?what=…&value=…&reason=…: revokes a token, a principal or a run
 *   DELETE /v1/revocations         ?id=…: lifts one
 *   DELETE /v1/passkeys            ?issuer=…&subject=…&reason=…: takes all of theirs from somebody
 *
 * What changes something needs the socket: on a port anybody on the machine could ask, and any page in a browser.
 */
export async function startAdminApi(config: AdminConfig, sources: AdminApiSources): Promise<AdminApi> {
  const server = createServer((request, response) => {
    // A page in a browser on this machine could reach the port under a name of its own (DNS rebinding).
    if (config.kind === 'loopback' && !isThisMachine(request.headers.host))
      return problem(response, 403, 'not by this name')
    if (config.kind === 'loopback' && request.method !== 'GET')
      return problem(response, 403, 'changes are made through the socket (admin.socket), not through a port')
    return void answer(request, response, sources).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (config.kind === 'loopback') server.listen(config.port, '127.0.0.1', resolve)
    else {
      prepareSocket(config.path).then(() => server.listen(config.path, resolve), reject)
    }
  })
  if (config.kind === 'socket') chmodSync(config.path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function prepareSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  if (!existsSync(path)) return
  if (!lstatSync(path).isSocket())
    throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `${path} is there and is no socket` })
  if (await answers(path)) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `another gateway answers on ${path}` })
  }
  // Left behind by a gateway that was killed.
  rmSync(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

const SESSION_PATH = /^\/v1\/sessions\/([0-9a-f-]{36})(\/events)?$/

async function answer(request: IncomingMessage, response: ServerResponse, sources: AdminApiSources): Promise<void> {
  if (await answerTokens(request, response, sources.tokens)) return
  if (await answerControl(request, response, sources.control)) return
  if (await answerPolicy(request, response, sources.policy)) return
  if (await answerPasskeys(request, response, sources.passkeys)) return
  const [path = ''] = (request.url ?? '').split('?')
  if (request.method !== 'GET') return problem(response, 405, 'only GET is available')
  if (path === '/v1/health') return json(response, healthOf(sources))
  if (path === '/v1/sessions') return json(response, { sessions: sources.registry.list().map(viewOf) })
  const [, id, events] = SESSION_PATH.exec(path) ?? []
  if (id === undefined) return problem(response, 404, 'there is nothing here')
  if (events !== undefined) return sendEvents(response, sources.journalDirectory, id)
  const session = sources.registry.get(id)
  return session === undefined ? problem(response, 404, 'no such session is alive') : json(response, viewOf(session))
}

/** The gateway serves without its store: only what needs a token that is not in memory fails. */
function healthOf({ registry, store }: AdminApiSources): object {
  const health = store()
  return { status: 'ok', sessions: registry.size, ...(health === undefined ? {} : { store: health }) }
}

async function sendEvents(response: ServerResponse, directory: string, id: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  for await (const { header } of readJournal(directory)) {
    if (header.session !== id) continue
    if (!response.write(`${JSON.stringify(header)}\n`)) await drained(response)
    // Whoever asked has gone; leaving the loop closes the journal's files.
    if (response.destroyed) return
  }
  response.end()
}

const isThisMachine = (host = ''): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?$/.test(host)

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
    if (response.destroyed) done()
  })
}
