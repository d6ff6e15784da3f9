import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canReach, findServerUser } from '../../src/store/embedded/postgres-binaries.ts'
import { type Endpoint, startBed } from './bed.ts'
import { compareFiles, normaliseOutput } from './compare-output.ts'
import { postgresqlSource, serverHeaders } from './debian.ts'
import { readDifferences } from './differences.ts'
import { client, madeOnce, unpack } from './fetch.ts'
import { makeBuildDirectory, makeWorkspace, type RegressOutput, REGRESSION_DATABASE, runTest } from './pg-regress.ts'
import { Unavailable } from './program.ts'
import { readSchedule } from './schedule.ts'
import { POSTGRESQL_INSTALLATION } from './sources.ts'
import type { CaseRun, Suite, SuiteContext, SuiteRun } from './suite.ts'

const TEST_TIMEOUT_MS = 10 * 60_000
/** Tests that others need, run with every selection. */
const ALWAYS = ['test_setup']
const DOCUMENT = join(import.meta.dirname, '../../docs/postgres-differences.md')

interface Sources {
  readonly regress: string
  readonly libraries: readonly string[]
  readonly version: string
}

async function sources(context: SuiteContext): Promise<Sources> {
  if (!existsSync(`${POSTGRESQL_INSTALLATION}/bin/postgres`) || !existsSync(`${POSTGRESQL_INSTALLATION}/bin/psql`)) {
    throw new Unavailable('PostgreSQL 15 of Debian is not installed (npm run setup:extras)')
  }
  const { file, version } = await postgresqlSource(context)
  const source = await madeOnce(context, `postgresql-${version}`, (directory) => unpack(context, file, directory))
  const regress = join(source, 'src/test/regress')
  const built = await madeOnce(context, 'regress-library', async (directory) => {
    const headers = await serverHeaders(context, directory)
    const library = join(directory, 'regress.so')
    await client(context, 'gcc', ['-shared', '-fPIC', '-O2', '-I', headers, '-o', library, join(regress, 'regress.c')])
  })
  const installed = ['refint.so', 'autoinc.so'].map((name) => `${POSTGRESQL_INSTALLATION}/lib/${name}`)
  return { regress, libraries: [join(built, 'regress.so'), ...installed], version }
}

/** Every test of pg_regress' parallel schedule, in its order but one at a time, so that both runs do the same. */
async function selectedTests(regress: string, only: readonly string[]): Promise<readonly string[]> {
  const tests = readSchedule(await readFile(join(regress, 'parallel_schedule'), 'utf8')).flat()
  const unknown = only.filter((name) => !tests.includes(name))
  if (unknown.length > 0) throw new Unavailable(`the schedule has no test ${unknown.join(', ')}`)
  return only.length === 0 ? tests : tests.filter((name) => only.includes(name) || ALWAYS.includes(name))
}

/** One of the files that pg_regress accepts for a test: NAME.out, NAME_0.out … NAME_9.out. */
async function isExpected(regress: string, test: string, text: string): Promise<boolean> {
  const names = ['', ...Array.from({ length: 10 }, (_, number) => `_${number}`)]
  for (const file of names.map((suffix) => join(regress, 'expected', `${test}${suffix}.out`))) {
    if (existsSync(file) && (await readFile(file, 'latin1')) === text) return true
  }
  return false
}

const seconds = (outputs: readonly RegressOutput[]): number =>
  Math.round(outputs.reduce((sum, one) => sum + one.seconds, 0))

async function run(context: SuiteContext): Promise<SuiteRun> {
  const { regress, libraries, version } = await sources(context)
  const tests = await selectedTests(regress, context.only)
  const base = join(context.work, 'files')
  const user = await findServerUser()
  await mkdir(base, { recursive: true })
  if (!canReach(base, user))
    throw new Unavailable(`the user "${user?.name}", as whom the server runs, cannot reach ${base}`)
  await makeWorkspace(regress, libraries, base)
  const bed = await startBed({
    databases: [REGRESSION_DATABASE],
    settings: { max_prepared_transactions: '2' },
    installation: POSTGRESQL_INSTALLATION,
    gatewayLog: join(context.work, 'gateway.log'),
  })
  try {
    // Paths of one length: psql's tables are as wide as what they hold.
    const directories = {
      direct: await makeBuildDirectory(base, 'run1', user),
      gateway: await makeBuildDirectory(base, 'run2', user),
    }
    const lane = async (endpoint: Endpoint): Promise<readonly RegressOutput[]> => {
      const outputs: RegressOutput[] = []
      for (const test of tests) {
        context.signal.throwIfAborted()
        outputs.push(
          await runTest(endpoint, directories[endpoint.name], test, {
            psql: `${POSTGRESQL_INSTALLATION}/bin/psql`,
            timeoutMs: TEST_TIMEOUT_MS,
            signal: context.signal,
          }),
        )
        if (endpoint.name === 'gateway') context.say(`${outputs.length} of ${tests.length}: ${test}`)
      }
      return outputs
    }
    const [direct, gateway] = await Promise.all([lane(bed.direct), lane(bed.gateway)])
    const cases: CaseRun[] = []
    let expected = 0
    for (const [index, test] of tests.entries()) {
      const pair = [direct[index], gateway[index]] as const
      if (pair[0] === undefined || pair[1] === undefined) throw new Error(`${test} has no output`)
      if (await isExpected(regress, test, await readFile(pair[0].file, 'latin1'))) expected += 1
      cases.push(await compareTest(test, pair[0], pair[1], directories, context.work))
    }
    return {
      cases,
      notes: [
        `sources of PostgreSQL ${version}, server ${bed.version}`,
        `directly ${expected} of ${tests.length} have the expected output`,
        `tests took ${seconds(direct)} s directly, ${seconds(gateway)} s through the gateway`,
      ],
    }
  } finally {
    await bed.stop()
  }
}

async function compareTest(
  test: string,
  direct: RegressOutput,
  gateway: RegressOutput,
  directories: { readonly direct: { readonly build: string }; readonly gateway: { readonly build: string } },
  work: string,
): Promise<CaseRun> {
  const { additions } = readDifferences(await readFile(DOCUMENT, 'utf8'))
  const write = async (name: string, text: string): Promise<string> => {
    const directory = join(work, 'compared', name)
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, `${test}.out`), text, 'latin1')
    return join(directory, `${test}.out`)
  }
  // Latin-1 keeps every byte as it is, whatever encoding a test writes.
  const one = normaliseOutput(await readFile(direct.file, 'latin1'), directories.direct.build, [])
  const two = normaliseOutput(await readFile(gateway.file, 'latin1'), directories.gateway.build, additions)
  const { hunks, text } = await compareFiles(await write('direct', one), await write('gateway', two))
  const problem = direct.problem ?? gateway.problem
  return {
    test,
    direct: direct.problem ?? 'ran',
    gateway: gateway.problem ?? 'ran',
    differences: hunks + (problem === undefined ? 0 : 1),
    detail: [problem, text].filter((part) => part !== undefined && part !== '').join('\n'),
  }
}

export const postgresSuite: Suite = {
  name: 'postgres-regression',
  what: "PostgreSQL's own regression tests, by psql",
  run,
}
