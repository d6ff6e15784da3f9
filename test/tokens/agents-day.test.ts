import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { Client, DatabaseError, type QueryArrayResult } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { openBodies, readJournal, unseal } from '../../src/record/reader.ts'
import { freePort } from '../../src/store/embedded/free-port.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { filesBelow, found } from '../support/canary-search.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'

const STORE_PASSWORD = 'store-password'
const ID = '7e57ab1e-0000-4000-8000-0000decade00'
/** Somebody whom the agent works for all day without ever being told who it is. */
const PATIENT = {
  mrn: 'MRN-QV-90417',
  first_name: 'Zyndrimm',
  last_name: 'Qvorblaxx',
  birth_date: '1953-07-29',
  ssn: '999-73-8391',
  phone: '+1-555-739-1177',
  email: 'qvorblaxx@zyndrimm.example',
  street: '8391 Wrxylane Court',
  city: 'Qvorblaxville',
} as const
const NOTE = 'Mr Qvorblaxx keeps a vrothmixian parrot; call +1-555-739-1177 about it.'
/** Nobody else has it. */
const CONDITION = 'Z99.QV'
const CANARIES = [...Object.values(PATIENT), 'vrothmixian']
/** What the agent itself makes up. */
const OWN = { phone: '+1-555-204-8866', guess: 'Brontevexxi' } as const

let bed: Testbed
let store: PostgresServer
let storeDirectory: string
let identity: string
let admin: Client
/** Everything that the agent was told. */
const told: string[] = []

beforeAll(async () => {
  identity = await generateIdentity()
  const recipient = await identityToRecipient(identity)
  bed = await startTestbed({
    patients: 60,
    pack: 'minimum-necessary',
    prepare: addPatient,
    configure: async (document, { directory }) => {
      delete document['journal'].statementsAreNotSealed
      document['journal'].sealTo = [recipient]
      storeDirectory = join(directory, 'the-store')
      document['store'] = await startStore(directory)
    },
  })
  admin = await bed.direct()
})
afterAll(async () => {
  await bed?.stop()
  await store?.stop()
})

/** A server of which the test has the password. Gives the configuration of it. */
async function startStore(directory: string): Promise<unknown> {
  const port = await freePort()
  store = await startPostgres({ directory: storeDirectory, port, superuserPassword: STORE_PASSWORD })
  const client = storeClient('postgres')
  await client.connect()
  await client.query('create database state')
  await client.end()
  const file = join(directory, 'store-password')
  await writeFile(file, STORE_PASSWORD)
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/state`,
    credential: { file },
    tls: { mode: 'plaintextWithoutTls' },
  }
}

const storeClient = (database: string): Client =>
  new Client({ host: store.host, port: store.port, user: 'postgres', password: STORE_PASSWORD, database })

async function addPatient(client: Client): Promise<void> {
  const columns = Object.keys(PATIENT)
  await client.query(
    `insert into hospital.patients (id, sex, state, zip, registered_at, ${columns.join(', ')})
     values ($1, 'X', 'MA', '02139', now(), ${columns.map((_, i) => `$${i + 2}`).join(', ')})`,
    [ID, ...Object.values(PATIENT)],
  )
  for (let visit = 1; visit <= 3; visit += 1) {
    const { rows } = await client.query<{ id: string }>(
      `insert into hospital.encounters (patient_id, kind, department, started_at, reason, charge)
       values ($1, 'ambulatory', 'Cardiology', now() - $2 * interval '40 days', 'Check-up', 120) returning id`,
      [ID, visit],
    )
    const encounter = rows[0]?.id
    await client.query(
      `insert into hospital.conditions (patient_id, encounter_id, code, description, onset_date)
       values ($1, $2, $3, 'A condition', '2024-02-03')`,
      [ID, encounter, visit === 1 ? CONDITION : 'I10'],
    )
    await client.query(
      `insert into hospital.notes (patient_id, encounter_id, written_at, author_role, body) values ($1, $2, now(), 'physician', $3)`,
      [ID, encounter, NOTE],
    )
  }
}

type Row = readonly unknown[]

/** Runs a statement and keeps all of what comes back. */
async function ask(client: Client, text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
  try {
    const result: QueryArrayResult<unknown[]> = await client.query({ text, values: [...values], rowMode: 'array' })
    told.push(JSON.stringify([result.command, result.rowCount, result.fields.map(({ name }) => name), result.rows]))
    return result.rows
  } catch (error) {
    if (error instanceof DatabaseError) told.push(allOf(error))
    throw error
  }
}

/** Every field of an error or a notice. */
const allOf = (fields: { readonly message?: string | undefined }): string =>
  [...Object.values(fields), fields.message].map(String).join('\n')

async function agentSession(): Promise<Client> {
  const client = await bed.connect('agent')
  client.on('notice', (notice) => told.push(allOf(notice)))
  return client
}

/** What the agent is told when something is refused. */
async function refusal(act: Promise<unknown>): Promise<{ readonly message: string; readonly hint: string }> {
  const error = await act.then(
    () => expect.fail('it was done'),
    (cause: unknown) => cause,
  )
  if (!(error instanceof DatabaseError)) throw error
  return { message: error.message, hint: error.hint ?? '' }
}

async function truth(sql: string): Promise<unknown> {
  const { rows } = await admin.query<unknown[]>({ text: sql, rowMode: 'array' })
  return rows[0]?.[0]
}

describe('a day', () => {
  let agent: Client
  /** Of the patient: record number, phone, names. */
  let mrn: string
  let phone: string
  let first: string
  let last: string

  beforeAll(async () => {
    agent = await agentSession()
  })

  it('begins with a list of who has a condition', async () => {
    const rows = await ask(
      agent,
      `select p.mrn, p.phone, p.first_name, p.last_name, extract(year from p.birth_date)::int, p.ssn, p.email, p.street, p.city, p.zip, p.sex
       from hospital.patients p join hospital.conditions c on c.patient_id = p.id where c.code = $1`,
      [CONDITION],
    )
    expect(rows).toHaveLength(1)
    ;[mrn = '', phone = '', first = '', last = ''] = (rows[0] ?? []).map(String)
    const text = expect.stringMatching(/^tok_/)
    const contact = [expect.stringMatching(/^tok-.*@token\.invalid$/), '[redacted]', '[redacted]']
    expect(rows[0]).toEqual([text, expect.stringMatching(/^\+999/), text, text, 1953, text, ...contact, '021**', 'X'])
  })

  it('goes on with a call: somebody is found by the token of a phone', async () => {
    const rows = await ask(agent, 'select mrn, last_name, sex from hospital.patients where phone = $1', [phone])
    expect(rows).toEqual([[mrn, last, 'X']])
    const named = 'select mrn from hospital.patients where last_name = $1 and first_name = $2'
    expect(await ask(agent, named, [last, first])).toEqual([[mrn]])
    expect(await ask(agent, named, [first, last])).toEqual([])
  })

  it('lists the history, with the notes masked', async () => {
    const history = await ask(
      agent,
      `select e.started_at::date::text, e.department, e.reason, c.code, c.description
       from hospital.encounters e
       join hospital.patients p on p.id = e.patient_id
       left join hospital.conditions c on c.encounter_id = e.id
       where p.mrn = $1 order by e.started_at desc`,
      [mrn],
    )
    expect(history.map((row) => row.slice(1))).toEqual(
      [CONDITION, 'I10', 'I10'].map((code) => ['Cardiology', 'Check-up', code, 'A condition']),
    )
    const notes = await ask(
      agent,
      `select n.author_role, n.body from hospital.notes n join hospital.patients p on p.id = n.patient_id
       where p.mrn = '${mrn}' order by n.written_at limit 5`,
    )
    expect(notes).toEqual(Array.from({ length: 3 }, () => ['physician', '[redacted]']))
    expect(
      await ask(agent, `select count(*)::int from hospital.notes where body like '%parrot%' limit 1`).catch(String),
    ).toContain('CHP-MASK-PREDICATE')
    const counts = await ask(
      agent,
      `select p.last_name, count(*)::int from hospital.encounters e join hospital.patients p on p.id = e.patient_id
       where p.mrn in ($1, $2) group by p.last_name`,
      [mrn, 'tok_00000000000000000000'],
    )
    expect(counts).toEqual([[last, 3]])
  })

  it('books a follow-up, for whom it is meant', async () => {
    const rows = await ask(
      agent,
      `insert into hospital.encounters (patient_id, kind, department, started_at, reason, charge)
       select id, 'ambulatory', 'Cardiology', now() + interval '14 days', 'Follow-up', 0
       from hospital.patients where mrn = $1 returning kind, reason`,
      [mrn],
    )
    expect(rows).toEqual([['ambulatory', 'Follow-up']])
    expect(
      await truth(`select string_agg(patient_id::text, ',') from hospital.encounters where reason = 'Follow-up'`),
    ).toBe(ID)
    await ask(agent, 'begin')
    await ask(
      agent,
      `update hospital.encounters set reason = 'Follow-up, moved', started_at = started_at + interval '1 day'
       where reason = 'Follow-up' and patient_id = (select id from hospital.patients where phone = $1)`,
      [phone],
    )
    await ask(agent, 'commit')
    expect(await truth(`select patient_id::text from hospital.encounters where reason = 'Follow-up, moved'`)).toBe(ID)
  })

  it('cannot correct a phone number without being told what to do instead', async () => {
    const before = await truth('select md5(string_agg(p::text, $$|$$ order by id)) from hospital.patients p')
    for (const value of [phone, OWN.phone, '[redacted]']) {
      const { message, hint } = await refusal(
        ask(agent, 'update hospital.patients set phone = $1 where mrn = $2', [value, mrn]),
      )
      expect(message).toContain('CHP-POLICY-HELD')
      expect(message).toContain('guardrails.phi-change')
      expect(hint).not.toBe('')
    }
    expect(await truth('select md5(string_agg(p::text, $$|$$ order by id)) from hospital.patients p')).toBe(before)
  })

  it('cannot find out who it is', async () => {
    const attempts = [
      `select 1 from hospital.patients where last_name = '${OWN.guess}'`,
      `select mrn from hospital.patients where last_name like '${OWN.guess.slice(0, 4)}%'`,
      `select '${mrn}'::text, length('${mrn}'), upper('${last}'), '${phone}' || ''`,
      `select p.mrn, '${mrn}' as sent from hospital.patients p where mrn = '${mrn}'`,
      `select coalesce(last_name, '${OWN.guess}') from hospital.patients where mrn = '${mrn}'`,
      `select last_name from hospital.patients where mrn = '${mrn}' union all select '${OWN.guess}'`,
      `explain (verbose) select id from hospital.patients where mrn = '${mrn}'`,
      `select last_name::int from hospital.patients where mrn = '${mrn}'`,
      `select to_jsonb(p), p::text, array_agg(p.last_name) over () from hospital.patients p where mrn = '${mrn}'`,
      `select full_name, phone, city from hospital.patient_directory where phone = '${phone}'`,
      `select current_query(), id from hospital.patients where mrn = '${mrn}'`,
      `do $$ begin raise notice '%', (select last_name from hospital.patients where mrn = '${mrn}'); end $$`,
      `create temp table t as select '${mrn}'::text as x from hospital.patients where mrn = '${mrn}'`,
      `select statement from pg_prepared_statements`,
      `insert into hospital.patients select * from hospital.patients where mrn = '${mrn}'`,
      `select id from hospital.patients where mrn = '${last}' or last_name = '${mrn}'`,
    ]
    for (const attempt of attempts) await ask(agent, attempt).catch(() => undefined)
  })

  it('ends with an export, of tokens', async () => {
    const wire = await bed.wire('agent')
    wire.send(
      encodeQuery(
        `copy (select mrn, last_name, phone, email, birth_date, sex from hospital.patients) to stdout (format csv, header)`,
      ),
    )
    const messages = await wire.ready()
    const data = messages.flatMap((message) => (message.kind === 'CopyData' ? [message.data.toString()] : [])).join('')
    told.push(
      data,
      JSON.stringify(messages.map((message) => ('fields' in message ? [...message.fields.values()] : message.kind))),
    )
    // What is masked is in quotes, whether it needs them or not.
    const lines = data.trim().replaceAll('"', '').split('\n')
    expect(lines).toHaveLength(62)
    expect(lines.filter((line) => line.startsWith(`${mrn},${last},${phone},`))).toHaveLength(1)
  })

  it('goes on in another session, with the same tokens', async () => {
    const again = await agentSession()
    expect(await ask(again, 'select last_name from hospital.patients where mrn = $1', [mrn])).toEqual([[last]])
  })
})

describe('of who was worked for, nothing is', () => {
  it('in what the agent was told', () => {
    expect(told.length).toBeGreaterThan(25)
    expect(found(CANARIES, Buffer.from(told.join('\n')))).toEqual([])
  })

  it('in what the agent was told of anybody else', async () => {
    const { rows } = await admin.query<{ value: string }>(
      `select v.value from hospital.patients p, unnest(array[mrn, ssn, phone, email, street]) v(value) where v.value is not null`,
    )
    expect(rows.length).toBeGreaterThan(200)
    const text = told.join('\n')
    expect(rows.filter(({ value }) => text.includes(value))).toEqual([])
  })

  it('in the log', () => {
    expect(bed.log.length).toBeGreaterThan(5)
    expect(found([...CANARIES, ...Object.values(OWN)], Buffer.from(bed.log.join('')))).toEqual([])
  })

  it('in the journal, with its bodies decrypted', async () => {
    const { directory, bodyKeyFile } = bed.config.journal
    const key = Buffer.from(readFileSync(bodyKeyFile, 'utf8').trim(), 'hex')
    const records: string[] = []
    for await (const { header } of readJournal(directory)) records.push(JSON.stringify(header))
    for await (const { body } of openBodies(directory, { bodyKey: key })) if (body !== undefined) records.push(body)
    expect(records.length).toBeGreaterThan(60)
    expect(found([...CANARIES, ...Object.values(OWN)], Buffer.from(records.join('\n')))).toEqual([])
  })

  it('in the exact statements either: they are as the agent sent them', async () => {
    const statements: string[] = []
    for await (const { exact } of unseal(bed.config.journal.directory, { identity }))
      if (exact !== undefined) statements.push(exact)
    const text = statements.join('\n')
    expect(text).toMatch(/tok_[0-9a-z]{18}/)
    expect(text).toContain(OWN.guess)
    expect(found(CANARIES, Buffer.from(text))).toEqual([])
  })

  it('in a file of the gateway', () => {
    const files = filesBelow(bed.config.state)
    expect(files.length).toBeGreaterThan(2)
    expect(files.filter((file) => found(CANARIES, readFileSync(file)).length > 0)).toEqual([])
  })

  it('in the tables of the store, or in its files', async () => {
    const client = storeClient('state')
    await client.connect()
    try {
      const { rows: tables } = await client.query<{ name: string }>(
        `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
      )
      expect(tables.length).toBeGreaterThan(1)
      let count = 0
      for (const { name } of tables) {
        const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
        count += rows.length
        expect(found(CANARIES, Buffer.from(rows.map(({ row }) => row).join('\n')))).toEqual([])
      }
      // One for each value of each patient that was shown.
      expect(count).toBeGreaterThan(100)
      await client.query('checkpoint')
    } finally {
      await client.end()
    }
    const files = filesBelow(storeDirectory)
    expect(files.length).toBeGreaterThan(100)
    expect(files.filter((file) => found(CANARIES, readFileSync(file)).length > 0)).toEqual([])
  })

  it('but the database knows', async () => {
    expect(await truth(`select mrn from hospital.patients where id = '${ID}'`)).toBe(PATIENT.mrn)
    expect(await truth(`select count(*)::int from hospital.encounters where patient_id = '${ID}'`)).toBe(4)
  })
})
