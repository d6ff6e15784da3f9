import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyChecks } from './check-context.ts'
import { ConfigError, parseConfig } from './load.ts'
import { notices } from './notices.ts'
import { storeUses } from './store-use.ts'
import { weakerSettings } from './weaker-settings.ts'

const CHECKS: PolicyChecks = { condition: () => undefined, guardrails: [] }

const POSTGRES = `version: 1
listen:
  postgres: { tls: { certificate: server.crt, key: server.key } }
`
const WEB = `  web:
    publicUrl: https://chaperone.example.org/
    signIn: { issuer: corp, clientId: chaperone-web, clientSecret: { env: SECRET } }
`
const REST = `journal: { statementsAreNotSealed: true }
issuers:
  - name: corp
    issuer: https://login.example.org
    audience: chaperone
    claims: { kind: { claim: type, values: { person: human, robot: agent } } }
targets:
  hospital: { host: db.example.org, user: gateway, credential: none }
`
const GRANT = `grants:
  - name: agents
    principals: [{ kind: agent }]
    targets: [hospital]
`
const APPROVALS = `approvals:
  pools:
    privacy: [{ group: privacy-officers }]
    clinicians: [{ subject: ann }, { subject: bob }, { subject: ann, kind: human }]
  default: { pools: [privacy] }
`

const BASE = POSTGRES + REST + GRANT
const FULL = POSTGRES + WEB + REST + GRANT

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-config-'))
  for (const name of ['server.crt', 'server.key', 'ca.crt']) writeFileSync(join(directory, name), 'x')
  writeFileSync(join(directory, 'a.key'), Buffer.alloc(32, 1).toString('base64'))
  writeFileSync(join(directory, 'jwks.json'), '{"keys":[]}')
})
afterAll(() => rmSync(directory, { recursive: true }))

const parse = (yaml: string) =>
  parseConfig(yaml, join(directory, 'chaperone.yaml'), { SECRET: 'hunter2', HOOK: 'hunter2' }, CHECKS)

const version = (yaml: string) => parse(yaml).policyVersion

/** `path: message` without positions, but for the tests that are about them. */
function problemsOf(yaml: string): readonly string[] {
  try {
    parse(yaml)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path, message }) => `${path}: ${message}`)
  }
  return []
}

describe('without the new sections', () => {
  it('everything is as it was: nobody delegates, approves or is told', () => {
    const config = parse(BASE)
    expect(config.listen.web).toBeUndefined()
    expect(config.listen.postgres.oauthUser).toBe('oauth')
    expect(config.delegation).toBeUndefined()
    expect(config.approvals).toBeUndefined()
    expect(config.activation).toEqual({ kind: 'file' })
    expect(config.alerts).toMatchObject({ webhooks: [], syslog: [], volume: undefined, firstAccess: false })
    expect(config.issuers[0]).toMatchObject({
      keySource: { kind: 'discovery' },
      caFile: undefined,
      actors: undefined,
    })
    expect(config.grants[0]).toEqual({
      name: 'agents',
      use: 'access',
      principals: [{ issuer: undefined, subject: undefined, group: undefined, kind: 'agent', claim: undefined }],
      chain: undefined,
      targets: ['hospital'],
      purposes: undefined,
      schedule: undefined,
      notBefore: undefined,
      expires: undefined,
      relations: undefined,
      budgets: [],
      onRequest: undefined,
      requiresPatients: false,
      tokenScope: 'agents',
      clearance: { default: 'masked', classes: {} },
    })
    expect(storeUses(config)).toEqual([])
  })
})

describe('the new sections', () => {
  it('are read whole', () => {
    const config = parse(
      `${POSTGRES}  web:
    host: 0.0.0.0
    port: 8443
    tls: { certificate: server.crt, key: server.key }
    publicUrl: https://chaperone.example.org:8443
    signIn: { issuer: corp, clientId: web, clientSecret: { env: SECRET }, cliClientId: cli, scopes: [openid] }
${REST}    acceptRisks: []
`.replace('credential: none }\n    acceptRisks: []\n', 'credential: none }\n') +
        `  other: { host: db.example.org, user: gateway, credential: none }
phi:
  patients: { hospital: [ehr.patient.id, 'ehr."Visit".patient_id'] }
delegation: { signingKey: { file: a.key }, previousSigningKeys: [{ file: a.key }], lifetime: 5m, maxChain: 3 }
${APPROVALS}  stepUp: tokenOnlyWithoutPasskey
  wait: 10s
  waitInTransaction: 0s
  requestLifetime: 2h
  maxApproval: 1h
  maxPending: 5
  key: { file: a.key }
  webhooks: [{ name: pager, url: "https://hooks.example.org/x", secret: { env: HOOK }, ca: ca.crt }]
alerts:
  webhooks: [{ name: siem, url: "http://127.0.0.1:8000/", secret: { command: [cat, secret], timeout: 1s } }]
  syslog: [{ host: log.example.org, ca: ca.crt }, { transport: udp, host: log.example.org, facility: 10 }]
  refusals: { count: 5, within: 1m }
  volume: { factor: 2.5 }
  workingHours: { days: [mon, fri], from: "07:00", to: "19:30", timezone: Europe/Berlin }
  repeatAfter: 1h
  maxPerHour: 10
policy: { activation: { pools: [privacy], quorum: 2 } }
grants:
  - name: clinicians
    use: delegation
    principals: [{ group: clinicians, claim: { dept: icu } }]
    targets: [hospital]
  - name: agents
    principals: [{ kind: agent }]
    chain: { onBehalfOf: [{ group: clinicians, claim: { ward: 3 } }], maxLength: 3 }
    targets: [hospital]
    purposes: [TREAT]
    schedule: { from: "22:00", to: "06:00", timezone: UTC }
    notBefore: 2026-01-01T00:00:00Z
    expires: 2027-01-31T18:00:00+01:00
    tables: [ehr.*, 'ehr.patient(id, "Full Name")', 'ref."a.b"']
    budgets: { session: { rows: 10 }, run: { patients: 3, bytes: 1MiB }, hour: { statements: 100 } }
    onRequest: { quorum: 2, maxDuration: 1h }
    requiresPatients: true
rules: [{ name: held, when: "true", effect: hold, approval: { pools: [privacy, clinicians] } }]
`,
    )
    expect(config.listen.web).toEqual({
      host: '0.0.0.0',
      port: 8443,
      tls: { certificateFile: join(directory, 'server.crt'), keyFile: join(directory, 'server.key') },
      publicUrl: 'https://chaperone.example.org:8443',
      signIn: {
        issuer: 'corp',
        clientId: 'web',
        clientSecret: { kind: 'environment', variable: 'SECRET' },
        cliClientId: 'cli',
        scopes: ['openid'],
      },
    })
    const key = { kind: 'file', file: join(directory, 'a.key') }
    expect(config.delegation).toEqual({
      signingKey: key,
      keyIsOwn: false,
      previousSigningKeys: [key],
      lifetime: 300_000,
      maxChain: 3,
    })
    expect(config.approvals).toMatchObject({
      pools: [{ name: 'clinicians' }, { name: 'privacy', principals: [{ group: 'privacy-officers' }] }],
      default: { pools: ['privacy'], quorum: 1 },
      stepUp: 'tokenOnlyWithoutPasskey',
      wait: 10_000,
      waitInTransaction: 0,
      requestLifetime: 7_200_000,
      maxApproval: 3_600_000,
      maxPending: 5,
      key,
      keyIsOwn: false,
      webhooks: [
        { name: 'pager', secret: { kind: 'environment', variable: 'HOOK' }, caFile: join(directory, 'ca.crt') },
      ],
    })
    expect(config.alerts).toEqual({
      webhooks: [
        {
          name: 'siem',
          url: 'http://127.0.0.1:8000/',
          secret: { kind: 'command', argv: ['cat', 'secret'], timeoutMs: 1000 },
          caFile: undefined,
        },
      ],
      syslog: [
        { transport: 'tls', host: 'log.example.org', port: 6514, caFile: join(directory, 'ca.crt'), facility: 13 },
        { transport: 'udp', host: 'log.example.org', port: 514, caFile: undefined, facility: 10 },
      ],
      refusals: { count: 5, within: 60_000 },
      volume: { factor: 2.5, minimumRows: 10_000 },
      workingHours: { days: ['mon', 'fri'], from: 420, to: 1170, timezone: 'Europe/Berlin' },
      firstAccess: true,
      repeatAfter: 3_600_000,
      maxPerHour: 10,
    })
    expect(config.activation).toEqual({ kind: 'managed', pools: ['privacy'], quorum: 2 })
    expect(config.grants[0]?.use).toBe('delegation')
    expect(config.grants[1]).toMatchObject({
      chain: { kind: 'onBehalfOf', origin: [{ group: 'clinicians', claim: { ward: 3 } }], maxLength: 3 },
      purposes: ['TREAT'],
      schedule: { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: 1320, to: 360, timezone: 'UTC' },
      notBefore: Date.UTC(2026, 0, 1),
      expires: Date.UTC(2027, 0, 31, 17),
      relations: [
        { schema: 'ehr', table: '*', columns: '*' },
        { schema: 'ehr', table: 'patient', columns: ['id', 'Full Name'] },
        { schema: 'ref', table: 'a.b', columns: '*' },
      ],
      budgets: [
        { span: 'session', unit: 'rows', limit: 10 },
        { span: 'run', unit: 'bytes', limit: 1024 ** 2 },
        { span: 'run', unit: 'patients', limit: 3 },
        { span: 'hour', unit: 'statements', limit: 100 },
      ],
      onRequest: { pools: ['privacy'], quorum: 2, maxDuration: 3_600_000 },
      requiresPatients: true,
    })
    expect(config.rules[0]?.approval).toEqual({ pools: ['clinicians', 'privacy'], quorum: 1 })
    expect(config.phi.patientKeys['hospital']).toEqual([
      { schema: 'ehr', table: 'patient', column: 'id' },
      { schema: 'ehr', table: 'Visit', column: 'patient_id' },
    ])
    expect(config.issuers[0]?.keepClaims).toEqual(['dept', 'ward'])
    expect(weakerSettings(config)).toContain('approvals.stepUp: tokenOnlyWithoutPasskey')
    expect(storeUses(config)).toEqual(['approvals', 'delegation', 'budgets', 'policy versions', 'alerts'])
    expect(inspect(config, { depth: 20 })).not.toContain('hunter2')
  })

  it('let people sign in at an issuer with an authority of its own, wherever its keys are', () => {
    const withAuthority = FULL.replace('audience: chaperone', 'audience: chaperone\n    ca: ca.crt')
    expect(parse(withAuthority).issuers[0]?.caFile).toBe(join(directory, 'ca.crt'))
    expect(() => parse(withAuthority.replace('ca: ca.crt', 'ca: ca.crt\n    jwks: { file: jwks.json }'))).not.toThrow()
  })

  it('have defaults, and keys of their own in the state directory', () => {
    const config = parse(`${FULL}${APPROVALS}delegation: {}\nalerts: {}\n`)
    expect(config.listen.web).toMatchObject({
      host: '127.0.0.1',
      port: 6480,
      tls: undefined,
      publicUrl: 'https://chaperone.example.org',
      signIn: { cliClientId: undefined, scopes: ['openid', 'profile'] },
    })
    expect(config.approvals).toMatchObject({
      stepUp: 'passkey',
      wait: 30_000,
      waitInTransaction: 5000,
      requestLifetime: 3_600_000,
      maxApproval: 8 * 3_600_000,
      maxPending: 20,
      key: { kind: 'file', file: join(directory, 'chaperone-state', 'approvals.key') },
      keyIsOwn: true,
    })
    expect(config.delegation).toEqual({
      signingKey: { kind: 'file', file: join(directory, 'chaperone-state', 'signing.key') },
      keyIsOwn: true,
      previousSigningKeys: [],
      lifetime: 900_000,
      maxChain: 5,
    })
    expect(config.alerts).toMatchObject({ volume: { factor: 5, minimumRows: 10_000 }, firstAccess: true })
  })

  it('change the policy version when they decide, and not when they do not', () => {
    const plain = version(`${FULL}${APPROVALS}`)
    expect(version(`${FULL}${APPROVALS}  wait: 10s\n  key: { file: a.key }\nalerts: {}\n`)).toBe(plain)
    expect(version(`${FULL}${APPROVALS}  stepUp: tokenOnlyWithoutPasskey\n`)).not.toBe(plain)
    expect(version(`${FULL}${APPROVALS}policy: { activation: { pools: [privacy] } }\n`)).not.toBe(plain)
    expect(version(`${FULL}${APPROVALS}`.replace('privacy-officers', 'officers'))).not.toBe(plain)
    expect(version(`${FULL}    expires: 2030-01-01T00:00:00Z\n${APPROVALS}`)).not.toBe(plain)
  })

  it('say which grants have expired, and which settings are weaker', () => {
    const config = parse(`${FULL}    expires: 2026-01-01T00:00:00Z\n${APPROVALS}  stepUp: tokenOnlyWithoutPasskey\n`)
    const at = (now: number) => notices(config, now).map(({ line, message }) => `${line} ${message.split(':')[0]}`)
    expect(at(Date.UTC(2025, 0))).toEqual(['25 approvals.stepUp tokenOnlyWithoutPasskey'])
    expect(at(Date.UTC(2026, 0))).toEqual(['19 1 grant(s) have expired', '25 approvals.stepUp tokenOnlyWithoutPasskey'])
  })
})

/** What is wrong, the file, and the problem. */
type Case = readonly [string, string, readonly string[]]

const withWeb = (from: string, to: string): string => {
  expect(FULL).toContain(from)
  return FULL.replace(from, to)
}
const withGrant = (lines: string, file = FULL): string => `${file}    ${lines}\n`
const withIssuer = (lines: string): string => BASE.replace('targets:\n', `    ${lines}\ntargets:\n`)

/** Made when it is asked for: it uses `expect`. */
const cases = (): readonly Case[] => [
  [
    'a web listener without TLS for everybody',
    withWeb('  web:\n', '  web:\n    host: 0.0.0.0\n'),
    ['listen.web: "tls" is missing; without it the host must be a loopback address.'],
  ],
  [
    'an address without TLS',
    withWeb('https://chaperone.example.org/', 'http://chaperone.example.org'),
    ['listen.web.publicUrl: must be an https URL, or http to a loopback address.'],
  ],
  [
    'an address with a path',
    withWeb('https://chaperone.example.org/', 'https://example.org/chaperone'),
    ['listen.web.publicUrl: must be https://host or https://host:port in lower case, and nothing else.'],
  ],
  [
    'an issuer for signing in that is not there',
    withWeb('issuer: corp,', 'issuer: korp,'),
    ['listen.web.signIn.issuer: there is no such issuer. Did you mean "corp"?'],
  ],
  [
    'a secret that is nowhere',
    withWeb('{ env: SECRET }', '{ env: NOPE }'),
    ['listen.web.signIn.clientSecret.env: the environment variable "NOPE" is not set.'],
  ],
  [
    'a secret in two places',
    withWeb('{ env: SECRET }', '{ env: SECRET, file: ca.crt, timeout: 1s }'),
    [
      'listen.web.signIn.clientSecret: needs one of "file", "env" and "command".',
      'listen.web.signIn.clientSecret.timeout: cannot take effect without "command".',
    ],
  ],
  [
    'the gateway as an issuer that is configured',
    withWeb('https://chaperone.example.org/', 'https://login.example.org/'),
    [
      'issuers[0].issuer: is "listen.web.publicUrl": the gateway is the issuer of its own tokens without being named here.',
    ],
  ],
  [
    'delegation without a place to ask for it',
    `${BASE}delegation: { signingKey: { file: server.key } }\n`,
    [
      'delegation: cannot take effect without "listen.web", where tokens are exchanged.',
      'delegation.signingKey.file: does not hold 32 bytes in base64; make a key with: head -c 32 /dev/urandom | base64',
    ],
  ],
  [
    'approvals without a place to decide',
    BASE + APPROVALS,
    ['approvals: cannot take effect without "listen.web", where people decide.'],
  ],
  [
    'passkeys without a browser',
    `${FULL.replace(/ {4}signIn.*\n/, '')}${APPROVALS}`,
    [
      'approvals: needs "listen.web.signIn": passkeys are used in a browser. (Without it, "stepUp: tokenOnlyWithoutPasskey" is needed.)',
    ],
  ],
  [
    'pools that are not there, too small, or of robots',
    `${FULL}${APPROVALS.replace('default: { pools: [privacy] }', 'default: { pools: [private] }')}    robots: [{ kind: agent }]\n`.replace(
      /( {2}default:.*\n)( {4}robots.*\n)/,
      '$2$1',
    ),
    [
      'approvals.pools.robots[0]: can only match agents, and only humans decide.',
      'approvals.default.pools[0]: there is no such pool. Did you mean "privacy"?',
    ],
  ],
  [
    'a quorum that nobody can reach',
    withGrant(`onRequest: { pools: [clinicians], quorum: 3 }\n${APPROVALS.trimEnd()}`),
    ['grants[0].onRequest.quorum: can never be met: the pools have 3 people.'].map((text) =>
      text.replace('have 3', 'have 2'),
    ),
  ],
  [
    'approvals that are asked for where there are none',
    `${withGrant('onRequest: {}', BASE)}rules: [{ name: a, when: "true", effect: hold, approval: {} }]\npolicy: { activation: { pools: [x] } }\n`,
    [
      'grants[0].onRequest: cannot take effect without the section "approvals".',
      'rules[0].approval: cannot take effect without the section "approvals".',
      'policy.activation: cannot take effect without the section "approvals".',
    ],
  ],
  [
    'an approval for a rule that does not hold',
    `${FULL}rules: [{ name: a, when: "true", effect: alert, approval: {} }]\n${APPROVALS}`,
    ['rules[0].approval: cannot take effect: the rule does not hold.'],
  ],
  [
    'chains, purposes and delegation that no token can have',
    `${withGrant('chain: { onBehalfOf: [{ group: a }] }\n    purposes: [TREAT]', BASE)}  - { name: b, use: delegation, principals: [{ group: a }], targets: [hospital] }\n`,
    [
      'grants[0].chain: can never be met: without the section "delegation", or "actors" of an issuer, everybody acts for themselves.',
      'grants[0].purposes: can never be met: no issuer has "claims.purpose", and without the section "delegation" no token is given one.',
      'grants[1].use: can never be met: without the section "delegation", or "actors" of an issuer, everybody acts for themselves.',
    ],
  ],
  [
    'a chain on a grant that nobody holds',
    `${withGrant('use: delegation\n    chain: none')}delegation: {}\n`,
    ['grants[0].chain: cannot take effect: it is about the holder of a token, who needs access.'],
  ],
  [
    'tables that are none, or twice',
    withGrant(
      'tables: [patient, ehr.*, ehr.patient.id, ehr.patient, "ehr.patient(id)", "*.a", "ehr.a()", "ehr.*(a)", "ehr.b(a.b)"]',
    ),
    [
      ...[0, 2].map((at) => `grants[0].tables[${at}]: must be schema.*, schema.table or schema.table(column, …).`),
      'grants[0].tables[4]: this table is there twice.',
      ...[5, 6, 7, 8].map(
        (at) => `grants[0].tables[${at}]: must be schema.*, schema.table or schema.table(column, …).`,
      ),
    ],
  ],
  [
    'times that are none',
    withGrant(
      'schedule: { from: "7:00", to: "24:01", timezone: Europe/Berlyn }\n    notBefore: 2026-02-30T00:00:00Z\n    expires: 2026-01-01',
    ),
    [
      'grants[0].schedule.from: must be a time of day like "07:30".',
      'grants[0].schedule.to: must be a time of day like "07:30".',
      'grants[0].schedule.timezone: must be a time zone of the IANA database, like Europe/Berlin.',
      'grants[0].notBefore: must be a time of RFC 3339 like 2027-01-31T18:00:00Z.',
      'grants[0].expires: must be a time of RFC 3339 like 2027-01-31T18:00:00Z.',
    ],
  ],
  [
    'times that never come',
    withGrant(
      'schedule: { from: "07:00", to: "07:00", timezone: "+01:00" }\n    notBefore: 2026-02-01T00:00:00Z\n    expires: 2026-02-01T00:30:00+01:00',
    ),
    [
      'grants[0].schedule.timezone: must be a time zone of the IANA database, like Europe/Berlin.',
      'grants[0].schedule: must not begin and end at the same time.',
      'grants[0].expires: must be after "notBefore": nothing is ever granted.',
    ],
  ],
  [
    'patients where their keys are not known',
    withGrant('requiresPatients: true\n    budgets: { run: { patients: 3 } }'),
    [
      'grants[0].requiresPatients: cannot take effect: "phi.patients" has no column for hospital.',
      'grants[0].budgets.run.patients: cannot take effect: "phi.patients" has no column for hospital.',
    ],
  ],
  [
    'patient keys that are none',
    `${BASE}phi: { patients: { hospitl: [a.b.c], hospital: [a.b, a.b.*, a.b.c, a.b.d] } }\n`,
    [
      'phi.patients.hospitl: there is no such target. Did you mean "hospital"?',
      'phi.patients.hospital[0]: must be schema.table.column.',
      'phi.patients.hospital[1]: must be schema.table.column.',
      'phi.patients.hospital[3]: this table has a column already.',
    ],
  ],
  [
    'budgets that are none',
    withGrant('budgets: { session: { rows: 0 }, day: { rows: 1 }, hour: { bytes: 5 } }'),
    [
      'grants[0].budgets.day: unknown key "day".',
      'grants[0].budgets.session.rows: must be at least 1.',
      'grants[0].budgets.hour.bytes: must be a size like 1MiB.',
    ],
  ],
  [
    'receivers that cannot be trusted or told apart',
    `${FULL}alerts:\n  webhooks:\n    - { name: a, url: "http://example.org", secret: {} }\n    - { name: a, url: "http://127.0.0.1/", ca: ca.crt, secret: { env: HOOK } }\n  syslog: [{ transport: tcp, host: x, ca: ca.crt }]\n`,
    [
      'alerts.webhooks[0].url: must be an https URL, or http to a loopback address.',
      'alerts.webhooks[0].secret: needs one of "file", "env" and "command".',
      'alerts.webhooks[1].name: "a" is there twice.',
      'alerts.webhooks[1].ca: cannot take effect: it is not asked over TLS.',
      'alerts.syslog[0].ca: cannot take effect: the transport is not tls.',
    ],
  ],
  [
    'keys of an issuer in two places',
    withIssuer('jwks: { file: jwks.json, url: "https://a.example.org", timeout: 1s }\n    ca: ca.crt'),
    [
      'issuers[0].jwks.url: cannot take effect: the keys are in a file.',
      'issuers[0].jwks.timeout: cannot take effect: the keys are in a file.',
      'issuers[0].ca: cannot take effect: the keys are in a file.',
    ],
  ],
  [
    'keys of an issuer over http',
    withIssuer('jwks: { url: "http://a.example.org" }'),
    ['issuers[0].jwks.url: must be an https URL.'],
  ],
  [
    'keys of an issuer over http on this machine',
    withIssuer('jwks: { url: "http://127.0.0.1" }'),
    ['issuers[0].jwks.url: must be an https URL, or http with "allowInsecureLoopbackIssuer: true".'],
  ],
  [
    'actors of nobody',
    withIssuer('actors: { issuers: [corp, k8s], kind: { corq: agent } }'),
    [
      `issuers[0].actors.issuers[0]: "kind" does not say what its actors are.`,
      'issuers[0].actors.issuers[1]: there is no such issuer.',
      `issuers[0].actors.issuers[1]: "kind" does not say what its actors are.`,
      'issuers[0].actors.kind.corq: is not among "issuers".',
    ],
  ],
]

describe('problems', () => {
  it.each(cases())('%s', (_, yaml, expected) => {
    expect(problemsOf(yaml).toSorted()).toEqual(expected.toSorted())
  })

  it('stand where they are', () => {
    try {
      parse(withGrant(`onRequest: { pools: [clinicians], quorum: 3 }\n${APPROVALS.trimEnd()}`))
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      expect(error.problems.map(({ line, column }) => [line, column])).toEqual([[19, 47]])
    }
  })
})
