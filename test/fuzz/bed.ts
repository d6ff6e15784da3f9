import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { parse, stringify } from 'yaml'
import { type DemoEnvironment, startDemoEnvironment } from '../../demo/environment.ts'
import { WireClient } from '../support/wire-client.ts'
import { FUZZ_SCHEMA, fuzzLabels, fuzzRows } from './schema.ts'
import { SIDES, type Side } from './twins.ts'
import { Vocabulary } from './vocabulary.ts'

/** A server with the two databases, and everything a gateway needs. */
export interface FuzzBed {
  /** Runs the gateway whose sources are below `root`; with tokens identifiers leave as such. */
  startGateway(root: string, tokens?: boolean): Promise<FuzzGateway>
  /** A client of the server itself, with the rights that the gateway's role has. */
  direct(side: Side): Promise<WireClient>
  stop(): Promise<void>
}

export interface FuzzGateway {
  readonly tokens: boolean
  /** A masked agent. */
  agent(side: Side): Promise<WireClient>
  /** What agents are shown, read once; undefined where there are no tokens. */
  vocabulary(): Promise<Vocabulary | { readonly wrong: string } | undefined>
  stop(): Promise<void>
}

const database = (side: Side): string => `clinic_${side}`
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5_000
/** Kept of the log to explain a failed start. */
const TAIL_BYTES = 3000
/** Rules that would keep statements from being tried. They do not mask anything. */
const IN_THE_WAY = [
  'unbounded-write',
  'schema-change',
  'phi-change',
  'bulk-export',
  'full-history',
  'large-read',
  'paged-read',
]

export async function startFuzzBed(): Promise<FuzzBed> {
  const environment = await startDemoEnvironment({
    patients: 1,
    seed: 1,
    durability: 'process-crash',
    // So that no plan depends on how many rows there are, or on who else is asking.
    serverSettings: { autovacuum: 'off', max_parallel_workers_per_gather: '0', jit: 'off' },
    onStep: () => undefined,
  })
  try {
    await makeDatabases(environment)
  } catch (error) {
    await environment.stop()
    throw error
  }
  const gateways: FuzzGateway[] = []
  const clients: WireClient[] = []
  let started = 0
  return {
    startGateway: async (root, tokens = false) => {
      const gateway = await startGateway(environment, root, ++started, tokens)
      gateways.push(gateway)
      return gateway
    },
    direct: async (side) => {
      const client = await WireClient.login({
        port: environment.postgres.port,
        ca: undefined,
        user: 'chaperone_app',
        database: database(side),
        password: environment.appPassword,
      })
      clients.push(client)
      return client
    },
    stop: async () => {
      for (const client of clients) client.destroy()
      await Promise.allSettled(gateways.map((gateway) => gateway.stop()))
      await environment.stop()
    },
  }
}

async function makeDatabases({ postgres }: DemoEnvironment): Promise<void> {
  const run = async (name: string, statements: readonly string[]): Promise<string> => {
    const { host, port, superuser, password } = postgres
    const client = new Client({ host, port, user: superuser, password, database: name })
    await client.connect()
    try {
      let rows: unknown
      for (const sql of statements) ({ rows } = await client.query(sql))
      return JSON.stringify(rows)
    } finally {
      await client.end()
    }
  }
  const [first, second] = SIDES.map(database)
  await run('postgres', [`CREATE DATABASE ${first}`])
  await run(first ?? '', [FUZZ_SCHEMA])
  await run('postgres', [
    `CREATE DATABASE ${second} TEMPLATE ${first}`,
    ...SIDES.map((side) => `ALTER DATABASE ${database(side)} SET search_path = clinic, public`),
  ])
  for (const side of SIDES) await run(database(side), [fuzzRows(side)])
  // Otherwise plans could differ for a reason that is nobody's business.
  const sizes = await Promise.all(SIDES.map(async (side) => run(database(side), [SIZES])))
  if (sizes[0] !== sizes[1]) throw new Error('the tables have not as many pages on both sides')
}

const SIZES = `SELECT oid, pg_relation_size(oid) FROM pg_class WHERE relnamespace = 'clinic'::regnamespace ORDER BY oid`

async function startGateway(
  environment: DemoEnvironment,
  root: string,
  number: number,
  tokens: boolean,
): Promise<FuzzGateway> {
  const configFile = join(environment.directory, `fuzz-${number}.yaml`)
  await writeFile(configFile, await configuration(environment, number, tokens))
  const child = spawn(process.execPath, [join(root, 'cli/main.ts'), 'serve', '-c', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  const stop = async () => {
    process.removeListener('exit', atExit)
    await end(child)
  }
  const ca = await readFile(environment.caFile, 'utf8')
  const port = await listeningPort(child).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const agent = async (side: Side): Promise<WireClient> =>
    WireClient.login({ port, ca, database: database(side), password: await environment.token('agent') })
  let vocabulary: Promise<Vocabulary | { readonly wrong: string }> | undefined
  return {
    tokens,
    agent,
    vocabulary: async () => {
      if (!tokens) return undefined
      vocabulary ??= readVocabulary(agent)
      return vocabulary
    },
    stop,
  }
}

async function readVocabulary(agent: FuzzGateway['agent']): Promise<Vocabulary | { readonly wrong: string }> {
  const [a, b] = await Promise.all([agent('a'), agent('b')])
  try {
    return await Vocabulary.read({ a, b })
  } finally {
    a.destroy()
    b.destroy()
  }
}

/** That of the demo, with the two databases as targets. */
async function configuration(environment: DemoEnvironment, number: number, tokens: boolean): Promise<string> {
  const { targets, grants, phi, journal, ...rest } = parse(await readFile(environment.configFile, 'utf8'))
  const names = SIDES.map(database)
  const [target] = Object.values(targets)
  const each = <T>(value: (name: string) => T): Record<string, T> =>
    Object.fromEntries(names.map((name) => [name, value(name)]))
  return stringify({
    ...rest,
    state: join(environment.directory, `state-${number}`),
    journal: { ...journal, minimumFreeSpace: '16MiB', reserveSpace: '1MiB' },
    targets: each((name) => Object.assign({}, target, { database: name })),
    grants: grants.map((grant: object) => ({ ...grant, targets: names })),
    rules: [],
    packs: { guardrails: { disable: IN_THE_WAY } },
    phi: { ...phi, classes: {}, labels: each(() => fuzzLabels(tokens)) },
  })
}

/** `serve` prints one JSON value once it listens. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let tail = ''
    let text = ''
    const fail = () => reject(new Error(`the gateway did not start:\n${tail.trim()}`))
    const timer = setTimeout(fail, START_TIMEOUT_MS)
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      tail = (tail + part).slice(-TAIL_BYTES)
    })
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const port = /"port":\s*(\d+)/.exec(text)?.[1]
      if (port === undefined) return
      clearTimeout(timer)
      resolve(Number(port))
    })
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(timer)
      fail()
    })
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await gone
  clearTimeout(timer)
}
