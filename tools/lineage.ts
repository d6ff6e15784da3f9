import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadModule } from 'libpg-query'
import { findServerUser, reachableTemporaryDirectory } from '../src/store/embedded/postgres-binaries.ts'
import { startPostgres } from '../src/store/embedded/postgres-server.ts'
import { postgresqlSource } from '../test/regression/debian.ts'
import { madeOnce, unpack } from '../test/regression/fetch.ts'
import { makeWorkspace } from '../test/regression/pg-regress.ts'
import { Unavailable } from '../test/regression/program.ts'
import { readSchedule } from '../test/regression/schedule.ts'
import { ServerSession } from '../test/lineage/session.ts'
import { Tally } from '../test/lineage/tally.ts'
import { walkScript } from '../test/lineage/walk.ts'

const USAGE = `usage: node tools/run.mjs tools/lineage.ts [options]

Analyses every query of PostgreSQL's regression tests against the catalog of a real server, a third of whose columns count
as PHI, and compares it with what the server says of the same query. Sources are fetched into a cache.

  --only A,B     these tests only (names of the schedule)
  --cache DIR    default: ~/.cache/chaperone-conformance
  --offline      fetches nothing
  --json FILE    writes disagreements, and refusals within what is analysed
  --help         this text

Exit code 0: no disagreement, and at least 95 % analysed. 1: otherwise. 2: the run could not be completed.
`
const ENOUGH = 0.95
const NOT_COMPLETED = 2
const PASSWORD = 'lineage'
const SETUP = 'test_setup'
const TEMPLATE = 'lineage_template'

const say = (text: string): void => void process.stderr.write(`lineage: ${text}\n`)

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      cache: { type: 'string', default: join(homedir(), '.cache', 'chaperone-conformance') },
      offline: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const fetching = { cache: values.cache, offline: values.offline, signal: new AbortController().signal, say }
  const { file, version } = await postgresqlSource(fetching)
  const source = join(
    await madeOnce(fetching, `postgresql-${version}`, (to) => unpack(fetching, file, to)),
    'src/test/regress',
  )
  await loadModule()
  const tally = new Tally()
  await overRegression(source, values.only?.split(',') ?? [], tally)
  const { disagreements, refused } = tally
  if (values.json !== undefined)
    await writeFile(values.json, `${JSON.stringify({ disagreements, refused }, undefined, 2)}\n`)
  for (const { script, what, sql } of disagreements) say(`DISAGREEMENT in ${script}: ${what}\n${sql}`)
  process.stdout.write(`queries of PostgreSQL ${version}'s regression tests\n\n${tally.table()}\n`)
  return disagreements.length === 0 && tally.analysedShare >= ENOUGH ? 0 : 1
}

/** Every test has a database of its own, made from one in which test_setup ran: so catalogs stay small, and tests apart. */
async function overRegression(source: string, only: readonly string[], tally: Tally): Promise<void> {
  const work = await mkdtemp(join(await reachableTemporaryDirectory(await findServerUser()), 'chaperone-lineage-'))
  const server = await startPostgres({
    superuserPassword: PASSWORD,
    settings: { log_min_messages: 'panic', log_min_error_statement: 'panic' },
  })
  const open = (database: string): Promise<ServerSession> =>
    ServerSession.open({ port: server.port, user: server.superuser, password: PASSWORD, database })
  try {
    await makeWorkspace(source, [], work)
    const variables = new Map([
      ['PG_ABS_SRCDIR', join(work, 'regress')],
      ['PG_LIBDIR', work],
      ['PG_DLSUFFIX', '.so'],
      ['PG_ABS_BUILDDIR', work],
    ])
    const script = async (name: string) => ({
      name,
      text: await readFile(join(source, 'sql', `${name}.sql`), 'utf8'),
      variables,
    })
    const admin = await open('postgres')
    await admin.run(`CREATE DATABASE ${TEMPLATE} TEMPLATE template0`)
    const setup = await open(TEMPLATE)
    await walkScript(setup, await script(SETUP), () => undefined)
    setup.close()
    const tests = readSchedule(await readFile(join(source, 'parallel_schedule'), 'utf8')).flat()
    const wanted = tests.filter((name) => name !== SETUP && (only.length === 0 || only.includes(name)))
    for (const [at, name] of wanted.entries()) {
      const began = performance.now()
      // What a test leaves behind, such as another session, may keep its database from being dropped.
      const database = `regression_${at}`
      await created(admin, database)
      const session = await open(database)
      try {
        await walkScript(session, await script(name), (query) => tally.add(query))
      } catch (error) {
        say(`${name} was not finished: ${error instanceof Error ? error.message : String(error)}`)
      }
      session.close()
      await admin.run(`DROP DATABASE ${database} WITH (FORCE)`)
      say(`${at + 1} of ${wanted.length}: ${name}, ${((performance.now() - began) / 1000).toFixed(1)} s`)
    }
    admin.close()
  } finally {
    await server.stop()
    await rm(work, { recursive: true, force: true })
  }
}

/** The sessions of the template end a moment after they were closed. */
async function created(admin: ServerSession, database: string): Promise<void> {
  for (let attempt = 1; attempt <= 50; attempt++) {
    const { failed } = await admin.run(`CREATE DATABASE ${database} TEMPLATE ${TEMPLATE}`)
    if (!failed) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the database could not be made')
}

try {
  process.exitCode = await main()
} catch (error) {
  say(
    error instanceof Unavailable
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  process.exitCode = NOT_COMPLETED
}
