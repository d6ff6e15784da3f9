import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import type { Catalog, CatalogRelation } from '../../src/inspect/sql/catalog.ts'
import { NEVER_OUTDATED, relationVersion } from '../../src/protocols/postgres/catalog-version.ts'
import { readCatalog } from '../../src/protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from '../../src/protocols/postgres/limits.ts'
import { openSocket } from '../support/wire-client.ts'

const PLATFORM = `${process.platform}-${process.arch}`
const OLD = fileURLToPath(new URL(`../../toolchain/node_modules/postgres14-${PLATFORM}/native`, import.meta.url))
const PASSWORD = 'synthetic'

const SCHEMA = `
  CREATE SCHEMA app;
  CREATE TYPE app.address AS (street text, zip varchar(5), gone int);
  ALTER TYPE app.address DROP ATTRIBUTE gone;
  CREATE TABLE app.people (id int PRIMARY KEY, first text, gone int, last text, home app.address,
    whole text GENERATED ALWAYS AS (first || last) STORED);
  ALTER TABLE app.people DROP COLUMN gone;
  CREATE VIEW app.shown AS SELECT p.id, upper(p.last) AS last FROM app.people p;
  CREATE MATERIALIZED VIEW app.kept AS SELECT id FROM app.shown;
  CREATE TABLE app.log (at date) PARTITION BY RANGE (at);
  CREATE FUNCTION app.told(a int, b text DEFAULT 'x,y', OUT c int, INOUT d text DEFAULT NULL) LANGUAGE sql
    SET search_path = app, pg_temp AS 'SELECT 1, ''two''';
  CREATE FUNCTION app.rows_of(VARIADIC ids int[]) RETURNS TABLE (id int, last text) STABLE
    BEGIN ATOMIC SELECT id, last FROM app.people; END;
  CREATE FUNCTION app.lower(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
  CREATE FUNCTION app.lower(text, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE PROCEDURE app.done() LANGUAGE sql AS 'SELECT 1'`

const named = (catalog: Catalog, name: string): CatalogRelation => {
  const found = catalog.relations.find((relation) => relation.schema === 'app' && relation.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

const typeVersion = (catalog: Catalog): string | undefined =>
  catalog.userTypes.find(({ name }) => name === 'address')?.version

const functionVersion = (catalog: Catalog): string | undefined =>
  catalog.userFunctions.find(({ name }) => name === 'told')?.version

/** As the gateway dials: a connection that breaks is destroyed, and fails whoever reads from it. */
async function dialled(port: number): Promise<Socket> {
  const socket = await openSocket(port)
  return socket.on('error', () => socket.destroy())
}

describe.each([
  ['the newest PostgreSQL', undefined],
  ['PostgreSQL 14', OLD],
] as const)('the catalog of %s', (_, binaries) => {
  const missing = binaries !== undefined && !existsSync(binaries)
  let server: PostgresServer
  let admin: Client
  beforeAll(async () => {
    if (missing) return
    server = await startPostgres({ superuserPassword: PASSWORD, ...(binaries === undefined ? {} : { binaries }) })
    admin = new Client({
      host: server.host,
      port: server.port,
      user: server.superuser,
      password: PASSWORD,
      database: 'postgres',
    })
    await admin.connect()
    await admin.query(SCHEMA)
  }, 60_000)
  afterAll(async () => {
    await admin?.end()
    await server?.stop()
  })

  const read = (): Promise<Catalog> =>
    readCatalog(
      async () => ({
        wire: {
          stream: await dialled(server.port),
          peer: { address: '127.0.0.1', port: server.port, loopback: true },
          encrypted: false,
          peerCertificate: undefined,
          startTls: () => Promise.reject(new Error('this is a connection without TLS')),
        },
        account: {
          user: server.superuser,
          database: 'postgres',
          password: () => Promise.resolve(PASSWORD),
          acceptsMd5: false,
          tls: 'plaintext',
          acceptedRisks: ['superuser'],
          extraStartupParameters: [],
        },
      }),
      DEFAULT_FRAME_LIMITS,
    )

  it.skipIf(missing)('has the texts of views, with every name qualified', async () => {
    const catalog = await read()
    expect(named(catalog, 'shown').definition).toMatch(/FROM app\.people p/)
    expect(named(catalog, 'kept').definition).toMatch(/FROM app\.shown/)
    expect(named(catalog, 'people').definition).toBeNull()
  })

  it.skipIf(missing)('has what a generated column reads', async () => {
    const { columns } = named(await read(), 'people')
    expect(columns.map(({ name, attnum, generatedFrom }) => [name, attnum, generatedFrom])).toEqual([
      ['id', 1, undefined],
      ['first', 2, undefined],
      ['last', 4, undefined],
      ['home', 5, undefined],
      ['whole', 6, [2, 4]],
    ])
  })

  it.skipIf(missing)('has the fields of composite types and rows', async () => {
    const { userTypes, ...catalog } = await read()
    const address = userTypes.find(({ name }) => name === 'address')
    expect(address).toMatchObject({
      kind: 'c',
      fields: [
        { name: 'street', typeOid: 25 },
        { name: 'zip', typeOid: 1043 },
      ],
    })
    const { rowTypeOid } = named({ userTypes, ...catalog }, 'people')
    expect(userTypes.find(({ oid }) => oid === rowTypeOid)?.fields?.map(({ name }) => name)).toEqual([
      'id',
      'first',
      'last',
      'home',
      'whole',
    ])
  })

  it.skipIf(missing)('has one entry a function, with its body when that is SQL', async () => {
    const { userFunctions } = await read()
    const functions = (name: string) => userFunctions.filter((routine) => routine.name === name)
    expect(functions('told')).toEqual([
      expect.objectContaining({
        schema: 'app',
        builtInNamesake: false,
        sql: {
          body: `SELECT 1, 'two'`,
          parsed: false,
          argumentNames: ['a', 'b', 'd'],
          argumentTypes: [23, 25, 25],
          defaults: 2,
          defaultValues: `'x,y'::text, NULL::text`,
          variadic: false,
          outputNames: ['c', 'd'],
          outputTypes: [23, 25],
          returnType: 2249,
          returnsSet: false,
          volatility: 'v',
          settings: ['search_path=app, pg_temp'],
        },
      }),
    ])
    expect(functions('rows_of')[0]?.sql).toMatchObject({
      body: expect.stringMatching(/app\.people/),
      parsed: true,
      argumentNames: ['ids'],
      argumentTypes: [1007],
      variadic: true,
      outputNames: ['id', 'last'],
      returnsSet: true,
      volatility: 's',
    })
    expect(functions('lower').map(({ builtInNamesake, sql }) => [builtInNamesake, sql !== undefined])).toEqual([
      [true, false],
      [true, true],
    ])
    expect(functions('done').map(({ sql }) => sql)).toEqual([undefined])
  })

  it.skipIf(missing).each<readonly [string, string, boolean]>([
    ['renames a column', 'ALTER TABLE app.people RENAME first TO given', true],
    ['renames the table and back', 'ALTER TABLE app.people RENAME TO p; ALTER TABLE app.p RENAME TO people', true],
    ['moves it and back', 'ALTER TABLE app.people SET SCHEMA public; ALTER TABLE public.people SET SCHEMA app', true],
    ['adds a column', 'ALTER TABLE app.people ADD more text', true],
    ['changes a type', 'ALTER TABLE app.people ALTER more TYPE varchar(9)', true],
    ['adds a rule', 'CREATE RULE r AS ON INSERT TO app.people DO ALSO NOTHING', true],
    ['inherits', 'CREATE TABLE app.more_people () INHERITS (app.people)', true],
    ['truncates it', 'TRUNCATE app.people', false],
    ['grants', 'GRANT SELECT ON app.people TO PUBLIC', false],
    ['indexes it', 'CREATE INDEX ON app.people (id)', false],
    ['analyses and vacuums', 'ANALYZE app.people', false],
  ])('has another version of a table when somebody %s', async (_what, change, differs) => {
    const before = named(await read(), 'people')
    await admin.query(change)
    const after = named(await read(), 'people')
    expect(after.version !== before.version).toBe(differs)
  })

  it.skipIf(missing).each<readonly [string, string]>([
    ['gets a rule', 'CREATE RULE r AS ON INSERT TO app.simple DO ALSO NOTHING'],
    ['gets a child', 'CREATE TABLE app.child () INHERITS (app.simple)'],
    ['becomes a child', 'CREATE TABLE app.parent (id int); ALTER TABLE app.simple INHERIT app.parent'],
    [
      'becomes a partition',
      'CREATE TABLE app.whole (id int, n text) PARTITION BY LIST (id); ALTER TABLE app.whole ATTACH PARTITION app.simple DEFAULT',
    ],
    ['gets a column', 'ALTER TABLE app.simple ADD more text'],
    ['is moved and back', 'ALTER TABLE app.simple SET SCHEMA public; ALTER TABLE public.simple SET SCHEMA app'],
  ])('has a version that fewer look-ups give, as long as a table is plain, also when it %s', async (_what, change) => {
    const versions = async (): Promise<readonly string[]> => {
      const parts = (['plain', 'whole'] as const).map((looked) =>
        relationVersion(`'app.simple'::regclass`, NEVER_OUTDATED, looked),
      )
      const { rows } = await admin.query<string[]>({ text: `SELECT ${parts.join(', ')}`, rowMode: 'array' })
      return rows[0] ?? []
    }
    await admin.query('CREATE TABLE app.simple (id int, n text)')
    try {
      const simple = named(await read(), 'simple')
      const before = await versions()
      expect(simple.isPlain).toBe(true)
      expect(before).toEqual([simple.version, simple.version])
      await admin.query(change)
      const [plain, whole] = await versions()
      expect(plain).not.toBe(simple.version)
      expect(named(await read(), 'simple').version).toBe(whole)
      expect(named(await read(), 'simple').isPlain).toBe(plain === whole)
    } finally {
      await admin.query('DROP TABLE IF EXISTS app.simple, app.child, app.parent, app.whole CASCADE')
    }
  })

  it.skipIf(missing)('does not take views, partitioned tables and what had a child for plain', async () => {
    await admin.query(`CREATE TABLE app.had (id int); CREATE TABLE app.gone () INHERITS (app.had); DROP TABLE app.gone`)
    const catalog = await read()
    expect(['shown', 'kept', 'had'].map((name) => named(catalog, name).isPlain)).toEqual([false, false, false])
    expect(named(catalog, 'shown').dependsOn.length).toBeGreaterThan(0)
    expect(named(catalog, 'people').dependsOn).toEqual([])
  })

  it.skipIf(missing)('has another version of a composite type when its fields change', async () => {
    const before = typeVersion(await read())
    await admin.query('ALTER TYPE app.address RENAME ATTRIBUTE street TO road')
    expect(before).toBeDefined()
    expect(typeVersion(await read())).not.toBe(before)
  })

  it.skipIf(missing)('has another version of a function when its body changes', async () => {
    const before = functionVersion(await read())
    await admin.query(
      `CREATE OR REPLACE FUNCTION app.told(a int, b text DEFAULT 'x,y', OUT c int, INOUT d text DEFAULT NULL) LANGUAGE sql AS 'SELECT 2, ''two'''`,
    )
    expect(before).toBeDefined()
    expect(functionVersion(await read())).not.toBe(before)
  })
})
