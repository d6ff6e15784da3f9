import type { Client, QueryArrayConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { of } from '../support/wire-client.ts'

/**
 * Wards with ages: `large` has 12 different ones, `small` 4, `alike` 12 patients of one age, `empty` 12 patients of whom one
 * has an age. Ages are long, so that none of them is found by chance.
 */
const SQL = `
CREATE SCHEMA grouped;
CREATE TABLE grouped.patients (id int PRIMARY KEY, ward text, age numeric, born date, ssn_no bigint);
INSERT INTO grouped.patients
  SELECT i, w, CASE w WHEN 'large' THEN 40.11 + i WHEN 'small' THEN 70.22 + i % 4
      WHEN 'alike' THEN 47.33 WHEN 'empty' THEN CASE WHEN i % 12 = 0 THEN 88.44 END END,
    make_date(CASE w WHEN 'alike' THEN 1931 ELSE 1950 + i % 12 END, 1 + i % 12, 3), 900000000 + i
  FROM (VALUES ('large', 1), ('small', 2), ('alike', 3), ('empty', 4)) AS wards(w, n), generate_series(12 * n, 12 * n + 11) i;
CREATE TABLE grouped.visits (id int PRIMARY KEY, patient int, age numeric);
INSERT INTO grouped.visits SELECT i, 1, 91.55 FROM generate_series(1, 50) i;
CREATE VIEW grouped.everyone AS SELECT * FROM grouped.patients, generate_series(1, 20) AS copies(copy);
GRANT USAGE ON SCHEMA grouped TO chaperone_app;
GRANT SELECT ON ALL TABLES IN SCHEMA grouped TO chaperone_app;`

const LABELS = {
  'grouped.*': 'none',
  'grouped.patients.age': 'age',
  'grouped.patients.born': 'date-of-birth',
  'grouped.patients.ssn_no': 'ssn',
  'grouped.visits.age': 'age',
}

let bed: Testbed
let agent: Client
let officer: Client

beforeAll(async () => {
  bed = await startTestbed({
    patients: 10,
    prepare: (admin) => admin.query(SQL),
    configure: (document) => {
      const { phi } = document
      document['packs'] = { guardrails: { disable: ['bulk-export'] } }
      Object.assign(phi.labels[DEMO_TARGET], LABELS)
      phi.minimumGroupSize = 11
    },
  })
  agent = await bed.connect('agent')
  officer = await bed.connect('officer')
})
afterAll(() => bed?.stop())

type Cells = readonly (readonly unknown[])[]

/** The rows as the client gets them, the same by both protocols. */
async function rows(client: Client, sql: string): Promise<Cells> {
  const simple = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
  const extended = await client.query<unknown[]>({ text: sql, rowMode: 'array', name: sql.slice(0, 60) })
  expect(extended.rows).toEqual(simple.rows)
  return simple.rows
}

async function binaryRows(client: Client, sql: string): Promise<Cells> {
  const config = { text: sql, rowMode: 'array', binary: true } as QueryArrayConfig
  return (await client.query(config)).rows
}

async function copied(who: 'agent' | 'officer'): Promise<string> {
  const wire = await bed.wire(who)
  wire.send(encodeQuery('COPY (SELECT avg(age), count(DISTINCT age) FROM grouped.patients) TO STDOUT'))
  return Buffer.concat(of(await wire.ready(), 'CopyData').map(({ data }) => data)).toString()
}

const BY_WARD =
  'SELECT ward, avg(age), sum(age), stddev(age), count(DISTINCT age), count(*) FROM grouped.patients GROUP BY ward ORDER BY ward'

describe('sums over groups', () => {
  it('pass where the group is large, and nowhere else', async () => {
    const truth = await rows(officer, BY_WARD)
    expect(truth.map(([ward]) => ward)).toEqual(['alike', 'empty', 'large', 'small'])
    const expected = truth.map(([ward, avg, sum, deviation, ...counts]) =>
      ward === 'large' ? [ward, avg, sum, deviation, ...counts] : [ward, null, null, null, ...counts],
    )
    // The deviation of one value is NULL anyway.
    expect(await rows(agent, BY_WARD)).toEqual(expected)
  })

  it('pass in binary, too', async () => {
    const truth = await binaryRows(officer, BY_WARD)
    const seen = await binaryRows(agent, BY_WARD)
    expect(seen.map((row) => row[1] !== null)).toEqual([false, false, true, false])
    expect(seen[2]).toEqual(truth[2])
  })

  it('pass over years, rounded, and each by the size beside it', async () => {
    const sql = `SELECT ward, round(avg(extract(year FROM born)), 2), count(DISTINCT extract(year FROM born)), avg(age), count(DISTINCT age)
      FROM grouped.patients GROUP BY ward ORDER BY ward`
    const truth = await rows(officer, sql)
    const seen = await rows(agent, sql)
    expect(truth.map(([, , years]) => years)).toEqual(['1', '12', '12', '12'])
    expect(seen.map(([, mean]) => mean)).toEqual([null, ...truth.slice(1).map(([, mean]) => mean)])
    expect(seen.map((row) => row[3] !== null)).toEqual([false, false, true, false])
  })

  it('pass from a prepared statement, but not from a cursor', async () => {
    const sql = `SELECT avg(age), count(DISTINCT age) FROM grouped.patients WHERE ward = 'large'`
    const truth = await rows(officer, sql)
    await agent.query(`PREPARE mean AS ${sql}`)
    expect((await agent.query({ text: 'EXECUTE mean', rowMode: 'array' })).rows).toEqual(truth)
    await agent.query('BEGIN')
    await agent.query(`DECLARE means CURSOR FOR ${sql}`)
    expect((await agent.query({ text: 'FETCH means', rowMode: 'array' })).rows).toEqual([[null, '12']])
    await agent.query('ROLLBACK')
  })

  it('are written down as masked', async () => {
    const headers = await bed.recorded(
      () => agent.query(BY_WARD),
      (found) => JSON.stringify(found).includes('"age"'),
    )
    expect(JSON.stringify(headers)).toContain('"age"')
  })
})

describe('attacks: the cell stays masked, though the server would tell', () => {
  it.each([
    ['no size', `SELECT avg(age) FROM grouped.patients WHERE ward = 'large'`],
    ['rows without a value', `SELECT avg(age), count(*) FROM grouped.patients WHERE ward = 'empty'`],
    ['rows of one value', `SELECT avg(age), count(*), count(age), count(DISTINCT age) FROM grouped.visits`],
    ['rows of one person', `SELECT avg(age), count(age), count(DISTINCT age) FROM grouped.visits GROUP BY patient`],
    ['a filtered size', `SELECT avg(age), count(DISTINCT age) FILTER (WHERE true) FROM grouped.patients`],
    ['a size in text', `SELECT avg(age), count(DISTINCT age)::text FROM grouped.patients`],
    ['a constant', `SELECT avg(age), 1000::bigint AS count FROM grouped.patients`],
    [
      'the size of another query',
      `SELECT avg(age), (SELECT count(DISTINCT age) FROM grouped.patients) FROM grouped.patients GROUP BY id`,
    ],
    ['the size over a window', `SELECT avg(age), count(*) OVER () FROM grouped.patients GROUP BY id`],
    ['the number of something else', `SELECT avg(age), count(DISTINCT id) FROM grouped.patients WHERE ward = 'alike'`],
    [
      'names that are exchanged',
      `SELECT avg(id), count(DISTINCT age) FROM grouped.patients p(age, ward, id) WHERE ward = 'alike'`,
    ],
    [
      'rows that are multiplied',
      `SELECT avg(p.age), count(DISTINCT p.age) FROM grouped.patients p, generate_series(1, CASE p.id WHEN 12 THEN 100000 ELSE 1 END)`,
    ],
    ['a view that multiplies', `SELECT avg(age), count(DISTINCT age) FROM grouped.everyone`],
    ['a subquery', `SELECT a, n FROM (SELECT avg(age) AS a, count(DISTINCT age) AS n FROM grouped.patients) s`],
    ['a single value', `SELECT max(age), count(DISTINCT age) FROM grouped.patients`],
    ['a sum of chosen values', `SELECT sum(age) FILTER (WHERE id = 12), count(DISTINCT age) FROM grouped.patients`],
    [
      'dates of one year',
      `SELECT avg(extract(year FROM born)), count(DISTINCT born) FROM grouped.patients WHERE ward = 'alike'`,
    ],
    ['an identifier', `SELECT sum(ssn_no), count(DISTINCT ssn_no) FROM grouped.patients`],
  ])('%s', async (_name, sql) => {
    const truth = await officer.query<unknown[]>({ text: sql, rowMode: 'array' })
    expect(truth.rows.some(([cell]) => cell !== null)).toBe(true)
    const seen = await agent.query<unknown[]>({ text: sql, rowMode: 'array' }).catch((error: unknown) => {
      expect(String(error)).toMatch(/\[CHP-(MASK|POLICY)/u)
      return { rows: [] }
    })
    for (const [cell] of seen.rows) expect(cell).toBeNull()
  })

  it('COPY', async () => {
    expect(await copied('officer')).toMatch(/^\d+\.\d+\t18\n$/u)
    expect(await copied('agent')).toBe('\\N\t18\n')
  })
})
