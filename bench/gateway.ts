import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { type IdentityProvider, startIdentityProvider } from '../demo/identity-provider.ts'
import type { BenchDatabase } from './database.ts'
import { AGENTS, AUDIENCE, gatewayConfig } from './gateway-config.ts'
import type { Leg } from './leg.ts'
import type { RunningLeg } from './pgbouncer.ts'
import { startService, untilReady } from './processes.ts'
import type { Scope } from './scope.ts'

const REPOSITORY = dirname(dirname(fileURLToPath(import.meta.url)))
const AGENT = { id: 'bench-agent', secret: 'bench-agent-secret' }
/** Longer than any run; the default of the gateway accepts up to a day. */
const TOKEN_LIFETIME_SECONDS = 12 * 3600

/** Starts the development identity provider in this process, which is idle while others are measured. */
export async function startBenchIdentityProvider(scope: Scope): Promise<IdentityProvider> {
  const provider = await startIdentityProvider({
    audience: AUDIENCE,
    tokenLifetimeSeconds: TOKEN_LIFETIME_SECONDS,
    clients: [{ ...AGENT, subject: 'agent:bench', kind: 'agent', groups: [AGENTS], name: 'Benchmark agent' }],
  })
  scope.defer(() => provider.close())
  return provider
}

export interface GatewayOptions {
  readonly scope: Scope
  readonly database: BenchDatabase
  readonly identityProvider: IdentityProvider
  readonly durability: 'fsync' | 'process-crash'
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined
  readonly directory: string | undefined
  readonly maxConnections: number
  /** Whether there is a table with tokens. */
  readonly tokens: boolean
  /** Options of the runtime, such as --cpu-prof. */
  readonly nodeOptions?: readonly string[]
}

export interface RunningGateway extends RunningLeg {
  readonly journal: string
}

/** Starts `chaperone serve` as a process of its own, in front of the database, for an agent whose results are masked. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { scope, database, durability, tls, identityProvider } = options
  const directory = await realpath(await mkdtemp(join(options.directory ?? tmpdir(), 'chaperone-bench-')))
  scope.defer(() => rm(directory, { recursive: true, force: true }))
  const passwordFile = join(directory, 'database-password')
  const configFile = join(directory, 'chaperone.yaml')
  const state = join(directory, 'state')
  await mkdir(state, { mode: 0o700 })
  await writeFile(passwordFile, `${database.password}\n`, { mode: 0o600 })
  await writeFile(
    configFile,
    gatewayConfig({
      tls,
      state,
      durability,
      recipient: await identityToRecipient(await generateX25519Identity()),
      issuer: identityProvider.issuer,
      database: { host: database.server.host, port: database.server.port, passwordFile },
      maxConnections: options.maxConnections,
      tokens: options.tokens,
    }),
  )
  const main = join(REPOSITORY, 'cli', 'main.ts')
  const args = [...(options.nodeOptions ?? []), main, 'serve', '--config', configFile]
  const service = await startService(process.execPath, args, {
    environment: { PATH: process.env['PATH'], LC_ALL: 'C' },
    log: join(directory, 'log'),
    cwd: directory,
  })
  scope.defer(() => service.stop())
  let said = ''
  service.child.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
  const port = await untilReady(service, 'the gateway', () => /"port":\s*(\d+)/.exec(said)?.[1])
  const leg: Leg = {
    ...database.direct,
    name: durability,
    port: Number(port),
    password: await identityProvider.token(AGENT.id),
    pid: service.pid,
  }
  return {
    leg,
    service,
    journal: join(state, 'journal'),
    stop: async () => {
      await service.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
