import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config } from './config.ts'
import { ConfigError, parseConfig } from './load.ts'
import { notices } from './notices.ts'
import { readKey } from './secret-key.ts'
import { weakerSettings } from './weaker-settings.ts'

const KEY = Buffer.alloc(32, 200).toString('base64')

const BASE = `version: 1
listen: { postgres: { tls: { certificate: server.crt, key: server.key } } }
journal: { sealTo: [age1hnxe6lyr3kjgtnhdmlqjsuve2w3ty89jqlf2xmg8dgd62akdketqd5skhd] }
issuers: [{ name: corp, issuer: https://login.example.org, audience: chaperone, claims: { kind: { fixed: agent } } }]
targets:
  hospital: { host: db.example.org, user: gateway, credential: none }
grants: [{ name: agents, principals: [{ kind: agent }], targets: [hospital] }]
`

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-phi-'))
  for (const name of ['server.crt', 'server.key', 'short.key']) writeFileSync(join(directory, name), 'x')
  for (const name of ['pseudonym.key', 'token.key']) writeFileSync(join(directory, name), `${KEY}\n`)
})
afterAll(() => rmSync(directory, { recursive: true }))

const parse = (yaml: string, environment: Readonly<Record<string, string>> = {}): Config =>
  parseConfig(yaml, join(directory, 'chaperone.yaml'), environment, { condition: () => undefined, guardrails: [] })

/** The problems of a section `phi` that begins in line 8. */
function problemsOf(phi: string, environment?: Readonly<Record<string, string>>): readonly string[] {
  try {
    parse(`${BASE}phi:\n${phi}`, environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
  }
  return []
}

const labels = (text: string) => `  labels:\n    hospital:\n${text.replaceAll(/^/gm, '      ')}\n`

describe('the section phi', () => {
  it('has the strictest defaults', () => {
    const { phi, targets } = parse(BASE)
    expect(phi).toEqual({
      pack: 'hipaa-safe-harbor',
      classes: {},
      transforms: {},
      pseudonymKey: undefined,
      previousPseudonymKeys: [],
      tokens: {
        key: { kind: 'file', file: join(directory, 'chaperone-state', 'token.key') },
        keyIsOwn: true,
        previousKeys: [],
        lifetime: 90 * 24 * 3_600_000,
        cacheSize: 64 * 1024 ** 2,
      },
      detectors: { builtin: 'all', patterns: [], knownValues: 'row', http: undefined },
      predicates: { default: 'released-granularity', classes: {} },
      minimumGroupSize: undefined,
      trustedFunctions: {},
      labels: {},
      patientKeys: {},
    })
    expect(targets['hospital']?.catalogCheck).toBe('strict')
    expect(notices(parse(BASE), 0)).toEqual([])
    expect(weakerSettings(parse(BASE))).toEqual([])
  })

  it('is read whole', () => {
    const { phi } = parse(`${BASE}phi:
  pack: minimum-necessary
  classes: { mrn: { transform: pseudonym }, photo: { transform: null } }
  transforms:
    hidden: { constant: hidden }
    ends: { keepFirst: 1, keepLast: 2, fill: "-" }
    last-four: { keepLast: 4 }
    month: { truncate: month }
    tens: { round: 10 }
  pseudonymKey: { file: pseudonym.key }
  predicates: { default: refuse, classes: { date: allow } }
  minimumGroupSize: 11
  trustedFunctions: { hospital: [ehr.initials] }
  labels:
    hospital:
      ehr.fhir.body:
        class: free-text
        members:
          name.family: name
          birthDate: { class: date-of-birth, transform: month }
          '"x.y"': none
        others: pass
      ehr.notes.body: { class: free-text, members: { a: name } }
`)
    expect(phi).toMatchObject({
      pack: 'minimum-necessary',
      classes: { mrn: 'pseudonym', photo: 'null' },
      transforms: {
        hidden: { kind: 'constant', text: 'hidden' },
        ends: { kind: 'keep-ends', first: 1, last: 2, fill: '-' },
        'last-four': { kind: 'keep-ends', first: 0, last: 4, fill: '****' },
        month: { kind: 'truncate', to: 'month' },
        tens: { kind: 'round', to: 10 },
      },
      pseudonymKey: { kind: 'file', file: join(directory, 'pseudonym.key') },
      predicates: { default: 'refuse', classes: { date: 'allow' } },
      minimumGroupSize: 11,
      trustedFunctions: { hospital: ['ehr.initials'] },
    })
    const [body, notes] = phi.labels['hospital'] ?? []
    expect(body).toMatchObject({ class: 'free-text', transform: undefined, key: 'ehr.fhir.body' })
    expect(body?.document).toEqual({
      members: [
        { path: ['name', 'family'], class: 'name', transform: undefined, key: 'name.family' },
        { path: ['birthDate'], class: 'date-of-birth', transform: 'month', key: 'birthDate' },
        { path: ['x.y'], class: 'none', transform: undefined, key: '"x.y"' },
      ],
      others: 'pass',
    })
    expect(notes?.document?.others).toBe('mask')
  })

  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['a pack that is none', '  pack: hipaa\n', ['9:9 phi.pack: must be one of hipaa-safe-harbor, minimum-necessary.']],
    [
      'a class of a transform that is none',
      '  classes: { snn: { transform: redact } }\n',
      ['9:14 phi.classes.snn: unknown key "snn". Did you mean "ssn"?'],
    ],
    [
      'a transform of a class that is none',
      '  classes: { ssn: { transform: redcat } }\n',
      ['9:32 phi.classes.ssn.transform: there is no such transform. Did you mean "redact"?'],
    ],
    [
      "a transform of one's own that is misspelt",
      `  transforms: { last-four: { keepLast: 4 } }\n${labels('a.b.c: { class: ssn, transform: lastfour }')}`,
      ['12:39 phi.labels.hospital."a.b.c".transform: there is no such transform. Did you mean "last-four"?'],
    ],
    [
      'transforms that say nothing, too much, or what cannot be',
      '  transforms:\n    a: {}\n    b: { constant: x, round: 10 }\n    c: { keepFirst: 0 }\n    d: { round: 10, fill: x }\n    redact: { constant: x }\n    e: { trunate: month }\n    f: { round: 1 }\n',
      [
        '10:5 phi.transforms.a: needs exactly one of "constant", "keepFirst" and/or "keepLast", "truncate" and "round".',
        '11:5 phi.transforms.b: needs exactly one of "constant", "keepFirst" and/or "keepLast", "truncate" and "round".',
        '12:5 phi.transforms.c: keeps nothing: use "constant" or the transform redact.',
        '13:21 phi.transforms.d.fill: cannot take effect without "keepFirst" or "keepLast".',
        '14:5 phi.transforms.redact: this name is taken by a transform or a class.',
        '15:5 phi.transforms.e: needs exactly one of "constant", "keepFirst" and/or "keepLast", "truncate" and "round".',
        '15:10 phi.transforms.e.trunate: unknown key "trunate". Did you mean "truncate"?',
        '16:17 phi.transforms.f.round: must be at least 2.',
      ],
    ],
    [
      'members that are malformed, there twice, of no class, or nowhere',
      labels(
        'a.b.c: { class: free-text, members: { a..b: name, a.b: name, "\\"a\\".b": ssn, c: nmae, d: { class: none, transform: redact }, e: { class: ssn, transform: hash } } }',
      ),
      [
        '11:45 phi.labels.hospital."a.b.c".members."a..b": must be names of members between dots, like name.family.',
        '11:68 phi.labels.hospital."a.b.c".members."\\"a\\".b": this member is labelled twice.',
        expect.stringMatching(/^11:87 .*members\.c: must be one of name, .*Did you mean "name"\?$/u),
        '11:111 phi.labels.hospital."a.b.c".members.d.transform: cannot take effect: the class is none.',
        expect.stringMatching(/^11:160 .*members\.e\.transform: there is no such transform\. There are: /u),
      ],
    ],
    [
      'members where they cannot be',
      labels(
        'a.b.*: { class: free-text, members: { a: name } }\na.b.c: { class: none, members: { a: name } }\na.b.d: { class: free-text, others: pass }\na.b.e: { class: free-text, members: {} }',
      ),
      [
        '11:34 phi.labels.hospital."a.b.*".members: must be on a column: schema.table.column.',
        '12:29 phi.labels.hospital."a.b.c".members: cannot take effect: the class is none. Use free-text, with "others: pass" for what is not listed.',
        '13:34 phi.labels.hospital."a.b.d".others: cannot take effect without "members".',
        '14:34 phi.labels.hospital."a.b.e".members: must not be empty.',
      ],
    ],
    [
      'functions that are none',
      '  trustedFunctions: { hospital: [initials, pg_catalog.lower, "a.\\"b\\"", a.b, a.b], hospitel: [] }\n',
      [
        '9:34 phi.trustedFunctions.hospital[0]: must be schema.name.',
        '9:44 phi.trustedFunctions.hospital[1]: cannot take effect: built-in functions are judged one by one.',
        '9:62 phi.trustedFunctions.hospital[2]: must be schema.name.',
        '9:78 phi.trustedFunctions.hospital[4]: is there twice.',
        '9:84 phi.trustedFunctions.hospitel: there is no such target. Did you mean "hospital"?',
      ],
    ],
    [
      'policies of predicates that are none',
      '  predicates: { default: released, classes: { ssn: deny } }\n',
      [
        '9:26 phi.predicates.default: must be one of released-granularity, allow, hold, refuse.',
        '9:52 phi.predicates.classes.ssn: must be one of released-granularity, allow, hold, refuse.',
      ],
    ],
    [
      'a pseudonym without a key',
      labels('a.b.c: { class: ssn, transform: pseudonym }'),
      [
        '11:39 phi.labels.hospital."a.b.c".transform: pseudonym needs "phi.pseudonymKey", for example { file: pseudonym.key } made with: head -c 32 /dev/urandom | base64',
      ],
    ],
    [
      'a key without a pseudonym',
      '  pseudonymKey: { file: pseudonym.key }\n',
      ['9:3 phi.pseudonymKey: cannot take effect: no label and no class uses the transform pseudonym.'],
    ],
    [
      'tokens, a store and previous keys that nothing uses',
      '  previousPseudonymKeys: [{ file: pseudonym.key }]\n  tokens: { lifetime: 1d }\nstore: { directory: store }\n',
      [
        '9:3 phi.previousPseudonymKeys: cannot take effect: no label and no class uses the transform pseudonym.',
        '10:3 phi.tokens: cannot take effect: no label and no class uses the transform token.',
        '11:1 store: cannot take effect: no label and no class uses the transform token, and no approvals, delegation, alerts or budgets do.',
      ],
    ],
    [
      'keys of tokens that are none',
      '  classes: { ssn: { transform: token } }\n  tokens: { key: { file: short.key }, previousKeys: [{}, { env: K }, { file: gone }], lifetime: 10s }\n',
      [
        '10:26 phi.tokens.key.file: does not hold 32 bytes in base64; make a key with: head -c 32 /dev/urandom | base64',
        '10:54 phi.tokens.previousKeys[0]: needs one of "file" and "env".',
        '10:65 phi.tokens.previousKeys[1].env: the environment variable "K" is not set.',
        expect.stringMatching(/^10:78 phi\.tokens\.previousKeys\[2\]\.file: .*gone cannot be read \(ENOENT\)\.$/u),
        '10:97 phi.tokens.lifetime: must be between 1h and 3650d.',
      ],
    ],
    [
      'a store that is two, and settings of a server without one',
      '  classes: { ssn: { transform: token } }\nstore: { directory: a, url: "postgresql://u@h/d", credential: none }\n',
      ['10:1 store: must have "directory" or "url", not both.'],
    ],
    [
      'settings of a server without one',
      '  classes: { ssn: { transform: token } }\nstore: { credential: none, tls: {} }\n',
      [
        '10:10 store.credential: cannot take effect without "url".',
        '10:28 store.tls: cannot take effect without "url".',
      ],
    ],
    [
      'a URL with a password in it, without quoting it',
      '  classes: { ssn: { transform: token } }\nstore: { url: "postgresql://u:hunter2@h/d" }\n',
      [
        '10:1 store: needs "credential": "file", "env", "command", or "none".',
        '10:15 store.url: must not hold a password: "credential" says where it comes from.',
      ],
    ],
    [
      'a URL of something else',
      '  classes: { ssn: { transform: token } }\nstore: { url: "https://u@h/d", credential: none, tls: { mode: plaintextWithoutTls, ca: server.crt } }\n',
      [
        '10:15 store.url: must be postgresql://user@host:port/database, without anything else.',
        '10:84 store.tls.ca: cannot take effect with mode plaintextWithoutTls.',
      ],
    ],
    [
      'detectors that nothing uses',
      '  detectors: { knownValues: off }\n',
      ['9:3 phi.detectors: cannot take effect: no label and no class uses the transform detect.'],
    ],
    [
      'a detector elsewhere without TLS, with a secret in its place or a certificate that is not asked for',
      `  detectors: { http: { url: "http://detect.example.org", authorization: { env: A } } }\n${labels('a.b.c: { class: free-text, transform: detect }')}`,
      [
        '9:29 phi.detectors.http.url: must be an https URL, or http to a loopback address.',
        '9:80 phi.detectors.http.authorization.env: the environment variable "A" is not set.',
      ],
    ],
    [
      'detectors that are none, and patterns that are no regular expressions or match nothing at all',
      `  detectors:\n    builtin: [snn]\n    patterns:\n      - { name: a, class: ssn, pattern: "(a)\\\\1" }\n      - { name: a, class: ssn, pattern: "x*" }\n${labels('a.b.c: { class: free-text, transform: detect }')}`,
      [
        expect.stringMatching(/^10:15 phi\.detectors\.builtin\[0\]: must be one of .* Did you mean "ssn"\?$/u),
        expect.stringMatching(/^12:41 phi\.detectors\.patterns\[0\]\.pattern: is no pattern that runs in linear time/u),
        '13:17 phi.detectors.patterns[1].name: "a" is there twice.',
        '13:41 phi.detectors.patterns[1].pattern: matches the empty text.',
      ],
    ],
    [
      'a detector with a password in its address',
      `  detectors: { http: { url: "https://u:hunter2@h" } }\n${labels('a.b.c: { class: free-text, transform: detect }')}`,
      ['9:29 phi.detectors.http.url: must be a URL without user name, password, query and fragment.'],
    ],
    [
      'a key that is two',
      '  pseudonymKey: { file: pseudonym.key, env: X }\n  classes: { ssn: { transform: pseudonym } }\n',
      ['9:3 phi.pseudonymKey: needs one of "file" and "env".'],
    ],
    [
      'a key that is none',
      '  pseudonymKey: { file: short.key }\n  classes: { ssn: { transform: pseudonym } }\n',
      [
        '9:25 phi.pseudonymKey.file: does not hold 32 bytes in base64; make a key with: head -c 32 /dev/urandom | base64',
      ],
    ],
  ]

  it('has tokens', () => {
    const { phi, store, grants } = parse(
      `${BASE.replace('targets: [hospital] }', 'targets: [hospital], tokenScope: care }')}phi:
  classes: { mrn: { transform: token } }
  tokens: { key: { file: token.key }, previousKeys: [{ env: OLD }, { file: pseudonym.key }], lifetime: 30d, cacheSize: 8MiB }
store: { url: "postgresql://c@db.example.org/state", credential: { file: pseudonym.key }, tls: { ca: server.crt } }
`,
      { OLD: KEY },
    )
    expect(phi.tokens).toEqual({
      key: { kind: 'file', file: join(directory, 'token.key') },
      keyIsOwn: false,
      previousKeys: [
        { kind: 'environment', variable: 'OLD' },
        { kind: 'file', file: join(directory, 'pseudonym.key') },
      ],
      lifetime: 30 * 24 * 3_600_000,
      cacheSize: 8 * 1024 ** 2,
    })
    expect(store).toEqual({
      kind: 'server',
      host: 'db.example.org',
      port: 5432,
      database: 'state',
      user: 'c',
      credential: { password: { kind: 'file', file: join(directory, 'pseudonym.key') }, clientCertificate: undefined },
      tls: { mode: 'verify-full', caFile: join(directory, 'server.crt'), serverName: undefined },
    })
    expect(grants.map(({ tokenScope }) => tokenScope)).toEqual(['care'])
  })

  it('has detectors', () => {
    const { phi, targets } = parse(
      `${BASE.replace('credential: none', 'credential: none, unlabelledColumns: detect')}phi:
  detectors:
    builtin: []
    patterns: [{ name: visit, class: other-id, pattern: "V[0-9]{8}", check: luhn }]
    knownValues: session
    http: { url: "http://127.0.0.1:5002", authorization: { env: SECRET }, timeout: 1s, entities: { BED: none } }
`,
      { SECRET: 'Bearer x' },
    )
    expect(targets['hospital']?.unlabelledColumns).toBe('detect')
    expect(phi.detectors).toEqual({
      builtin: [],
      patterns: [{ name: 'visit', class: 'other-id', pattern: 'V[0-9]{8}', caseSensitive: false, check: 'luhn' }],
      knownValues: 'session',
      http: {
        url: 'http://127.0.0.1:5002',
        caFile: undefined,
        authorization: { kind: 'environment', variable: 'SECRET' },
        timeout: 1000,
        language: 'en',
        scoreThreshold: 0.3,
        concurrency: 4,
        maxTextLength: 100_000,
        cacheSize: 10_000,
        entities: { BED: 'none' },
      },
    })
  })

  it.each(cases)('refuses %s', (_, phi, expected) => {
    expect(problemsOf(phi)).toEqual(expected)
  })

  it('takes the key from the environment, and never quotes it', () => {
    const phi = '  pseudonymKey: { env: PSEUDONYM_KEY }\n  classes: { ssn: { transform: pseudonym } }\n'
    expect(problemsOf(phi, { PSEUDONYM_KEY: KEY })).toEqual([])
    expect(problemsOf(phi)).toEqual(['9:24 phi.pseudonymKey.env: the environment variable "PSEUDONYM_KEY" is not set.'])
    const [problem] = problemsOf(phi, { PSEUDONYM_KEY: 'hunter2' })
    expect(problem).toContain('does not hold 32 bytes in base64')
    expect(problem).not.toContain('hunter2')
  })

  it('refuses catalogCheck that is none', () => {
    const yaml = BASE.replace('credential: none', 'credential: none, catalogCheck: lazy')
    expect(() => parse(yaml)).toThrow(/catalogCheck: must be one of strict, bounded/u)
  })
})

describe('readKey', () => {
  it.each([
    [KEY, true],
    [` ${KEY.slice(0, -1)}\n`, true],
    [KEY.slice(1), false],
    [`${KEY}A`, false],
    ['', false],
    [Buffer.alloc(31).toString('base64'), false],
    [`${'A'.repeat(42)}B=`, false],
  ])('reads %j: %s', (text, good) => {
    const read = () => readKey({ kind: 'environment', variable: 'K' }, 'a key', { K: text })
    if (good) expect(read()).toEqual(Buffer.alloc(32, 200))
    else expect(read).toThrow(expect.objectContaining({ code: 'CHP-CONFIG-INVALID' }))
  })

  it('reads files, and names the setting, never what it holds', () => {
    const file = join(directory, 'pseudonym.key')
    expect(readKey({ kind: 'file', file }, 'a key', {})).toEqual(Buffer.alloc(32, 200))
    expect(() => readKey({ kind: 'file', file: `${file}x` }, 'phi.tokens.key', {})).toThrow(
      /phi\.tokens\.key .*ENOENT/u,
    )
    expect(() => readKey({ kind: 'environment', variable: 'K' }, 'a key', {})).toThrow('a key is not 32 bytes')
  })
})

const config = () =>
  parse(`${BASE.replace('credential: none', 'credential: none, catalogCheck: bounded, unlabelledColumns: pass')}phi:
  pack: minimum-necessary
  transforms: { last-four: { keepLast: 4 } }
  classes: { mrn: { transform: pseudonym }, city: { transform: keep } }
  pseudonymKey: { file: pseudonym.key }
  predicates: { classes: { date: allow } }
  labels:
    hospital:
      a.b.c: { class: ssn, transform: last-four }
      a.b.d: { class: ssn, transform: null }
      a.b.e: { class: zip, transform: zip3 }
      a.b.f: { class: free-text, members: { x.y: { class: ssn, transform: zip3 } } }
      a.b.g: { class: free-text, members: { x: name }, others: pass }
  trustedFunctions: { hospital: [ehr.initials] }
`)

describe('phi.minimumGroupSize', () => {
  it.each(['4', '0', '-11', '11.5', '"11"', '1000001'])('is not %s', (size) => {
    expect(problemsOf(`  minimumGroupSize: ${size}\n`)).toEqual([
      expect.stringContaining('9:21 phi.minimumGroupSize: '),
    ])
  })

  it('is told by check, named at every start, and part of the policy version', () => {
    const released = parse(`${BASE}phi: { minimumGroupSize: 11 }\n`)
    expect(notices(released, 0).map(({ line, message }) => `${line} ${message}`)).toEqual([
      '8 phi.minimumGroupSize shows sums and means of ages and dates over 11 different values or more: the difference between two overlapping groups tells single values',
    ])
    expect(weakerSettings(released)).toEqual(['phi.minimumGroupSize: 11'])
    expect(released.policyVersion).not.toBe(parse(BASE).policyVersion)
  })
})

/** Of a configuration with tokens. */
const tokensVersion = (tokens: string, grant = '') =>
  parse(
    `${BASE.replace('targets: [hospital] }', `targets: [hospital]${grant} }`)}phi:\n  classes: { mrn: { transform: token } }\n  tokens: { ${tokens} }\n`,
  ).policyVersion

describe('what a configuration releases', () => {
  it('is told by check', () => {
    expect(notices(config(), 0).map(({ line, message }) => `${line} ${message}`)).toEqual([
      '9 the pack minimum-necessary is not de-identification: date and other-id pass unmasked. What is shown remains PHI (45 CFR 164.502(b)); Safe Harbor is the pack hipaa-safe-harbor (164.514(b)(2))',
      '11 4 transform(s) are not Safe Harbor: the class mrn (pseudonym), the class city (keep), a.b.c (last-four), x.y in a.b.f (zip3)',
      '20 1 document(s) pass the members that are not listed: a.b.g',
      '13 phi.predicates allows any condition over date: masked values can be found out by asking',
      '21 1 function(s) are trusted without being looked into: ehr.initials in hospital',
      '6 target hospital: catalogCheck is bounded: for up to 30 s after somebody else has changed the schema, masking goes by the schema as it was',
    ])
  })

  it('is named at every start', () => {
    expect(weakerSettings(config())).toEqual([
      'phi.pack: minimum-necessary',
      'phi.classes.city: keep',
      'phi.predicates.classes.date: allow',
      'phi.trustedFunctions.hospital: ehr.initials',
      'targets.hospital.unlabelledColumns: pass',
      'targets.hospital.catalogCheck: bounded',
    ])
  })

  it('is told by check of detectors and tokens', () => {
    const found = parse(
      `${BASE.replace('credential: none', 'credential: none, unlabelledColumns: detect')}phi:
  classes: { mrn: { transform: token } }
  detectors: { knownValues: session, http: { url: "https://detect.example.org/analyze" } }
  labels: { hospital: { a.b.c: { class: name, transform: detect } } }
store: { url: "postgresql://u@h/d", credential: none, tls: { mode: insecureSkipVerify } }
`,
    )
    expect(notices(found, 0).map(({ line, message }) => `${line} ${message}`)).toEqual([
      '11 1 transform(s) are not Safe Harbor: a.b.c (detect)',
      '11 1 label(s) other than free-text show what the detectors do not find: a.b.c',
      '6 target hospital: texts and documents without a label pass but for what the detectors find, which is not all (docs/detectors.md)',
      '10 texts with PHI are sent to the detector detect.example.org',
      '10 knownValues session: whether a text is masked tells whether a value was among those masked before',
    ])
    expect(weakerSettings(found)).toEqual([
      'store.tls: insecureSkipVerify',
      'phi.detectors.knownValues: session',
      'targets.hospital.unlabelledColumns: detect',
    ])
  })

  it('is part of the policy version: scopes and lifetimes of tokens are, keys and memory are not', () => {
    writeFileSync(join(directory, 'other-token.key'), Buffer.alloc(32, 9).toString('base64'))
    const base = tokensVersion('key: { file: token.key }')
    expect(tokensVersion('key: { file: other-token.key }, previousKeys: [{ file: token.key }], cacheSize: 2MiB')).toBe(
      base,
    )
    expect(tokensVersion('lifetime: 30d')).not.toBe(base)
    expect(tokensVersion('key: { file: token.key }', ', tokenScope: care')).not.toBe(base)
    // What it is anyway, said.
    expect(tokensVersion('lifetime: 90d', ', tokenScope: agents')).toBe(base)
  })

  it('is part of the policy version, the place of the key is not', () => {
    const version = (phi: string) =>
      parse(`${BASE}phi:\n  classes: { ssn: { transform: pseudonym } }\n${phi}`).policyVersion
    writeFileSync(join(directory, 'other.key'), KEY)
    expect(version('  pseudonymKey: { file: other.key }\n')).toBe(version('  pseudonymKey: { file: pseudonym.key }\n'))
    expect(parse(`${BASE}phi: { predicates: { default: hold } }\n`).policyVersion).not.toBe(parse(BASE).policyVersion)
  })
})
