import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Endpoint } from './bed.ts'
import { driverSuite, type PreparedDriver } from './driver-suite.ts'
import { client, madeOnce, pinned, unpack } from './fetch.ts'
import { runProgram, Unavailable } from './program.ts'
import { PGJDBC, POSTGRESQL_INSTALLATION } from './sources.ts'
import type { SuiteContext, TestOutcome } from './suite.ts'
import { readJunit } from './test-reports.ts'

/** Some seven minutes directly; many tests make tables of their own, after which the gateway reads the catalog again. */
const SUITE_TIMEOUT_MS = 90 * 60_000
const DATABASE = 'test'
const SET_UP = 'create extension hstore; create extension sslinfo'

/** The one that the archive asks for takes a launcher of JUnit that is too old for the tests' engine. */
const SUREFIRE = '3.5.3'

const maven = (cache: string, offline: boolean): readonly string[] => [
  '-q',
  '-B',
  `-Dmaven-surefire-plugin.version=${SUREFIRE}`,
  `-Dmaven.repo.local=${join(cache, 'maven')}`,
  ...(offline ? ['-o'] : []),
]

async function prepare(context: SuiteContext): Promise<PreparedDriver> {
  if ((await runProgram('mvn', ['--version'])).code !== 0) throw new Unavailable('Maven is not installed')
  const archive = await pinned(context, PGJDBC, (directory) => {
    const artifact = `org.postgresql:postgresql:${PGJDBC.version}:tar.gz:jdbc-src`
    const args = ['dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`]
    return client(context, 'mvn', [...maven(context.cache, false), ...args], { cwd: directory })
  })
  const source = await madeOnce(context, `pgjdbc-${PGJDBC.version}`, async (directory) => {
    await unpack(context, archive, directory)
    await client(context, 'mvn', [...maven(context.cache, false), 'test-compile', 'surefire:help'], { cwd: directory })
  })
  return {
    bed: {
      databases: [DATABASE],
      settings: { max_prepared_transactions: '64', max_connections: '200' },
      installation: existsSync(`${POSTGRESQL_INSTALLATION}/bin/postgres`) ? POSTGRESQL_INSTALLATION : undefined,
    },
    setUp: { database: DATABASE, act: (admin) => admin.query(SET_UP) },
    test: (endpoint, wanted) => surefire(context, source, endpoint, wanted?.map(className) ?? context.only),
    notes: [`pgjdbc ${PGJDBC.version}`],
  }
}

/** Of `class::test`. */
const className = (test: string): string => test.replace(/::.*$/s, '')

async function surefire(
  context: SuiteContext,
  source: string,
  endpoint: Endpoint,
  classes: readonly string[],
): Promise<ReadonlyMap<string, TestOutcome>> {
  const reports = join(source, 'target/surefire-reports')
  await rm(reports, { recursive: true, force: true })
  // What build.local.properties says goes before build.properties.
  const { host, port, user, password } = endpoint
  const properties = {
    'test.url.PGHOST': host,
    'test.url.PGPORT': port,
    'test.url.PGDBNAME': DATABASE,
    user,
    password,
    privilegedUser: user,
    privilegedPassword: password,
  }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(source, 'build.local.properties'), lines.join(''), { mode: 0o600 })
  const only = classes.length === 0 ? [] : [`-Dtest=${[...new Set(classes)].join(',')}`]
  const args = [...maven(context.cache, context.offline), 'surefire:test', '-Dmaven.test.failure.ignore=true', ...only]
  const { timedOut, stdout } = await runProgram('mvn', args, {
    cwd: source,
    environment: { TZ: 'UTC', LC_ALL: 'C.UTF-8' },
    timeoutMs: SUITE_TIMEOUT_MS,
    signal: context.signal,
  })
  if (timedOut) throw new Error(`the tests had not ended after ${SUITE_TIMEOUT_MS / 60_000} minutes (${endpoint.name})`)
  if (!existsSync(reports)) throw new Error(`Maven made no reports: ${stdout.trim().slice(-800)}`)
  const outcomes = new Map<string, TestOutcome>()
  for (const file of (await readdir(reports)).filter((name) => name.endsWith('.xml'))) {
    for (const entry of readJunit(await readFile(join(reports, file), 'utf8'))) outcomes.set(...entry)
  }
  return outcomes
}

export const pgjdbcSuite = driverSuite('pgjdbc', "pgjdbc's tests (Java)", prepare)
