import { existsSync } from 'node:fs'
import { readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint } from './bed.ts'
import { driverSuite, type PreparedDriver } from './driver-suite.ts'
import { client, madeOnce, pinned, unpack } from './fetch.ts'
import { runProgram } from './program.ts'
import { NODE_POSTGRES, NODE_TOOLS, POSTGRESQL_INSTALLATION } from './sources.ts'
import type { SuiteContext, TestOutcome } from './suite.ts'
import { readMocha } from './test-reports.ts'

const DATABASE = 'node_postgres_test'
const PROGRAM_TIMEOUT_MS = 3 * 60_000
/** Needs a package that no registry has whole. */
const LEFT_OUT = ['pauses.js']
const MOCHA_PACKAGES = ['pg-cursor', 'pg-query-stream', 'pg-pool'] as const

/** The packages, each unpacked beside a node_modules with the driver of this repository and the tools of their tests. */
async function sources(context: SuiteContext): Promise<string> {
  const archives = new Map<string, string>()
  for (const [name, archive] of Object.entries(NODE_POSTGRES)) {
    const get = (directory: string) =>
      client(context, 'npm', ['pack', '--silent', `${name}@${archive.version}`], { cwd: directory })
    archives.set(name, await pinned(context, archive, get))
  }
  const directory = await madeOnce(context, 'node-postgres', async (made) => {
    await client(context, 'npm', [
      'install',
      '--silent',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--legacy-peer-deps',
      '--prefix',
      made,
      ...NODE_TOOLS,
    ])
  })
  const work = join(context.work, 'packages')
  for (const [name, archive] of archives) {
    const at = join(work, name)
    await unpack(context, archive, at)
    await symlink(join(directory, 'node_modules'), join(at, 'node_modules'))
  }
  return work
}

async function prepare(context: SuiteContext): Promise<PreparedDriver> {
  const packages = await sources(context)
  const environment = (endpoint: Endpoint) => ({
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGUSER: endpoint.user,
    PGPASSWORD: endpoint.password,
    PGDATABASE: DATABASE,
  })
  const wanted = (name: string): boolean => context.only.length === 0 || context.only.includes(name)
  return {
    bed: {
      databases: [DATABASE],
      installation: existsSync(`${POSTGRESQL_INSTALLATION}/bin/postgres`) ? POSTGRESQL_INSTALLATION : undefined,
    },
    test: async (endpoint) => {
      const outcomes = new Map<string, TestOutcome>()
      for (const name of MOCHA_PACKAGES.filter(wanted)) {
        for (const entry of await mocha(context, join(packages, name), name, environment(endpoint)))
          outcomes.set(...entry)
      }
      return outcomes
    },
    notes: Object.entries(NODE_POSTGRES).map(([name, { version }]) => `${name} ${version}`),
  }
}

/** Mocha, file by file: one that ends the process takes no other with it, and counts as failed as a whole. */
async function mocha(
  context: SuiteContext,
  cwd: string,
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, TestOutcome>> {
  const outcomes = new Map<string, TestOutcome>()
  const files = (await readdir(join(cwd, 'test'))).filter((file) => file.endsWith('.js') && !LEFT_OUT.includes(file))
  const bin = join(cwd, 'node_modules/mocha/bin/_mocha')
  // The packages' own options would end a run at the first failure.
  const options = ['--no-opts', '--no-package', '--no-config', '--exit', '--reporter', 'json', '--timeout', '20000']
  for (const file of files.toSorted()) {
    const args = ['--unhandled-rejections=warn', bin, ...options, `test/${file}`]
    const { stdout } = await runProgram(process.execPath, args, {
      cwd,
      environment,
      timeoutMs: PROGRAM_TIMEOUT_MS,
      signal: context.signal,
    })
    const prefix = `${name}/${file}`
    if (!stdout.includes('{\n')) outcomes.set(`${prefix}::`, 'failed')
    else for (const entry of readMocha(prefix, `\n${stdout}`)) outcomes.set(...entry)
  }
  return outcomes
}

export const nodePostgresSuite = driverSuite(
  'node-postgres',
  "node-postgres' tests (pg-cursor, pg-pool, pg-query-stream)",
  prepare,
)
