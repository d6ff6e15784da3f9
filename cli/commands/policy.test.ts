import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { terminal } from '../terminal.ts'
import { policyCommand } from './policy.ts'

const CONFIG = `version: 1
listen: { postgres: { allowPlaintextPasswordOnLoopback: true } }
admin: { loopbackPort: 7000 }
journal: { statementsAreNotSealed: true }
issuers: [{ name: corp, issuer: "https://a.example", audience: b, claims: { kind: { fixed: agent } }, actors: { issuers: [corp], kind: { corp: agent } } }]
targets: { hospital: { host: h, user: u, credential: none } }
phi:
  labels:
    hospital:
      ehr.patients.name: { class: name, transform: token }
      ehr.patients.ssn: ssn
      ehr.patients.born: date-of-birth
      ehr.patients.id: none
      ehr.patients.sex: none
      ehr.labs.*: none
grants:
  - name: agents
    principals: [{ kind: agent }]
    targets: [hospital]
    tables: ["ehr.patients(id, name, born, sex)", ehr.labs]
  - name: physicians
    use: delegation
    principals: [{ group: physicians }]
    targets: [hospital]
    clearance: { default: masked, classes: { name: clear } }
rules:
  - { name: no-research, when: 'purpose == "HRESCH" && relations.exists(r, r.name == "labs")', effect: refuse }
`

const AGENT = '{ issuer: corp, subject: a, kind: agent }'
const test = (name: string, rest: string): string => `
  - name: ${name}
    principal: ${AGENT}
    target: hospital
    ${rest.trim().replaceAll('\n', '\n    ')}`

const TESTS = `version: 1
schemas:
  hospital:
    searchPath: [ehr]
    tables:
      ehr.patients: { id: int, name: text, ssn: text, born: date, sex: text }
      ehr.labs: { id: int, patient: int, code: text }
      ehr.notes: { id: int, body: text }
tests:${[
  test(
    'names are masked',
    'sql: SELECT id, name FROM patients\nestimatedRows: 9\nexpect: { outcome: allow, masked: [name], clearance: masked, rules: [] }',
  ),
  test(
    'nobody has all columns',
    'sql: SELECT * FROM patients\nexpect: { outcome: refuse, code: CHP-POLICY-UNGRANTED, rule: grants.tables }',
  ),
  test('nor whole rows', 'sql: SELECT p FROM patients p\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test(
    'nor a column in a condition',
    'sql: SELECT id FROM patients WHERE ssn IS NULL\nexpect: { code: CHP-POLICY-UNGRANTED }',
  ),
  test(
    'nor one behind a join',
    'sql: SELECT l.id FROM labs l JOIN patients p ON p.ssn = l.code\nexpect: { code: CHP-POLICY-UNGRANTED }',
  ),
  test('nor one of an order', 'sql: SELECT id FROM patients ORDER BY ssn\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test(
    'nor a natural join',
    'sql: SELECT 1 FROM patients NATURAL JOIN (SELECT ssn FROM patients) q\nexpect: { code: CHP-POLICY-UNGRANTED }',
  ),
  test('nor json of a row', 'sql: SELECT to_jsonb(p) FROM patients p\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test('nor another table', 'sql: SELECT id FROM notes\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test(
    'nor another one in a subquery',
    'sql: SELECT id FROM labs WHERE EXISTS (SELECT FROM notes)\nexpect: { code: CHP-POLICY-UNGRANTED }',
  ),
  test('nor a table that is not there', 'sql: SELECT id FROM nothing\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test('nor TABLE', 'sql: TABLE patients\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test('nor COPY', 'sql: COPY patients TO STDOUT\nexpect: { code: CHP-POLICY-UNGRANTED }'),
  test(
    'nor RETURNING',
    'sql: UPDATE patients SET sex = $$f$$ WHERE id = 1 RETURNING ssn\nexpect: { code: CHP-POLICY-UNGRANTED }',
  ),
  test(
    'rows can be counted',
    'sql: SELECT count(*) FROM patients\nestimatedRows: 1\nexpect: { outcome: allow, masked: [] }',
  ),
  test('catalogs can be read', 'sql: SELECT relname FROM pg_class\nexpect: { outcome: allow }'),
  test(
    'large reads are held, so refused',
    'sql: SELECT id, name FROM patients\nexpect: { outcome: refuse, code: CHP-POLICY-HELD, rule: guardrails.large-read }',
  ),
  test(
    'a purpose counts',
    'purpose: HRESCH\nsql: SELECT id FROM labs\nestimatedRows: 1\nexpect: { outcome: refuse, rule: no-research }',
  ),
  test('what no parser reads', 'sql: SELEC 1\nexpect: { outcome: refuse, code: CHP-SQL-UNPARSEABLE }'),
  test('a chain needs everybody', 'onBehalfOf: [{ issuer: corp, subject: x, kind: human }]\nexpect: { access: none }'),
  test(
    'a chain with everybody',
    'onBehalfOf: [{ issuer: corp, subject: x, kind: human, groups: [physicians] }]\nexpect: { clearance: masked }',
  ),
].join('')}
`

let directory: string
let config: string
let tests: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-policy-'))
  config = write('chaperone.yaml', CONFIG)
  tests = write('chaperone.policy-test.yaml', TESTS)
})
afterAll(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

// A function, because the compiler thinks that nobody has changed it.
const exitStatus = (): number => Number(process.exitCode ?? 0)

/** Runs `chaperone policy …` in this process. */
async function policy(...args: readonly string[]): Promise<{ readonly stdout: string; readonly status: number }> {
  let stdout = ''
  const out = terminal({
    stdout: { write: (text) => ((stdout += text), true) },
    stderr: { write: () => true },
    env: {},
  })
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await policyCommand({ environment: {}, out }).parseAsync([...args], { from: 'user' })
    return { stdout, status: exitStatus() }
  } finally {
    process.exitCode = before
  }
}

describe('policy check', () => {
  it('says which version it is', async () => {
    const { stdout, status } = await policy('check', '-c', config, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      version: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      grants: ['agents', 'physicians'],
    })
    await expect(policy('check', '-c', write('broken.yaml', CONFIG.replace('agents', '')))).rejects.toThrow()
  })
})

describe('policy test', { timeout: 60_000 }, () => {
  it('decides as the gateway does', async () => {
    const { stdout, status } = await policy('test', '-c', config)
    expect(stdout).toMatch(/^21 of 21 tests passed with sha256:/)
    expect(status).toBe(0)
  })

  it('says what is not as expected', async () => {
    const file = write(
      'failing.yaml',
      TESTS.replace('masked: [name]', 'masked: [ssn]').replace('access: none', 'access: granted'),
    )
    const { stdout, status } = await policy('test', file, '-c', config, '--json')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      passed: 19,
      failed: [
        { name: 'names are masked', failures: ['masked: expected [ssn], found [name]'] },
        { name: 'a chain needs everybody', failures: ['access: expected granted, but there is none'] },
      ],
    })
  })

  it('names every mistake in a file with its place', async () => {
    const file = write(
      'wrong.yaml',
      'version: 1\ntests:\n  - name: a\n    target: hospital\n    expect: { outcom: allow }\n',
    )
    await expect(policy('test', file, '-c', config)).rejects.toThrow(
      /wrong\.yaml:3:\d+: tests\.0\.principal[^]*wrong\.yaml:5/,
    )
    await expect(policy('test', join(directory, 'none.yaml'), '-c', config)).rejects.toThrow('there is no test file')
  })
})

describe('policy explain', { timeout: 60_000 }, () => {
  const ask = ['explain', '--target', 'hospital', '--principal', AGENT, '--estimated-rows', '10']

  it('says why', async () => {
    const allowed = await policy(
      ...ask,
      '-c',
      config,
      '--schema',
      tests,
      "SELECT id FROM patients WHERE name = 'tok_x'",
    )
    expect(allowed.stdout).toContain('read ehr.patients(id, name) phi')
    expect(allowed.stdout).toContain('classes    name (masked)')
    expect(allowed.stdout).toMatch(/decision {3}allow\n$/)
    expect(allowed.status).toBe(0)
    const refused = await policy(...ask, '-c', config, '--schema', tests, 'SELECT ssn FROM patients')
    expect(refused.stdout).toContain('refused    grants.tables: ')
    expect(refused.status).toBe(1)
  })

  it('has no text of the statement in its answer', async () => {
    for (const json of [[], ['--json']]) {
      const { stdout } = await policy(
        ...ask,
        ...json,
        '-c',
        config,
        '--schema',
        tests,
        "SELECT id FROM patients WHERE name = 'Zebediah'",
      )
      expect(stdout).not.toContain('Zebediah')
    }
  })
})

describe('policy diff', () => {
  it('compares two files', async () => {
    const other = write(
      'other.yaml',
      CONFIG.replace('name: clear', 'name: clear, ssn: clear').replace('effect: refuse', 'effect: warn'),
    )
    const { stdout, status } = await policy('diff', config, other, '-c', config)
    expect(stdout.split('\n')).toEqual([
      '+ grants[physicians].clearance.classes.ssn: "clear"',
      '~ rules[no-research].effect: "refuse" → "warn"',
      '',
    ])
    expect(status).toBe(1)
    expect(await policy('diff', config, '-c', config)).toMatchObject({ status: 0, stdout: 'The two are alike.\n' })
  })
})
