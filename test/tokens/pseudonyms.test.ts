import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import type { WireClient } from '../support/wire-client.ts'
import { clientOf, configBeside, gatewayOf, one, refusalOf, type RunningGateway } from './desk.ts'
import { MODES, query } from './modes.ts'

const PEOPLE = 12

const SQL = `
CREATE SCHEMA desk;
CREATE TABLE desk.person (id integer PRIMARY KEY, full_name text, email varchar(200), phone text, ssn varchar(11), record_no integer,
  external uuid, doc jsonb);
INSERT INTO desk.person SELECT n, 'Quuxalot Zebediah ' || n / 2, 'quuxalot' || n / 2 || '@quux.example', '+1 617 555 ' || 1000 + n / 2,
  '917-55-' || 4000 + n / 2, 71000000 + n / 2, ('7e57ab1e-dead-4bee-8bad-f00dcafe' || 1000 + n / 2)::uuid,
  jsonb_build_object('name', jsonb_build_object('family', 'Quuxalot Zebediah ' || n / 2), 'active', true)
  FROM generate_series(0, ${PEOPLE - 1}) n;
CREATE TABLE desk.visit (id integer PRIMARY KEY, full_name text, email varchar(200), doc jsonb, record_no integer);
INSERT INTO desk.visit SELECT id, full_name, email FROM desk.person;
GRANT USAGE ON SCHEMA desk TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.person, desk.visit TO chaperone_app;
`

const pseudonym = (phiClass: string) => ({ class: phiClass, transform: 'pseudonym' })
const doc = { class: 'free-text', members: { 'name.family': pseudonym('name') }, others: 'pass' }

const LABELS = {
  'desk.person.*': 'none',
  'desk.person.full_name': pseudonym('name'),
  'desk.person.email': pseudonym('email'),
  'desk.person.phone': pseudonym('phone'),
  'desk.person.ssn': pseudonym('ssn'),
  'desk.person.record_no': pseudonym('mrn'),
  'desk.person.external': pseudonym('other-id'),
  'desk.person.doc': doc,
  'desk.visit.*': 'none',
  'desk.visit.full_name': pseudonym('name'),
  'desk.visit.email': pseudonym('email'),
  'desk.visit.record_no': pseudonym('mrn'),
  'desk.visit.doc': doc,
}

let bed: Testbed
let wire: WireClient
let agent: Client
let admin: Client
const gateways: RunningGateway[] = []
const clients: Client[] = []

async function keyFile(directory: string, name: string): Promise<{ file: string }> {
  const file = join(directory, name)
  await writeFile(file, randomBytes(32).toString('base64'))
  return { file }
}

beforeAll(async () => {
  bed = await startTestbed({
    patients: 20,
    prepare: (superuser) => superuser.query(SQL),
    configure: async (document, { directory }) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], structuredClone(LABELS))
      document['phi'].pseudonymKey = await keyFile(directory, 'first.key')
      document['packs'] = { guardrails: { disable: ['phi-change'] } }
    },
  })
  wire = await bed.wire('agent')
  agent = await bed.connect('agent')
  admin = await bed.direct()
})
afterAll(async () => {
  await Promise.allSettled(clients.map((client) => client.end()))
  await Promise.allSettled(gateways.map((gateway) => gateway.stop()))
  await bed?.stop()
})

const shown = async (client: Client, column: string, id = 7): Promise<string> =>
  String(await one(client, `SELECT ${column} FROM desk.person WHERE id = ${id}`))

const idsBy = async (client: Client, column: string, value: string): Promise<readonly number[]> => {
  const sql = `SELECT id FROM desk.person WHERE ${column} = $1 ORDER BY id`
  return (await client.query<{ id: number }>(sql, [value])).rows.map(({ id }) => id)
}

describe.each([
  ['full_name', 'text', /^name_[0-9a-z]{54,}$/u],
  ['email', 'text', /^[0-9a-z]+@(?:[0-9a-z]+\.)*pseudonym\.invalid$/u],
])('pseudonyms of %s', (column, type, shape) => {
  it('are one for a value, and another for another', async () => {
    expect(await shown(agent, column)).toMatch(shape)
    expect(await shown(agent, column, 6)).toBe(await shown(agent, column, 7))
    expect(await one(agent, `SELECT count(DISTINCT ${column})::int FROM desk.person`)).toBe(PEOPLE / 2)
  })

  it.each(MODES.map((mode) => [mode.name, mode] as const))('are their values as %s', async (_name, mode) => {
    const value = await shown(agent, column)
    for (const [sql, expected] of [
      [`SELECT id FROM desk.person WHERE ${column} = ? ORDER BY id`, [['6'], ['7']]],
      [`SELECT id FROM desk.person WHERE ${column} IN (?, 'x') IS TRUE ORDER BY id`, undefined],
      [`SELECT id FROM desk.person WHERE ${column} IN (?, ?) ORDER BY id`, [['6'], ['7']]],
      [`SELECT id FROM desk.person WHERE ${column} = ANY (ARRAY[?]::text[]) ORDER BY id`, [['6'], ['7']]],
      [`SELECT count(*) FROM desk.person WHERE ${column} <> ?`, [[String(PEOPLE - 2)]]],
      [
        `SELECT v.id FROM desk.person p JOIN desk.visit v USING (${column}) WHERE p.${column} = ? AND p.id = 6 ORDER BY 1`,
        [['6'], ['7']],
      ],
    ] as const) {
      const answer = await mode.run(wire, sql, value, type)
      if (expected === undefined) expect(answer.error?.code).toBe('42501')
      else expect([sql, answer]).toEqual([sql, { rows: expected, error: undefined }])
    }
    await admin.query('DELETE FROM desk.visit WHERE id >= 900')
    expect(
      (await mode.run(wire, `INSERT INTO desk.visit (id, ${column}) VALUES (900, ?)`, value, type)).error,
    ).toBeUndefined()
    expect(
      (await mode.run(wire, `UPDATE desk.visit SET ${column} = ? WHERE id = 1`, value, type)).error,
    ).toBeUndefined()
    const stored = `SELECT bool_and(v.${column} = p.${column}) FROM desk.visit v, desk.person p WHERE v.id IN (1, 900) AND p.id = 7`
    expect(await one(admin, stored)).toBe(true)
    await admin.query('DELETE FROM desk.visit WHERE id >= 900')
    await admin.query(
      'UPDATE desk.visit v SET full_name = p.full_name, email = p.email FROM desk.person p WHERE p.id = v.id',
    )
  })

  it('with a slip in them equal nothing and are not stored, on record', async () => {
    const value = await shown(agent, column)
    const at = 20
    const slip = value.slice(0, at) + (value[at] === '2' ? '3' : '2') + value.slice(at + 1)
    const headers = await bed.recorded(
      async () => {
        expect(await idsBy(agent, column, slip)).toEqual([])
        const written = agent.query(`UPDATE desk.visit SET ${column} = $1 WHERE id = 1`, [slip])
        expect(await refusalOf(written)).toBe('22000 CHP-TOKEN-UNKNOWN')
      },
      (found) => found.filter(({ kind }) => kind === 'alert').length >= 2,
    )
    expect(headers.filter(({ kind }) => kind === 'alert')).toHaveLength(2)
  })
})

describe('pseudonyms in documents', () => {
  it('are those of columns of the class, and are their values in members that are looked for or stored', async () => {
    const name = await shown(agent, 'full_name')
    expect(await one(agent, `SELECT doc FROM desk.person WHERE id = 7`)).toEqual({
      name: { family: name },
      active: true,
    })
    expect(await idsBy(agent, `doc -> 'name' ->> 'family'`, name)).toEqual([6, 7])
    const written = { name: { family: name }, active: false }
    for (const [id, sql] of [
      [910, `INSERT INTO desk.visit (id, doc) VALUES (910, $1)`],
      [2, `UPDATE desk.visit SET doc = $1 WHERE id = 2`],
    ] as const) {
      await agent.query(sql, [JSON.stringify(written)])
      expect(
        await one(admin, `SELECT doc -> 'name' ->> 'family' = 'Quuxalot Zebediah 3' FROM desk.visit WHERE id = ${id}`),
      ).toBe(true)
      expect(await one(agent, `SELECT doc FROM desk.visit WHERE id = ${id}`)).toEqual(written)
    }
  })
})

describe('pseudonyms that are digests', () => {
  it.each([
    ['record_no', /^-\d+$/u],
    ['ssn', /^~[\w-]{10}$/u],
    ['phone', /^\+999\d{20}$/u],
    ['external', /^[0-9a-f]{8}-[0-9a-f]{4}-8/u],
  ])('of %s are the same for the same value, and are not taken for it', async (column, shape) => {
    const value = await shown(agent, column)
    expect(value).toMatch(shape)
    expect(await shown(agent, column, 6)).toBe(value)
    const before = await one(admin, 'SELECT md5(json_agg(p ORDER BY id)::text) FROM desk.person p')
    for (const sql of [
      `SELECT id FROM desk.person WHERE ${column} = $1`,
      `SELECT id FROM desk.person WHERE ${column} = '${value}'`,
    ]) {
      const values = sql.includes('$1') ? [value] : []
      const refused = agent.query(sql, values)
      await expect(refused).rejects.toMatchObject({
        code: '42501',
        hint: expect.stringContaining(
          'Pseudonyms of numbers, UUIDs, telephone numbers and short types cannot be sent back',
        ),
      })
      await expect(refused).rejects.toThrow('CHP-MASK-PREDICATE')
    }
    expect(await refusalOf(agent.query(`UPDATE desk.person SET ${column} = $1 WHERE id = 1`, [value]))).toMatch(
      /^22000 CHP-(?:MASK-WRITE-BACK|TOKEN-UNKNOWN)$/u,
    )
    expect(await one(admin, 'SELECT md5(json_agg(p ORDER BY id)::text) FROM desk.person p')).toBe(before)
  })
})

it('pseudonyms need no store', async () => {
  expect(existsSync(join(bed.config.state, 'store'))).toBe(false)
  expect(existsSync(join(bed.config.state, 'token.key'))).toBe(false)
  expect((await query(wire, 'SELECT 1')).error).toBeUndefined()
})

/** An agent at a gateway with other keys. */
async function agentWith(name: string, keys: object): Promise<Client> {
  const file = await configBeside(bed, name, (document) => Object.assign(document['phi'], keys))
  const gateway = await gatewayOf(file)
  gateways.push(gateway)
  const client = await clientOf({ port: gateway.port, ca: bed.ca, token: await bed.token('agent') })
  clients.push(client)
  return client
}

describe('another key', () => {
  it('is brought in with an overlap: old pseudonyms are understood, new ones are given out', async () => {
    const { directory } = bed.environment
    const [name, email, record] = [
      await shown(agent, 'full_name'),
      await shown(agent, 'email'),
      await shown(agent, 'record_no'),
    ]
    const same = await agentWith('same', {})
    expect(await shown(same, 'full_name')).toBe(name)

    const pseudonymKey = await keyFile(directory, 'second.key')
    const previousPseudonymKeys = [{ file: join(directory, 'first.key') }]
    const rotated = await agentWith('rotated', { pseudonymKey, previousPseudonymKeys })
    const next = await shown(rotated, 'full_name')
    expect(next).toMatch(/^name_/u)
    expect(next).not.toBe(name)
    expect(await shown(rotated, 'record_no')).not.toBe(record)
    for (const value of [name, next]) expect(await idsBy(rotated, 'full_name', value)).toEqual([6, 7])
    expect(await idsBy(rotated, 'email', email)).toEqual([6, 7])
    const both = 'SELECT count(*)::int FROM desk.person WHERE full_name = ANY ($1)'
    expect(await one(rotated, both, [[name, next, await shown(agent, 'full_name', 1)]])).toBe(4)
    // What was stored by an old one is shown by a new one.
    expect(await one(rotated, 'UPDATE desk.visit SET full_name = $1 WHERE id = 3 RETURNING full_name', [name])).toBe(
      next,
    )
    expect(await one(admin, `SELECT full_name = 'Quuxalot Zebediah 3' FROM desk.visit WHERE id = 3`)).toBe(true)

    const later = await agentWith('later', { pseudonymKey })
    expect(await shown(later, 'full_name')).toBe(next)
    expect(await idsBy(later, 'full_name', next)).toEqual([6, 7])
    expect(await idsBy(later, 'full_name', name)).toEqual([])
    expect(await idsBy(agent, 'full_name', next)).toEqual([])
    expect(await refusalOf(later.query('UPDATE desk.visit SET full_name = $1 WHERE id = 3', [name]))).toBe(
      '22000 CHP-TOKEN-UNKNOWN',
    )
  })
})
