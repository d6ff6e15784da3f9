import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, of, type Received, rows, status, type WireClient } from '../support/wire-client.ts'

/** The same database as a target without the check in the statement's own transaction. */
const BOUNDED = 'bounded'
const CANARY = 'canary'
const PATH = '-c search_path=first,early,mig,late'

/**
 * Columns called `secret` hold canaries, whatever happens: the labels, which go by name, are right at every moment. Views
 * and functions called `shown` read what is harmless or what is not.
 */
const SCHEMA = `
  CREATE SCHEMA first; CREATE SCHEMA early; CREATE SCHEMA mig; CREATE SCHEMA late; CREATE SCHEMA parked;
  CREATE TABLE mig.person (id int PRIMARY KEY, secret varchar(40), harmless varchar(40));
  INSERT INTO mig.person SELECT g, '${CANARY} ' || g, 'nothing ' || g FROM generate_series(1, 5) g;
  CREATE VIEW mig.shown AS SELECT id, harmless AS n FROM mig.person;
  CREATE VIEW mig.remade AS SELECT id, harmless AS n FROM mig.person;
  CREATE VIEW mig.stored AS SELECT id, harmless AS n FROM mig.person;
  CREATE FUNCTION mig.told() RETURNS varchar LANGUAGE sql STABLE AS 'SELECT harmless FROM mig.person WHERE id = 1';
  CREATE TABLE late.moved (id int, n varchar(40)); INSERT INTO late.moved SELECT id, harmless FROM mig.person;
  CREATE TABLE late.hidden (id int, n varchar(40)); INSERT INTO late.hidden SELECT id, harmless FROM mig.person;
  CREATE TABLE parked.moved (id int, n varchar(40)); INSERT INTO parked.moved SELECT id, secret FROM mig.person;
  GRANT USAGE ON SCHEMA first, early, mig, late, parked TO chaperone_app;
  GRANT ALL ON ALL TABLES IN SCHEMA mig, late, parked TO chaperone_app;
  ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO chaperone_app;`

const LABELS: Readonly<Record<string, string>> = {
  'mig.person.*': 'none',
  'mig.person.secret': 'ssn',
  'late.*': 'none',
  'parked.*': 'ssn',
  'early.*': 'ssn',
  'first.*': 'none',
}

/** What the other session does, and undoes. */
const MIGRATIONS: Readonly<Record<string, readonly [string, string]>> = {
  'swaps two columns under a view': [swapped(), swapped()],
  'replaces a view': [
    'CREATE OR REPLACE VIEW mig.shown AS SELECT id, secret AS n FROM mig.person',
    'CREATE OR REPLACE VIEW mig.shown AS SELECT id, harmless AS n FROM mig.person',
  ],
  'drops a view and makes another of its name': [
    'BEGIN; DROP VIEW mig.remade; CREATE VIEW mig.remade AS SELECT id, secret AS n FROM mig.person; COMMIT',
    'BEGIN; DROP VIEW mig.remade; CREATE VIEW mig.remade AS SELECT id, harmless AS n FROM mig.person; COMMIT',
  ],
  'moves a table to an earlier schema of the path': [
    'ALTER TABLE parked.moved SET SCHEMA early',
    'ALTER TABLE early.moved SET SCHEMA parked',
  ],
  'makes a table that hides another': [
    'CREATE TABLE early.hidden AS SELECT id, secret AS n FROM mig.person',
    'DROP TABLE early.hidden',
  ],
  'replaces the body of a function': [
    `CREATE OR REPLACE FUNCTION mig.told() RETURNS varchar LANGUAGE sql STABLE AS 'SELECT secret FROM mig.person WHERE id = 1'`,
    `CREATE OR REPLACE FUNCTION mig.told() RETURNS varchar LANGUAGE sql STABLE AS 'SELECT harmless FROM mig.person WHERE id = 1'`,
  ],
  'makes a function that is preferred to a built-in one': [
    `CREATE FUNCTION early.upper(varchar) RETURNS text LANGUAGE sql AS 'SELECT secret FROM mig.person WHERE id = 1'`,
    'DROP FUNCTION early.upper(varchar)',
  ],
}

/** Names and data change places, so that `secret` holds the canaries again, in the other's attribute. */
function swapped(): string {
  return `BEGIN; ALTER TABLE mig.person RENAME secret TO swapped; ALTER TABLE mig.person RENAME harmless TO secret;
    ALTER TABLE mig.person RENAME swapped TO harmless; UPDATE mig.person SET secret = harmless, harmless = secret; COMMIT`
}

/** Expressions, whose columns have no origin: only the analysis says that they are clean. */
const STATEMENTS: Readonly<Record<string, string>> = {
  'swaps two columns under a view': 'SELECT upper(n) AS n FROM stored WHERE id > 0',
  'replaces a view': 'SELECT upper(n) AS n FROM shown WHERE id > 0',
  'drops a view and makes another of its name': 'SELECT upper(n) AS n FROM mig.remade WHERE id > 0',
  'moves a table to an earlier schema of the path': 'SELECT upper(n) AS n FROM moved WHERE id > 0',
  'makes a table that hides another': 'SELECT upper(n) AS n FROM hidden WHERE id > 0',
  'replaces the body of a function': 'SELECT upper(mig.told()) AS n',
  'makes a function that is preferred to a built-in one': 'SELECT upper(harmless) AS n FROM mig.person WHERE id > 0',
}

type Way = (client: WireClient, sql: string, round: number) => Promise<Received[]>

const simple = async (client: WireClient, sql: string): Promise<Received[]> => {
  client.send(encodeQuery(sql))
  return client.ready()
}

const several =
  (...texts: ((sql: string) => string)[]): Way =>
  async (client, sql) => {
    const told: Received[] = []
    for (const text of texts) told.push(...(await simple(client, text(sql))))
    return told
  }

/** Every way in which a statement and its rows can come; those that a text of one statement can take. */
const WAYS: Readonly<Record<string, Way>> = {
  'a simple query': simple,
  'the extended protocol': async (client, sql) => {
    client.send(encodeParse('', sql), encodeBind(), encodeDescribe('P', ''), encodeExecute(''), encodeSync())
    return client.ready()
  },
  'a cached prepared statement': async (client, sql) => {
    client.send(encodeBind({ statement: 'cached' }), encodeExecute(''), encodeSync())
    const told = await client.ready()
    if (!errors(told).some(({ code }) => code === '26000')) return told
    client.send(encodeClose('S', 'cached'), encodeParse('cached', sql), encodeSync())
    return [...told, ...(await client.ready())]
  },
  'a portal in pieces': async (client, sql) => {
    client.send(
      encodeParse('', sql),
      encodeBind({ portal: 'p' }),
      encodeExecute('p', 2),
      encodeExecute('p'),
      encodeSync(),
    )
    return client.ready()
  },
  'SQL PREPARE and EXECUTE': several(
    (sql) => `PREPARE kept AS ${sql}`,
    () => 'EXECUTE kept',
    () => 'EXECUTE kept',
    () => 'DEALLOCATE kept',
  ),
  'a cursor': several(
    () => 'BEGIN',
    (sql) => `DECLARE c CURSOR FOR ${sql}`,
    () => 'FETCH 2 FROM c',
    () => 'FETCH ALL FROM c',
    () => 'ROLLBACK',
  ),
  'a transaction that reads repeatably': several(
    () => 'BEGIN ISOLATION LEVEL REPEATABLE READ',
    () => 'SELECT count(*) FROM late.hidden',
    (sql) => sql,
    (sql) => sql,
    () => 'ROLLBACK',
  ),
  'SQL PREPARE and Bind': async (client, sql) => {
    const told: Received[] = []
    for (const step of [
      [encodeQuery(`PREPARE bound AS ${sql}`)],
      ...[1, 2].map(() => [encodeBind({ statement: 'bound' }), encodeExecute(''), encodeSync()]),
      [encodeQuery('DEALLOCATE bound')],
    ]) {
      client.send(...step)
      told.push(...(await client.ready()))
    }
    return told
  },
  'CREATE TEMP TABLE AS': several(
    () => 'BEGIN',
    (sql) => `CREATE TEMP TABLE kept AS ${sql}`,
    () => 'ROLLBACK',
  ),
}

/** Ways whose names are resolved behind the question: locks hold what is named, but a new name can come in between. */
const RESOLVED_LATER: Readonly<Record<string, Way>> = {
  'several statements': (client, sql) => simple(client, `SELECT 1; ${sql}; SELECT 2`),
  COPY: (client, sql) => simple(client, `COPY (${sql}) TO STDOUT`),
  'a text that ends its transaction': (client, sql) => simple(client, `${sql}; COMMIT`),
  'a text that is a transaction': (client, sql) => simple(client, `BEGIN READ ONLY; ${sql}; COMMIT`),
}
const TAKES_A_NAME: ReadonlySet<string> = new Set([
  'moves a table to an earlier schema of the path',
  'makes a table that hides another',
  'replaces the body of a function',
  'makes a function that is preferred to a built-in one',
])

/**
 * What ADR 0005 says is left: a function that is new since the snapshot of a transaction is not seen in it, and the body of one
 * that is not inlined is read behind the question.
 */
const isLeft = (migration: string, way: string): boolean =>
  migration.includes('body of a function') ||
  (migration.startsWith('makes a function') && way.includes('reads repeatably'))

const ROUNDS = 24
/** What a session is told when something has changed, or when its statement needs what masked sessions may not use. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  '40001',
  '26000',
  '42501',
  '25P02',
  '34000',
  '42P01',
  '0A000',
  // "cache lookup failed", as the server says to anybody whose function is dropped under a plan.
  'XX000',
])

/** Makes the gateway read the catalog again, as its timer does. */
async function reread(client: WireClient): Promise<void> {
  await simple(client, 'CREATE TEMP TABLE tick (id int)')
  await simple(client, 'DROP TABLE tick')
}

const contents = (told: readonly Received[]): string =>
  [
    ...of(told, 'DataRow').flatMap(({ values }) => values.map(String)),
    ...of(told, 'CopyData').map(({ data }) => data.toString()),
    ...errors(told).map(({ message }) => message),
  ].join('\n')

const works = (told: readonly Received[]): boolean => contents(told).includes('NOTHING 1')
const leaks = (told: readonly Received[]): boolean => contents(told).toLowerCase().includes(CANARY)
const unexpected = (told: readonly Received[]): readonly string[] =>
  errors(told)
    .map(({ code, message }) => `${code} ${message}`)
    .filter((text) => !EXPECTED_CODES.has(text.slice(0, 5)))

describe('a schema that another session changes', () => {
  let bed: Testbed
  let admin: Client
  beforeAll(async () => {
    bed = await startTestbed({
      patients: 5,
      configure: (document) => {
        Object.assign(document['phi'].labels[DEMO_TARGET], LABELS)
        const target = document['targets'][DEMO_TARGET]
        Object.assign(target, { catalogRefresh: '1h' })
        document['targets'][BOUNDED] = { ...target, database: DEMO_TARGET, catalogCheck: 'bounded' }
        document['phi'].labels[BOUNDED] = { ...document['phi'].labels[DEMO_TARGET] }
        // Tables that were never analysed are taken to have many rows.
        document['packs'] = { guardrails: { disable: ['bulk-export', 'large-read'] } }
        for (const grant of document['grants']) grant.targets.push(BOUNDED)
      },
      prepare: (superuser) => superuser.query(SCHEMA),
    })
    admin = await bed.direct()
  }, 120_000)
  afterAll(() => bed?.stop())

  const open = (database: string): Promise<WireClient> => bed.wire('agent', { database, parameters: { options: PATH } })

  /** Runs the statement again and again while the migration comes and goes; what the session was told, as text. */
  async function attack(way: Way, migration: string, database: string): Promise<readonly Received[]> {
    const [change, undo] = MIGRATIONS[migration]!
    const sql = STATEMENTS[migration]!
    const client = await open(database)
    await reread(client)
    const told: Received[] = [...(await way(client, sql, 0))]
    const migrating = new AbortController()
    const migrate = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const step of [change, undo]) {
          await admin.query(step)
          await new Promise((resolve) => setTimeout(resolve, round % 4))
        }
      }
      migrating.abort()
    }
    const migrated = migrate()
    for (let round = 0; !migrating.signal.aborted; round++) told.push(...(await way(client, sql, round)))
    await migrated
    // The change is there to stay, then the undoing. A statement that is refused meanwhile asks nothing, so nobody notices that
    // it could be run again before the catalog is read.
    for (const step of [change, undo]) {
      await admin.query(step)
      if (step === undo) await reread(client)
      for (let round = 0; round < 3; round++) told.push(...(await way(client, sql, round)))
    }
    // The session is as good as before.
    const after = await simple(client, 'SELECT 41 + 1')
    expect(rows(after)).toEqual([['42']])
    expect(status(after)).toBe('I')
    await client.close()
    return told
  }

  describe.each(Object.keys(MIGRATIONS).filter((name) => !isLeft(name, '')))('%s', (migration) => {
    it.each(Object.keys(WAYS).filter((way) => !isLeft(migration, way)))(
      'while a masked session runs %s',
      { timeout: 60_000 },
      async (way) => {
        const told = await attack(WAYS[way]!, migration, DEMO_TARGET)
        expect(leaks(told)).toBe(false)
        expect(unexpected(told)).toEqual([])
        // Rows of a table that is made are not shown.
        expect(works(told)).toBe(!way.startsWith('CREATE'))
      },
    )
  })

  describe.each(Object.keys(MIGRATIONS).filter((name) => !TAKES_A_NAME.has(name)))('%s', (migration) => {
    it.each(Object.keys(RESOLVED_LATER))('while a masked session runs %s', { timeout: 60_000 }, async (way) => {
      const told = await attack(RESOLVED_LATER[way]!, migration, DEMO_TARGET)
      expect(leaks(told)).toBe(false)
      expect(unexpected(told)).toEqual([])
      expect(works(told)).toBe(true)
    })
  })

  it('leaks where nobody looks, or this would prove nothing', { timeout: 60_000 }, async () => {
    const client = await open(BOUNDED)
    const found: string[] = []
    for (const [migration, [change, undo]] of Object.entries(MIGRATIONS)) {
      await reread(client)
      expect(works(await simple(client, STATEMENTS[migration]!))).toBe(true)
      await admin.query(change)
      if (leaks(await simple(client, STATEMENTS[migration]!))) found.push(migration)
      await admin.query(undo)
    }
    expect(found).toEqual(Object.keys(MIGRATIONS))
    client.destroy()
  })

  it('is told with 40001, and masked right at the next try', async () => {
    const client = await open(DEMO_TARGET)
    await reread(client)
    const sql = STATEMENTS['replaces a view']!
    expect(contents(await simple(client, sql))).toContain('NOTHING 1')
    await admin.query(MIGRATIONS['replaces a view']![0])
    try {
      const changed = await simple(client, sql)
      expect(of(changed, 'DataRow')).toEqual([])
      expect(errors(changed)).toEqual([{ code: '40001', message: expect.stringContaining('[CHP-CATALOG-CHANGED]') }])
      expect(status(changed)).toBe('I')
      const again = await simple(client, sql)
      expect(errors(again)).toEqual([])
      expect(of(again, 'DataRow')).toHaveLength(5)
      expect(leaks(again)).toBe(false)
    } finally {
      await admin.query(MIGRATIONS['replaces a view']![1])
      client.destroy()
    }
  })

  it('is noticed when it is the body of a function, by every way that is not in a race with it', async () => {
    const migration = 'replaces the body of a function'
    for (const [name, way] of Object.entries(WAYS)) {
      const client = await open(DEMO_TARGET)
      await reread(client)
      await way(client, STATEMENTS[migration]!, 0)
      await admin.query(MIGRATIONS[migration]![0])
      const told = await way(client, STATEMENTS[migration]!, 1)
      await admin.query(MIGRATIONS[migration]![1])
      expect(leaks(told)).toBe(false)
      expect(errors(told).length, name).toBeGreaterThan(0)
      client.destroy()
    }
  })

  it('does not take a prepared statement for what its text means today', async () => {
    const client = await open(DEMO_TARGET)
    await admin.query('CREATE TABLE early.named AS SELECT id, secret AS n FROM mig.person')
    await reread(client)
    const sql = 'SELECT n || n AS n FROM named'
    client.send(encodeParse('s', sql), encodeSync(), encodeQuery(`PREPARE q AS ${sql}`))
    for (let answers = 0; answers < 2; answers++) expect(errors(await client.ready())).toEqual([])
    const run = async (): Promise<Received[]> => {
      client.send(encodeBind({ statement: 's' }), encodeExecute(''), encodeSync(), encodeQuery('EXECUTE q'))
      return [...(await client.ready()), ...(await client.ready())]
    }
    const before = await run()
    expect(of(before, 'DataRow')).toHaveLength(10)
    expect(leaks(before)).toBe(false)
    // The server keeps what it has resolved: it reads the table of before.
    await admin.query(`CREATE TABLE first.named AS SELECT id, harmless AS n FROM mig.person`)
    await reread(client)
    const after = await run()
    expect(leaks(after)).toBe(false)
    expect(errors(after).map(({ code }) => code)).toEqual(['26000', '26000'])
    expect(contents(await simple(client, sql))).toContain('nothing 1nothing 1')
    await admin.query('DROP TABLE first.named, early.named')
    client.destroy()
  })

  it('does not take the rows of a cursor that is held for what they would be today', async () => {
    const client = await open(DEMO_TARGET)
    await admin.query('CREATE VIEW mig.held AS SELECT id, secret AS n FROM mig.person')
    await reread(client)
    await simple(client, 'DECLARE c CURSOR WITH HOLD FOR SELECT n || n AS n FROM mig.held')
    const before = await simple(client, 'FETCH 2 FROM c')
    expect(of(before, 'DataRow')).toHaveLength(2)
    expect(leaks(before)).toBe(false)
    await admin.query('CREATE OR REPLACE VIEW mig.held AS SELECT id, harmless AS n FROM mig.person')
    await reread(client)
    const after = await simple(client, 'FETCH 2 FROM c')
    expect(leaks(after)).toBe(false)
    expect(errors(after).map(({ code }) => code)).toEqual(['26000'])
    client.destroy()
  })

  it('does not let what would change something happen', async () => {
    const client = await open(DEMO_TARGET)
    await reread(client)
    const insert = `INSERT INTO late.moved SELECT 99, n FROM shown WHERE id = 1`
    expect(errors(await simple(client, insert))).toEqual([])
    await admin.query(MIGRATIONS['replaces a view']![0])
    try {
      expect(errors(await simple(client, insert)).map(({ code }) => code)).toEqual(['40001'])
      const { rows: found } = await admin.query('SELECT n FROM late.moved WHERE id = 99')
      expect(found).toEqual([{ n: 'nothing 1' }])
    } finally {
      await admin.query(MIGRATIONS['replaces a view']![1])
      client.destroy()
    }
  })

  it('does not trouble anybody when nothing was changed that matters', async () => {
    const client = await open(DEMO_TARGET)
    for (const step of [
      'GRANT SELECT ON mig.person TO PUBLIC',
      'ANALYZE mig.person',
      'CREATE INDEX ON mig.person (harmless)',
      'TRUNCATE late.moved',
      'CREATE TABLE mig.other (id int)',
    ]) {
      await simple(client, 'SELECT upper(harmless) FROM mig.person')
      await admin.query(step)
      expect(errors(await simple(client, 'SELECT upper(harmless), n FROM mig.person, late.moved'))).toEqual([])
    }
    client.destroy()
  })

  it('keeps the gateway’s own names from a client', async () => {
    const client = await open(DEMO_TARGET)
    for (const sql of ['PREPARE _chaperone_check AS SELECT 1', 'DEALLOCATE _chaperone_check']) {
      expect(errors(await simple(client, sql)).map(({ code }) => code)).toEqual(['0A000'])
    }
    for (const message of [
      encodeParse('_chaperone_check', 'SELECT 1'),
      encodeClose('S', '_chaperone_check'),
      encodeClose('P', '_chaperone_check'),
    ]) {
      client.send(message, encodeSync())
      expect(errors(await client.ready()).map(({ code }) => code)).toEqual(['0A000'])
    }
    client.destroy()
  })

  it('is noticed after everything prepared was thrown away', async () => {
    const client = await open(DEMO_TARGET)
    const sql = STATEMENTS['replaces a view']!
    for (const away of ['DEALLOCATE ALL', 'DISCARD ALL']) {
      await simple(client, sql)
      expect(errors(await simple(client, away))).toEqual([])
      expect(errors(await simple(client, sql))).toEqual([])
    }
    client.destroy()
  })
})
