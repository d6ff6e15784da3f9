import { cp, readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Endpoint } from './bed.ts'
import { driverSuite, type PreparedDriver } from './driver-suite.ts'
import { client, madeOnce, pinned, unpack } from './fetch.ts'
import { runProgram, Unavailable } from './program.ts'
import { POSTGRESQL_INSTALLATION, PYTHON_DRIVERS, PYTHON_TOOLS, type PythonDriver } from './sources.ts'
import type { SuiteContext, TestOutcome } from './suite.ts'
import { readJunit } from './test-reports.ts'

const SUITE_TIMEOUT_MS = 15 * 60_000

interface Settings {
  readonly database: string
  /** SQL that the tests expect to have been run. */
  readonly setUp: string
  /** Below the unpacked sources. */
  readonly tests: readonly string[]
  readonly deselect: readonly string[]
  readonly environment: (endpoint: Endpoint) => Readonly<Record<string, string>>
}

/** An isolated Python with the driver as its wheel, and the tests out of its source distribution. */
async function prepare(context: SuiteContext, name: PythonDriver, settings: Settings): Promise<PreparedDriver> {
  const driver = PYTHON_DRIVERS[name]
  const { version, source } = driver
  if ((await runProgram('python3', ['-m', 'pip', '--version'])).code !== 0)
    throw new Unavailable('python3 with pip is not installed')
  const archive = await pinned(context, source, (directory) =>
    client(context, 'python3', [
      '-m',
      'pip',
      '-q',
      'download',
      '--no-deps',
      '--no-binary',
      name,
      '-d',
      directory,
      `${name}==${version}`,
    ]),
  )
  const venv = await madeOnce(context, `python-${name}-${version}`, async (directory) => {
    await client(context, 'python3', ['-m', 'venv', directory])
    await client(context, join(directory, 'bin/python'), ['-m', 'pip', '-q', 'install', driver.wheel, ...PYTHON_TOOLS])
  })
  const sources = join(context.work, 'source')
  await unpack(context, archive, sources)
  // The tests alone: beside the unpacked package, Python would import that one, which is not compiled.
  const tests = join(context.work, 'tests')
  for (const path of settings.tests) await cp(join(sources, path), join(tests, path), { recursive: true })
  return {
    bed: {
      databases: ['postgres', settings.database].filter((one, index, all) => all.indexOf(one) === index),
      settings: { max_prepared_transactions: '10' },
      installation: existsSync(`${POSTGRESQL_INSTALLATION}/bin/postgres`) ? POSTGRESQL_INSTALLATION : undefined,
    },
    setUp: { database: settings.database, act: (admin) => admin.query(settings.setUp) },
    test: (endpoint) => pytest(context, join(venv, 'bin/python'), tests, settings, endpoint),
    notes: [`${name} ${version}`],
  }
}

async function pytest(
  context: SuiteContext,
  python: string,
  cwd: string,
  settings: Settings,
  endpoint: Endpoint,
): Promise<ReadonlyMap<string, TestOutcome>> {
  const report = join(context.work, `${endpoint.name}.xml`)
  const args = ['-m', 'pytest', '-q', '-x', '--maxfail=100000', '-p', 'no:cacheprovider', `--junitxml=${report}`]
  const only = context.only.length === 0 ? [] : ['-k', context.only.join(' or ')]
  const { timedOut, stdout, stderr } = await runProgram(
    python,
    [...args, ...only, ...settings.deselect.map((test) => `--deselect=${test}`), ...settings.tests],
    {
      cwd,
      environment: {
        PGHOST: endpoint.host,
        PGPORT: String(endpoint.port),
        PGUSER: endpoint.user,
        PGPASSWORD: endpoint.password,
        ...settings.environment(endpoint),
      },
      timeoutMs: SUITE_TIMEOUT_MS,
      signal: context.signal,
    },
  )
  if (timedOut) throw new Error(`the tests had not ended after ${SUITE_TIMEOUT_MS / 60_000} minutes (${endpoint.name})`)
  if (!existsSync(report)) throw new Error(`pytest made no report: ${`${stdout}${stderr}`.trim().slice(-800)}`)
  return readJunit(await readFile(report, 'utf8'))
}

export const psycopg2Suite = driverSuite('psycopg2', "psycopg2's tests (Python, libpq)", (context) =>
  prepare(context, 'psycopg2', {
    database: 'psycopg2_test',
    setUp: 'create extension hstore',
    tests: ['tests'],
    deselect: [],
    environment: () => ({ PSYCOPG2_TESTDB: 'psycopg2_test', PSYCOPG2_TEST_FAST: '1' }),
  }),
)

export const asyncpgSuite = driverSuite('asyncpg', "asyncpg's tests (Python, binary format)", (context) =>
  prepare(context, 'asyncpg', {
    database: 'asyncpg_test',
    setUp: 'select',
    tests: ['tests'],
    // Checks of the source's style.
    deselect: ['tests/test__sourcecode.py'],
    environment: () => ({ PGDATABASE: 'asyncpg_test' }),
  }),
)

export const pg8000Suite = driverSuite('pg8000', "pg8000's tests (Python, no libpq)", (context) =>
  prepare(context, 'pg8000', {
    database: 'postgres',
    setUp: 'create extension hstore',
    tests: ['test/dbapi', 'test/legacy', 'test/native', 'test/__init__.py'],
    deselect: ['test/dbapi/test_benchmarks.py'],
    environment: () => ({}),
  }),
)
