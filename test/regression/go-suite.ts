import { existsSync } from 'node:fs'
import { chmod, cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint } from './bed.ts'
import { driverSuite, type PreparedDriver } from './driver-suite.ts'
import { client, type Fetching, madeOnce } from './fetch.ts'
import { runProgram, Unavailable } from './program.ts'
import { PGX, POSTGRESQL_INSTALLATION } from './sources.ts'
import type { SuiteContext, TestOutcome } from './suite.ts'
import { readGoTest } from './test-reports.ts'

const SUITE_TIMEOUT_MS = 20 * 60_000
const DATABASE = 'pgx_test'
/** What pgx' CONTRIBUTING.md asks for. */
const SET_UP = 'create extension hstore; create extension ltree; create domain uint64 as numeric(20,0)'

/** Everything that Go keeps, inside the cache. */
function goEnvironment(fetching: Fetching): Readonly<Record<string, string>> {
  return {
    GOPATH: join(fetching.cache, 'go'),
    GOCACHE: join(fetching.cache, 'go-build'),
    GOFLAGS: '-mod=mod -modcacherw',
    GOTOOLCHAIN: 'local',
    ...(fetching.offline ? { GOPROXY: 'off' } : {}),
  }
}

/** The module as the module proxy has it, in a directory where its tests may write. */
async function moduleSource(context: SuiteContext): Promise<string> {
  if ((await runProgram('go', ['version'])).code !== 0) throw new Unavailable('Go is not installed')
  const environment = goEnvironment(context)
  const source = await madeOnce(context, `pgx-${PGX.version}`, async (directory) => {
    const args = ['mod', 'download', '-json', `${PGX.module}@${PGX.version}`]
    const said: unknown = JSON.parse(await client(context, 'go', args, { cwd: directory, environment }))
    if (typeof said !== 'object' || said === null || !('Dir' in said) || !('Sum' in said)) {
      throw new Unavailable('go mod download said nothing of the module')
    }
    if (said.Sum !== PGX.sum) throw new Unavailable(`${PGX.module} is not what was pinned (${String(said.Sum)})`)
    await cp(String(said.Dir), join(directory, 'module'), { recursive: true })
    await makeWritable(join(directory, 'module'))
    // Compiled once, so that the time limits of the tests are theirs alone.
    await client(context, 'go', ['test', '-run', '^$', './...'], { cwd: join(directory, 'module'), environment })
  })
  return join(source, 'module')
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await makeWritable(path)
    else await chmod(path, 0o644)
  }
}

async function prepare(context: SuiteContext): Promise<PreparedDriver> {
  const module = await moduleSource(context)
  return {
    bed: {
      databases: [DATABASE],
      installation: existsSync(`${POSTGRESQL_INSTALLATION}/bin/postgres`) ? POSTGRESQL_INSTALLATION : undefined,
    },
    setUp: { database: DATABASE, act: (admin) => admin.query(SET_UP) },
    test: (endpoint) => goTest(context, module, endpoint),
    notes: [`pgx ${PGX.version}`],
  }
}

async function goTest(
  context: SuiteContext,
  module: string,
  endpoint: Endpoint,
): Promise<ReadonlyMap<string, TestOutcome>> {
  const { host, port, user, password } = endpoint
  const only = context.only.length === 0 ? [] : ['-run', context.only.join('|')]
  const { timedOut, stdout, stderr } = await runProgram(
    'go',
    ['test', '-json', '-count=1', '-p', '1', ...only, './...'],
    {
      cwd: module,
      environment: {
        ...goEnvironment(context),
        PGX_TEST_DATABASE: `host=${host} port=${port} user=${user} password=${password} dbname=${DATABASE} sslmode=disable`,
      },
      timeoutMs: SUITE_TIMEOUT_MS,
      signal: context.signal,
    },
  )
  if (timedOut) throw new Error(`the tests had not ended after ${SUITE_TIMEOUT_MS / 60_000} minutes (${endpoint.name})`)
  const outcomes = readGoTest(stdout)
  if (outcomes.size === 0) throw new Error(`go test said nothing: ${stderr.slice(-800)}`)
  return outcomes
}

export const pgxSuite = driverSuite('pgx', "pgx' tests (Go, binary format, pipelines)", prepare)
