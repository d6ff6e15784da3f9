import { DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { runPsql } from '../support/psql.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import type { Received, WireClient } from '../support/wire-client.ts'
import { CLINIC_SQL, clinicTargets } from './clinic.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({
    patients: 5,
    prepare: (admin) => admin.query(CLINIC_SQL),
    configure: (document) =>
      clinicTargets(document, {
        rows: { session: { rows: 10 } },
        bytes: { session: { bytes: '1KiB' } },
        statements: { session: { statements: 3 } },
        patients: { session: { patients: 5 } },
        many: { session: { rows: 5000 } },
        clear: { session: { patients: 5 } },
      }),
  })
})
afterAll(() => bed.stop())

const psql = async (database: string, input: string, args: readonly string[] = []) =>
  runPsql({
    port: bed.gateway.port,
    database,
    user: 'somebody',
    password: await bed.token('agent'),
    caFile: bed.environment.caFile,
    input,
    args,
  })

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'ok'
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return `${error.code} ${/CHP-[A-Z-]+/u.exec(error.message)?.[0] ?? error.message}`
  }
}
const EXCEEDED = '53400 CHP-BUDGET-EXCEEDED'

describe('a budget of rows', () => {
  it('ends a result in the middle, and psql goes on', async () => {
    const { stdout, stderr, code } = await psql(
      'rows',
      'select id from clinic.patient order by id;\n\\echo still here\nselect 1;\n',
      ['--set=FETCH_COUNT=0'],
    )
    expect(lines(stdout)).toEqual(['still here'])
    expect(stderr.match(/CHP-BUDGET-EXCEEDED/gu)).toHaveLength(2)
    expect(code).toBe(0)
  })

  it('lets exactly as many rows through as it says, however they are asked for', async () => {
    for (const ask of [simple, extended, copied, fetched, resumed, pipelined]) {
      const wire = await bed.wire('agent', { database: 'rows' })
      const { rows, errors } = await ask(wire)
      expect([ask.name, rows, errors]).toEqual([ask.name, 10, ['53400']])
      // The session goes on; nothing is left for it.
      wire.send(encodeQuery('select id from clinic.call'))
      const after = await wire.ready()
      expect(after.filter(({ kind }) => kind === 'DataRow')).toEqual([])
      expect(after.at(-1)).toMatchObject({ kind: 'ReadyForQuery', status: 'I' })
      wire.send(encodeQuery('begin'))
      expect((await wire.ready()).at(-1)).toMatchObject({ status: 'T' })
      wire.destroy()
    }
  })

  it('fails the transaction that it was used up in', async () => {
    const client = await bed.connect('agent', { database: 'rows' })
    await client.query('begin')
    await client.query("insert into clinic.big values (900001, 'kept?')")
    expect(await codeOf(client.query('select id from clinic.patient'))).toBe(EXCEEDED)
    expect(await codeOf(client.query('select 1'))).toMatch(/^25P02/u)
    await client.query('commit')
    const admin = await bed.direct()
    expect((await admin.query('select from clinic.big where id = 900001')).rowCount).toBe(0)
  })

  it('stops a result that is long in coming, and cancels it', async () => {
    const client = await bed.connect('agent', { database: 'many' })
    expect(await codeOf(client.query('select a.id, a.filler from clinic.big a, clinic.big b'))).toBe(EXCEEDED)
    expect(await codeOf(client.query('set statement_timeout = 0'))).toBe('ok')
  })

  it('ends the session where rows of a change were asked for that has happened', async () => {
    const wire = await bed.wire('agent', { database: 'rows' })
    wire.send(encodeQuery("update clinic.big set filler = 'y' where id < 30 returning id"))
    const messages = await wire.toEndOrReady()
    expect(messages.filter(({ kind }) => kind === 'DataRow')).toHaveLength(10)
    expect(messages.at(-1)).toMatchObject({ kind: 'ErrorResponse' })
  })
})

describe('other budgets of a session', () => {
  it('counts bytes and statements', async () => {
    const bytes = await bed.connect('agent', { database: 'bytes' })
    expect(await codeOf(bytes.query('select filler from clinic.big where id = 101'))).toBe('ok')
    expect(await codeOf(bytes.query('select filler from clinic.big where id = 102'))).toBe(EXCEEDED)
    const statements = await bed.connect('agent', { database: 'statements' })
    for (let i = 0; i < 3; i++) expect(await codeOf(statements.query('select 1'))).toBe('ok')
    expect(await codeOf(statements.query('select 1'))).toBe(EXCEEDED)
  })

  it('counts different patients, by the output that names them', async () => {
    const client = await bed.connect('agent', { database: 'patients' })
    const visits = 'select patient_id, note from clinic.visit where patient_id <= $1 order by id'
    expect((await client.query(visits, [3])).rowCount).toBe(9)
    expect((await client.query(visits, [5])).rowCount).toBe(15)
    expect(await codeOf(client.query(visits, [6]))).toBe(EXCEEDED)
    // Known ones cost nothing.
    expect((await client.query(visits, [5])).rowCount).toBe(15)
    // Rows that name nobody do.
    expect(await codeOf(client.query('select note from clinic.visit where id = 1'))).toBe(EXCEEDED)
    // Unless the statement names the patient.
    expect((await client.query('select note from clinic.visit where patient_id = $1', [2])).rowCount).toBe(3)
    expect(await codeOf(client.query('select note from clinic.visit where patient_id = 7'))).toBe(EXCEEDED)
    expect(await codeOf(client.query('select id, line from clinic.call limit 1'))).toBe(EXCEEDED)
    expect((await client.query('select id from clinic.big limit 7')).rowCount).toBe(7)
  })

  it.each([
    "select string_agg(name, ',') from clinic.patient",
    'select array_agg(name) from clinic.patient where id > 0',
    'select json_agg(p) from clinic.patient p',
    'select json_arrayagg(name) from clinic.patient',
    'select array(select name from clinic.patient)',
    'select 1, (select string_agg(name, $$,$$) from clinic.patient)',
    'select p.id, (select array_agg(q.name) from clinic.patient q) from clinic.patient p where p.id = 1',
    'select array_agg(name) over () from clinic.patient limit 1',
    'select v.s from clinic.everybody v',
    'with recursive r as (select id, name from clinic.patient where id = 1 union all select p.id, r.name || p.name from r join clinic.patient p on p.id = r.id + 1) select name from r order by id desc limit 1',
    'with d as (update clinic.visit set note = note where id > 0 returning note) select array_agg(note) from d',
    'select max(name) filter (where id = 1), max(name) filter (where id = 2), max(name) filter (where id = 3), max(name) filter (where id = 4), max(name) filter (where id = 5) from clinic.patient',
    'select lag(name) over w, lag(name, 2) over w, lag(name, 3) over w, lag(name, 4) over w, lag(name, 5) over w from clinic.patient window w as (order by id) offset 9 limit 1',
    'select a.name, b.name, c.name, d.name, e.name, f.name from clinic.patient a, clinic.patient b, clinic.patient c, clinic.patient d, clinic.patient e, clinic.patient f limit 1',
    'select p.id, c.line from clinic.patient p, clinic.call c where p.id = 1',
    'select c.line from clinic.patient p, clinic.call c where p.id = 1',
    "copy (select string_agg(name, ',') from clinic.patient) to stdout",
    'begin; declare c cursor for select array_agg(name) from clinic.patient; fetch c',
    "select query_to_xml('select name from clinic.patient', true, true, '')",
  ])('takes a row for as many patients as it can be of: %s', async (sql) => {
    const wire = await bed.wire('agent', { database: 'clear' })
    wire.send(encodeQuery(sql))
    const messages = await wire.toEndOrReady()
    const errors = messages.flatMap((message) => (message.kind === 'ErrorResponse' ? [message.fields.get('M')] : []))
    expect(errors).toEqual([expect.stringContaining('[CHP-BUDGET-EXCEEDED]')])
    expect(told(messages).rows).toBeLessThanOrEqual(2)
    wire.destroy()
  })

  it('takes a row of numbers for one, and what is gathered by patient for theirs', async () => {
    const client = await bed.connect('agent', { database: 'clear' })
    expect((await client.query('select count(*), count(name) from clinic.patient')).rowCount).toBe(1)
    const gathered = 'select patient_id, array_agg(note) from clinic.visit where patient_id < 4 group by patient_id'
    expect((await client.query(gathered)).rowCount).toBe(3)
    expect((await client.query('select array_agg(note) from clinic.visit where patient_id = 2')).rowCount).toBe(1)
  })

  it('records how many patients were seen, and no key', async () => {
    const client = await bed.connect('agent', { database: 'patients' })
    const headers = await bed.recorded(
      () => client.query('select id, name from clinic.patient where id in (41, 42)'),
      (found) => found.some(({ kind }) => kind === 'outcome'),
    )
    expect(JSON.stringify(headers.find(({ kind }) => kind === 'outcome'))).toMatch(/"patients":/u)
  })
})

interface Told {
  readonly rows: number
  readonly errors: readonly (string | undefined)[]
}

function told(messages: readonly Received[]): Told {
  return {
    rows: messages.filter(({ kind }) => kind === 'DataRow' || kind === 'CopyData').length,
    errors: messages.flatMap((message) => (message.kind === 'ErrorResponse' ? [message.fields.get('C')] : [])),
  }
}

const ALL = 'select id from clinic.patient'

async function simple(wire: WireClient): Promise<Told> {
  wire.send(encodeQuery(ALL))
  return told(await wire.ready())
}

async function extended(wire: WireClient): Promise<Told> {
  wire.send(encodeParse('', ALL), encodeBind(), encodeExecute(''), encodeSync())
  return told(await wire.ready())
}

async function copied(wire: WireClient): Promise<Told> {
  wire.send(encodeQuery('copy clinic.patient (id) to stdout'))
  return told(await wire.ready())
}

async function fetched(wire: WireClient): Promise<Told> {
  wire.send(encodeQuery(`begin; declare c cursor for ${ALL}`))
  await wire.ready()
  wire.send(encodeQuery('fetch 7 from c'))
  const first = told(await wire.ready())
  wire.send(encodeQuery('fetch 7 from c'))
  const second = told(await wire.ready())
  wire.send(encodeQuery('rollback'))
  await wire.ready()
  return { rows: first.rows + second.rows, errors: [...first.errors, ...second.errors] }
}

async function resumed(wire: WireClient): Promise<Told> {
  wire.send(
    encodeParse('', ALL),
    encodeBind(),
    encodeExecute('', 4),
    encodeExecute('', 4),
    encodeExecute('', 4),
    encodeSync(),
  )
  return told(await wire.ready())
}

async function pipelined(wire: WireClient): Promise<Told> {
  const one = [encodeParse('', `${ALL} where id <= 4`), encodeBind(), encodeExecute('')]
  wire.send(...one, ...one, ...one, encodeSync())
  return told(await wire.ready())
}
