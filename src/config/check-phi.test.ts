import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config } from './config.ts'
import { ConfigError, parseConfig } from './load.ts'
import { notices } from './notices.ts'
import { readPseudonymKey } from './pseudonym-key.ts'
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
  writeFileSync(join(directory, 'pseudonym.key'), `${KEY}\n`)
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
      predicates: { default: 'released-granularity', classes: {} },
      minimumGroupSize: undefined,
      trustedFunctions: {},
      labels: {},
    })
    expect(targets['hospital']?.catalogCheck).toBe('strict')
    expect(notices(parse(BASE))).toEqual([])
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

describe('readPseudonymKey', () => {
  it.each([
    [KEY, true],
    [` ${KEY.slice(0, -1)}\n`, true],
    [KEY.slice(1), false],
    [`${KEY}A`, false],
    ['', false],
    [Buffer.alloc(31).toString('base64'), false],
    [`${'A'.repeat(42)}B=`, false],
  ])('reads %j: %s', (text, good) => {
    const read = () => readPseudonymKey({ kind: 'environment', variable: 'K' }, { K: text })
    if (good) expect(read()).toEqual(Buffer.alloc(32, 200))
    else expect(read).toThrow(expect.objectContaining({ code: 'CHP-CONFIG-INVALID' }))
  })

  it('reads files, and nothing when nothing is named', () => {
    const file = join(directory, 'pseudonym.key')
    expect(readPseudonymKey({ kind: 'file', file }, {})).toEqual(Buffer.alloc(32, 200))
    expect(() => readPseudonymKey({ kind: 'file', file: `${file}x` }, {})).toThrow(/ENOENT/u)
    expect(readPseudonymKey(undefined, {})).toBeUndefined()
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
    expect(notices(released).map(({ line, message }) => `${line} ${message}`)).toEqual([
      '8 phi.minimumGroupSize shows sums and means of ages and dates over 11 different values or more: the difference between two overlapping groups tells single values',
    ])
    expect(weakerSettings(released)).toEqual(['phi.minimumGroupSize: 11'])
    expect(released.policyVersion).not.toBe(parse(BASE).policyVersion)
  })
})

describe('what a configuration releases', () => {
  it('is told by check', () => {
    expect(notices(config()).map(({ line, message }) => `${line} ${message}`)).toEqual([
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

  it('is part of the policy version, the place of the key is not', () => {
    const version = (phi: string) =>
      parse(`${BASE}phi:\n  classes: { ssn: { transform: pseudonym } }\n${phi}`).policyVersion
    writeFileSync(join(directory, 'other.key'), KEY)
    expect(version('  pseudonymKey: { file: other.key }\n')).toBe(version('  pseudonymKey: { file: pseudonym.key }\n'))
    expect(parse(`${BASE}phi: { predicates: { default: hold } }\n`).policyVersion).not.toBe(parse(BASE).policyVersion)
  })
})
