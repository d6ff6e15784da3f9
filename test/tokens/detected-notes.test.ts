import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, rows } from '../support/wire-client.ts'
import { one, refusalOf } from './desk.ts'

/** Long enough for a busy machine, and short enough to wait for. */
const TIMEOUT_MS = 1500

const SCHEMA = `
  CREATE SCHEMA ward;
  CREATE TABLE ward.note (id int PRIMARY KEY, full_name text, body text, doc jsonb, lines text[]);
  INSERT INTO ward.note VALUES
    (1, 'Asdra Qwerlin', 'Seen by Dr. Osgood. Qwerlin has a cough, SSN 917-55-1234, badge KX-4711.',
     '{"text": "mail asdra@qwerlin.example", "count": 3}', '{stable,"born 03/17/1961"}'),
    (2, 'Bela Zebrowin', 'Blood pressure 120/80, stable.', '{"text": "no complaints"}', '{stable}'),
    (3, 'Nobody', NULL, NULL, NULL);
  INSERT INTO ward.note SELECT n, 'Nobody ' || n, 'quiet night ' || n FROM generate_series(10, 99) n;
  GRANT USAGE ON SCHEMA ward TO chaperone_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON ward.note TO chaperone_app;`

const LABELS = {
  'ward.note.id': 'none',
  'ward.note.full_name': { class: 'name', transform: 'token' },
  'ward.note.body': { class: 'free-text', transform: 'detect' },
  'ward.note.doc': { class: 'free-text', transform: 'detect' },
  'ward.note.lines': { class: 'free-text', transform: 'detect' },
}

/** What the stand-in for the Presidio analyzer does with a request. */
type Answer = (response: ServerResponse) => void
const nothingFound: Answer = (response) => response.end('[]')
const status =
  (code: number): Answer =>
  (response) => {
    response.statusCode = code
    response.end('[]')
  }
const says =
  (body: string): Answer =>
  (response) =>
    response.end(body)

let service: Server
let answer = nothingFound
let asked = 0
let bed: Testbed
let agent: Client

beforeAll(async () => {
  service = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      asked += 1
      answer(response)
    })
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
  const { port } = service.address() as AddressInfo
  bed = await startTestbed({
    patients: 20,
    prepare: (admin: Client) => admin.query(SCHEMA),
    configure: (document) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], LABELS)
      document['phi'].detectors = {
        http: { url: `http://127.0.0.1:${port}/analyze`, timeout: `${TIMEOUT_MS}ms` },
        patterns: [{ name: 'badge', class: 'other-id', pattern: 'KX-[0-9]{4}' }],
      }
      document['packs'] = { guardrails: { disable: ['phi-change'] } }
    },
  })
  agent = await bed.connect('agent')
})
afterAll(async () => {
  await bed?.stop()
  service.closeAllConnections()
  service.close()
})

describe('notes whose label says detect', () => {
  it('lose what is found in them, and keep the rest', async () => {
    const { rows: found } = await agent.query(
      'SELECT id, full_name, body, doc, lines FROM ward.note WHERE id < 10 ORDER BY id',
    )
    expect(found).toEqual([
      {
        id: 1,
        full_name: expect.stringMatching(/^tok_/u),
        // By the title, the row's own name, the shape of the number, and the operator's pattern.
        body: 'Seen by Dr. [name]. [name] has a cough, SSN [ssn], badge [other-id].',
        doc: { text: 'mail [email]', count: 3 },
        lines: ['stable', 'born [date]'],
      },
      {
        id: 2,
        full_name: expect.stringMatching(/^tok_/u),
        body: 'Blood pressure 120/80, stable.',
        doc: { text: 'no complaints' },
        lines: ['stable'],
      },
      { id: 3, full_name: expect.stringMatching(/^tok_/u), body: null, doc: null, lines: null },
    ])
  })

  it('have tokens beside them, of many rows at once', async () => {
    const { rows: found } = await agent.query<{ body: string; full_name: string; id: number }>(
      'SELECT id, body, full_name FROM ward.note WHERE id BETWEEN 10 AND 39 ORDER BY id',
    )
    expect(found.map(({ body }) => body)).toEqual(Array.from({ length: 30 }, (_, n) => `quiet night ${n + 10}`))
    expect(new Set(found.map(({ full_name }) => full_name)).size).toBe(30)
    const [first] = found
    expect(await one(agent, 'SELECT body FROM ward.note WHERE full_name = $1', [first?.full_name])).toBe(
      'quiet night 10',
    )
  })

  it('take a new text, and neither a placeholder nor a token inside one', async () => {
    const admin = await bed.direct()
    const token = await one(agent, 'SELECT full_name FROM ward.note WHERE id = 2')
    expect(await refusalOf(agent.query(`UPDATE ward.note SET body = 'Slept well.' WHERE id = 2`))).toBeUndefined()
    const masked = await one(agent, 'SELECT body FROM ward.note WHERE id = 1')
    for (const text of [masked, `called [name] back`, `called ${String(token)} back`, '[redacted]']) {
      expect(await refusalOf(agent.query('UPDATE ward.note SET body = $1 WHERE id = 2', [text]))).toBe(
        '22000 CHP-MASK-WRITE-BACK',
      )
      const doc = JSON.stringify({ text })
      expect(await refusalOf(agent.query('UPDATE ward.note SET doc = $1 WHERE id = 2', [doc]))).toBe(
        '22000 CHP-MASK-WRITE-BACK',
      )
    }
    expect(await one(admin, 'SELECT body FROM ward.note WHERE id = 2')).toBe('Slept well.')
    expect(await one(admin, 'SELECT doc::text FROM ward.note WHERE id = 2')).toBe('{"text": "no complaints"}')
  })

  it.each([
    `SELECT id FROM ward.note WHERE body LIKE '%cough%'`,
    `SELECT id FROM ward.note WHERE doc ->> 'text' = 'no complaints'`,
    `SELECT id FROM ward.note ORDER BY body`,
  ])('answer no question: %s', async (sql) => {
    expect(await refusalOf(agent.query(sql))).toBe('42501 CHP-MASK-PREDICATE')
  })
})

/** Texts that were asked about in vain. */
let tried = 0

/** Answers that are none. Each is asked about a text that nobody has seen before. */
describe.each<[string, Answer]>([
  ['is slow', () => undefined],
  ['hangs in the middle of its answer', (response) => void response.write('[')],
  ['ends the connection', (response) => response.destroy()],
  ['fails', status(500)],
  ['is busy', status(429)],
  ['sends somebody elsewhere', status(302)],
  ['sends what is no JSON', says('<html>')],
  ['sends something else', says('{"detail": "ok"}')],
  ['finds something beyond the end', says('[{"entity_type":"PERSON","start":3,"end":4711,"score":0.9}]')],
  ['finds something that ends before it starts', says('[{"entity_type":"PERSON","start":5,"end":2,"score":0.9}]')],
  ['never stops', (response) => flood(response)],
])('a detector that %s', (_what, wrong) => {
  it('keeps the text back in time, and works as soon as it does again', async () => {
    const id = 40 + tried++
    const wire = await bed.wire('agent')
    answer = wrong
    const started = performance.now()
    try {
      wire.send(encodeQuery(`SELECT id FROM ward.note WHERE id = 3; SELECT id, body FROM ward.note WHERE id = ${id}`))
      const told = await wire.toEnd()
      expect(rows(told)).toEqual([['3']])
      expect(errors(told)).toMatchObject([
        { code: '58000', message: expect.stringContaining('CHP-DETECTOR-UNAVAILABLE') },
      ])
      expect(JSON.stringify(told)).not.toContain('quiet night')
      expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 3000)
    } finally {
      answer = nothingFound
    }
    expect(await one(await bed.connect('agent'), `SELECT body FROM ward.note WHERE id = ${id}`)).toBe(
      `quiet night ${id}`,
    )
  })
})

function flood(response: ServerResponse): void {
  const chunk = ' '.repeat(64 * 1024)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}

it('a text that is not sent is masked whole or searched here, and none is in the log or the journal', async () => {
  const before = asked
  expect(await one(agent, `SELECT body || '' FROM ward.note WHERE id = 90`)).toBe('[redacted]')
  expect(asked).toBe(before)
  expect(bed.log.filter((line) => /Qwerlin|Zebrowin|917-55|quiet night|asdra/u.test(line))).toEqual([])
  const reasons = bed.log.filter((line) => line.includes('CHP-DETECTOR-UNAVAILABLE'))
  expect(reasons.length).toBeGreaterThanOrEqual(11)
  expect(reasons.every((line) => /"detail":"detector: /u.test(line))).toBe(true)
})
