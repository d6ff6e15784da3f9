import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCopyData, encodeCopyDone, encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, of, type Received, rows, status, tags, type WireClient } from '../support/wire-client.ts'

// Where a transaction begins and ends decides whether the target can be asked about its catalog (ADR 0005).

const CANARY = 'canary'
const SCHEMA = `
  CREATE SCHEMA mig;
  CREATE TABLE mig.person (id int PRIMARY KEY, secret varchar(40), harmless varchar(40));
  INSERT INTO mig.person SELECT g, '${CANARY} ' || g, 'nothing ' || g FROM generate_series(1, 5) g;
  CREATE VIEW mig.shown AS SELECT id, harmless AS n FROM mig.person;
  CREATE TABLE mig.p (id int, n text); CREATE TABLE mig.c1 () INHERITS (mig.p); CREATE TABLE mig.c2 (id int, n text);
  CREATE TABLE mig.pp (id int, n text) PARTITION BY LIST (id);
  CREATE TABLE mig.pp1 PARTITION OF mig.pp FOR VALUES IN (1) PARTITION BY LIST (n);
  CREATE TABLE mig.pp11 PARTITION OF mig.pp1 FOR VALUES IN ('nothing'); CREATE TABLE mig.pp12 (id int, n text);
  CREATE TABLE mig.pp2 (id int, n text);
  CREATE TABLE mig.plain (id int, n text);
  INSERT INTO mig.p VALUES (1, 'nothing'); INSERT INTO mig.pp VALUES (1, 'nothing'); INSERT INTO mig.plain VALUES (1, 'nothing');
  INSERT INTO mig.c2 VALUES (9, '${CANARY}'); INSERT INTO mig.pp2 VALUES (9, '${CANARY}');
  INSERT INTO mig.pp12 VALUES (1, '${CANARY}');
  GRANT USAGE ON SCHEMA mig TO chaperone_app;
  GRANT ALL ON ALL TABLES IN SCHEMA mig TO chaperone_app;`

const LABELS = {
  'mig.*': 'none',
  'mig.person.secret': 'ssn',
  'mig.c2.*': 'ssn',
  'mig.pp2.*': 'ssn',
  'mig.pp12.*': 'ssn',
}

let bed: Testbed
let admin: Client
beforeAll(async () => {
  bed = await startTestbed({
    patients: 5,
    configure: (document) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], LABELS)
      document['targets'][DEMO_TARGET].catalogRefresh = '1h'
      document['packs'] = { guardrails: { disable: ['bulk-export'] } }
    },
    prepare: (superuser) => superuser.query(SCHEMA),
  })
  admin = await bed.direct()
}, 120_000)
afterAll(() => bed?.stop())

async function run(client: WireClient, sql: string): Promise<Received[]> {
  client.send(encodeQuery(sql))
  return client.ready()
}

/** A session whose gateway has just read the catalog. */
async function open(): Promise<WireClient> {
  const client = await bed.wire('agent')
  await run(client, 'CREATE TEMP TABLE tick (id int)')
  await run(client, 'DROP TABLE tick')
  return client
}

const codes = (told: readonly Received[]): readonly string[] => errors(told).map(({ code }) => code)
const values = (told: readonly Received[]): string =>
  [
    ...of(told, 'DataRow').flatMap((row) => row.values.map(String)),
    ...of(told, 'CopyData').map(({ data }) => data.toString()),
  ].join('\n')

describe('a text in which a transaction begins or ends', () => {
  const SHOWN = 'SELECT upper(n) FROM mig.shown WHERE id = 1'

  it.each([
    `${SHOWN}; COMMIT`,
    `${SHOWN}; ROLLBACK`,
    `BEGIN; ${SHOWN}; COMMIT`,
    `BEGIN READ ONLY; ${SHOWN}; END`,
    `BEGIN; SAVEPOINT a; ${SHOWN}; RELEASE a; COMMIT`,
    `START TRANSACTION; ${SHOWN}; COMMIT AND CHAIN; ROLLBACK`,
  ])('is asked about: %s', async (sql) => {
    const client = await open()
    const before = await run(client, sql)
    expect(errors(before)).toEqual([])
    expect(rows(before)).toEqual([['NOTHING 1']])
    expect(status(before)).toBe('I')
    await admin.query('CREATE OR REPLACE VIEW mig.shown AS SELECT id, secret AS n FROM mig.person')
    try {
      const after = await run(client, sql)
      expect(codes(after)).toEqual(['40001'])
      expect(of(after, 'DataRow')).toEqual([])
    } finally {
      await admin.query('CREATE OR REPLACE VIEW mig.shown AS SELECT id, harmless AS n FROM mig.person')
      client.destroy()
    }
  })

  it.each([
    `COMMIT; ${SHOWN}`,
    `SELECT 1; ROLLBACK; BEGIN; ${SHOWN}; COMMIT`,
    `BEGIN ISOLATION LEVEL REPEATABLE READ; ${SHOWN}; COMMIT`,
    `SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; ${SHOWN}`,
    `SAVEPOINT a; ROLLBACK TO a; ${SHOWN}`,
    `${SHOWN}; COPY scratch.item FROM STDIN`,
    `COMMIT; COPY mig.plain TO STDOUT`,
    `COMMIT; INSERT INTO mig.plain SELECT id, n FROM mig.shown`,
  ])('is refused when it cannot be asked about: %s', async (sql) => {
    const client = await open()
    const told = await run(client, sql)
    expect(errors(told)).toEqual([{ code: '0A000', message: expect.stringContaining('[CHP-PROTOCOL-UNSUPPORTED]') }])
    expect(tags(told)).toEqual([])
    expect(status(told)).toBe('I')
    client.destroy()
  })

  it.each([
    ['BEGIN ISOLATION LEVEL SERIALIZABLE', 'T'],
    ['BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', 'T'],
    [`BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO scratch.item (id, label) VALUES (70, 'a'); COMMIT`, 'I'],
    [`COMMIT; INSERT INTO scratch.item (id, label) VALUES (71, 'a')`, 'I'],
    ['ROLLBACK; BEGIN', 'T'],
    [`BEGIN; UPDATE scratch.item SET label = 'b' WHERE id = 70; COMMIT`, 'I'],
    [`BEGIN; SELECT 1 / (id - 70) FROM scratch.item WHERE id = 70`, 'E'],
  ])('works as ever: %s', async (sql, after) => {
    const client = await open()
    const told = await run(client, sql)
    expect(codes(told)).toEqual(after === 'E' ? ['22012'] : [])
    expect(status(told)).toBe(after)
    await run(client, 'ROLLBACK')
    client.destroy()
  })

  it('takes rows from the client beside values', async () => {
    const client = await open()
    client.send(encodeQuery(`INSERT INTO scratch.item (id, label) VALUES (80, 'a'); COPY scratch.item (id) FROM STDIN`))
    client.send(encodeCopyData(Buffer.from('81\n')), encodeCopyDone())
    const told = await client.ready()
    expect(errors(told)).toEqual([])
    expect(tags(told)).toEqual(['INSERT 0 1', 'COPY 1'])
    client.destroy()
  })
})

describe('children that come after the snapshot of a transaction', () => {
  const MIGRATIONS: readonly (readonly [string, string, string, string])[] = [
    [
      'a partition',
      'pp',
      'ALTER TABLE mig.pp ATTACH PARTITION mig.pp2 FOR VALUES IN (9)',
      'ALTER TABLE mig.pp DETACH PARTITION mig.pp2',
    ],
    [
      'a partition of a partition',
      'pp',
      `ALTER TABLE mig.pp1 ATTACH PARTITION mig.pp12 FOR VALUES IN ('${CANARY}')`,
      'ALTER TABLE mig.pp1 DETACH PARTITION mig.pp12',
    ],
    ['another child', 'p', 'ALTER TABLE mig.c2 INHERIT mig.p', 'ALTER TABLE mig.c2 NO INHERIT mig.p'],
    ['a first child', 'plain', 'ALTER TABLE mig.c2 INHERIT mig.plain', 'ALTER TABLE mig.c2 NO INHERIT mig.plain'],
  ]
  const TEXTS: readonly ((sql: string) => string)[] = [
    (sql) => sql,
    (sql) => `SELECT 1; ${sql}`,
    (sql) => `COPY (${sql}) TO STDOUT`,
    (sql) => `DECLARE c CURSOR FOR ${sql}; FETCH ALL FROM c`,
  ]
  const cases = MIGRATIONS.flatMap((migration) =>
    ['REPEATABLE READ', 'SERIALIZABLE', 'READ COMMITTED'].map((level) => [...migration, level] as const),
  )
  it.each(cases)('%s of mig.%s: none of its rows is shown', async (_, table, attach, detach, level) => {
    for (const text of TEXTS) {
      const client = await open()
      await run(client, `BEGIN ISOLATION LEVEL ${level}`)
      await run(client, 'SELECT count(*) FROM mig.person')
      await admin.query(attach)
      const told = await run(client, text(`SELECT upper(n) FROM mig.${table}`))
      await run(client, 'ROLLBACK')
      await admin.query(detach)
      client.destroy()
      expect(values(told).toLowerCase()).not.toContain(CANARY)
      expect(codes(told)).toEqual(['40001'])
    }
  })

  it('partitioned tables can be read there while nothing changes', async () => {
    const client = await open()
    await run(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ')
    expect(rows(await run(client, 'SELECT upper(n) FROM mig.pp'))).toEqual([['NOTHING']])
    expect(rows(await run(client, 'SELECT 1; SELECT upper(n) FROM mig.pp'))).toEqual([['1'], ['NOTHING']])
    client.destroy()
  })
})

/** Printing a view waits for whoever changes its table, and that session may be waiting for the catalog. */
it('a table that stays locked does not keep anybody from reading the catalog', async () => {
  const migration = await bed.direct()
  try {
    await migration.query('BEGIN; ALTER TABLE mig.person ADD COLUMN later text')
    const client = await open()
    expect(values(await run(client, 'SELECT n FROM mig.plain'))).toBe('nothing')
  } finally {
    await migration.query('ROLLBACK')
    await migration.end()
  }
}, 25_000)
