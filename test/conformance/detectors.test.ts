import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors } from '../support/wire-client.ts'

const SCHEMA = `
  CREATE SCHEMA ward;
  CREATE TABLE ward.stay (
    id int PRIMARY KEY, name text, remark text, doc jsonb, tags text[], bed int,
    shown text GENERATED ALWAYS AS (upper(name)) STORED);
  INSERT INTO ward.stay VALUES
    (1, 'Asdra Qwerlin', 'asdra qwerlin, SSN 917-55-1234, has a cough', '{"note": "call (617) 555-0134", "917-55-1234": 5}',
     '{stable,"MRN: 4711482"}', 7),
    (2, 'Other Body', 'Zebrowin is well', NULL, NULL, NULL);
  INSERT INTO ward.stay SELECT n, 'Nobody', 'quiet night ' || n FROM generate_series(3, 400) n;
  INSERT INTO ward.stay VALUES (401, 'Nobody', 'Zebrowin was here');
  CREATE VIEW ward.remarks AS SELECT id, remark, doc FROM ward.stay;
  GRANT USAGE ON SCHEMA ward TO chaperone_app; GRANT SELECT ON ward.stay, ward.remarks TO chaperone_app;`

/** A stand-in for the Presidio analyzer that knows one name. */
let service: Server
let isDown = false
let asked = 0
let bed: Testbed
let agent: Client

beforeAll(async () => {
  service = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      asked += 1
      const at = body.indexOf('Zebrowin') - '{"text":"'.length
      const found = at < 0 ? [] : [{ entity_type: 'PERSON', start: at, end: at + 8, score: 0.9 }]
      response.statusCode = isDown ? 503 : 200
      response.end(JSON.stringify(found))
    })
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
  const { port } = service.address() as AddressInfo
  bed = await startTestbed({
    patients: 20,
    configure: (document) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], { 'ward.stay.id': 'none', 'ward.stay.name': 'name' })
      document['phi'].detectors = { http: { url: `http://127.0.0.1:${port}/analyze` } }
      document['targets'][DEMO_TARGET].unlabelledColumns = 'detect'
    },
    prepare: (admin: Client) => admin.query(SCHEMA),
  })
  agent = await bed.connect('agent')
})
afterAll(async () => {
  await bed?.stop()
  service.closeAllConnections()
  service.close()
})

describe('columns that nobody has labelled', () => {
  it('are searched if they are text or JSON, and masked whole if not', async () => {
    const { rows } = await agent.query(
      'select remark, doc, tags, bed, shown, name, id from ward.stay where id in (1, 2) order by id',
    )
    expect(rows).toEqual([
      {
        id: 1,
        remark: '[name], SSN [ssn], has a cough',
        doc: { note: 'call [phone]', '[redacted]': 5 },
        tags: ['stable', 'MRN: [mrn]'],
        bed: null,
        shown: '[redacted]',
        name: expect.not.stringContaining('Qwerlin'),
      },
      {
        id: 2,
        remark: '[name] is well',
        doc: null,
        tags: null,
        bed: null,
        shown: '[redacted]',
        name: expect.not.stringContaining('Body'),
      },
    ])
  })

  it('are searched in COPY as well', async () => {
    const wire = await bed.wire('agent')
    wire.send(encodeQuery('copy (select remark, name from ward.stay where id = 1) to stdout'))
    const lines = (await wire.ready()).flatMap((one) => (one.kind === 'CopyData' ? [one.data.toString()] : []))
    expect(lines.join('')).toMatch(/^\[name\], SSN \[ssn\], has a cough\t[^\t]+\n$/)
  })

  it('are searched through views, in whole rows and in JSON', async () => {
    const { rows } = await agent.query<{ remark: string; whole: unknown }>(
      'select remark, to_jsonb(r) as whole from ward.remarks r where id = 2',
    )
    expect(rows).toEqual([{ remark: '[name] is well', whole: { id: 2, remark: '[name] is well', doc: null } }])
  })

  it.each([
    ["select id from ward.stay where remark like '%SSN%'", '42501'],
    ["select id from ward.stay where remark = 'Zebrowin is well'", '42501'],
    ['select id from ward.stay order by remark', '42501'],
  ])('answer no question: %s', async (sql, code) => {
    await expect(agent.query(sql)).rejects.toMatchObject({ code })
  })

  it('are masked whole as soon as anything is computed from them', async () => {
    const { rows } = await agent.query<{ a: string; b: string }>(
      "select remark || '' as a, reverse(remark) as b from ward.stay where id = 2",
    )
    expect(rows).toEqual([{ a: '[redacted]', b: '[redacted]' }])
  })
})

describe('the external detector', () => {
  it('is asked about each text once', async () => {
    const before = asked
    const { rows } = await agent.query<{ remark: string }>(
      'select remark from ward.stay where id between 3 and 400 order by id',
    )
    expect(rows).toHaveLength(398)
    expect(rows[0]).toEqual({ remark: 'quiet night 3' })
    const first = asked - before
    await agent.query('select remark from ward.stay where id between 3 and 400')
    expect([first, asked - before]).toEqual([398, 398])
  })

  it('keeps texts back when it does not answer', async () => {
    isDown = true
    try {
      const wire = await bed.wire('agent')
      wire.send(
        encodeQuery("select remark || '' from ward.stay where id = 400; select remark from ward.stay where id = 401"),
      )
      const answer = await wire.toEnd()
      expect(errors(answer).map(({ message }) => message)).toEqual([
        expect.stringContaining('CHP-DETECTOR-UNAVAILABLE'),
      ])
      expect(JSON.stringify(answer)).not.toMatch(/Zebrowin|was here/)
    } finally {
      isDown = false
    }
  })
})

it('writes no text into the log or the journal', async () => {
  expect(bed.log.filter((line) => /Qwerlin|Zebrowin|917-55/.test(line))).toEqual([])
})
