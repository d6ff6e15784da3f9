import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../config/load.ts'
import { CredentialResolver } from '../forward/credential.ts'
import { locationOf, openSharedStore } from './store.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const credentials = new CredentialResolver({}, Date.now)

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-store-'))
  for (const name of ['server.crt', 'server.key', 'ca.pem', 'password'])
    writeFileSync(join(directory, name), `${name} text`)
})
afterEach(() => rmSync(directory, { recursive: true }))

const configOf = (more: string) =>
  parseConfig(
    `version: 1
listen: { postgres: { tls: { certificate: server.crt, key: server.key } } }
journal: { statementsAreNotSealed: true }
issuers: [{ name: corp, issuer: https://login.example.org, audience: chaperone, claims: { kind: { fixed: agent } } }]
targets: { hospital: { host: db.example.org, user: gateway, credential: none } }
grants: [{ name: agents, principals: [{ kind: agent }], targets: [hospital] }]
${more}`,
    join(directory, 'chaperone.yaml'),
    {},
    { condition: () => undefined, guardrails: [] },
  )

const TOKENS = 'phi: { labels: { hospital: { a.b.c: { class: mrn, transform: token } } } }\n'

it('is not opened where nothing needs it', async () => {
  const config = configOf('')
  expect(await openSharedStore({ config, credentials, log, onDown: () => undefined })).toBeUndefined()
  expect(existsSync(config.state)).toBe(false)
})

const server = (tls: string) =>
  locationOf(
    configOf(
      `${TOKENS}store: { url: "postgresql://u@db.example.org:6000/d", credential: { file: password }, tls: { ${tls} } }\n`,
    ).store,
    credentials,
  )

/** What is said of a certificate with that name. */
const check = (tls: string, altName: string) => {
  const location = server(tls)
  if (location.kind !== 'server' || location.ssl === false) return expect.fail('TLS')
  const certificate = { subject: { CN: altName }, subjectaltname: `DNS:${altName}` }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields that are looked at
  return location.ssl.checkServerIdentity?.('ignored', certificate as never)
}

describe('where the store is', () => {
  it('is a directory, or a server whose password is fetched for each connection', async () => {
    expect(locationOf(configOf(TOKENS).store, credentials)).toEqual({
      kind: 'embedded',
      directory: join(directory, 'chaperone-state', 'store'),
    })
    const location = server('')
    if (location.kind !== 'server') expect.fail('a server')
    expect(location).toMatchObject({ host: 'db.example.org', port: 6000, user: 'u', database: 'd' })
    expect(await location.password()).toBe('password text')
    writeFileSync(join(directory, 'password'), 'another')
    expect(await location.password()).toBe('another')
  })

  it.each([
    ['', { rejectUnauthorized: true }],
    ['ca: ca.pem', { rejectUnauthorized: true, ca: 'ca.pem text' }],
    ['mode: verifyCaOnly', { rejectUnauthorized: true }],
    ['mode: insecureSkipVerify', { rejectUnauthorized: false }],
  ])('is asked over TLS as it says: %s', (tls, expected) => {
    const location = server(tls)
    expect(location).toMatchObject({ ssl: { minVersion: 'TLSv1.2', ...expected } })
  })

  it('checks the name in the certificate unless it is told not to, and against the name that is configured', () => {
    expect(check('', 'db.example.org')).toBeUndefined()
    expect(check('', 'evil.example.org')).toBeInstanceOf(Error)
    expect(check('serverName: inner.example.org', 'db.example.org')).toBeInstanceOf(Error)
    expect(check('serverName: inner.example.org', 'inner.example.org')).toBeUndefined()
    expect(check('mode: verifyCaOnly', 'evil.example.org')).toBeUndefined()
  })

  it('is asked in clear only when that is said', () => {
    expect(server('mode: plaintextWithoutTls')).toMatchObject({ ssl: false })
  })
})
