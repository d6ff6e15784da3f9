import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PolicyChecks } from './check-context.ts'
import { ConfigError, loadConfig, parseConfig } from './load.ts'

const RECIPIENT = 'age1hnxe6lyr3kjgtnhdmlqjsuve2w3ty89jqlf2xmg8dgd62akdketqd5skhd'

/** Stands for decide's checker: a condition with `bad` in it is wrong at that place. */
const CHECKS: PolicyChecks = {
  condition: (text) => (text.includes('bad') ? { message: 'bad condition.', index: text.indexOf('bad') } : undefined),
  guardrails: ['truncate', 'drop'],
}

const BASE = `version: 1
listen:
  postgres:
    tls: { certificate: server.crt, key: server.key }
journal:
  sealTo: [${RECIPIENT}]
issuers:
  - name: corp
    issuer: https://login.example.org
    audience: chaperone
    claims: { kind: { fixed: agent } }
targets:
  hospital:
    host: db.example.org
    user: gateway
    credential: { env: DB_PASSWORD }
grants:
  - name: agents
    principals: [{ kind: agent }]
    targets: [hospital]
`

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-config-'))
  for (const name of ['server.crt', 'server.key', 'ca.crt', 'password']) writeFileSync(join(directory, name), 'x')
})
afterAll(() => rmSync(directory, { recursive: true }))

const parse = (yaml: string, environment: Readonly<Record<string, string>> = { DB_PASSWORD: 'hunter2' }) =>
  parseConfig(yaml, join(directory, 'chaperone.yaml'), environment, CHECKS)

function problemsOf(yaml: string, environment?: Readonly<Record<string, string>>): readonly string[] {
  try {
    parse(yaml, environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
  }
  return []
}

/** BASE with one piece replaced; a piece that is not there is a mistake of the test. */
function edited(...edits: readonly (readonly [string, string])[]): string {
  return edits.reduce((text, [from, to]) => {
    expect(text).toContain(from)
    return text.replace(from, to)
  }, BASE)
}

describe('loadConfig', () => {
  it('fills in defaults and resolves paths against the file', () => {
    const config = parse(BASE)
    expect(config.listen.postgres).toMatchObject({
      host: '127.0.0.1',
      port: 6432,
      tls: { certificateFile: join(directory, 'server.crt'), keyFile: join(directory, 'server.key') },
      limits: { maxConnections: 1000, idleTimeout: 1_800_000, maxQueryBytes: 1_048_576 },
    })
    expect(config.state).toBe(join(directory, 'chaperone-state'))
    expect(config.admin).toEqual({ kind: 'socket', path: join(directory, 'chaperone-state/admin.sock') })
    expect(config.journal).toMatchObject({
      directory: join(directory, 'chaperone-state/journal'),
      durability: 'fsync',
      sealTo: [RECIPIENT],
    })
    expect(config.issuers[0]).toMatchObject({
      name: 'corp',
      audiences: ['chaperone'],
      algorithms: ['RS256', 'ES256', 'EdDSA', 'PS256'],
      clockSkewSeconds: 30,
      maxLifetimeSeconds: 86_400,
      claims: { subject: 'sub', groups: 'groups', kind: { fixed: 'agent' } },
    })
    expect(config.targets['hospital']).toMatchObject({
      name: 'hospital',
      database: 'hospital',
      port: 5432,
      tls: { mode: 'verify-full' },
      credential: { password: { kind: 'environment', variable: 'DB_PASSWORD' } },
      statementTimeout: undefined,
      unlabelledColumns: 'mask',
    })
    expect(config.grants[0]?.clearance).toEqual({ default: 'masked', classes: {} })
    expect(config.packs.guardrails.disable).toEqual([])
  })

  it('is frozen through and through, and finds nothing by inherited names', () => {
    const config = parse(BASE)
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      expect(Object.isFrozen(value)).toBe(true)
      for (const member of Object.values(value)) walk(member)
    }
    walk(config)
    for (const name of ['constructor', '__proto__', 'toString']) expect(config.targets[name]).toBeUndefined()
  })

  it('holds no secret', () => {
    expect(inspect(parse(BASE), { depth: 20 })).not.toContain('hunter2')
  })

  it('keeps the claims that grants ask for, by issuer', () => {
    const second =
      '  - name: other\n    issuer: https://other.example.org\n    audience: chaperone\n    claims: { kind: { fixed: human } }\n'
    const config = parse(
      edited(['targets:\n', `${second}targets:\n`], ['[{ kind: agent }]', '[{ issuer: corp, claim: { dept: icu } }]']),
    )
    expect(config.issuers.map(({ name, keepClaims }) => [name, keepClaims])).toEqual([
      ['corp', ['dept']],
      ['other', []],
    ])
  })

  it('takes overrides from the environment and names the variable in problems', () => {
    const environment = { DB_PASSWORD: 'x', CHAPERONE_STATE: 'elsewhere', CHAPERONE_POSTGRES_PORT: '7000' }
    const config = parse(BASE, environment)
    expect(config.state).toBe(join(directory, 'elsewhere'))
    expect(config.listen.postgres.port).toBe(7000)
    expect(problemsOf(BASE, { ...environment, CHAPERONE_POSTGRES_PORT: '70000' })).toEqual([
      '4:5 listen.postgres.port: must be at most 65535. (The value comes from the environment variable CHAPERONE_POSTGRES_PORT.)',
    ])
  })

  it('answers where a part of the file stands', () => {
    const config = parse(`${BASE}phi:\n  labels:\n    hospital:\n      ehr.patients.ssn: ssn\n`)
    expect(config.positionOf(['phi', 'labels', 'hospital', 'ehr.patients.ssn'])).toEqual({ line: 24, column: 7 })
    expect(config.positionOf(['grants', 0, 'targets', 0])).toEqual({ line: 20, column: 15 })
    expect(config.positionOf(['targets', 'hospital', 'tls', 'mode'])).toEqual({ line: 13, column: 3 })
    expect(config.positionOf(['nowhere'])).toEqual({ line: 1, column: 1 })
  })

  it('gives the same policy version for the same policy, and another for another', () => {
    const version = parse(BASE).policyVersion
    expect(version).toMatch(/^sha256:[0-9a-f]{64}$/)
    const reordered = edited([
      '    host: db.example.org\n    user: gateway\n',
      '    user: gateway # comment\n    host: db.example.org\n',
    ])
    expect(parse(reordered).policyVersion).toBe(version)
    expect(parse(edited(['{ env: DB_PASSWORD }', '{ file: password }'])).policyVersion).toBe(version)
    expect(parse(`${BASE}state: other\n`).policyVersion).toBe(version)
    const changes: readonly (readonly [string, string])[] = [
      ['[{ kind: agent }]', '[{ kind: human }]'],
      ['host: db.example.org', 'host: db2.example.org'],
      ['targets: [hospital]\n', 'targets: [hospital]\n    clearance: { classes: { ssn: clear } }\n'],
      ['grants:\n', 'rules: [{ name: a, when: masked, effect: warn }]\ngrants:\n'],
      ['grants:\n', 'packs: { guardrails: { disable: [drop] } }\ngrants:\n'],
      ['grants:\n', 'phi: { labels: { hospital: { a.b.c: ssn } } }\ngrants:\n'],
    ]
    const versions = changes.map((change) => parse(edited(change)).policyVersion)
    expect(new Set([version, ...versions]).size).toBe(changes.length + 1)
  })
})

describe('problems', () => {
  const cases: readonly (readonly [string, string, readonly unknown[]])[] = [
    ['an empty file', '', ['1:1 : the file is empty.']],
    ['a file that is not a mapping', '- 1\n', ['1:1 : must be a mapping.']],
    [
      'a syntax error',
      'version: 1\nlisten: [1, }\n',
      ['2:13 : Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    ['a duplicate key', `${BASE}version: 1\n`, ['21:1 : Map keys must be unique']],
    [
      'two documents',
      `${BASE}---\nversion: 1\n`,
      ['21:1 : Source contains multiple documents; please use YAML.parseAllDocuments()'],
    ],
    ['an unknown tag', edited(['host: db', 'host: !js db']), ['14:11 : Unresolved tag: !js']],
    ['a key of the prototype', `${BASE}__proto__: { a: 1 }\n`, ['21:1 : unknown key "__proto__".']],
    [
      'an unknown key, with a suggestion',
      edited(['    host:', '    hots:']),
      [
        '13:3 targets.hospital.host: "host" is missing.',
        '14:5 targets.hospital.hots: unknown key "hots". Did you mean "host"?',
      ],
    ],
    ['an unknown key far from all', `${BASE}budgets: {}\n`, ['21:1 budgets: unknown key "budgets".']],
    [
      'a key of a later version of grants',
      edited(['    targets: [hospital]', '    conditions: [care]\n    targets: [hospital]']),
      ['20:5 grants[0].conditions: unknown key "conditions".'],
    ],
    ['another version', edited(['version: 1', 'version: 2']), ['1:10 version: must be 1.']],
    ['a missing section', edited(['version: 1\n', '']), ['1:1 version: "version" is missing.']],
    [
      'a section without content',
      edited([`journal:\n  sealTo: [${RECIPIENT}]\n`, 'journal:\n']),
      [
        '5:1 journal: needs "sealTo" with at least one age recipient, or "statementsAreNotSealed: true".',
        '5:9 journal: must be a mapping.',
      ],
    ],
    [
      'a value of another type',
      edited(['user: gateway', 'user: 12']),
      ['15:11 targets.hospital.user: must be a text (in quotes if it looks like a number).'],
    ],
    ['a list that is empty', edited(['[{ kind: agent }]', '[]']), ['19:17 grants[0].principals: must not be empty.']],
    [
      'a number out of range',
      edited(['user: gateway', 'user: gateway\n    port: 99999']),
      ['16:11 targets.hospital.port: must be at most 65535.'],
    ],
    [
      'a duration without a unit',
      edited(['user: gateway', 'user: gateway\n    connectTimeout: 10']),
      ['16:21 targets.hospital.connectTimeout: must be a duration like 30s.'],
    ],
    [
      'a duration out of range',
      edited(['    audience', '    clockSkew: 6m\n    audience']),
      ['10:16 issuers[0].clockSkew: must be between 0s and 5m.'],
    ],
    [
      'a size with a bad unit',
      edited([
        'version: 1\nlisten:\n  postgres:\n',
        'version: 1\nlisten:\n  postgres:\n    limits: { maxQueryBytes: 1mb }\n',
      ]),
      ['4:30 listen.postgres.limits.maxQueryBytes: must be a size like 1MiB.'],
    ],
    [
      'an option that is none',
      edited(['user: gateway', 'user: gateway\n    tls: { mode: verifyfull }']),
      [
        '16:18 targets.hospital.tls.mode: must be one of verify-full, verifyCaOnly, insecureSkipVerify, plaintextWithoutTls. Did you mean "verify-full"?',
      ],
    ],
    [
      'a listener without TLS',
      edited(['    tls: { certificate: server.crt, key: server.key }', '    host: 0.0.0.0']),
      ['3:3 listen.postgres: "tls" is missing; tokens are accepted inside TLS only.'],
    ],
    [
      'a loopback listener without TLS',
      edited(['    tls: { certificate: server.crt, key: server.key }', '    host: localhost']),
      ['3:3 listen.postgres: "tls" is missing. Without it, "allowPlaintextPasswordOnLoopback: true" is needed.'],
    ],
    [
      'plaintext elsewhere than on loopback',
      edited(['    tls:', '    host: 10.0.0.1\n    allowPlaintextPasswordOnLoopback: true\n    tls:']),
      [
        '5:39 listen.postgres.allowPlaintextPasswordOnLoopback: cannot take effect: the host is not a loopback address.',
      ],
    ],
    [
      'two kinds of admin API',
      `${BASE}admin: { socket: a, loopbackPort: 7000 }\n`,
      ['21:1 admin: must have "socket" or "loopbackPort", not both.'],
    ],
    [
      'neither sealed nor opted out',
      edited([`  sealTo: [${RECIPIENT}]`, '  durability: fsync']),
      ['5:1 journal: needs "sealTo" with at least one age recipient, or "statementsAreNotSealed: true".'],
    ],
    [
      'sealed and opted out',
      edited(['journal:\n', 'journal:\n  statementsAreNotSealed: true\n']),
      ['6:27 journal.statementsAreNotSealed: cannot take effect: "sealTo" is there as well.'],
    ],
    [
      'a mistyped recipient',
      edited([RECIPIENT, `${RECIPIENT.slice(0, -1)}q`]),
      ['6:12 journal.sealTo[0]: must be an age recipient (age1…); this one is mistyped or of another kind.'],
    ],
    [
      'a private key as recipient',
      edited([RECIPIENT, 'AGE-SECRET-KEY-1QQQ']),
      ['6:12 journal.sealTo[0]: this is a private key; take it out of this file and put the recipient (age1…) here.'],
    ],
    [
      'an issuer without TLS',
      edited(['https://login', 'http://login']),
      ['9:13 issuers[0].issuer: must be an https URL.'],
    ],
    [
      'a loopback issuer without the option',
      edited(['https://login.example.org', 'http://127.0.0.1:9000']),
      ['9:13 issuers[0].issuer: is http, which needs "allowInsecureLoopbackIssuer: true".'],
    ],
    [
      'the option without need',
      edited(['    audience', '    allowInsecureLoopbackIssuer: true\n    audience']),
      ['10:34 issuers[0].allowInsecureLoopbackIssuer: cannot take effect: the issuer is not an http URL.'],
    ],
    [
      'an issuer with credentials',
      edited(['https://login', 'https://a:b@login']),
      ['9:13 issuers[0].issuer: must be a URL without user name, password, query and fragment.'],
    ],
    [
      'a shared-secret algorithm',
      edited(['    audience', '    algorithms: [HS256]\n    audience']),
      [
        '10:18 issuers[0].algorithms[0]: must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519. Did you mean "RS256"?',
      ],
    ],
    [
      'no kind',
      edited(['{ kind: { fixed: agent } }', '{ subject: sub }']),
      ['11:5 issuers[0].claims.kind: "kind" is missing.'],
    ],
    [
      'half a kind',
      edited(['{ fixed: agent }', '{ claim: typ }']),
      ['11:15 issuers[0].claims.kind: needs "fixed", or "claim" and "values".'],
    ],
    [
      'two kinds',
      edited(['{ fixed: agent }', '{ fixed: agent, claim: typ, values: { a: agent } }']),
      ['11:15 issuers[0].claims.kind: must have "fixed", or "claim" and "values", not both.'],
    ],
    [
      'a kind that is none',
      edited(['fixed: agent', 'fixed: robot']),
      ['11:30 issuers[0].claims.kind.fixed: must be one of human, agent, service.'],
    ],
    [
      'a name of a target that is too long, and what is wrong with the target',
      edited(
        ['  hospital:', `  ${'é'.repeat(32)}:`],
        ['db.example.org', '"a b"'],
        ['[hospital]', `[${'é'.repeat(32)}]`],
      ),
      [
        `13:3 targets."${'é'.repeat(32)}": the name of a target must be 1 to 63 bytes long.`,
        `14:11 targets."${'é'.repeat(32)}".host: must be a host name or an IP address.`,
      ],
    ],
    [
      'no credential',
      edited(['    credential: { env: DB_PASSWORD }\n', '']),
      ['13:3 targets.hospital.credential: "credential" is missing.'],
    ],
    [
      'an empty credential',
      edited(['{ env: DB_PASSWORD }', '{}']),
      [
        '16:5 targets.hospital.credential: needs "file", "env", "command", or "clientCertificate" and "clientKey" (or is "none").',
      ],
    ],
    [
      'two credentials',
      edited(['{ env: DB_PASSWORD }', '{ env: DB_PASSWORD, file: password }']),
      ['16:5 targets.hospital.credential: must have one of file, env, not several.'],
    ],
    [
      'a password in the file',
      edited(['{ env: DB_PASSWORD }', '{ password: hunter2 }']),
      [
        '16:5 targets.hospital.credential: needs "file", "env", "command", or "clientCertificate" and "clientKey" (or is "none").',
        '16:19 targets.hospital.credential.password: unknown key "password".',
      ],
    ],
    [
      'a credential of another type',
      edited(['{ env: DB_PASSWORD }', '12']),
      ['16:17 targets.hospital.credential: must be none or a mapping.'],
    ],
    [
      'a variable that is not set',
      edited(['env: DB_PASSWORD', 'env: DB_PASSWROD']),
      ['16:24 targets.hospital.credential.env: the environment variable "DB_PASSWROD" is not set.'],
    ],
    [
      'half a client certificate',
      edited(['{ env: DB_PASSWORD }', '{ clientKey: server.key }']),
      ['16:5 targets.hospital.credential: "clientCertificate" and "clientKey" need each other.'],
    ],
    [
      'a time-out without a command',
      edited(['env: DB_PASSWORD', 'env: DB_PASSWORD, timeout: 3s']),
      ['16:37 targets.hospital.credential.timeout: cannot take effect without "command".'],
    ],
    [
      'an authority that is not asked',
      edited(['user: gateway', 'user: gateway\n    tls: { mode: insecureSkipVerify, ca: ca.crt }']),
      ['16:38 targets.hospital.tls.ca: cannot take effect with mode insecureSkipVerify.'],
    ],
    [
      'an accepted risk that is none',
      edited(['user: gateway', 'user: gateway\n    acceptRisks: [super-user]']),
      [
        '16:19 targets.hospital.acceptRisks[0]: must be one of superuser, server-files, replication, bypass-row-security, session-pooler, md5-password. Did you mean "superuser"?',
      ],
    ],
    [
      'a parameter that is pinned',
      edited(['user: gateway', 'user: gateway\n    startupParameters: [DateStyle, Search_Path]']),
      ['16:36 targets.hospital.startupParameters[1]: cannot be left to clients.'],
    ],
    [
      'labels for a target that is none',
      `${BASE}phi:\n  labels:\n    hospitel: {}\n`,
      ['23:5 phi.labels.hospitel: there is no such target. Did you mean "hospital"?'],
    ],
    [
      'a class that is none',
      `${BASE}phi:\n  labels:\n    hospital:\n      a.b.c: date_of_birth\n`,
      [
        expect.stringMatching(
          /^24:14 phi\.labels\.hospital\."a\.b\.c": must be one of name, .*, none\. Did you mean "date-of-birth"\?$/,
        ),
      ],
    ],
    [
      'a class that is none, written long',
      `${BASE}phi:\n  labels:\n    hospital:\n      a.b.c: { class: snn }\n`,
      [
        expect.stringMatching(
          /^24:23 phi\.labels\.hospital\."a\.b\.c"\.class: must be one of .* Did you mean "ssn"\?$/,
        ),
      ],
    ],
    [
      'a transform that is none',
      `${BASE}phi:\n  labels:\n    hospital:\n      a.b.c: { class: ssn, transform: hash }\n`,
      [
        '24:39 phi.labels.hospital."a.b.c".transform: there is no such transform. There are: redact, null, year, zip3, age90, partial, token, keep, pseudonym, detect.',
      ],
    ],
    [
      'a transform of what is not PHI',
      `${BASE}phi:\n  labels:\n    hospital:\n      a.b.c: { class: none, transform: null }\n`,
      ['24:29 phi.labels.hospital."a.b.c".transform: cannot take effect: the class is none.'],
    ],
    [
      'a label that names no column',
      `${BASE}phi:\n  labels:\n    hospital:\n      patients: ssn\n      "*.b.c": ssn\n      a.*.c: ssn\n      a.b c.d: ssn\n`,
      [
        '24:7 phi.labels.hospital.patients: must be schema.table.column, schema.table.* or schema.*.',
        '25:7 phi.labels.hospital."*.b.c": must be schema.table.column, schema.table.* or schema.*.',
        '26:7 phi.labels.hospital."a.*.c": must be schema.table.column, schema.table.* or schema.*.',
        '27:7 phi.labels.hospital."a.b c.d": must be schema.table.column, schema.table.* or schema.*.',
      ],
    ],
    [
      'two labels on a column',
      `${BASE}phi:\n  labels:\n    hospital:\n      a.b.c: ssn\n      a."b".c: mrn\n`,
      ['25:7 phi.labels.hospital."a.\\"b\\".c": this column is labelled twice.'],
    ],
    [
      'a grant on a target that is none',
      edited(['targets: [hospital]', 'targets: [hospital, hopsital]']),
      ['20:25 grants[0].targets[1]: there is no such target. Did you mean "hospital"?'],
    ],
    [
      'a principal that is everybody',
      edited(['{ kind: agent }', '{ issuer: corp }']),
      ['19:18 grants[0].principals[0]: needs at least one of "subject", "group", "kind" and "claim".'],
    ],
    [
      'an issuer that is none',
      edited(['{ kind: agent }', '{ issuer: crop, kind: agent }']),
      ['19:28 grants[0].principals[0].issuer: there is no such issuer. Did you mean "corp"?'],
    ],
    [
      'a principal of any issuer',
      edited([
        'targets:\n',
        '  - { name: b, issuer: "https://b.example", audience: c, claims: { kind: { fixed: human } } }\ntargets:\n',
      ]),
      [
        '20:18 grants[0].principals[0]: needs "issuer": with several of them, a subject or group alone could be anybody.',
      ],
    ],
    [
      'two issuers of one name',
      edited(
        [
          'targets:\n',
          '  - { name: corp, issuer: "https://b.example", audience: c, claims: { kind: { fixed: human } } }\ntargets:\n',
        ],
        ['{ kind: agent }', '{ issuer: corp, kind: agent }'],
      ),
      ['12:13 issuers[1].name: "corp" is there twice.'],
    ],
    [
      'two grants of one name',
      `${BASE}  - { name: agents, principals: [{ kind: human }], targets: [hospital] }\n`,
      ['21:13 grants[1].name: "agents" is there twice.'],
    ],
    [
      'a class in a clearance that is none',
      edited(['targets: [hospital]', 'targets: [hospital]\n    clearance: { classes: { emial: clear } }']),
      ['21:29 grants[0].clearance.classes.emial: unknown key "emial". Did you mean "email"?'],
    ],
    [
      'a name that is not short',
      edited(['name: agents', 'name: My Agents']),
      ['18:11 grants[0].name: must be lower-case letters, digits, ".", "_" and "-".'],
    ],
    [
      'a rule with a reserved name',
      `${BASE}rules: [{ name: masking.x, when: a, effect: warn }]\n`,
      ['21:17 rules[0].name: names that begin with masking. belong to built-in rules.'],
    ],
    [
      'two rules of one name',
      `${BASE}rules:\n  - { name: a, when: a, effect: warn }\n  - { name: a, when: a, effect: warn }\n`,
      ['23:13 rules[1].name: "a" is there twice.'],
    ],
    [
      'an effect that is none',
      `${BASE}rules: [{ name: x, when: a, effect: refuze }]\n`,
      ['21:37 rules[0].effect: must be one of refuse, hold, warn, alert. Did you mean "refuse"?'],
    ],
    [
      'a plain condition',
      `${BASE}rules:\n  - name: x\n    when: a && bad\n    effect: warn\n`,
      ['23:16 rules[0].when: bad condition.'],
    ],
    [
      'a quoted condition',
      `${BASE}rules:\n  - name: x\n    when: "a == \\"b\\" && bad"\n    effect: warn\n`,
      ['23:26 rules[0].when: bad condition.'],
    ],
    [
      'a single-quoted condition',
      `${BASE}rules:\n  - name: x\n    when: 'a == ''b'' && bad'\n    effect: warn\n`,
      ['23:26 rules[0].when: bad condition.'],
    ],
    [
      'a literal block',
      `${BASE}rules:\n  - name: x\n    when: |\n      a &&\n        b && bad\n    effect: warn\n`,
      ['25:14 rules[0].when: bad condition.'],
    ],
    [
      'a folded block',
      `${BASE}rules:\n  - name: x\n    when: >-\n      a &&\n      b && bad\n    effect: warn\n`,
      ['25:12 rules[0].when: bad condition.'],
    ],
    [
      'a plain condition on two lines',
      `${BASE}rules:\n  - name: x\n    when: a &&\n       bad\n    effect: warn\n`,
      ['24:8 rules[0].when: bad condition.'],
    ],
    [
      'an escape that cannot be followed',
      `${BASE}rules:\n  - name: x\n    when: "\\u0061 && bad"\n    effect: warn\n`,
      ['23:11 rules[0].when: bad condition.'],
    ],
    [
      'a pack rule that is none',
      `${BASE}packs: { guardrails: { disable: [truncat] } }\n`,
      ['21:34 packs.guardrails.disable[0]: there is no such rule in the pack. Did you mean "truncate"?'],
    ],
  ]

  it.each(cases)('%s', (_, yaml, expected) => {
    expect(problemsOf(yaml)).toEqual(expected)
  })

  it('names files that cannot be read, with the path that was tried', () => {
    const yaml = edited(['server.crt', 'missing.crt'], ['{ env: DB_PASSWORD }', '{ file: . }'])
    expect(problemsOf(yaml)).toEqual([
      `4:25 listen.postgres.tls.certificate: ${join(directory, 'missing.crt')} cannot be read (ENOENT).`,
      `16:25 targets.hospital.credential.file: ${directory} is not a file.`,
    ])
  })

  it('refuses an admin socket whose path does not fit', () => {
    const deep = 'd'.repeat(120)
    expect(problemsOf(`${BASE}state: ${deep}\n`)).toEqual([
      `21:8 state: the admin socket would be ${join(directory, deep)}/admin.sock, which is longer than 103 bytes.`,
    ])
    expect(problemsOf(`${BASE}state: ${deep}\nadmin: { loopbackPort: 7001 }\n`)).toEqual([])
  })

  it('lists the problems of all sections and of shape and sense together, in the order of the file', () => {
    const yaml = edited(
      ['    tls: { certificate: server.crt, key: server.key }', '    hots: x'],
      ['fixed: agent', 'fixed: robot'],
      ['env: DB_PASSWORD', 'env: NOPE'],
      ['targets: [hospital]', 'targets: [hospitals]'],
    )
    expect(
      problemsOf(`${yaml}rules: [{ name: x, when: bad, effect: warn }]\n`).map((text) => text.split(': ')[0]),
    ).toEqual([
      '3:3 listen.postgres',
      '4:5 listen.postgres.hots',
      '11:30 issuers[0].claims.kind.fixed',
      '16:24 targets.hospital.credential.env',
      '20:15 grants[0].targets[0]',
      '21:26 rules[0].when',
    ])
  })

  it('never quotes a value that could be secret', () => {
    const yaml = edited(
      ['{ env: DB_PASSWORD }', '{ file: [hunter2], env: { hunter2: 1 } }'],
      ['https://login', 'hunter2'],
    )
    for (const text of problemsOf(yaml)) expect(text).not.toContain('hunter2')
  })

  it('refuses a file that is not there, not UTF-8 or too large', () => {
    const file = join(directory, 'other.yaml')
    const load = () => loadConfig(file, {}, CHECKS)
    expect(load).toThrow(/1:1: the file cannot be read \(ENOENT\)/)
    writeFileSync(file, Buffer.from([0x61, 0xff, 0x62]))
    expect(load).toThrow(/not UTF-8/)
    writeFileSync(file, Buffer.alloc(4 * 1024 * 1024 + 1, 0x20))
    expect(load).toThrow(/larger than 4 MiB/)
  })

  it('stops multiplying aliases', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `  a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}*a${level}]`,
    )
    expect(problemsOf(`x:\n  a0: &a0 1\n${levels.join('\n')}\n`)).toContainEqual(
      expect.stringContaining('the file has too many parts.'),
    )
  })
})

describe('docs/configuration.md', () => {
  const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

  it('has an example that loads', () => {
    const example = /```yaml\n(version: 1\n[\s\S]*?)```/.exec(text)?.[1] ?? ''
    for (const name of ['tls/server.crt', 'tls/server.key', 'tls/database-ca.crt', 'secrets/scheduling.password']) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), 'x')
    }
    const guardrails = ['lock-table']
    const config = parseConfig(example, join(directory, 'example.yaml'), {}, { ...CHECKS, guardrails })
    expect(Object.keys(config.targets)).toEqual(['hospital', 'scheduling'])
    expect(config.phi.labels['hospital']).toContainEqual({
      schema: 'ehr',
      table: 'PatientAlias',
      column: 'FullName',
      class: 'name',
      transform: undefined,
      key: 'ehr."PatientAlias"."FullName"',
    })
    expect(config.phi.labels['hospital']).toContainEqual(expect.objectContaining({ class: 'photo', transform: 'null' }))
  })
})
