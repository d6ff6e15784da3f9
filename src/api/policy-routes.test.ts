import { createServer, type Server } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import { answerPolicy, type PolicyAdministration } from './policy-routes.ts'

const VERSION = `sha256:${'a'.repeat(64)}`
let server: Server | undefined

afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

const ADMINISTRATION: PolicyAdministration = {
  inForce: () => VERSION,
  history: () => Promise.resolve({ versions: [], activations: [] }),
  version: (version) =>
    Promise.resolve(
      version === VERSION ? { version, document: '{}', createdAt: 1, createdBy: 'x', note: '' } : undefined,
    ),
  propose: ({ note }) => {
    if (note === 'down') return Promise.reject(new ChaperoneError('CHP-APPROVAL-UNAVAILABLE'))
    if (note === 'broken') return Promise.reject(new ChaperoneError('CHP-CONFIG-INVALID'))
    if (note === 'store') return Promise.reject(new ChaperoneError('CHP-STORE-UNAVAILABLE'))
    if (note === 'mistake') return Promise.reject(new Error('secret reason'))
    return Promise.resolve({ kind: 'in-force', version: VERSION })
  },
}

async function ask(path: string, policy: PolicyAdministration | undefined, body?: string): Promise<string> {
  server = createServer((request, response) => {
    void answerPolicy(request, response, policy).then((isAnswered) => {
      if (!isAnswered) response.writeHead(418).end('not about the policy')
    })
  })
  const port = await new Promise<number>((resolve) => {
    server?.listen(0, '127.0.0.1', () => {
      const address = server?.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, body === undefined ? {} : { method: 'POST', body })
  return `${answer.status} ${await answer.text()}`
}

const proposal = (fields: object) => JSON.stringify({ text: 'version: 1', note: 'n', by: 'root', ...fields })

it.each<readonly [path: string, body: string | undefined, expected: RegExp]>([
  ['/v1/policy', undefined, /^200 \{"inForce":"sha256:a+","versions":\[\],"activations":\[\]\}/],
  [`/v1/policy/versions/${VERSION}`, undefined, /^200 .*"document":"\{\}"/],
  [`/v1/policy/versions/sha256:${'b'.repeat(64)}`, undefined, /^404 .*no such version/],
  ['/v1/policy/versions/x', undefined, /^404/],
  [`/v1/policy/versions/${VERSION}`, '{}', /^405/],
  ['/v1/policy', proposal({}), /^200 .*in-force/],
  ['/v1/policy', proposal({ note: 'broken' }), /^400 .*CHP-CONFIG-INVALID/],
  ['/v1/policy', proposal({ note: 'down' }), /^503 .*CHP-APPROVAL-UNAVAILABLE/],
  ['/v1/policy', proposal({ note: 'store' }), /^503 .*CHP-STORE-UNAVAILABLE/],
  ['/v1/policy', proposal({ note: 'mistake' }), /^500 (?!.*secret).*CHP-INTERNAL/],
  ['/v1/policy', proposal({ by: '' }), /^400/],
  ['/v1/policy', proposal({ note: 1 }), /^400/],
  ['/v1/policy', 'x', /^400/],
  ['/v1/policy', 'null', /^400/],
  ['/v1/policy', 'x'.repeat(5 * 1024 * 1024), /^400/],
  ['/v1/policyx', undefined, /^418/],
])('%s is answered', async (path, body, expected) => {
  expect(await ask(path, ADMINISTRATION, body)).toMatch(expected)
})

it('has nothing to say where the file decides', async () => {
  expect(await ask('/v1/policy', undefined)).toMatch(/^404 .*the configuration file decides/)
})
