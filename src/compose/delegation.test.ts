import { existsSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { compilePolicy } from '../decide/policy.ts'
import { policyChecks } from '../decide/policy-checks.ts'
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../identity/gateway-tokens/exchange-request.ts'
import { IdentityRejected } from '../identity/identity-rejected.ts'
import { VerifiedIdentity } from '../identity/verified-identity.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { RecordAction } from './administration.ts'
import { delegationService, openGatewayIssuer } from './delegation.ts'

const URL_OF_GATEWAY = 'http://127.0.0.1:8443'
let directory: string
let config: Config

const documentOf = (more: object) => ({
  version: 1,
  listen: {
    postgres: { host: '127.0.0.1', allowPlaintextPasswordOnLoopback: true },
    web: { host: '127.0.0.1', port: 8443, publicUrl: URL_OF_GATEWAY },
  },
  journal: { statementsAreNotSealed: true },
  issuers: [{ name: 'main', issuer: 'https://issuer.example', audience: 'x', claims: { kind: { fixed: 'human' } } }],
  targets: { hospital: { host: 'db.example.org', user: 'gateway', credential: 'none' } },
  grants: [{ name: 'all', principals: [{ kind: 'human' }], targets: ['hospital'] }],
  ...more,
})

async function load(more: object): Promise<Config> {
  const file = join(directory, 'chaperone.yaml')
  await writeFile(file, stringify(documentOf(more)))
  return loadConfig(file, {}, policyChecks)
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
  config = await load({ delegation: {} })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function serviceWith(record: RecordAction, log: object[] = []) {
  const gateway = (await openGatewayIssuer(config, {}, true)) ?? expect.fail('delegation is configured')
  const policy = compilePolicy(config)
  const write = (fields: object) => void log.push(fields)
  const service = delegationService({
    config,
    gateway,
    verify: (token) => {
      if (token !== 'good') throw new IdentityRejected('signature', 'main')
      return VerifiedIdentity.ofVerifiedToken({
        principal: { issuer: 'main', subject: 'ann', kind: 'human', groups: [], name: undefined },
        issuerUrl: 'https://issuer.example',
        audience: 'x',
        issuedAt: 0,
        expiresAt: Date.now() + 600_000,
        tokenDigest: 'digest',
      })
    },
    policy: () => policy,
    record,
    clock: Date.now,
    log: { info: write, warn: write, error: write },
  })
  return service ?? expect.fail('delegation is configured')
}

const form = (more: Readonly<Record<string, string>> = {}) =>
  new URLSearchParams({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: 'good',
    subject_token_type: ACCESS_TOKEN_TYPE,
    ...more,
  })

describe('the key of gateway tokens', () => {
  it('is made by a gateway that serves, readable by nobody else, and by nobody who only looks', async () => {
    const own = await load({ delegation: {}, state: join(directory, 'own') })
    expect(await openGatewayIssuer(own, {}, false)).toBeUndefined()
    const first = await openGatewayIssuer(own, {}, true)
    const { signingKey } = own.delegation ?? expect.fail('delegation is configured')
    const file = signingKey.kind === 'file' ? signingKey.file : ''
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const again = await openGatewayIssuer(own, {}, false)
    expect(again?.keys.jwks).toEqual(first?.keys.jwks)
  })

  it('is not made where nobody delegates', async () => {
    const none = await load({ state: join(directory, 'none') })
    expect(await openGatewayIssuer(none, {}, true)).toBeUndefined()
    expect(existsSync(join(directory, 'none'))).toBe(false)
  })
})

describe('a token exchange', () => {
  it('is on record, without tokens and patients, before its token is handed out', async () => {
    const records: unknown[] = []
    const service = await serviceWith(async (what) => void records.push(what))
    const answer = await service.exchange(form({ patients: 'patient-4711', purpose: 'TREAT', run: 'r' }))
    if (answer.kind !== 'token') expect.fail(answer.error)
    expect(records).toEqual([
      expect.objectContaining({
        action: 'delegation.exchange',
        chain: '["main/ann"]',
        patients: '1',
        purpose: 'TREAT',
        run: 'r',
        sources: 'digest',
        targets: 'any',
      }),
    ])
    expect(JSON.stringify(records)).not.toContain('4711')
    expect(JSON.stringify(records)).not.toContain(String(answer.body['access_token']))
  })

  it('gives no token when it cannot be recorded', async () => {
    const service = await serviceWith(() => Promise.reject(new ChaperoneError('CHP-RECORD-FAILED')))
    await expect(service.exchange(form())).rejects.toMatchObject({ code: 'CHP-RECORD-FAILED' })
  })

  it('that is refused is an answer; the reason is in the log', async () => {
    const log: object[] = []
    const service = await serviceWith(() => Promise.resolve(), log)
    const answer = await service.exchange(form({ subject_token: 'bad' }))
    expect(answer).toEqual({ kind: 'error', error: 'invalid_request', description: 'subject_token was not accepted' })
    expect(log).toEqual([{ error: 'invalid_request', reason: 'subject_token: signature' }])
    expect(await service.exchange(form({ audience: 'billing' }))).toMatchObject({ error: 'invalid_target' })
  })

  it('is described for those who verify the tokens themselves', async () => {
    const service = await serviceWith(() => Promise.resolve())
    expect(service.metadata()).toMatchObject({
      issuer: URL_OF_GATEWAY,
      token_endpoint: `${URL_OF_GATEWAY}/oauth/token`,
    })
    expect(service.jwks()).toEqual({ keys: [expect.objectContaining({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' })] })
  })
})
