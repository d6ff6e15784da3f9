import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { notices } from '../src/config/notices.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'
import { AGENTS_GROUP, DEMO_TARGET, demoConfig, type DemoConfigOptions, OFFICERS_GROUP } from './chaperone.yaml.ts'
import { RUN_BUDGET } from './controls.ts'

describe('the demo configuration', () => {
  let directory: string
  let options: DemoConfigOptions

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'chaperone-test-'))
    for (const name of ['cert.pem', 'key.pem', 'ca.pem', 'pass word']) writeFileSync(join(directory, name), 'content')
    options = {
      listenPort: 0,
      listenTls: { certificate: 'cert.pem', key: 'key.pem' },
      state: 'state',
      issuer: { url: 'http://127.0.0.1:4011', audience: 'chaperone' },
      database: { host: '127.0.0.1', port: 5432, name: 'postgres', passwordFile: 'pass word', ca: undefined },
      sealTo: undefined,
      pack: 'minimum-necessary',
    }
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const load = (changed: Partial<DemoConfigOptions> = {}) =>
    parseConfig(demoConfig({ ...options, ...changed }), join(directory, 'chaperone.yaml'), {}, policyChecks)

  it('is accepted by the gateway as it is', () => {
    const config = load()
    expect(Object.keys(config.targets)).toEqual([DEMO_TARGET])
    expect(config.targets[DEMO_TARGET]).toMatchObject({
      user: 'chaperone_app',
      unlabelledColumns: 'mask',
      acceptRisks: [],
    })
    expect(config.phi.labels[DEMO_TARGET]?.length).toBeGreaterThan(60)
    expect(config.rules).toMatchObject([{ name: 'notes-need-a-limit', effect: 'refuse' }])
    expect(config.listen.postgres.allowPlaintextPasswordOnLoopback).toBe(false)
  })

  it('has delegation, approvals, budgets and alerts, and names what is weaker than the default', () => {
    writeFileSync(join(directory, 'secret'), 'whsec_x')
    const alerts = { url: 'http://127.0.0.1:4012/', secretFile: 'secret' }
    const config = load({ controls: { webPort: 6480, signInSecretFile: 'secret', alerts } })
    expect(config.listen.web).toMatchObject({ host: '127.0.0.1', publicUrl: 'http://localhost:6480' })
    expect(config.delegation).toBeDefined()
    expect(config.approvals).toMatchObject({ pools: [{ name: 'privacy' }], default: { pools: ['privacy'], quorum: 1 } })
    expect(config.grants.find(({ use }) => use === 'delegation')?.budgets).toEqual([
      { span: 'run', unit: 'rows', limit: RUN_BUDGET },
    ])
    expect(config.rules.map(({ effect }) => effect)).toEqual(['refuse', 'hold'])
    expect(config.alerts.webhooks).toMatchObject([{ name: 'demo' }])
    expect(notices(config, Date.now()).map(({ message }) => message)).toContainEqual(
      expect.stringContaining('tokenOnlyWithoutPasskey'),
    )
  })

  it('shows agents masked data and privacy officers everything', () => {
    const [agents, officers] = load().grants
    expect(agents).toMatchObject({
      principals: [{ group: AGENTS_GROUP }],
      clearance: { default: 'masked', classes: {} },
    })
    expect(officers).toMatchObject({
      principals: [{ group: OFFICERS_GROUP, kind: 'human' }],
      clearance: { default: 'clear' },
    })
  })

  it('keeps what agents work with, and says that this is not de-identification', () => {
    const config = load()
    expect(config.phi).toMatchObject({
      pack: 'minimum-necessary',
      classes: { name: 'token', mrn: 'token', phone: 'token', email: 'token', ssn: 'token' },
      tokens: { keyIsOwn: true },
      predicates: { default: 'released-granularity', classes: {} },
    })
    expect(notices(config, Date.now()).map(({ message }) => message)).toEqual([
      expect.stringContaining('not de-identification'),
    ])
    expect(config.store).toEqual({ kind: 'embedded', directory: join(directory, 'state', 'store') })
  })

  it('has the strict alternative, about which there is nothing to warn', () => {
    const config = load({ pack: 'hipaa-safe-harbor' })
    expect(config.phi).toMatchObject({ pack: 'hipaa-safe-harbor', classes: {}, pseudonymKey: undefined })
    expect(notices(config, Date.now())).toEqual([])
  })

  it('takes a server with TLS, a recipient for statements, and paths with odd characters', () => {
    const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'
    const odd = `it's: "a" #\\ path`
    const config = load({
      database: { ...options.database, ca: 'ca.pem' },
      sealTo: [recipient],
      state: odd,
      durability: 'process-crash',
    })
    expect(config.targets[DEMO_TARGET]?.tls).toMatchObject({ mode: 'verify-full' })
    expect(config.journal).toMatchObject({ sealTo: [recipient], durability: 'process-crash' })
    expect(config.state).toBe(join(directory, odd))
  })
})
