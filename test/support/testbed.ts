import { readFile, writeFile } from 'node:fs/promises'
import { Client } from 'pg'
import { pino } from 'pino'
import { parse, stringify } from 'yaml'
import { DEMO_TARGET } from '../../demo/chaperone.yaml.ts'
import { type DemoClient, type DemoEnvironment, startDemoEnvironment } from '../../demo/environment.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import type { Pack } from '../../src/phi/packs.ts'
import { type Gateway, startGateway } from '../../src/main.ts'
import type { JournalHeader } from '../../src/record/format.ts'
import { readJournal } from '../../src/record/reader.ts'
import { SCRATCH_LABELS, SCRATCH_SQL } from './scratch-schema.ts'
import { WireClient, type WireLogin } from './wire-client.ts'

export { DEMO_TARGET } from '../../demo/chaperone.yaml.ts'

/** chaperone.yaml, parsed: tests change what they are about. */
// oxlint-disable-next-line typescript/no-explicit-any -- the document has the shape of the file, which the loader checks
export type ConfigDocument = Record<string, any>

export interface TestbedOptions {
  readonly patients?: number
  /** HIPAA Safe Harbor unless said otherwise. */
  readonly pack?: Pack
  /** Settings of the database server. */
  readonly serverSettings?: Readonly<Record<string, string>>
  /** Changes the configuration before the gateway starts. */
  readonly configure?: (document: ConfigDocument, environment: DemoEnvironment) => void | Promise<void>
  /** Changes the database, as its superuser, before the gateway starts. */
  readonly prepare?: (admin: Client) => Promise<unknown>
}

export interface ConnectOptions {
  readonly database?: string
  /** Instead of a fresh token. */
  readonly token?: string
  readonly applicationName?: string
  readonly options?: string
}

/** The demo hospital, a schema `scratch`, and a gateway in this process. One a test file. */
export interface Testbed {
  readonly environment: DemoEnvironment
  readonly gateway: Gateway
  readonly config: Config
  /** PEM text. */
  readonly ca: string
  /** Lines of the gateway's log, at the lowest level. */
  readonly log: readonly string[]
  token(who: DemoClient): Promise<string>
  /** node-postgres through the gateway; closed by stop(). */
  connect(who: DemoClient, options?: ConnectOptions): Promise<Client>
  /** The raw client through the gateway, logged in; destroyed by stop(). */
  wire(who: DemoClient, options?: Partial<WireLogin>): Promise<WireClient>
  /** node-postgres straight to the server, as its superuser or as the gateway's role. */
  direct(as?: 'superuser' | 'app'): Promise<Client>
  /** Headers that were written while `act` ran, and until `until` is content. */
  recorded(
    act: () => Promise<unknown>,
    until?: (headers: readonly JournalHeader[]) => boolean,
  ): Promise<JournalHeader[]>
  stop(): Promise<void>
}

const RECORD_TIMEOUT_MS = 10_000

export async function startTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  const environment = await startDemoEnvironment({
    patients: options.patients ?? 200,
    seed: 7,
    ...(options.pack === undefined ? {} : { pack: options.pack }),
    durability: 'process-crash',
    serverSettings: options.serverSettings ?? {},
    onStep: () => undefined,
  })
  const log: string[] = []
  try {
    await prepareDatabase(environment, options.prepare)
    await configure(environment, options.configure)
    const config = loadConfig(environment.configFile, {}, policyChecks)
    const gateway = await startGateway(config, {
      environment: {},
      log: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }),
    })
    return running(environment, config, gateway, await readFile(environment.caFile, 'utf8'), log)
  } catch (error) {
    await environment.stop()
    throw error
  }
}

async function prepareDatabase(environment: DemoEnvironment, prepare: TestbedOptions['prepare']): Promise<void> {
  const admin = await connectDirect(environment, 'superuser')
  try {
    await admin.query(SCRATCH_SQL)
    await prepare?.(admin)
  } finally {
    await admin.end()
  }
}

async function configure(environment: DemoEnvironment, change: TestbedOptions['configure']): Promise<void> {
  const document: ConfigDocument = parse(await readFile(environment.configFile, 'utf8'))
  Object.assign(document['phi'].labels[DEMO_TARGET], SCRATCH_LABELS)
  Object.assign(document['journal'], { minimumFreeSpace: '16MiB', reserveSpace: '1MiB' })
  await change?.(document, environment)
  await writeFile(environment.configFile, stringify(document))
}

async function connectDirect(environment: DemoEnvironment, as: 'superuser' | 'app'): Promise<Client> {
  const { host, port, superuser, password } = environment.postgres
  const account =
    as === 'superuser' ? { user: superuser, password } : { user: 'chaperone_app', password: environment.appPassword }
  const client = new Client({ host, port, database: DEMO_TARGET, ...account })
  await client.connect()
  return client
}

function running(
  environment: DemoEnvironment,
  config: Config,
  gateway: Gateway,
  ca: string,
  log: readonly string[],
): Testbed {
  const clients: Client[] = []
  const wires: WireClient[] = []
  const keep = (client: Client): Client => {
    client.on('error', () => undefined)
    clients.push(client)
    return client
  }
  return {
    environment,
    gateway,
    config,
    ca,
    log,
    token: (who) => environment.token(who),
    connect: async (who, { database = DEMO_TARGET, token, applicationName, options } = {}) => {
      const client = keep(
        new Client({
          host: '127.0.0.1',
          port: gateway.port,
          user: who,
          database,
          password: token ?? (await environment.token(who)),
          ssl: { ca },
          ...(applicationName === undefined ? {} : { application_name: applicationName }),
          ...(options === undefined ? {} : { options }),
        }),
      )
      await client.connect()
      return client
    },
    wire: async (who, login = {}) => {
      const password = login.password ?? (await environment.token(who))
      const wire = await WireClient.login({ port: gateway.port, ca, database: DEMO_TARGET, ...login, password })
      wires.push(wire)
      return wire
    },
    direct: async (as = 'superuser') => keep(await connectDirect(environment, as)),
    recorded: async (act, until = () => true) => {
      const { directory } = config.journal
      const before = (await headers(directory, 1)).at(-1)?.seq ?? 0
      await act()
      const deadline = performance.now() + RECORD_TIMEOUT_MS
      for (;;) {
        const found = await headers(directory, before + 1)
        if (until(found) || performance.now() > deadline) return found
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    stop: async () => {
      for (const wire of wires) wire.destroy()
      await Promise.allSettled(clients.map((client) => client.end()))
      await gateway.stop()
      await environment.stop()
    },
  }
}

async function headers(directory: string, from: number): Promise<JournalHeader[]> {
  const found: JournalHeader[] = []
  for await (const { header } of readJournal(directory, { from })) found.push(header)
  return found
}
