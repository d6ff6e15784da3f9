import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { startIdentityProvider } from '../../demo/identity-provider.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { startGatewayProcess } from '../leakbench/gateway.ts'

/** Where a suite connects to. Both ways end as the same superuser, in clusters that were made alike. */
export interface Endpoint {
  readonly name: 'direct' | 'gateway'
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: 'postgres'
  readonly password: string
  /** Straight to the server behind it, to prepare what a suite expects. */
  admin(database: string, act: (client: Client) => Promise<unknown>): Promise<void>
}

export interface Bed {
  readonly direct: Endpoint
  readonly gateway: Endpoint
  /** As the server says it, such as "15.18". */
  readonly version: string
  stop(): Promise<void>
}

export interface BedOptions {
  /** Databases that the gateway serves by their own names; made from template0, as pg_regress does. */
  readonly databases: readonly string[]
  readonly settings?: Readonly<Record<string, string>>
  /** A PostgreSQL installation (bin, lib, share). Unset: the one from the registry. */
  readonly installation?: string | undefined
  /** A file for the log of the gateway. */
  readonly gatewayLog: string
}

const AUDIENCE = 'chaperone-conformance'
const CLIENT = 'conformance'
/** Longer than any run. */
const TOKEN_SECONDS = 12 * 3600
const SUPERUSER_PASSWORD = 'conformance-superuser'

const GUARDRAILS = [
  'unbounded-write',
  'truncate',
  'drop',
  'privilege-change',
  'server-access',
  'code-not-analysed',
  'lock-table',
  'schema-change',
  'phi-change',
  'bulk-export',
  'full-history',
  'large-read',
  'paged-read',
]
/** What drivers' tests send besides those that are always allowed. */
const STARTUP_PARAMETERS = ['synchronous_commit']
const RISKS = ['superuser', 'server-files', 'replication', 'bypass-row-security']

/** Two equal servers, and in front of one of them a gateway whose policy allows everything and masks nothing. */
export async function startBed(options: BedOptions): Promise<Bed> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).toReversed()) await one()
  }
  try {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'chaperone-conformance-')))
    stops.push(() => rm(directory, { recursive: true, force: true }))
    const straight = await startServer(options)
    stops.push(() => straight.stop())
    const guarded = await startServer(options)
    stops.push(() => guarded.stop())
    const identityProvider = await startIdentityProvider({
      audience: AUDIENCE,
      tokenLifetimeSeconds: TOKEN_SECONDS,
      clients: [{ id: CLIENT, secret: 'conformance', kind: 'agent', groups: ['everything'], name: 'Conformance' }],
    })
    stops.push(() => identityProvider.close())
    const configFile = join(directory, 'chaperone.yaml')
    await mkdir(join(directory, 'state'), { mode: 0o700 })
    await writeFile(join(directory, 'password'), `${SUPERUSER_PASSWORD}\n`, { mode: 0o600 })
    await writeFile(configFile, transparentConfig(directory, identityProvider.issuer, guarded.port, options.databases))
    const gateway = await startGatewayProcess(configFile, options.gatewayLog)
    stops.push(() => gateway.stop())
    return {
      direct: endpoint('direct', straight, straight.port, SUPERUSER_PASSWORD),
      gateway: endpoint('gateway', guarded, gateway.port, await identityProvider.token(CLIENT)),
      version: straight.version,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startServer(options: BedOptions): Promise<PostgresServer> {
  const server = await startPostgres({
    superuserPassword: SUPERUSER_PASSWORD,
    // The log of statements that fail on purpose is of no interest.
    settings: { log_min_messages: 'panic', log_min_error_statement: 'panic', ...options.settings },
    ...(options.installation === undefined ? {} : { binaries: options.installation }),
  })
  try {
    await asAdmin(server, 'postgres', async (client) => {
      for (const name of options.databases.filter((one) => one !== 'postgres')) await makeDatabase(client, name)
    })
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** As pg_regress makes its database. */
async function makeDatabase(client: Client, name: string): Promise<void> {
  await client.query(`create database "${name}" template template0`)
  for (const setting of ['lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time']) {
    await client.query(`alter database "${name}" set ${setting} to 'C'`)
  }
  await client.query(`alter database "${name}" set bytea_output to 'hex'`)
  await client.query(`alter database "${name}" set timezone_abbreviations to 'Default'`)
}

async function asAdmin(
  server: PostgresServer,
  database: string,
  act: (client: Client) => Promise<unknown>,
): Promise<void> {
  const { host, port, superuser: user, password } = server
  const client = new Client({ host, port, user, password, database })
  await client.connect()
  try {
    await act(client)
  } finally {
    await client.end()
  }
}

function endpoint(name: Endpoint['name'], server: PostgresServer, port: number, password: string): Endpoint {
  return {
    name,
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    admin: (database, act) => asAdmin(server, database, act),
  }
}

/** The text of a chaperone.yaml that stands in nobody's way. */
function transparentConfig(
  directory: string,
  issuer: string,
  serverPort: number,
  databases: readonly string[],
): string {
  const target = {
    host: '127.0.0.1',
    port: serverPort,
    user: 'postgres',
    credential: { file: join(directory, 'password') },
    tls: { mode: 'plaintextWithoutTls' },
    unlabelledColumns: 'pass',
    startupParameters: STARTUP_PARAMETERS,
    acceptRisks: RISKS,
  }
  const config = {
    version: 1,
    // Some drivers' suites cannot be told about certificates.
    listen: { postgres: { host: '127.0.0.1', port: 0, allowPlaintextPasswordOnLoopback: true } },
    state: join(directory, 'state'),
    journal: {
      statementsAreNotSealed: true,
      durability: 'process-crash',
      minimumFreeSpace: '16MiB',
      reserveSpace: '1MiB',
    },
    issuers: [
      {
        name: 'conformance',
        issuer,
        allowInsecureLoopbackIssuer: true,
        audience: AUDIENCE,
        claims: { groups: 'groups', kind: { claim: 'kind', values: { agent: 'agent' } } },
      },
    ],
    targets: Object.fromEntries(databases.map((name) => [name, target])),
    grants: [
      {
        name: 'everything',
        principals: [{ group: 'everything' }],
        targets: databases,
        clearance: { default: 'clear' },
      },
    ],
    packs: { guardrails: { disable: GUARDRAILS } },
  }
  // JSON is YAML.
  return `${JSON.stringify(config, undefined, 2)}\n`
}
