import type { IncomingMessage, ServerResponse } from 'node:http'
import { asChaperoneError, ChaperoneError, type ErrorCode } from '../lib/errors.ts'
import type { PolicyHistory, Proposal, ProposalResult } from '../policy/policy-office.ts'
import type { PolicyVersion } from '../policy/policy-repository.ts'
import { json, problem } from './answers.ts'

/** What an operator may do with versions of the policy. */
export interface PolicyAdministration {
  /** The version that decides in this gateway. */
  readonly inForce: () => string
  history(limit: number): Promise<PolicyHistory>
  version(version: string): Promise<PolicyVersion | undefined>
  propose(proposal: Proposal): Promise<ProposalResult>
}

const PATH = '/v1/policy'
const VERSION_PATH = /^\/v1\/policy\/versions\/(sha256:[0-9a-f]{64})$/
const HISTORY = 100
const MAX_BODY = 4 * 1024 * 1024
const MAX_NOTE = 500
/** Of what is not the asker's fault. */
const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  'CHP-APPROVAL-UNAVAILABLE': 503,
  'CHP-STORE-UNAVAILABLE': 503,
  'CHP-INTERNAL': 500,
}

/** Answers a request for the policy; false when it is none. Undefined administration: the file decides, and nothing is kept. */
export async function answerPolicy(
  request: IncomingMessage,
  response: ServerResponse,
  policy: PolicyAdministration | undefined,
): Promise<boolean> {
  const [path = ''] = (request.url ?? '').split('?')
  if (path !== PATH && !path.startsWith(`${PATH}/`)) return false
  if (policy === undefined) problem(response, 404, 'the configuration file decides here, and no versions are kept')
  else {
    try {
      await handle(request, path, policy, response)
    } catch (error) {
      const { code, message } = asChaperoneError(error)
      problem(response, STATUS[code] ?? 400, message, code)
    }
  }
  return true
}

async function handle(
  request: IncomingMessage,
  path: string,
  policy: PolicyAdministration,
  response: ServerResponse,
): Promise<void> {
  const [, version] = VERSION_PATH.exec(path) ?? []
  if (request.method === 'GET' && path === PATH) {
    return json(response, { inForce: policy.inForce(), ...(await policy.history(HISTORY)) })
  }
  if (request.method === 'GET' && version !== undefined) {
    const found = await policy.version(version)
    return found === undefined ? problem(response, 404, 'there is no such version') : json(response, found)
  }
  if (request.method === 'POST' && path === PATH) {
    const proposal = proposalOf(await bodyOf(request))
    if (proposal === undefined) return problem(response, 400, 'a JSON object with "text", "note" and "by" is needed')
    return json(response, await policy.propose(proposal))
  }
  return path === PATH || version !== undefined
    ? problem(response, 405, 'not by this method')
    : problem(response, 404, 'there is nothing here')
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request) {
    const bytes = Buffer.from(part)
    size += bytes.length
    if (size > MAX_BODY) throw new ChaperoneError('CHP-REQUEST-INVALID', { message: 'the body is too large' })
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString('utf8')
}

function proposalOf(body: string): Proposal | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { text, note, by }: Readonly<Record<string, unknown>> = { ...value }
  if (typeof text !== 'string' || typeof note !== 'string' || typeof by !== 'string') return undefined
  if (by === '' || by.length > MAX_NOTE || note.length > MAX_NOTE) return undefined
  // Who may open the socket is the operator, under whatever name; approvers decide under their own.
  return { text, note, by: { issuer: 'operator', subject: by, kind: 'human' } }
}
