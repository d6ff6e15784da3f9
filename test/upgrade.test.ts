import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { usesTransform } from '../src/config/transform-use.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'

/** As the demo of the version before tokens wrote it, with fewer labels. */
const BEFORE_TOKENS = `version: 1
listen:
  postgres:
    host: 127.0.0.1
    port: 0
    tls: { certificate: cert.pem, key: key.pem }
state: state
journal:
  durability: fsync
  statementsAreNotSealed: true
issuers:
  - name: dev
    issuer: "http://127.0.0.1:4011"
    allowInsecureLoopbackIssuer: true
    audience: chaperone
    claims:
      groups: groups
      kind: { claim: kind, values: { agent: agent, human: human, service: service } }
targets:
  hospital:
    host: 127.0.0.1
    port: 5432
    user: chaperone_app
    credential: { file: password }
    tls: { mode: plaintextWithoutTls }
grants:
  - name: care-agents-read-masked
    principals: [{ group: care-agents }]
    targets: [hospital]
packs:
  guardrails: { disable: [] }
phi:
  pack: minimum-necessary
  classes:
    mrn: { transform: pseudonym }
  pseudonymKey: { file: pseudonym.key }
  predicates: { default: released-granularity }
  labels:
    hospital:
      hospital.patients.mrn: mrn
      hospital.patients.last_name: name
`

describe('a configuration of the version before tokens', () => {
  let directory: string
  const load = (text = BEFORE_TOKENS) => parseConfig(text, join(directory, 'chaperone.yaml'), {}, policyChecks)

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'chaperone-upgrade-'))
    for (const name of ['cert.pem', 'key.pem', 'password']) writeFileSync(join(directory, name), 'content')
    writeFileSync(join(directory, 'pseudonym.key'), Buffer.alloc(32, 7).toString('base64'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('is accepted as it is, and asks for no store', () => {
    const { phi } = load()
    expect(usesTransform(phi, 'token')).toBe(false)
    expect(usesTransform(phi, 'pseudonym')).toBe(true)
    expect(phi.previousPseudonymKeys).toEqual([])
  })

  it('has tokens as soon as a class asks for them, with nothing else to be set', () => {
    const { phi, store, grants } = load(BEFORE_TOKENS.replace('classes:', 'classes:\n    name: { transform: token }'))
    expect(usesTransform(phi, 'token')).toBe(true)
    expect(store).toEqual({ kind: 'embedded', directory: join(directory, 'state', 'store') })
    expect(grants.map(({ tokenScope }) => tokenScope)).toEqual(['care-agents-read-masked'])
  })
})
