import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

const SQL = `
CREATE SCHEMA labelled;
CREATE TABLE labelled.people (
  id int PRIMARY KEY, mrn text, mrn_no bigint, uid uuid, card text, seen date, paid numeric, body jsonb, raw json, bodies jsonb[]);
INSERT INTO labelled.people VALUES
  (1, 'MRN-0001', 1001, '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11', '4111111111111111', '2021-08-17', 1234.56,
   '{"name": [{"family": "Canary", "use": "official"}], "birthDate": "1984-07-23", "gender": "female"}',
   '{ "note" : "Canary",  "code":  7 }', ARRAY['{"name": "Canary", "gender": "male"}'::jsonb]),
  (2, 'MRN-0001', 1001, NULL, '4222222222222222', '2021-09-01', 99, '{"name": "Canary"}', NULL, NULL);
CREATE VIEW labelled.cards AS SELECT id, card AS number, mrn, upper(mrn) AS loud FROM labelled.people;
CREATE VIEW labelled.reviewed AS SELECT id, left(mrn, 3) AS kind FROM labelled.people;
GRANT USAGE ON SCHEMA labelled TO chaperone_app;
GRANT SELECT ON ALL TABLES IN SCHEMA labelled TO chaperone_app;`

const parts = (others: 'mask' | 'pass') => ({
  class: 'free-text',
  members: { 'name.family': 'name', name: 'name', birthDate: 'date-of-birth', gender: 'none' },
  others,
})

const LABELS = {
  'labelled.*': 'none',
  'labelled.people.mrn': { class: 'mrn', transform: 'pseudonym' },
  'labelled.people.mrn_no': { class: 'mrn', transform: 'pseudonym' },
  'labelled.people.uid': { class: 'other-id', transform: 'pseudonym' },
  'labelled.people.card': { class: 'account', transform: 'ends' },
  'labelled.people.seen': { class: 'date', transform: 'month' },
  'labelled.people.paid': { class: 'account', transform: 'hundreds' },
  'labelled.people.body': parts('pass'),
  'labelled.people.raw': { class: 'free-text', members: { code: 'none' } },
  'labelled.people.bodies': parts('mask'),
  'labelled.reviewed.kind': 'none',
}

let bed: Testbed
let agent: Client

beforeAll(async () => {
  bed = await startTestbed({
    patients: 10,
    prepare: (admin) => admin.query(SQL),
    configure: async (document, environment) => {
      const { phi } = document
      Object.assign(phi.labels[DEMO_TARGET], LABELS)
      phi.transforms = {
        ends: { keepLast: 4, fill: '*' },
        month: { truncate: 'month' },
        hundreds: { round: 100 },
      }
      const file = join(dirname(environment.configFile), 'pseudonym.key')
      await writeFile(file, Buffer.alloc(32, 1).toString('base64'))
      phi.pseudonymKey = { file }
    },
  })
  agent = await bed.connect('agent')
})
afterAll(() => bed?.stop())

async function row(sql: string): Promise<Record<string, unknown>> {
  const simple = await agent.query<Record<string, unknown>>(sql)
  const extended = await agent.query<Record<string, unknown>>({ text: sql, name: sql.slice(0, 60) })
  expect(extended.rows).toEqual(simple.rows)
  expect(JSON.stringify(simple.rows)).not.toContain('Canary')
  return simple.rows[0] ?? {}
}

describe('labels inside documents', () => {
  it('mask the parts that are named, and leave the rest as it is', async () => {
    const { body, raw, bodies } = await row('SELECT body, raw, bodies FROM labelled.people WHERE id = 1')
    expect(body).toEqual({
      // The names of members that nobody has listed could be data.
      name: [{ family: '[redacted]', '[redacted]': '[redacted]' }],
      birthDate: '1984',
      gender: 'female',
    })
    expect(raw).toEqual({ '[redacted]': '[redacted]', code: 7 })
    expect(bodies).toEqual([{ name: '[redacted]', gender: 'male' }])
  })

  it('mask what stands in place of an object', async () => {
    expect(await row('SELECT body FROM labelled.people WHERE id = 2')).toEqual({ body: { name: '[redacted]' } })
  })
})

describe('pseudonyms', () => {
  it('are the same for the same value, whatever the protocol, and show nothing of it', async () => {
    const { mrn, mrn_no: number, uid } = await row('SELECT mrn, mrn_no, uid FROM labelled.people WHERE id = 1')
    expect(mrn).toMatch(/^mrn_[0-9a-hjkmnp-tv-z]{54}$/u)
    expect(Number(number)).toBeLessThan(0)
    expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/u)
    const second = await row('SELECT mrn, mrn_no, uid FROM labelled.people WHERE id = 2')
    expect(second).toEqual({ mrn, mrn_no: number, uid: null })
  })

  it('go through views by their definitions', async () => {
    const { mrn } = await row('SELECT mrn FROM labelled.people WHERE id = 1')
    const view = await row('SELECT number, mrn, loud FROM labelled.cards WHERE id = 1')
    expect(view).toMatchObject({ number: '*1111', mrn })
    expect(view['loud']).toBe('[redacted]')
  })
})

describe('transforms of the configuration', () => {
  it('replace what they are named for', async () => {
    const found = await row('SELECT card, seen, paid FROM labelled.people WHERE id = 1')
    expect(found).toEqual({ card: '*1111', seen: new Date(2021, 7, 1), paid: '1200' })
    // A date in JSON is a text, of the same month or none at all.
    const json = await row('SELECT json_build_array(seen) AS seen FROM labelled.people WHERE id = 1')
    expect(JSON.stringify(json)).not.toContain('-17')
  })
})

describe('a view that somebody has reviewed', () => {
  it('passes by its label', async () => {
    expect(await row('SELECT kind FROM labelled.reviewed WHERE id = 1')).toEqual({ kind: 'MRN' })
  })
})
