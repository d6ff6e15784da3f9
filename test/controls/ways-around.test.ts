import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../src/identity/gateway-tokens/exchange-request.ts'
import { encodeBind, encodeExecute, encodeParse, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { outcomeOf } from '../approvals/approval-bed.ts'
import { freePort } from '../delegation/exchange-bed.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, rows } from '../support/wire-client.ts'
import { GRANTED, INSIDE, OUTSIDE, UNGRANTED } from './statements.ts'

/**
 * Ways around lists of tables and around the patients of a run, each tried over the wire by somebody who sees PHI in clear. Values of the
 * tables are canaries with the patient's number.
 */

const TABLES = `
create schema att;
create table att.patient (id integer primary key, name text, site text default 'a');
create table att.visit (id integer primary key, patient_id integer, note text, site text);
create table att.call (id integer primary key, line text);
create table att.plain (id integer primary key, label text);
create table att.child (extra text) inherits (att.visit);
create table att.part (patient_id integer, note text) partition by list (patient_id);
create table att.part_8 partition of att.part for values in (8);
create table att.part_rest partition of att.part default;
create table att.lonely (id integer primary key, patient_id text, note text);
insert into att.patient select n, 'canary ' || n from generate_series(1, 20) n;
insert into att.visit select n, n, 'canary ' || n, 's' from generate_series(1, 20) n;
insert into att.call select n, 'canary ' || n from generate_series(1, 20) n;
insert into att.plain select n, 'label ' || n from generate_series(1, 20) n;
insert into att.child select n, n, 'canary ' || n, 's', 'canary ' || n from generate_series(30, 35) n;
insert into att.part select n, 'canary ' || n from generate_series(1, 20) n;
insert into att.lonely select n, n::text, 'canary ' || n from generate_series(1, 20) n;
create view att.v as select p.id, p.name, v.note from att.patient p join att.visit v on v.patient_id = p.id;
create view att.v_inv with (security_invoker) as select id, name from att.patient;
create function att.f() returns setof att.patient language sql stable as 'select * from att.patient';
create function att.g(integer) returns text language sql stable as 'select name from att.patient where id = $1';
create sequence att.seq;
create materialized view att.m as select id, name from att.patient;
grant usage on schema att to chaperone_app;
grant select, insert, update, delete, truncate on all tables in schema att to chaperone_app;
grant usage, select, update on all sequences in schema att to chaperone_app;
grant create on schema att to chaperone_app;
`
const LABELS = {
  'att.*': 'none',
  'att.patient.name': 'name',
  'att.visit.note': 'free-text',
  'att.child.note': 'free-text',
  'att.child.extra': 'free-text',
  'att.call.line': 'free-text',
  'att.part.note': 'free-text',
  'att.part_8.note': 'free-text',
  'att.part_rest.note': 'free-text',
  'att.lonely.note': 'free-text',
  'att.m.name': 'name',
}
const KEYS = ['att.patient.id', 'att.visit.patient_id', 'att.part.patient_id', 'att.lonely.patient_id', 'att.m.id']

let bed: Testbed
let url: string
let admin: Client

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  bed = await startTestbed({
    patients: 5,
    prepare: (client) => client.query(TABLES),
    configure: (document) => {
      document['listen'].web = { host: '127.0.0.1', port, publicUrl: url }
      document['delegation'] = { lifetime: '5m' }
      const { targets, grants, phi, packs } = document
      const by = { principals: [{ group: 'care-agents' }], clearance: { default: 'clear' } }
      grants.push({ ...by, name: 'lists', targets: ['lists'], tables: ['att.visit(id, patient_id)', 'att.plain'] })
      grants.push({ ...by, name: 'scope', targets: ['scope'], requiresPatients: true })
      for (const name of ['lists', 'scope']) {
        targets[name] = { ...targets[DEMO_TARGET], database: targets[DEMO_TARGET].database }
        phi.labels[name] = LABELS
        phi.patients = { ...phi.patients, [name]: KEYS }
      }
      packs.guardrails.disable = [
        'bulk-export',
        'full-history',
        'large-read',
        'paged-read',
        'phi-change',
        'unbounded-write',
        'truncate',
      ]
    },
  })
  admin = await bed.direct()
}, 120_000)
afterAll(() => bed?.stop())

/** Sessions in which nothing has happened yet, where a statement leaves something behind. */
const LEAVES = /^(?:begin|prepare|declare|set|create)/u

class Tries {
  readonly #connect: () => Promise<Client>
  #client: Client | undefined

  constructor(connect: () => Promise<Client>) {
    this.#connect = connect
  }

  async try(sql: string): Promise<string> {
    if (LEAVES.test(sql)) this.#client = undefined
    this.#client ??= await this.#connect()
    const client = this.#client
    if (LEAVES.test(sql)) this.#client = undefined
    let shown: unknown
    const outcome = await outcomeOf(
      client.query(sql).then((result) => {
        const results = [result].flat()
        shown = results.flatMap((one) => one.rows)
        return { command: 'ok' }
      }),
    )
    return `${outcome} ${JSON.stringify(shown)}`
  }
}

const OTHERS = `
SELECT 'patient', id, md5(x::text) FROM att.patient x WHERE id <> 7
UNION ALL SELECT 'visit', id, md5(x::text) FROM att.visit x WHERE patient_id IS DISTINCT FROM 7
UNION ALL SELECT 'call', id, md5(x::text) FROM att.call x
UNION ALL SELECT 'part', 0, md5(x::text) FROM att.part x WHERE patient_id <> 7
ORDER BY 1, 2, 3`

const others = async (): Promise<string> => JSON.stringify((await admin.query(OTHERS)).rows)

describe('lists of tables', () => {
  it('keep everything else away, in clear', { timeout: 120_000 }, async () => {
    const tries = new Tries(() => bed.connect('agent', { database: 'lists' }))
    for (const sql of UNGRANTED) expect([sql, await tries.try(sql)]).toEqual([sql, CODED('CHP-POLICY-UNGRANTED')])
    for (const sql of GRANTED) {
      const outcome = await tries.try(sql)
      expect([sql, outcome]).toEqual([sql, expect.stringMatching(/^ok /u)])
      expect(outcome).not.toContain('canary')
    }
  })
})

const CODED = (code: string) => expect.stringContaining(`[${code}]`)

async function forPatient7(): Promise<string> {
  const response = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: TOKEN_EXCHANGE_GRANT,
      subject_token: await bed.token('agent'),
      subject_token_type: ACCESS_TOKEN_TYPE,
      patients: '7',
    }),
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- RFC 6749 says so
  const { access_token: token } = (await response.json()) as { readonly access_token: string }
  return token
}

const BY_ID = 'select name from att.patient where id = $1'
const BY_IDS = 'select name from att.patient where id = any ($1)'
const BY_TEXT = 'select note from att.lonely where patient_id = $1'
const int4 = (value: number) => {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

/** Statement, declared type, format, value; what comes of it. */
const BOUND: readonly (readonly [string, number, number, string | Buffer | null, string])[] = [
  [BY_ID, 0, 0, '7', 'canary 7'],
  [BY_ID, 23, 0, ' +07 ', 'canary 7'],
  [BY_ID, 20, 0, '7', 'canary 7'],
  [BY_ID, 23, 1, int4(7), 'canary 7'],
  [BY_ID, 23, 0, null, ''],
  [BY_ID, 0, 0, '8', 'refused'],
  [BY_ID, 23, 1, int4(8), 'refused'],
  [BY_ID, 0, 0, '0x7', 'refused'],
  [BY_ID, 1700, 0, '7', 'refused'],
  [BY_ID, 701, 0, '7', 'refused'],
  [BY_ID, 25, 0, '7', '42883'],
  [BY_IDS, 0, 0, '{7}', 'canary 7'],
  [BY_IDS, 1007, 0, '{7,NULL}', 'canary 7'],
  [BY_IDS, 0, 0, '{}', ''],
  [BY_IDS, 0, 0, '{7,8}', 'refused'],
  [BY_IDS, 0, 0, '[0:1]={7,8}', 'refused'],
  [BY_IDS, 0, 0, '{{7},{8}}', 'refused'],
  [BY_IDS, 1016, 0, '{8}', 'refused'],
  [BY_TEXT, 0, 0, '7', 'canary 7'],
  [BY_TEXT, 25, 1, Buffer.from('7'), 'canary 7'],
  [BY_TEXT, 0, 0, '8', 'refused'],
  [BY_TEXT, 1042, 0, '7 ', 'refused'],
  [BY_TEXT, 0, 0, '7 ', 'refused'],
  [`${BY_ID} or $1 is null`, 23, 0, null, 'refused'],
  [`${BY_ID} or id = $1 + 1`, 23, 0, '7', 'refused'],
  ['select name from att.patient where id = coalesce($1, id)', 23, 0, '7', 'refused'],
  ['select name from att.patient where id = $1::text::int', 25, 0, '7', 'refused'],
  ['select name from att.patient where id <> all ($1)', 1007, 0, '{7}', 'refused'],
  ["update att.visit set note = 'x' where patient_id = $1 returning note", 23, 0, '8', 'refused'],
  ["insert into att.visit (id, patient_id, note) values (9000, $1, 'x')", 23, 0, '8', 'refused'],
]

describe('the patients of a run', () => {
  it('are the only ones that parameters name, as the server reads them', { timeout: 60_000 }, async () => {
    const wire = await bed.wire('agent', { database: 'scope', password: await forPatient7() })
    for (const [sql, type, format, value, outcome] of BOUND) {
      const parameters = [typeof value === 'string' ? Buffer.from(value) : value]
      wire.send(encodeParse('', sql, [type]), encodeBind({ parameterFormats: [format], parameters }))
      wire.send(encodeExecute(''), encodeSync())
      const messages = await wire.ready()
      const [error] = errors(messages)
      const isRefused = error?.message.includes('[CHP-PATIENT-SCOPE]') === true
      const shown = error === undefined ? rows(messages).join() : isRefused ? 'refused' : error.code
      expect([sql, type, value, shown]).toEqual([sql, type, value, outcome])
    }
    wire.send(encodeParse('again', BY_ID, [23]), encodeSync())
    await wire.ready()
    for (const [id, isRefused] of [
      [7, false],
      [8, true],
      [7, false],
    ] as const) {
      wire.send(
        encodeBind({ statement: 'again', parameters: [Buffer.from(`${id}`)] }),
        encodeExecute('', 1),
        encodeSync(),
      )
      expect(errors(await wire.ready())).toHaveLength(isRefused ? 1 : 0)
    }
  })

  it('are the only ones that are read and changed', { timeout: 120_000 }, async () => {
    const token = await forPatient7()
    const tries = new Tries(() => bed.connect('agent', { database: 'scope', token }))
    const before = await others()
    for (const sql of OUTSIDE) expect([sql, await tries.try(sql)]).toEqual([sql, CODED('CHP-PATIENT-SCOPE')])
    for (const sql of INSIDE) {
      const outcome = await tries.try(sql)
      expect([sql, outcome]).toEqual([sql, expect.stringMatching(/^ok /u)])
      expect([sql, outcome]).toEqual([sql, expect.not.stringMatching(/canary (?!7\b)\d/u)])
    }
    expect(await others()).toBe(before)
    await expect(bed.connect('agent', { database: 'scope' })).rejects.toMatchObject({ code: '28000' })
  })
})
