import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from '../../demo/certificates.ts'
import { startIdentityProvider } from '../../demo/identity-provider.ts'
import { benchConfig } from './config.ts'
import { DATABASE, startDatabase } from './database.ts'
import { startGatewayProcess } from './gateway.ts'
import { type BenchLabel, targetLabels } from './labels.ts'
import { type LeakbenchOptions, readOptions, USAGE, UsageError } from './options.ts'

const AUDIENCE = 'chaperone-leakbench'
const GROUP = 'bench-agents'
const CLIENT = 'bench-agent'
/** Longer than any run. */
const TOKEN_SECONDS = 6 * 3600
const NOT_COMPLETED = 2

const stops: (() => Promise<unknown>)[] = []
let child: ReturnType<typeof spawn> | undefined

const say = (text: string): void => void process.stderr.write(`leakbench: ${text}\n`)

async function stopAll(): Promise<void> {
  child?.kill('SIGTERM')
  for (const stop of stops.splice(0).toReversed()) {
    try {
      await stop()
    } catch (error) {
      say(`while cleaning up: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

/** Sets everything up and runs the benchmark; its exit code. */
async function run(options: LeakbenchOptions): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-leakbench-'))
  stops.push(() => rm(directory, { recursive: true, force: true }))
  const certificates = await makeCertificates(join(directory, 'tls'))
  const database = await startDatabase({ ...options, certificates, onStep: say })
  stops.push(() => database.server.stop())

  const identityProvider = await startIdentityProvider({
    audience: AUDIENCE,
    tokenLifetimeSeconds: TOKEN_SECONDS,
    clients: [{ id: CLIENT, secret: 'bench', kind: 'agent', groups: [GROUP], name: 'Benchmark' }],
  })
  stops.push(() => identityProvider.close())

  const labels: readonly BenchLabel[] = JSON.parse(await readFile(join(options.data, 'labels.json'), 'utf8'))
  const configFile = join(directory, 'chaperone.yaml')
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, 'app\n', { mode: 0o600 })
  await writeFile(
    configFile,
    benchConfig({
      certificates,
      server: database.server,
      issuer: identityProvider.issuer,
      audience: AUDIENCE,
      group: GROUP,
      labels: targetLabels(labels),
      state: join(directory, 'state'),
      passwordFile,
      superuser: options.superuser,
    }),
  )
  const gateway = await startGatewayProcess(configFile, options.gatewayLog)
  stops.push(() => gateway.stop())
  say(`gateway on port ${gateway.port}`)

  const token = await identityProvider.token(CLIENT)
  return benchmark(options, database, gateway.port, token)
}

function benchmark(
  options: LeakbenchOptions,
  database: { readonly directUrl: string; readonly adminUrl: string },
  port: number,
  token: string,
): Promise<number> {
  const args = [
    join(options.bench, 'leakbench.mjs'),
    '--direct',
    database.directUrl,
    '--gateway',
    `postgres://agent@127.0.0.1:${port}/${DATABASE}?sslmode=require`,
    '--insecure',
    '--labels',
    join(options.data, 'labels.json'),
    ...options.corpora.flatMap((file) => ['--corpus', file]),
    ...options.passedOn,
  ]
  // Secrets go by the environment: arguments can be read by everybody on the machine.
  const env = { ...process.env, LEAKBENCH_GATEWAY_PASSWORD: token, LEAKBENCH_ADMIN: database.adminUrl }
  return new Promise((resolve, reject) => {
    child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (signal !== null) say(`the benchmark was ended by ${signal}`)
      resolve(code ?? NOT_COMPLETED)
    })
  })
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stopAll().then(
        () => process.exit(NOT_COMPLETED),
        () => process.exit(NOT_COMPLETED),
      )
    })
  }
  try {
    return await run(options)
  } finally {
    await stopAll()
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  say(
    error instanceof UsageError
      ? `${error.message} (--help for usage)`
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  process.exitCode = NOT_COMPLETED
}
