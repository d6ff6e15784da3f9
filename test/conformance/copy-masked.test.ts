import type { Client } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { psqlVersion, runPsql } from '../support/psql.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, kinds, of, type Received, rows, tags, type WireClient } from '../support/wire-client.ts'

/** Searched for in whatever a masked session is told. */
const CANARY = 'Qvörblaxx'

const SCHEMA = `
  CREATE SCHEMA ward;
  CREATE TABLE ward.stay (id int, name text, born date, phones text[], document jsonb, remark text);
  INSERT INTO ward.stay VALUES
    (1, '${CANARY}', '1953-07-29', '{${CANARY}-1,${CANARY}-2}', '{"name": "${CANARY}", "unit": "icu"}', 'plain'),
    (2, E'${CANARY}\\t\\n\\\\ "quoted", and more', NULL, '{}', NULL, E'tab\\there, comma and "quote"'),
    (3, NULL, '2001-02-03', NULL, '{"unit": "er", "name": ["${CANARY}", null]}', E'line\\nbreak \\\\ \\\\N'),
    (4, '', '1999-12-31', NULL, NULL, NULL);
  GRANT USAGE ON SCHEMA ward TO chaperone_app; GRANT SELECT ON ward.stay TO chaperone_app;`

const LABELS = {
  'ward.stay.*': 'none',
  'ward.stay.name': 'name',
  'ward.stay.born': 'date-of-birth',
  'ward.stay.phones': 'phone',
  'ward.stay.document': { class: 'free-text', members: { name: 'name' }, others: 'pass' },
}

let bed: Testbed
let agent: WireClient
let officer: WireClient
beforeAll(async () => {
  bed = await startTestbed({
    patients: 20,
    configure: (document) => {
      Object.assign(document['phi'].labels.hospital, LABELS)
      document['packs'] = { guardrails: { disable: ['bulk-export'] } }
    },
    prepare: (admin: Client) => admin.query(SCHEMA),
  })
  agent = await bed.wire('agent')
  officer = await bed.wire('officer')
}, 120_000)
afterAll(() => bed?.stop())

async function ask(client: WireClient, sql: string): Promise<Received[]> {
  client.send(encodeQuery(sql))
  return client.ready()
}

const text = (told: readonly Received[]): string =>
  Buffer.concat(of(told, 'CopyData').map(({ data }) => data)).toString()

const OPTIONS = [
  '',
  "(format text, delimiter '|')",
  '(format text, header)',
  '(format csv)',
  '(format csv, header)',
  "(format csv, delimiter ';', null '-')",
  "(format csv, quote '''', escape '\\', header)",
  '(format csv, force_quote *)',
  "(format csv, force_quote (name, remark), null 'NULL')",
]

/** Rows of a masked COPY, as the server itself reads them back. */
async function readBack(copied: string, options: string): Promise<(string | null)[][]> {
  const admin = await bed.direct()
  await admin.query(
    'create table if not exists public.back (id text, name text, born text, phones text, document text, remark text)',
  )
  await admin.query('truncate public.back')
  const stream = admin.query(
    copyFrom(`copy public.back from stdin ${options.replace(/, force_quote (\*|\([^)]*\))/, '')}`),
  )
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject).on('finish', resolve)
    stream.end(copied)
  })
  return (await admin.query({ text: 'select * from public.back', rowMode: 'array' })).rows
}

describe('COPY TO STDOUT of a table with PHI', () => {
  it.each(OPTIONS)('is masked, and reads back as what SELECT gives %s', async (options) => {
    const direct = await ask(officer, `copy ward.stay to stdout ${options}`)
    expect(text(direct)).toContain(CANARY)
    const told = await ask(agent, `copy ward.stay to stdout ${options}`)
    expect(errors(told)).toEqual([])
    expect(kinds(told)).toEqual(kinds(direct))
    expect(tags(told)).toEqual(['COPY 4'])
    expect(text(told)).not.toMatch(/Qv.rblaxx/i)
    const selected = rows(await ask(agent, 'select * from ward.stay'))
    expect(await readBack(text(told), options)).toEqual(selected)
  })

  it('is masked by columns, by queries and in the extended protocol', async () => {
    for (const sql of [
      'copy ward.stay (name, id) to stdout',
      'copy (select name, id from ward.stay where id > 0) to stdout',
      'copy (select s.name as x, 1 from ward.stay s limit 3) to stdout (format csv)',
      'copy (with w as (select * from ward.stay) select document, phones from w) to stdout',
    ]) {
      const told = await ask(agent, sql)
      expect(errors(told)).toEqual([])
      expect(of(told, 'CopyData').length).toBeGreaterThan(0)
      expect(text(told)).not.toMatch(/Qv.rblaxx/i)
      agent.send(encodeParse('', sql), encodeBind(), encodeDescribe('P', ''), encodeExecute(''), encodeSync())
      const extended = await agent.ready()
      expect(text(extended)).toBe(text(told))
    }
  })

  it('keeps what is not masked byte for byte', async () => {
    const sql = 'copy ward.stay (id, remark) to stdout'
    expect(text(await ask(agent, sql))).toBe(text(await ask(officer, sql)))
  })

  it('does not tell by its quotes what a value has in it', async () => {
    for (const options of ["delimiter 'x'", "quote 'l', escape 'l'", "delimiter E'\\t'"]) {
      const told = await ask(agent, `copy (select name from ward.stay where id < 3) to stdout (format csv, ${options})`)
      expect(errors(told)).toEqual([])
      expect(new Set(of(told, 'CopyData').map(({ data }) => data.toString())).size).toBe(1)
    }
  })

  it('is refused where it cannot be masked', async () => {
    for (const sql of [
      `copy (select name from ward.stay) to stdout (null '${CANARY}')`,
      'copy ward.stay to stdout (format binary)',
      `copy ward.stay to '/tmp/never'`,
      `copy ward.stay to program 'cat'`,
    ]) {
      const told = await ask(agent, sql)
      expect(of(told, 'CopyData')).toEqual([])
      expect(
        errors(told)
          .map(({ message }) => message)
          .join(),
      ).toMatch(/CHP-(MASK|POLICY)/)
    }
    expect(rows(await ask(agent, 'select 1'))).toEqual([['1']])
  })

  it('is masked among several statements', async () => {
    const told = await ask(agent, `select 1; copy ward.stay (name) to stdout; select name from ward.stay`)
    expect(errors(told)).toEqual([])
    expect(tags(told)).toEqual(['SELECT 1', 'COPY 4', 'SELECT 4'])
    expect(JSON.stringify(told)).not.toMatch(/Qv.rblaxx/i)
  })

  it('is recorded with its rows and classes', async () => {
    const recorded = await bed.recorded(
      () => ask(agent, 'copy ward.stay to stdout (format csv, header)'),
      (found) => found.some(({ kind }) => kind === 'outcome'),
    )
    const outcome = recorded.find(({ kind }) => kind === 'outcome')
    expect(outcome?.what).toMatchObject({
      rows: 4,
      tag: 'COPY',
      result: 'ok',
      masked: expect.arrayContaining(['name', 'phone']),
    })
  })

  it('streams to pg-copy-streams', async () => {
    const client = await bed.connect('agent')
    let copied = ''
    for await (const chunk of client.query(copyTo('copy hospital.patients to stdout'))) copied += String(chunk)
    expect(copied.trim().split('\n')).toHaveLength(20)
    expect(copied).toContain('[redacted]')
  })

  it.skipIf(psqlVersion === undefined)('works in psql', async () => {
    const { code, stdout } = await runPsql({
      port: bed.gateway.port,
      database: DEMO_TARGET,
      user: 'agent',
      password: await bed.token('agent'),
      caFile: bed.environment.caFile,
      input: '\\copy ward.stay to stdout csv header\n',
    })
    expect(code).toBe(0)
    expect(stdout.split('\n')[0]).toBe('id,name,born,phones,document,remark')
    expect(stdout).toContain('[redacted]')
    expect(stdout).not.toMatch(/Qv.rblaxx/i)
  })
})
