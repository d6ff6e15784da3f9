import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CredentialResolver } from '../../src/forward/credential.ts'
import { dialPostgres } from '../../src/forward/postgres-target.ts'
import { rowQueries } from '../../src/inspect/sql/row-queries.ts'
import type { SqlFacts } from '../../src/inspect/sql/facts.ts'
import { SqlInspector } from '../../src/inspect/sql/sql-inspector.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { labelSetOf } from '../../src/label-set.ts'
import { readCatalog } from '../../src/protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from '../../src/protocols/postgres/limits.ts'
import { OwnConnections } from '../../src/protocols/postgres/own-connections.ts'
import { Planner } from '../../src/protocols/postgres/planner.ts'
import { Previewer } from '../../src/protocols/postgres/preview.ts'
import { touchedRows } from '../../src/session/preview.ts'
import { TargetState } from '../../src/session/target-state.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { CLINIC_SQL, clinicTargets } from './clinic.ts'

const TARGET = 'clinic'
const limits = DEFAULT_FRAME_LIMITS

let bed: Testbed
let inspector: SqlInspector
let target: TargetState
let planner: Planner
let previewer: Previewer
let probes = 0
const probe = (): void => {
  probes += 1
}

beforeAll(async () => {
  bed = await startTestbed({
    patients: 5,
    prepare: async (admin) => {
      await admin.query(CLINIC_SQL)
      await admin.query('create schema extra; create extension citext schema extra')
      await admin.query('grant usage on schema extra to public')
      await admin.query(`create function clinic.noted(int) returns int language plpgsql as 'begin return $1; end'`)
      await admin.query('analyze')
    },
    configure: (document) => clinicTargets(document, { [TARGET]: {} }),
  })
  const config = bed.config.targets[TARGET]
  if (config === undefined) throw new Error('there is no such target')
  const credentials = new CredentialResolver({}, systemClock)
  const dial = () => dialPostgres(config, credentials)
  inspector = new SqlInspector({ maxStatementBytes: 1024 * 1024 })
  target = new TargetState({
    target: TARGET,
    labels: labelSetOf(bed.config.phi, TARGET, {}),
    unlabelledColumns: 'mask',
    trustedFunctions: [],
    patientKeys: bed.config.phi.patientKeys[TARGET] ?? [],
    catalogCheck: 'strict',
    inspector,
    clock: systemClock,
    load: () => readCatalog(dial, limits),
  })
  await target.refresh()
  planner = new Planner({ dial, limits, probe, rowQueries })
  previewer = new Previewer({ dial, limits, probe })
})
afterAll(async () => {
  planner.close()
  previewer.close()
  await inspector.close()
  await bed.stop()
})

async function factsOf(sql: string, searchPath: readonly string[] = ['clinic']): Promise<readonly SqlFacts[]> {
  const inspection = await inspector.inspect(sql, { target: TARGET, searchPath })
  if (!inspection.ok) throw new Error(inspection.message)
  return inspection.statements
}

const questionOf = async (sql: string) => ({ sql, named: [], searchPath: 'clinic', facts: await factsOf(sql) })
const estimate = async (sql: string) => planner.estimate(await questionOf(sql))

describe('the planner', () => {
  it.each([
    ['SELECT * FROM big', 20_000],
    ['SELECT * FROM patient WHERE id = 5', 1],
    ['SELECT * FROM patient WHERE id = $1', 1],
    ['UPDATE big SET filler = NULL', 20_000],
    ['DELETE FROM visit WHERE id = 7', 1],
    ['SELECT * FROM big LIMIT 10', 10],
    ['SELECT count(*) FROM big', 1],
    ['COPY big TO STDOUT', 20_000],
    ['COPY big (id) TO STDOUT (FORMAT csv)', 20_000],
    ['COPY (SELECT * FROM patient WHERE id = 3) TO STDOUT', 1],
    ['DECLARE c CURSOR FOR SELECT * FROM big', 20_000],
    ['BEGIN; DECLARE c CURSOR FOR SELECT * FROM big LIMIT 7; COMMIT', 7],
    ['PREPARE p AS SELECT * FROM patient WHERE id = $1', 0],
    ['PREPARE p AS SELECT * FROM big LIMIT 3', 0],
    ['CREATE TEMP TABLE copied AS SELECT * FROM big LIMIT 9', 9],
    ['CREATE TEMP VIEW seen AS SELECT * FROM big', 0],
    ['SELECT * INTO TEMP kept FROM big', 20_000],
    ['EXPLAIN SELECT * FROM big', 0],
    ['SELECT 1; SELECT * FROM big; SELECT * FROM patient WHERE id = 1', 20_002],
    ['BEGIN', 0],
    ['SET TimeZone = UTC; SELECT * FROM big LIMIT 2; COMMIT', 2],
  ])('says how many rows: %s', async (sql, rows) => {
    expect(await estimate(sql)).toBe(rows)
  })

  it.each([
    'SELECT * FROM patient; DROP TABLE visit',
    'COPY patient FROM STDIN; SELECT 1',
    'SET search_path = other; SELECT * FROM patient',
    "SELECT set_config('search_path', 'other', false); SELECT * FROM patient",
    'FETCH ALL FROM c',
    'SELECT noted(1) FROM patient',
    'DO $$ BEGIN END $$',
    'EXECUTE p',
    'SELECT pg_terminate_backend(id) FROM patient',
    'COPY patient FROM STDIN',
    'DROP TABLE visit',
    'SELECT * FROM gone',
  ])('says nothing: %s', async (sql) => {
    const before = probes
    expect(await estimate(sql)).toBeUndefined()
    expect(probes).toBe(before)
  })

  it('says how many rows where an extension has a function of the same name', async () => {
    const sql = 'SELECT max(id) FROM big'
    const facts = await factsOf(sql, ['clinic', 'extra'])
    expect(facts[0]?.effects).toContain('code')
    expect(await planner.estimate({ sql, named: [], searchPath: 'clinic, extra', facts })).toBe(1)
  })

  it('is asked once a minute for a text, and changes nothing', async () => {
    const before = probes
    await estimate('DELETE FROM clinic.call')
    await estimate('DELETE FROM clinic.call')
    expect(probes).toBe(before + 1)
    const admin = await bed.direct()
    expect((await admin.query('select from clinic.call')).rowCount).toBe(20)
  })

  it('says nothing where the target does not answer', async () => {
    const nowhere = new Planner({ dial: () => Promise.reject(new Error('gone')), limits, probe, rowQueries })
    expect(await nowhere.estimate(await questionOf('SELECT 1'))).toBeUndefined()
  })
})

const read: Parameters<typeof touchedRows>[2]['read'] = (query, path, plan) => previewer.read(query, path, plan)

function preview(
  statement: string,
  parameters: Parameters<typeof touchedRows>[0]['parameters'] = [],
  clears: (phiClass: string) => boolean = () => false,
) {
  const write = { statement, parameters, searchPath: 'clinic', schemas: ['clinic'] }
  return touchedRows(write, clears, { target, inspector, minimumGroupSize: undefined, clock: systemClock, read })
}

const text = (value: string, typeOid = 0) => ({ typeOid, format: 0, value: Buffer.from(value).toString('base64') })

/** Connections of the gateway's own, as the target knows them. */
const connections = async (name: string): Promise<number> => {
  const admin = await bed.direct()
  const { rowCount } = await admin.query('select from pg_stat_activity where application_name = $1', [name])
  return rowCount ?? 0
}

describe('connections of the gateway’s own', () => {
  it('are used again, and not when the target has closed them', async () => {
    const admin = await bed.direct()
    const backends = async () =>
      (await admin.query("select pid from pg_stat_activity where application_name = 'chaperone planner'")).rows
    expect(await estimate('SELECT * FROM big LIMIT 3')).toBe(3)
    const before = await backends()
    expect(await estimate('SELECT * FROM big LIMIT 5')).toBe(5)
    expect(await backends()).toEqual(before)
    const { rowCount } = await admin.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'chaperone planner'",
    )
    expect(rowCount).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await estimate('SELECT * FROM big LIMIT 4')).toBe(4)
  })

  it('are closed with what they serve, also when they are in use', async () => {
    const config = bed.config.targets[TARGET]!
    const dial = () => dialPostgres(config, new CredentialResolver({}, systemClock))
    const own = new OwnConnections({
      dial,
      limits,
      name: 'closed soon',
      settings: [],
      maxConnections: 1,
      maxWaiting: 1,
      deadlineMs: 5000,
    })
    await own.use(async (client) => {
      own.close()
      await client.query('SELECT 1')
    })
    await expect.poll(() => connections('closed soon')).toBe(0)
  })
})

describe('the preview of a write', () => {
  it('shows the rows that it would touch, masked', async () => {
    const shown = await preview("UPDATE patient SET name = 'x' WHERE id IN (3, 4)")
    expect(shown?.columns).toEqual(['id', 'name'])
    expect(shown?.rows.map(([id]) => id)).toEqual(['3', '4'])
    expect(JSON.stringify(shown)).not.toContain('Quuxling')
    expect(shown).toMatchObject({ total: 2, totalIsExact: true })
  })

  it('shows what its looker is cleared for', async () => {
    const shown = await preview('DELETE FROM patient WHERE id = $1', [text('7')], (phiClass) => phiClass === 'name')
    expect(shown?.rows).toEqual([['7', 'Quuxling 7']])
  })

  it('counts to a thousand, and shows the first', async () => {
    const shown = await preview('DELETE FROM big WHERE id > 100')
    expect(shown).toMatchObject({ total: 1000, totalIsExact: false })
    expect(shown?.rows).toHaveLength(20)
  })

  it.each([
    ['USING', 'DELETE FROM visit v USING patient p WHERE p.id = v.patient_id AND p.id = 2', 3],
    ['FROM', 'UPDATE visit SET note = p.name FROM patient p WHERE p.id = visit.patient_id AND p.id IN (2, 3)', 6],
    [
      'WITH',
      'WITH few AS (SELECT id FROM patient WHERE id < 3) DELETE FROM visit WHERE patient_id IN (SELECT id FROM few)',
      6,
    ],
    ['a sub-select', 'DELETE FROM visit WHERE patient_id = (SELECT max(id) FROM patient)', 3],
    ['a name with quotes', 'DELETE FROM "visit" AS "odd ""one" WHERE "odd ""one".id <= 2', 2],
  ])('follows %s', async (_, sql, total) => {
    expect(await preview(sql)).toMatchObject({ total })
  })

  it('reads parameters as they were declared', async () => {
    const binary = { typeOid: 23, format: 1, value: Buffer.from([0, 0, 0, 9]).toString('base64') }
    expect(await preview('DELETE FROM patient WHERE id = $1', [binary])).toMatchObject({ total: 1 })
    expect(await preview('DELETE FROM patient WHERE id = ANY ($1)', [text('{1,2}')])).toMatchObject({ total: 2 })
    expect(await preview('DELETE FROM patient WHERE name = $1', [text("Quuxling 8'; --", 25)])).toMatchObject({
      total: 0,
    })
    const odd = { typeOid: 701, format: 1, value: Buffer.alloc(8).toString('base64') }
    expect(await preview('DELETE FROM patient WHERE id = $1', [odd])).toBeUndefined()
    expect(await preview('DELETE FROM patient WHERE id = $2', [text('1')])).toBeUndefined()
  })

  it.each([
    'DELETE FROM patient',
    'SELECT * FROM patient WHERE id = 1',
    "INSERT INTO patient VALUES (900, 'x')",
    'DELETE FROM patient WHERE id = 1; DELETE FROM visit WHERE id = 1',
    'WITH gone AS (DELETE FROM visit WHERE id = 1 RETURNING id) DELETE FROM patient WHERE id IN (SELECT id FROM gone)',
    'DELETE FROM patient WHERE CURRENT OF c',
    'DELETE FROM patient WHERE pg_terminate_backend(id)',
    'DELETE FROM patient WHERE id = nextval($$x$$)',
    'not sql',
  ])('shows nothing: %s', async (sql) => {
    expect(await preview(sql)).toBeUndefined()
  })

  it('does not wait for locks, and tells nothing of what the server says', async () => {
    const admin = await bed.direct()
    await admin.query('begin; lock table clinic.visit')
    const failed = preview('DELETE FROM visit WHERE id = 1')
    await expect(failed).rejects.toMatchObject({ code: 'CHP-TARGET-REFUSED' })
    await admin.query('rollback')
    expect(await preview('DELETE FROM visit WHERE id = 1')).toMatchObject({ total: 1 })
    const wrong = preview('DELETE FROM visit WHERE note::integer = 1')
    await expect(wrong).rejects.not.toThrow(/quuxnote/u)
  })

  it('runs nothing', async () => {
    const admin = await bed.direct()
    expect((await admin.query('select from clinic.patient')).rowCount).toBe(60)
    expect((await admin.query('select from clinic.visit')).rowCount).toBe(180)
  })
})
