import { readFile } from 'node:fs/promises'
import { loadModule } from 'libpg-query'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { GALLERY_SQL } from '../introspection/schema.ts'
import { ServerSession } from './session.ts'
import { Tally } from './tally.ts'
import { walkScript } from './walk.ts'

const PASSWORD = 'lineage'
const CORPUS = new URL('corpus.sql', import.meta.url)

let server: PostgresServer
let session: ServerSession
beforeAll(async () => {
  await loadModule()
  server = await startPostgres({ superuserPassword: PASSWORD })
  session = await ServerSession.open({
    port: server.port,
    user: server.superuser,
    password: PASSWORD,
    database: 'postgres',
  })
  await session.run('CREATE ROLE chaperone_app')
  expect((await session.run(GALLERY_SQL)).failed).toBe(false)
})
afterAll(async () => {
  session?.close()
  await server?.stop()
})

/** Calls every function of the server in FROM and by its row, with arguments that have no value but a type. */
const CALLS = `
  SELECT format('SELECT * FROM %1$s; SELECT f, * FROM %1$s AS f; SELECT (%1$s).*;', call) FROM (
    SELECT DISTINCT p.proname, format('pg_catalog.%I(%s)', p.proname, (
      SELECT coalesce(string_agg(CASE
        WHEN t = 'anyarray'::regtype OR t = 'anycompatiblearray'::regtype THEN 'NULL::int[]'
        WHEN t IN ('anyelement'::regtype, 'anynonarray'::regtype, 'anycompatible'::regtype, '"any"'::regtype) THEN 'NULL::int'
        WHEN t = 'anyrange'::regtype THEN 'NULL::int4range'
        WHEN t = 'anymultirange'::regtype THEN 'NULL::int4multirange'
        WHEN t = 'anyenum'::regtype THEN 'NULL::gallery.mood'
        ELSE format('NULL::%s', format_type(t, NULL)) END, ', ' ORDER BY n), '')
      FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n))) AS call
    FROM pg_proc p WHERE p.prokind = 'f' AND p.pronamespace = 'pg_catalog'::regnamespace) AS calls
  ORDER BY call`

it('agrees with the server about the columns of every query, and refuses none of them', async () => {
  const tally = new Tally()
  const text = await readFile(CORPUS, 'utf8')
  let seen = 0
  await walkScript(session, { name: 'corpus', text, variables: new Map() }, (query) => {
    seen++
    tally.add(query)
  })
  expect(seen).toBeGreaterThan(70)
  expect(tally.disagreements).toEqual([])
  expect(tally.refused).toEqual([])
})

it('agrees with the server about the columns of every built-in function', async () => {
  const { rows } = await session.run(CALLS)
  const text = rows.map(([call]) => call).join('\n')
  const tally = new Tally()
  let seen = 0
  await walkScript(session, { name: 'functions', text, variables: new Map(), describeOnly: true }, (query) => {
    seen++
    tally.add(query)
  })
  expect(seen).toBeGreaterThan(5000)
  expect(tally.disagreements).toEqual([])
}, 120_000)
