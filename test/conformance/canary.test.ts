import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminGet } from '../../cli/admin-client.ts'
import {
  encodeBind,
  encodeCopyData,
  encodeCopyDone,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { openBodies, unseal } from '../../src/record/reader.ts'
import { filesBelow, found } from '../support/canary-search.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import type { Received, WireClient } from '../support/wire-client.ts'

/** In rows of the target, in columns labelled as PHI. */
const DATA = {
  last_name: 'Qvorblaxx',
  first_name: 'Zyndrimm',
  ssn: '999-73-8391',
  mrn: 'MRN-QV-55817',
  phone: '+1-555-739-1177',
  email: 'qvorblaxx@zyndrimm.example',
  street: '8391 Wrxylane Court',
  city: 'Qvorblaxville',
  birth_date: '1953-07-29',
  note: 'the patient Qvorblaxx keeps a vrothmixian parrot',
} as const
/** Inside statements, where a literal, a parameter or COPY data may stand. */
const TEXT = {
  simple: 'Gwendraxily',
  parameter: 'Thrumbledorr',
  binary: 'Ploxivanter',
  dollar: 'Vexmorrigan',
  escape: 'Jabberquoth',
  number: '718281828459',
  comment: 'Snorflehaxx',
  copy: 'Wibblethorpe',
  syntax: 'Kradnagorth',
  refused: 'Mimbletwixx',
  prepared: 'Oxtraventus',
  insert: 'Dravidoxium',
  like: 'Fizzlequorn',
  json: 'Brontevexxi',
  setting: 'Clorptangle',
  notify: 'Hexagrumble',
  cursor: 'Yttrimblefo',
  // What only a client that is confused, or misled, puts where names belong.
  alias: 'Xanthelprig',
  relation: 'Lomquatzibb',
  column: 'Nebulwrack',
  function: 'Pterogoblin',
  savepoint: 'Rumplezoth',
  statement: 'Uvulabrant',
  portal: 'Eggplazoid',
  channel: 'Torquelburn',
} as const

const DATA_CANARIES = Object.values(DATA)
const TEXT_CANARIES = Object.values(TEXT)
const ID = '7e57ab1e-0000-4000-8000-0000c0ffee00'

let bed: Testbed
let identity: string
/** Everything that masked and unmasked clients were told. */
const toldAgent: Received[] = []

beforeAll(async () => {
  identity = await generateIdentity()
  const recipient = await identityToRecipient(identity)
  bed = await startTestbed({
    patients: 20,
    configure: (document) => {
      delete document['journal'].statementsAreNotSealed
      document['journal'].sealTo = [recipient]
      // So that statements which make the target speak of values reach it.
      document['phi'].predicates = { default: 'allow' }
    },
    prepare: async (admin) => {
      await admin.query(
        `insert into hospital.patients (id, mrn, first_name, last_name, birth_date, sex, ssn, phone, email, street, city, state, zip, registered_at)
         values ($1, $2, $3, $4, $5, 'X', $6, $7, $8, $9, $10, 'MA', '02139', now())`,
        [
          ID,
          DATA.mrn,
          DATA.first_name,
          DATA.last_name,
          DATA.birth_date,
          DATA.ssn,
          DATA.phone,
          DATA.email,
          DATA.street,
          DATA.city,
        ],
      )
      const { rows } = await admin.query(
        `insert into hospital.encounters (patient_id, kind, department, started_at, reason, charge)
         values ($1, 'visit', 'x', now(), 'x', 1) returning id`,
        [ID],
      )
      await admin.query(
        `insert into hospital.notes (patient_id, encounter_id, written_at, author_role, body) values ($1, $2, now(), 'x', $3)`,
        [ID, rows[0].id, DATA.note],
      )
    },
  })
  for (const who of ['agent', 'officer'] as const) {
    const client = await bed.wire(who, { parameters: { application_name: 'canary' } })
    const told = await everything(client)
    if (who === 'agent') toldAgent.push(...told)
    client.destroy()
  }
  await failedLogins()
})
afterAll(() => bed?.stop())

/** One session of all that a client can do; what it was told. */
async function everything(client: WireClient): Promise<Received[]> {
  const told: Received[] = []
  const statements = [
    `select * from hospital.patients where last_name = '${TEXT.simple}' or id = '${ID}'`,
    `select * from hospital.patients where id = '${ID}'`,
    `select p.*, n.body from hospital.patients p join hospital.notes n on n.patient_id = p.id where p.id = '${ID}' limit 5`,
    `select $tag$${TEXT.dollar}$tag$, E'${TEXT.escape}\\n', ${TEXT.number} /* ${TEXT.comment} */ -- ${TEXT.comment}`,
    `select * from hospital.patients where last_name like '${TEXT.like}%'`,
    `select '{"k": "${TEXT.json}"}'::jsonb ->> 'k'`,
    `selec '${TEXT.syntax}' ${TEXT.syntax}`,
    `select '${TEXT.syntax}`,
    `delete from hospital.patients /* ${TEXT.refused} '${TEXT.refused}' */`,
    `update hospital.patients set last_name = '${TEXT.refused}' where true`,
    `prepare ${TEXT.statement} as select $1::text, '${TEXT.prepared}'`,
    `execute ${TEXT.statement}('${TEXT.prepared}')`,
    `deallocate ${TEXT.statement}`,
    `insert into scratch.item values (1, '${TEXT.insert}')`,
    // Errors of the target that quote values.
    `insert into scratch.item values (1, '${TEXT.insert}')`,
    `select '${TEXT.insert}'::int`,
    `select last_name::int from hospital.patients where id = '${ID}'`,
    `select 1 / (case when ssn = '${DATA.ssn}' then 0 else 1 end) from hospital.patients`,
    `select ('{"k":' || last_name)::jsonb from hospital.patients where id = '${ID}'`,
    `insert into hospital.patients (id) select id from hospital.patients where id = '${ID}'`,
    `insert into hospital.patients select * from hospital.patients where id = '${ID}'`,
    `update hospital.patients set sex = '${TEXT.insert}' where id = '${ID}'`,
    `update hospital.patients set sex = last_name where id = '${ID}'`,
    `set application_name = '${TEXT.setting}'`,
    `set search_path = '${TEXT.setting}'`,
    `select set_config('application_name', '${TEXT.setting}', false)`,
    `select set_config('application_name', last_name, false) from hospital.patients where id = '${ID}'`,
    `listen ${TEXT.channel}`,
    `notify ${TEXT.channel}, '${TEXT.notify}'`,
    `unlisten *`,
    `begin`,
    `savepoint ${TEXT.savepoint}`,
    `declare ${TEXT.cursor} cursor for select last_name from hospital.patients where id = '${ID}'`,
    `fetch all from ${TEXT.cursor}`,
    `rollback`,
    `explain (verbose) select * from hospital.patients where last_name = '${TEXT.simple}'`,
    `do $$ begin raise notice '${TEXT.dollar}'; end $$`,
    `select 1 as "${TEXT.alias}"`,
    `select * from "${TEXT.relation}"`,
    `select * from hospital."${TEXT.relation}"`,
    `select "${TEXT.column}" from hospital.patients`,
    `select "${TEXT.function}"(1)`,
    `drop table "${TEXT.relation}"`,
    `create temp table "${TEXT.relation}" (id int)`,
    `select * from "${TEXT.relation}"`,
    `set "${TEXT.setting}.x" = '${TEXT.setting}'`,
    `lock table "${TEXT.relation}"`,
  ]
  for (const sql of statements) {
    client.send(encodeQuery(sql))
    told.push(...(await client.ready()))
    client.send(encodeParse('', sql), encodeBind(), encodeDescribe('P', ''), encodeExecute(''), encodeSync())
    told.push(...(await client.ready()))
    if (sql !== 'begin') continue
  }
  client.send(encodeQuery('rollback'))
  told.push(...(await client.ready()))
  client.send(
    encodeParse(TEXT.statement, 'select * from hospital.patients where last_name = $1 or email = $2'),
    encodeBind({
      portal: TEXT.portal,
      statement: TEXT.statement,
      parameterFormats: [0, 1],
      parameters: [TEXT.parameter, Buffer.from(TEXT.binary)],
      resultFormats: [1],
    }),
    encodeExecute(TEXT.portal),
    encodeBind({ statement: TEXT.statement, parameters: [TEXT.parameter] }),
    encodeSync(),
  )
  told.push(...(await client.ready()))
  client.send(
    encodeParse('', 'select $1::int'),
    encodeBind({ parameters: [TEXT.parameter] }),
    encodeExecute(''),
    encodeSync(),
  )
  told.push(...(await client.ready()))
  for (const rows of [`2\t${TEXT.copy}\n`, `${TEXT.copy}\tx\n`]) {
    client.send(encodeQuery('copy scratch.item from stdin'))
    told.push(...(await client.upTo('CopyInResponse')))
    client.send(encodeCopyData(Buffer.from(rows)), encodeCopyDone())
    told.push(...(await client.ready()))
  }
  for (const sql of [
    `copy (select last_name from hospital.patients where id = '${ID}') to stdout`,
    `copy scratch.item to '/tmp/${TEXT.copy}'`,
    `delete from scratch.item where id < 5`,
  ]) {
    client.send(encodeQuery(sql))
    told.push(...(await client.ready()))
  }
  return told
}

async function failedLogins(): Promise<void> {
  const attempts = [
    { database: TEXT.relation },
    { user: TEXT.parameter, password: TEXT.parameter },
    { parameters: { [TEXT.setting]: TEXT.setting } },
    { parameters: { options: `-c ${TEXT.setting}=${TEXT.setting}` } },
    { parameters: { application_name: TEXT.setting, client_encoding: TEXT.setting } },
  ]
  for (const attempt of attempts) await expect(bed.wire('agent', attempt)).rejects.toThrow(/^\w{5}: /)
}

describe('no canary is', () => {
  it('in what the masked client was told, unless it had sent it', () => {
    const text = toldAgent.map((message) => {
      if (message.kind === 'DataRow') return message.values.map((value) => value?.toString('latin1')).join('\n')
      if (message.kind === 'CopyData') return message.data.toString('latin1')
      return 'fields' in message ? [...message.fields.values()].join('\n') : JSON.stringify(message)
    })
    expect(found(DATA_CANARIES, Buffer.from(text.join('\n')))).toEqual([])
  })

  it('in the log', () => {
    expect(bed.log.length).toBeGreaterThan(5)
    expect(found([...DATA_CANARIES, ...TEXT_CANARIES], Buffer.from(bed.log.join('')))).toEqual([])
  })

  it('in a file of the gateway', () => {
    const files = filesBelow(join(bed.environment.directory, 'state'))
    expect(files.some((file) => file.endsWith('.jsonl') && statSync(file).size > 10_000)).toBe(true)
    const leaks = files.flatMap((file) =>
      found([...DATA_CANARIES, ...TEXT_CANARIES], readFileSync(file)).map((canary) => `${canary} in ${file}`),
    )
    expect(leaks).toEqual([])
  })

  it('in an answer of the admin API', async () => {
    const client = await bed.wire('agent')
    client.send(encodeQuery(`select '${TEXT.simple}'`))
    await client.ready()
    const { body } = await adminGet(bed.config.admin, '/v1/sessions')
    const { sessions }: { sessions: { id: string }[] } = JSON.parse(body)
    const past = bed.log.flatMap((line) => {
      const { session }: { session?: string } = JSON.parse(line)
      return session === undefined ? [] : [session]
    })
    const ids = [...new Set([...sessions.map(({ id }) => id), ...past])]
    expect(ids.length).toBeGreaterThan(2)
    const answers = [body]
    for (const id of ids) {
      answers.push((await adminGet(bed.config.admin, `/v1/sessions/${id}`)).body)
      answers.push((await adminGet(bed.config.admin, `/v1/sessions/${id}/events`)).body)
    }
    expect(found([...DATA_CANARIES, ...TEXT_CANARIES], Buffer.from(answers.join('\n')))).toEqual([])
  })

  it('of the data in a journal body, and no literal of a statement that was understood', async () => {
    const key = Buffer.from(readFileSync(bed.config.journal.bodyKeyFile, 'utf8').trim(), 'hex')
    const bodies: string[] = []
    for await (const { body } of openBodies(bed.config.journal.directory, { bodyKey: key }))
      if (body !== undefined) bodies.push(body)
    expect(bodies.length).toBeGreaterThan(50)
    const { simple, parameter, binary, dollar, escape, number, comment, copy, prepared, insert, like, json, notify } =
      TEXT
    const literals = [
      simple,
      parameter,
      binary,
      dollar,
      escape,
      number,
      comment,
      copy,
      prepared,
      insert,
      like,
      json,
      notify,
    ]
    expect(found([...DATA_CANARIES, ...literals], Buffer.from(bodies.join('\n')))).toEqual([])
  })
})

it('the exact statements are there for those who hold the seal', async () => {
  const statements: string[] = []
  for await (const { exact } of unseal(bed.config.journal.directory, { identity }))
    if (exact !== undefined) statements.push(exact)
  const text = statements.join('\n')
  for (const canary of [TEXT.simple, TEXT.parameter, TEXT.dollar, TEXT.refused, TEXT.syntax])
    expect(text).toContain(canary)
})
