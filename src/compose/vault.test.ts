import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../config/load.ts'
import { openStore } from '../store/open-store.ts'
import { openTokenVault } from './vault.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined }

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-vault-'))
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

/** Never started: nothing is asked of it. */
const notThere = (state: string) => {
  return { store: openStore({ location: { kind: 'embedded', directory: join(state, 'store') } }), isThere: false }
}

describe('openTokenVault', () => {
  it('opens nothing and makes no key where no label asks for tokens', async () => {
    const config = configOf('phi: { classes: { mrn: { transform: token } }, labels: { hospital: { a.b.c: ssn } } }\n')
    expect(await openTokenVault({ config, environment: {}, shared: notThere(config.state), log })).toBeUndefined()
    expect(existsSync(config.state)).toBe(false)
  })

  it('makes no new key for a store that has lost its own', async () => {
    const config = configOf(TOKENS)
    mkdirSync(join(config.state, 'store', 'data'), { recursive: true })
    await expect(
      openTokenVault({ config, environment: {}, shared: notThere(config.state), log }),
    ).rejects.toMatchObject({
      code: 'CHP-CONFIG-INVALID',
      message: expect.stringMatching(/token\.key is missing, and the store in .* is encrypted under it$/u),
    })
    expect(existsSync(join(config.state, 'token.key'))).toBe(false)
  })
})
