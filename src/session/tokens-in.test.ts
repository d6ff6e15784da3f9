import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GrantConfig, PredicatesConfig } from '../config/config.ts'
import { grantConfig } from '../config/policy-test-support.ts'
import { compilePolicy } from '../decide/policy.ts'
import { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { Catalog, CatalogRelation } from '../inspect/sql/catalog.ts'
import { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { compileLabels } from '../phi/labels.ts'
import type { BoundValue, KnownNames, Prepared } from '../protocols/protocol.ts'
import type { Journal } from '../record/journal.ts'
import type { ScopeKey, Vault } from '../vault/token-scope.ts'
import type { Alert } from './alerts.ts'
import { FakeScope } from './constants/constants-test-support.ts'
import { Doorman } from './doorman.ts'
import type { SessionGate } from './gate.ts'
import { TargetState } from './target-state.ts'

const NO_NAMES: KnownNames = { statement: () => undefined, cursor: () => undefined }

function relation(oid: number, name: string, columns: Readonly<Record<string, number>>): CatalogRelation {
  return {
    oid,
    schema: 'public',
    name,
    kind: 'r',
    columns: Object.entries(columns).map(([column, typeOid], i) => ({ attnum: i + 1, name: column, typeOid })),
    dependsOn: [],
    callsUserFunctions: false,
    parents: [],
  }
}

const CATALOG: Catalog = {
  epoch: '1',
  serverMajor: 18,
  relations: [
    relation(20_001, 'patient', { id: 23, ssn: 25, name: 1043, nick: 25, mrn: 23, born: 1082, ward: 25, chart: 3802 }),
    relation(20_002, 'visit', { id: 23, patient_mrn: 23, reason: 25 }),
  ],
  userFunctions: [],
  userOperators: [],
  userTypes: [],
}

const LABELS = compileLabels([
  { pattern: 'public.patient.*', label: 'none' },
  { pattern: 'public.visit.*', label: 'none' },
  { pattern: 'public.patient.ssn', label: { class: 'ssn', transform: 'token' } },
  { pattern: 'public.patient.name', label: { class: 'name', transform: 'token' } },
  { pattern: 'public.patient.nick', label: { class: 'name', transform: 'token' } },
  { pattern: 'public.patient.mrn', label: { class: 'mrn', transform: 'token' } },
  { pattern: 'public.visit.patient_mrn', label: { class: 'mrn', transform: 'token' } },
  { pattern: 'public.patient.born', label: { class: 'date-of-birth', transform: 'token' } },
])

const inspector = new SqlInspector()
beforeAll(() => inspector.warm())
afterAll(() => inspector.close())

const constant =
  <T>(value: T) =>
  () =>
    value

const grant = (name: string, tokenScope: string): GrantConfig => grantConfig({ name, tokenScope })

/** The session of an agent; what is masked for it may be compared by tokens, and changed. */
async function opened(predicates: PredicatesConfig = { default: 'released-granularity', classes: {} }) {
  const scopes = new Map<string, FakeScope>()
  const scopeFor = ({ group, purpose, target }: ScopeKey): FakeScope => {
    const key = [group, purpose, target].join('/')
    const scope = scopes.get(key) ?? new FakeScope()
    scopes.set(key, scope)
    return scope
  }
  const vault: Vault = { scope: scopeFor, close: () => Promise.resolve() }
  const records: string[] = []
  const alerts: Alert[] = []
  const state = new TargetState({
    target: 'hospital',
    labels: LABELS,
    unlabelledColumns: 'mask',
    trustedFunctions: [],
    patientKeys: [],
    catalogCheck: 'strict',
    clock: () => 0,
    inspector,
    load: () => Promise.resolve(CATALOG),
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members that are used
  const journal = {
    failed: undefined,
    writtenSeq: 0,
    durableSeq: 0,
    append: ({ kind, what }: { readonly kind: string; readonly what: string }) => records.push(`${kind} ${what}`),
  } as unknown as Journal
  const doorman = new Doorman({
    verify: () =>
      VerifiedIdentity.ofVerifiedToken({
        principal: { issuer: 'i', subject: 's', kind: 'agent', name: 'n', groups: [], purpose: 'treatment' },
        issuerUrl: 'https://i',
        audience: 'a',
        issuedAt: 0,
        expiresAt: 1,
        tokenDigest: '0',
      }),
    policy: constant(
      compilePolicy({
        grants: [grant('b', 'shared'), grant('a', 'own'), grant('c', 'own')],
        rules: [],
        packs: { guardrails: { disable: ['unbounded-write', 'phi-change', 'bulk-export'] } },
        phi: { predicates },
        policyVersion: 'sha256:0',
      }),
    ),
    targets: new Map([['hospital', state]]),
    minimumGroupSize: undefined,
    inspector,
    journal,
    clock: () => 0,
    vault,
    onAlert: (_, alert) => alerts.push(alert),
    onPolicyError: () => undefined,
  })
  const admission = await doorman.admit({
    token: 't',
    target: 'hospital',
    user: 'u',
    applicationName: 'x',
    peer: { address: '127.0.0.1', port: 1, loopback: true },
    encrypted: true,
  })
  const { gate } = doorman.sessionOf(admission)
  gate.opened({
    backendPid: 1,
    serverVersion: '18',
    searchPath: ['public'],
    searchPathSetting: 'public',
    role: 'app',
    settings: 'a',
  })
  const scope = scopes.get('own+shared/treatment/hospital')
  if (scope === undefined) throw new Error('another scope was opened')
  return { gate, scope, records, alerts }
}

/** What is sent in place of a text; the code of an error. */
async function sent(gate: SessionGate, sql: string): Promise<string> {
  const verdict = await gate.judge(sql, NO_NAMES)
  if (verdict.kind === 'refused') return verdict.error.code
  const resolved = await gate.resolveText(verdict, sql)
  if (resolved instanceof ChaperoneError) return resolved.code
  return resolved === 'as-is' ? sql : resolved.sql
}

async function bound(
  gate: SessionGate,
  sql: string,
  ...values: readonly string[]
): Promise<readonly string[] | string> {
  const verdict = await gate.judge(sql, NO_NAMES)
  if (verdict.kind === 'refused') return verdict.error.code
  const parameters = values.map((value): BoundValue => ({ typeOid: 0, format: 0, value: Buffer.from(value) }))
  const resolved = await gate.resolveParameters(verdict.facts[0], parameters)
  if (resolved instanceof ChaperoneError) return resolved.code
  return values.map((value, i) => (resolved === 'as-is' ? undefined : resolved.get(i)?.toString()) ?? value)
}

/** `<ann>` and the like stand for tokens in the client's text, and for values in that which is sent. */
const VALUES = { ann: "Ann O'Hara", ssn: '919-15-5087', mrn: '-4711' } as const

function spell(scope: FakeScope, template: string): readonly [client: string, target: string] {
  const tokens = {
    ann: scope.token('name', 'text', VALUES.ann),
    ssn: scope.token('ssn', 'text', VALUES.ssn),
    mrn: scope.token('mrn', 'integer', VALUES.mrn),
  }
  const client = template.replaceAll(/<(ann|ssn|mrn)>/gu, (_, name: keyof typeof tokens) => tokens[name])
  const target = template.replaceAll(/<(ann|ssn|mrn)>/gu, (_, name: keyof typeof tokens) =>
    VALUES[name].replaceAll("'", "''"),
  )
  return [client, target]
}

describe('a session with tokens', () => {
  it('names its scope in the journal', async () => {
    const { records } = await opened()
    expect(records[0]).toContain('"tokenScope":{"group":"own+shared","purpose":"treatment"}')
  })

  it.each([
    "SELECT id FROM patient WHERE name = '<ann>'",
    "SELECT id FROM patient WHERE ssn IN ('<ssn>', '<ssn>') AND ward = 'ICU'",
    'SELECT id, ward FROM patient WHERE mrn = <mrn> AND id > 7',
    "SELECT id FROM patient WHERE mrn = '<mrn>'",
    'SELECT p.id FROM patient p JOIN visit v ON v.patient_mrn = p.mrn AND v.patient_mrn = <mrn>',
    "SELECT CASE name WHEN '<ann>' THEN 1 ELSE 2 END FROM patient",
    "SELECT count(*) FILTER (WHERE name = '<ann>') FROM patient",
    "UPDATE patient SET ward = 'B2' WHERE name = '<ann>' AND ssn <> '<ssn>'",
    "UPDATE patient SET nick = '<ann>', ward = 'x' WHERE id = 5",
    "INSERT INTO visit (patient_mrn, reason) VALUES (<mrn>, 'flu'), (<mrn>, '')",
    'DELETE FROM visit WHERE patient_mrn IN (<mrn>)',
    "SELECT 1; SELECT id FROM patient WHERE name = '<ann>'; SELECT 'x'",
    "SELECT id /* c */ FROM patient WHERE name = '<ann>' -- é\n AND ssn = '<ssn>'",
  ])('sends the values: %s', async (template) => {
    const { gate, scope, alerts } = await opened()
    const [client, target] = spell(scope, template)
    // A negative value takes the place of the digits behind the sign.
    expect(await sent(gate, client)).toBe(target)
    expect(alerts).toEqual([])
  })

  it.each([
    "SELECT '<ann>'",
    "SELECT '<ann>' AS name FROM patient WHERE id = 1",
    "SELECT id FROM patient WHERE ward = '<ann>'",
    "SELECT id FROM visit WHERE reason = '<ssn>' OR id = <mrn>",
    "SELECT '<ann>' || ward FROM patient",
    "SELECT length('<ann>')",
    "SELECT '<mrn>'::int",
    "INSERT INTO visit (reason) VALUES ('<ann>')",
    "UPDATE visit SET reason = '<ann>' WHERE id = 1",
  ])('leaves a token a token: %s', async (template) => {
    const { gate, scope } = await opened()
    const [client] = spell(scope, template)
    expect(await sent(gate, client)).toBe(client)
    expect(scope.asked).toBe(0)
  })

  it.each([
    ["SELECT id FROM patient WHERE name LIKE '<ann>'", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE name > '<ann>'", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE upper(name) = '<ann>'", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE name = upper('<ann>')", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE name || '' = '<ann>'", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE name BETWEEN '<ann>' AND '<ann>'", 'CHP-MASK-PREDICATE'],
    ['SELECT id FROM patient WHERE mrn + 1 = <mrn>', 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE name = 'Ann'", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE name IN ('<ann>', 'Ann')", 'CHP-MASK-PREDICATE'],
    ["SELECT id FROM patient WHERE ssn = '<ssn>' OR ssn = '919-15-5087'", 'CHP-MASK-PREDICATE'],
    ['SELECT id FROM patient WHERE mrn = 4711', 'CHP-MASK-PREDICATE'],
    ["UPDATE patient SET name = '[redacted]'", 'CHP-MASK-WRITE-BACK'],
    ["UPDATE patient SET name = upper('<ann>')", 'CHP-MASK-WRITE-BACK'],
    ["UPDATE patient SET name = 'Mrs ' || '<ann>'", 'CHP-MASK-WRITE-BACK'],
    ["UPDATE patient SET born = '1984-01-01'", 'CHP-MASK-WRITE-BACK'],
    ["UPDATE patient SET ssn = '<ann>'", 'CHP-TOKEN-UNKNOWN'],
    ["INSERT INTO patient (name) SELECT '<ssn>'", 'CHP-TOKEN-UNKNOWN'],
  ])('refuses %s', async (template, code) => {
    const { gate, scope } = await opened()
    const [client] = spell(scope, template)
    expect(await sent(gate, client)).toBe(code)
  })

  it('takes the same analysis for other constants', async () => {
    const { gate, scope } = await opened()
    const [ann] = spell(scope, "SELECT id FROM patient WHERE name = '<ann>'")
    const bob = `SELECT id FROM patient WHERE name = '${scope.token('name', 'text', 'Bob')}'`
    expect(await gate.judge(bob, NO_NAMES)).toBe(await gate.judge(ann, NO_NAMES))
    expect(await sent(gate, bob)).toBe("SELECT id FROM patient WHERE name = 'Bob'")
    expect(await sent(gate, "SELECT id FROM patient WHERE name = 'Bob'")).toBe('CHP-MASK-PREDICATE')
  })

  it('resolves parameters where every use is a site', async () => {
    const { gate, scope } = await opened()
    const ann = scope.token('name', 'text', VALUES.ann)
    const mrn = scope.token('mrn', 'integer', VALUES.mrn)
    const find = 'SELECT id FROM patient WHERE name = $1 AND mrn = $2'
    expect(await bound(gate, find, ann, mrn)).toEqual([VALUES.ann, VALUES.mrn])
    expect(await bound(gate, find, 'Ann', mrn)).toBe('CHP-MASK-PREDICATE')
    const insert = 'INSERT INTO patient (name, nick, ward) VALUES ($1, $1, $2)'
    expect(await bound(gate, insert, ann, 'B')).toEqual([VALUES.ann, 'B'])
    // It would come back in the result.
    expect(await bound(gate, 'SELECT $1, id FROM patient WHERE name = $1', ann)).toBe('CHP-MASK-PREDICATE')
    expect(await bound(gate, 'SELECT $1', ann)).toEqual([ann])
    expect(await bound(gate, 'UPDATE patient SET name = $1, ward = $1', ann)).toBe('CHP-MASK-WRITE-BACK')
    expect(await bound(gate, 'UPDATE patient SET name = $1 RETURNING $1', ann)).not.toContain(VALUES.ann)
  })

  it.each([
    ['SELECT id FROM patient WHERE ssn = $1', 'CHP-MASK-PREDICATE'],
    ['INSERT INTO patient (name) VALUES ($1)', 'CHP-MASK-UNPROVEN'],
    ['UPDATE patient SET name = upper($1)', 'CHP-MASK-UNPROVEN'],
    ["SELECT id FROM patient WHERE ssn = '<ssn>' AND ward = $1", 'allowed'],
  ])('does not run %s by EXECUTE, whose arguments nobody looks at', async (template, expected) => {
    const { gate, scope } = await opened()
    const [sql] = spell(scope, template)
    const verdict = await gate.judge(sql, NO_NAMES)
    if (verdict.kind === 'refused') throw verdict.error
    const prepared: Prepared = { sql, verdict, index: 0, madeBy: 'message' }
    const names: KnownNames = { statement: () => prepared, cursor: () => undefined }
    const executed = await gate.judge("EXECUTE s('919-15-5087')", names)
    expect(executed.kind === 'refused' ? executed.error.code : executed.kind).toBe(expected)
  })

  it('copies in what the tokens stand for', async () => {
    const { gate, scope } = await opened()
    const verdict = await gate.judge('COPY patient (ward, name) FROM STDIN', NO_NAMES)
    const rows = gate.copyIn(verdict.facts[0])
    if (rows === undefined || rows instanceof ChaperoneError) throw new Error('no rows')
    expect((await rows.feed(Buffer.from(`B\t${scope.token('name', 'text', 'Ann')}\n`))).toString()).toBe('B\tAnn\n')
    expect(await rows.feed(Buffer.from('B\t[redacted]\n'))).toMatchObject({ code: 'CHP-MASK-WRITE-BACK' })
  })

  it('tells an operator of tokens that it cannot have got here, and leaves no value anywhere', async () => {
    const { gate, alerts, records } = await opened()
    const foreign = new FakeScope().token('name', 'text', VALUES.ann)
    const sql = `SELECT id FROM patient WHERE name = '${foreign}'`
    expect(await sent(gate, sql)).toBe(sql)
    expect(await sent(gate, `UPDATE patient SET name = '${foreign}'`)).toBe('CHP-TOKEN-UNKNOWN')
    expect(alerts.map(({ alert }) => alert)).toEqual(['token-unknown', 'token-unknown'])
    expect(records.filter((record) => record.startsWith('alert'))).toEqual([
      'alert {"alert":"token-unknown","classes":["name"],"count":1}',
      'alert {"alert":"token-unknown","classes":["name"],"count":1}',
    ])
    expect(records.join('\n')).not.toContain(foreign)
  })

  it('lets values be compared where the policy allows it', async () => {
    const { gate, scope } = await opened({ default: 'released-granularity', classes: { name: 'allow', ssn: 'hold' } })
    const sql = "SELECT id FROM patient WHERE name = 'Ann'"
    expect(await sent(gate, sql)).toBe(sql)
    expect(await sent(gate, spell(scope, "SELECT id FROM patient WHERE name = '<ann>'")[0])).toContain("Ann O''Hara")
    expect(await sent(gate, "SELECT id FROM patient WHERE ssn = '919'")).toBe('CHP-POLICY-HELD')
    expect(await sent(gate, spell(scope, "SELECT id FROM patient WHERE ssn = '<ssn>'")[0])).toContain(VALUES.ssn)
  })
})
