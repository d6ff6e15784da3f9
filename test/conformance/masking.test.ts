import type { Client, DatabaseError, QueryArrayConfig } from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { isSecretColumn, SECRET_COLUMNS } from '../support/scratch-schema.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, of, rows, type WireClient } from '../support/wire-client.ts'

interface Patient {
  readonly id: string
  readonly mrn: string
  readonly first_name: string
  readonly last_name: string
  readonly birth_date: string
  readonly sex: string
  readonly ssn: string | null
  readonly phone: string | null
  readonly email: string | null
  readonly street: string | null
  readonly zip: string | null
}

let bed: Testbed
let agent: Client
let officer: Client
let patients: readonly Patient[]
/** Whole values of identifiers, long enough that a hit is no chance. */
let secrets: readonly string[]

beforeAll(async () => {
  bed = await startTestbed({
    patients: 60,
    // What must be masked is asked for in every way; what may not be asked at all is the matter of questions.test.ts.
    configure: (document) => {
      document['phi'].predicates = { default: 'allow' }
      // Results of many rows are masked, too.
      document['packs'] = { guardrails: { disable: ['large-read'] } }
    },
  })
  agent = await bed.connect('agent')
  officer = await bed.connect('officer')
  const admin = await bed.direct()
  const { rows: found } = await admin.query<Patient>(
    'select id::text, mrn, first_name, last_name, birth_date::text, sex, ssn, phone, email, street, zip from hospital.patients order by id',
  )
  patients = found
  secrets = found
    .flatMap((one) => [one.id, one.mrn, one.birth_date, one.ssn, one.phone, one.email, one.street, one.last_name])
    .filter((value) => value !== null)
    .filter((value) => value.length > 4)
})
afterAll(() => bed?.stop())

/** Whether it is a first of January; node-postgres makes a local midnight of a date. */
const isNewYear = (date: Date): boolean => date.getMonth() === 0 && date.getDate() === 1

/** Fails when a secret is in a result, in whatever form the driver gave it. */
function expectNoSecret(result: unknown): void {
  const text = JSON.stringify(result)
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
}

describe('by origin', () => {
  const PLAIN = 'select first_name, last_name, ssn, sex from hospital.patients order by id'

  it('masks labelled columns and keeps the others', async () => {
    const { rows: found } = await agent.query(PLAIN)
    expect(found).toHaveLength(patients.length)
    expect(found.map(({ sex }) => sex)).toEqual(patients.map(({ sex }) => sex))
    for (const row of found) expect(row).toMatchObject({ first_name: '[redacted]', last_name: '[redacted]' })
    expectNoSecret(found)
  })

  it('shows the officer what is there', async () => {
    const { rows: found } = await officer.query(PLAIN)
    expect(found.map(({ ssn }) => ssn)).toEqual(patients.map(({ ssn }) => ssn))
  })

  it.each([
    ['an alias', 'select ssn as sex, last_name as "select", sex as ssn from hospital.patients p'],
    ['a star', 'select * from hospital.patients'],
    [
      'a join',
      'select p.last_name, e.kind, p.ssn from hospital.patients p join hospital.encounters e on e.patient_id = p.id',
    ],
    ['a join by USING', 'select * from hospital.conditions join hospital.encounters using (patient_id)'],
    ['a CTE', 'with s as (select ssn as x, sex from hospital.patients) select x, sex from s'],
    ['a materialised CTE', 'with s as materialized (select ssn as x from hospital.patients) select s.x from s'],
    ['a subquery', 'select y from (select x as y from (select ssn as x from hospital.patients) a) b'],
    ['a lateral subquery', 'select l.v from hospital.patients p, lateral (select p.ssn as v) l'],
    ['a view', 'select * from hospital.patient_directory'],
    ['a set operation', `select 'x' as v union all select ssn from hospital.patients`],
    ['a whole row', 'select p from hospital.patients p'],
    ['a row as JSON', 'select to_jsonb(p) from hospital.patients p'],
    ['an expression', 'select upper(last_name), ssn || $$$$, birth_date + 1 from hospital.patients'],
    ['an aggregate', 'select max(ssn), array_agg(last_name) from hospital.patients'],
    ['a scalar subquery', 'select (select ssn from hospital.patients where ssn is not null limit 1)'],
    ['CASE', 'select case when true then ssn end from hospital.patients'],
    ['COALESCE', `select coalesce(ssn, '') from hospital.patients`],
    ['a window function', 'select first_value(ssn) over (order by id) from hospital.patients'],
    ['VALUES with a subquery', 'values ((select max(email) from hospital.patients))'],
    [
      'a recursive CTE',
      'with recursive r(v, n) as (select max(ssn), 1 from hospital.patients union all select v, n + 1 from r where n < 2) select v from r',
    ],
    ['TABLE', 'table hospital.patients'],
    ['free text', 'select body from hospital.notes limit 5'],
  ])('through %s', async (_name, sql) => {
    for (const binary of [false, true]) {
      const query: QueryArrayConfig & { readonly binary: boolean } = { text: sql, rowMode: 'array', binary }
      // Neither leaked nor refused.
      const { rows: found } = await agent.query(query)
      expect(found).not.toEqual([])
      expectNoSecret(
        found.map((row) => row.map((cell: unknown) => (Buffer.isBuffer(cell) ? cell.toString('latin1') : cell))),
      )
    }
  })

  it('masks a row, and JSON made of it, inside', async () => {
    const sql = 'select to_jsonb(p) as whole, p.sex, json_build_array(p.ssn, p.state) as pair from hospital.patients p'
    const { rows: found } = await agent.query<{ whole: Record<string, unknown>; sex: string; pair: unknown[] }>(sql)
    const { rows: raw } = await officer.query<{ whole: Record<string, unknown>; pair: unknown[] }>(sql)
    expectNoSecret(found)
    for (const [index, { whole, sex, pair }] of found.entries()) {
      const there = raw[index]
      expect(Object.keys(whole)).toEqual(Object.keys(there?.whole ?? {}))
      expect(whole).toMatchObject({ first_name: '[redacted]', mrn: '[redacted]', sex, state: there?.whole['state'] })
      expect(pair).toEqual([there?.pair[0] === null ? null : '[redacted]', there?.pair[1]])
    }
  })

  it('masks a view by its definition', async () => {
    const sql = 'select * from hospital.patient_directory'
    const { rows: found } = await agent.query(sql)
    const { rows: raw } = await officer.query(sql)
    expect(found.map(({ state }) => state)).toEqual(raw.map(({ state }) => state))
    for (const row of found) {
      expect(row).toMatchObject({ id: null, full_name: '[redacted]' })
      expect(row.birth_date === null || isNewYear(row.birth_date)).toBe(true)
    }
  })

  it('keeps aggregates over columns that are no PHI', async () => {
    const sql = 'select sex, count(*)::int as n from hospital.patients group by sex order by sex'
    expect((await agent.query(sql)).rows).toEqual((await officer.query(sql)).rows)
  })

  it('masks an expression over PHI whole', async () => {
    const { rows: found } = await agent.query(
      'select upper(last_name) as u, length(last_name) as n, 7 as seven from hospital.patients',
    )
    for (const row of found) expect(row).toEqual({ u: '[redacted]', n: null, seven: 7 })
  })
})

describe('plans and portals', () => {
  let client: WireClient
  beforeAll(async () => {
    client = await bed.wire('agent')
  })

  const ssns = 'select ssn from hospital.patients order by id'
  const sexes = 'select sex from hospital.patients order by id'

  it('masks what is executed without Describe', async () => {
    client.send(encodeParse('', ssns), encodeBind(), encodeExecute(''), encodeSync())
    expectNoSecret(rows(await client.ready()))
  })

  it('masks what is described as a statement only', async () => {
    client.send(encodeParse('', ssns), encodeDescribe('S', ''), encodeBind(), encodeExecute(''), encodeSync())
    expectNoSecret(rows(await client.ready()))
  })

  it('masks the rows of a portal by its own plan when another was described after it', async () => {
    client.send(
      [encodeParse('', ssns), encodeBind({ portal: 'a' }), encodeDescribe('P', 'a')],
      [encodeParse('', sexes), encodeBind({ portal: 'b' }), encodeDescribe('P', 'b')],
      [encodeExecute('a'), encodeFlush()],
    )
    const first = await client.upTo('CommandComplete')
    expect(rows(first)).toHaveLength(patients.length)
    expectNoSecret(rows(first))
    client.send(encodeExecute('b'), encodeSync())
    const second = await client.ready()
    expect(rows(second).map(([sex]) => sex)).toEqual(patients.map(({ sex }) => sex))
  })

  it.each([0, 1])('masks each portal by its own plan when they interleave (format %i)', async (format) => {
    client.send(
      [encodeParse('', ssns), encodeBind({ portal: 'a', resultFormats: [format] }), encodeDescribe('P', 'a')],
      [encodeParse('', sexes), encodeBind({ portal: 'b', resultFormats: [format] }), encodeDescribe('P', 'b')],
      [
        encodeExecute('a', 5),
        encodeExecute('b', 5),
        encodeExecute('a', 5),
        encodeExecute('b', 0),
        encodeExecute('a', 0),
      ],
      encodeSync(),
    )
    const answer = await client.ready()
    expect(errors(answer)).toEqual([])
    const found = rows(answer).map(([value]) => value)
    expectNoSecret(found)
    expect(found.filter((value) => value === 'F' || value === 'M' || value === 'X')).toEqual(
      patients.map(({ sex }) => sex),
    )
  })

  it('masks a named statement by what it is now, after the catalog has changed', async () => {
    const admin = await bed.direct()
    await admin.query(
      'create or replace view scratch.shown as select sex as v from hospital.patients; grant select on scratch.shown to chaperone_app',
    )
    const other = await bed.wire('agent')
    const sql = 'select v from scratch.shown'
    other.send(encodeParse('shown', sql), encodeSync())
    await other.ready()
    await admin.query('create or replace view scratch.shown as select ssn as v from hospital.patients')
    other.send(encodeBind({ statement: 'shown' }), encodeExecute(''), encodeSync())
    expectNoSecret(rows(await other.ready()))
    await admin.query('drop view scratch.shown')
  })

  it('masks several results of one string, each by its own plan', async () => {
    client.send(
      encodeQuery(`select sex from hospital.patients; ${ssns}; select 1; select last_name, sex from hospital.patients`),
    )
    const found = rows(await client.ready())
    expectNoSecret(found)
    expect(found.filter((row) => row.length === 2 && row[0] === '[redacted]')).toHaveLength(patients.length)
  })

  it('masks a portal that is fetched in pieces', async () => {
    client.send(
      encodeParse('', ssns),
      encodeBind(),
      encodeDescribe('P', ''),
      encodeExecute('', 7),
      encodeExecute('', 7),
      encodeExecute(''),
      encodeSync(),
    )
    const answer = await client.ready()
    expectNoSecret(rows(answer))
    expect(rows(answer)).toHaveLength(patients.length)
  })

  it('masks rows that arrive in many chunks', async () => {
    client.send(encodeQuery('select p.ssn, p.sex, g from hospital.patients p, generate_series(1, 500) g'))
    const found = rows(await client.ready())
    expect(found).toHaveLength(patients.length * 500)
    expect(new Set(found.map(([ssn]) => ssn))).toEqual(
      new Set(['[redacted]', ...(patients.some(({ ssn }) => ssn === null) ? [null] : [])]),
    )
    expect(found.at(-1)?.[2]).toBe('500')
  })
})

describe('values of every type', () => {
  const columns = Object.keys(SECRET_COLUMNS).filter(isSecretColumn)

  async function masked(
    format: 0 | 1,
  ): Promise<{ readonly oids: readonly number[]; readonly cells: readonly (Buffer | null)[] }> {
    const client = await bed.wire('agent')
    const sql = `select ${columns.join(', ')} from scratch.secret where id = 1`
    client.send(
      encodeParse('', sql),
      encodeBind({ resultFormats: [format] }),
      encodeDescribe('P', ''),
      encodeExecute(''),
      encodeSync(),
    )
    const answer = await client.ready()
    expect(errors(answer)).toEqual([])
    return {
      oids: (of(answer, 'RowDescription')[0]?.columns ?? []).map(({ typeOid }) => typeOid),
      cells: of(answer, 'DataRow')[0]?.values ?? [],
    }
  }

  it.each([0, 1] as const)('stay valid for the server itself (format %i)', async (format) => {
    const { cells } = await masked(format)
    const through = await bed.wire('officer')
    for (const [index, column] of columns.entries()) {
      const cell = cells[index] ?? null
      const [type] = SECRET_COLUMNS[column]
      // The server's own input and receive functions judge what the masked client was given.
      through.send(
        encodeParse('', `select ($1::${type})::text`),
        encodeBind({ parameterFormats: [format], parameters: [cell], resultFormats: [0] }),
        encodeExecute(''),
        encodeSync(),
      )
      const answer = await through.ready()
      expect([column, errors(answer)]).toEqual([column, []])
    }
  })

  it.each([0, 1] as const)('are gone (format %i)', async (format) => {
    const { cells } = await masked(format)
    const admin = await bed.wire('officer')
    const sql = `select ${columns.join(', ')} from scratch.secret where id = 1`
    admin.send(encodeParse('', sql), encodeBind({ resultFormats: [format] }), encodeExecute(''), encodeSync())
    const raw = of(await admin.ready(), 'DataRow')[0]?.values ?? []
    for (const [index, column] of columns.entries()) {
      const [before, after] = [raw[index], cells[index]]
      expect([column, before === null || before === undefined]).toEqual([column, false])
      expect([column, before !== null && before !== undefined && after?.equals(before) === true]).toEqual([
        column,
        false,
      ])
    }
  })

  it('are understood by node-postgres and by postgres.js', async () => {
    const sql = `select ${columns.join(', ')} from scratch.secret order by id`
    const { rows: found } = await agent.query(sql)
    expect(found).toHaveLength(2)
    const client = postgres({
      host: '127.0.0.1',
      port: bed.gateway.port,
      database: DEMO_TARGET,
      username: 'agent',
      password: () => bed.token('agent'),
      ssl: { ca: bed.ca },
      max: 1,
    })
    try {
      const same = await client.unsafe(sql, [], { prepare: true })
      expect(same).toHaveLength(2)
      for (const text of [JSON.stringify(found), JSON.stringify(same)]) {
        expect(text).not.toMatch(/Zebediah|Quux|77123|1987654321|1951|7e57ab1e|203\.0\.113/)
      }
    } finally {
      await client.end()
    }
  })

  it('keep NULL as NULL', async () => {
    const text = `select ${columns.join(', ')} from scratch.secret where id = 2`
    const { rows: found } = await agent.query<unknown[]>({ text, rowMode: 'array' })
    expect(found).toEqual([columns.map(() => null)])
  })
})

describe('transforms', () => {
  it('keep the year of a birth date in both formats', async () => {
    const sql = 'select birth_date from hospital.patients order by id'
    const client = await bed.wire('agent')
    client.send(encodeQuery(sql))
    const text = rows(await client.ready()).map(([value]) => value)
    const oldest = new Date().getUTCFullYear() - 90
    expect(text).toEqual(
      patients.map(({ birth_date: born }) => (Number(born.slice(0, 4)) <= oldest ? null : `${born.slice(0, 4)}-01-01`)),
    )
    client.send(encodeParse('', sql), encodeBind({ resultFormats: [1] }), encodeExecute(''), encodeSync())
    // Days since 2000-01-01.
    const binary = of(await client.ready(), 'DataRow').map(({ values: [value] }) =>
      value === null || value === undefined
        ? null
        : new Date(Date.UTC(2000, 0, 1 + value.readInt32BE())).toISOString().slice(0, 10),
    )
    expect(binary).toEqual(text)
  })

  it('keep three digits of a ZIP code', async () => {
    const { rows: found } = await agent.query<{ zip: string | null }>('select zip from hospital.patients order by id')
    for (const [index, { zip }] of found.entries()) {
      const raw = patients[index]?.zip
      if (raw === null || raw === undefined) expect(zip).toBeNull()
      else expect([`${raw.slice(0, 3)}**`, '000**']).toContain(zip)
    }
  })
})

describe('the target’s errors', () => {
  const CAST = `select ssn::int from hospital.patients where ssn is not null`

  it('reach a masked client without their text', async () => {
    const error = await agent.query(CAST).then(
      () => undefined,
      (thrown: DatabaseError) => thrown,
    )
    expect(error?.message).toMatch(/\[CHP-/)
    expectNoSecret([error?.message, error?.detail, error?.hint, error?.where, error?.internalQuery])
  })

  it('reach the officer as they are', async () => {
    await expect(officer.query(CAST)).rejects.toMatchObject({
      code: '22P02',
      message: expect.stringMatching(/^invalid input syntax for type integer: "\d{3}-\d{2}-\d{4}"$/),
    })
  })

  it('keep their SQLSTATE, position and the names of objects', async () => {
    await expect(agent.query(`insert into scratch.item values (1, 'x'), (1, 'y')`)).rejects.toMatchObject({
      code: '23505',
      schema: 'scratch',
      table: 'item',
      detail: undefined,
    })
  })
})
