import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Terminal } from '../cli/terminal.ts'
import { processEnvironment } from '../src/config/environment.ts'
import { loadConfig } from '../src/config/load.ts'
import { usesTransform } from '../src/config/transform-use.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'
import { startGateway } from '../src/main.ts'
import type { Pack } from '../src/phi/packs.ts'
import { startAlertReceiver } from './alert-receiver.ts'
import { DEMO_TARGET } from './chaperone.yaml.ts'
import { DEMO_CLIENTS, type DemoClient, type DemoEnvironment, startDemoEnvironment } from './environment.ts'
import { findPsql } from './psql.ts'
import { runTour } from './tour.ts'

export interface RunDemoOptions {
  readonly stay: boolean
  readonly patients: number
  readonly seed: number
  readonly pack: Pack
}

/** The port that is tried first, so that the printed commands are the same every time. */
const DEMO_PORT = 6432
const DEMO_WEB_PORT = 6480

/** Starts everything, shows the tour, and stays until Ctrl-C unless told not to. */
export async function runDemo(options: RunDemoOptions, out: Terminal): Promise<void> {
  const started = Date.now()
  const environment = processEnvironment()
  out.line(out.bold('Chaperone demo: a hospital on this machine. Every patient in it is synthetic.'))
  const receiver = await startAlertReceiver()
  const webPort = await portOrFree(DEMO_WEB_PORT)
  const demo = await startDemoEnvironment({
    controls: { webPort, alertUrl: receiver.url },
    patients: options.patients,
    seed: options.seed,
    pack: options.pack,
    listenPort: await portOrAny(DEMO_PORT),
    onStep: (text) => {
      out.progress('')
      out.line(out.dim(`  … ${text}`))
    },
    onProgress: ({ patients, rows }) =>
      out.progress(`    ${patients.toLocaleString('en')} patients, ${rows.toLocaleString('en')} rows`),
  })
  const stopping = stopSignal()
  try {
    const config = loadConfig(demo.configFile, environment, policyChecks)
    const log = pino({ level: 'info', base: null }, pino.destination(join(demo.directory, 'gateway.log')))
    const gateway = await startGateway(config, { environment, log })
    out.line(
      out.dim(`  … gateway on port ${gateway.port}; ready after ${((Date.now() - started) / 1000).toFixed(1)} s`),
    )
    try {
      const psql = await findPsql(environment)
      const url = `http://localhost:${webPort}`
      await runTour({ demo, config, port: gateway.port, url, receiver, psql, out, stopped: stopping })
      if (options.stay) {
        await printCommands(demo, gateway.port, url, usesTransform(config.phi, 'token'), out)
        await stopping
        out.line('stopping …')
      }
    } finally {
      await gateway.stop()
    }
  } finally {
    await demo.stop()
    receiver.close()
  }
}

/** Small scripts that fetch a fresh token, because the demo's tokens end after a quarter of an hour. */
async function printCommands(
  demo: DemoEnvironment,
  port: number,
  url: string,
  hasTokens: boolean,
  out: Terminal,
): Promise<void> {
  const scripts = join(demo.directory, 'bin')
  await mkdir(scripts, { recursive: true })
  for (const client of ['agent', 'officer'] as const) {
    const file = join(scripts, `psql-as-${client}`)
    await writeFile(file, psqlScript(demo, client, port))
    await chmod(file, 0o755)
  }
  out.line('')
  out.line(out.bold('It stays up. Try it yourself:'))
  out.line(`  ${out.bold(join(scripts, 'psql-as-agent'))}      masked`)
  out.line(`  ${out.bold(join(scripts, 'psql-as-officer'))}    everything clear, and recorded all the same`)
  out.line('')
  out.line('or with a client of your own (the token is the password; this one lasts 15 minutes):')
  out.line(`  export PGSSLROOTCERT=${demo.caFile}`)
  out.line(`  export PGPASSWORD=${await demo.token('agent')}`)
  out.line(`  psql "host=localhost port=${port} user=agent dbname=${DEMO_TARGET} sslmode=verify-full"`)
  out.line('')
  out.line('ask what should have a label, and what has none (both only read):')
  out.line(`  npm run -s chaperone -- phi discover ${DEMO_TARGET} --all --json -c ${demo.configFile}`)
  out.line(`  npm run -s chaperone -- phi coverage -c ${demo.configFile}`)
  out.line('')
  out.line('decide about what is held: sign in as the privacy officer, and register a passkey if you like:')
  out.line(`  ${url}/`)
  out.line('')
  out.line('and look at what is left of it:')
  out.line(`  npm run -s chaperone -- sessions ls -c ${demo.configFile}`)
  if (hasTokens) out.line(`  npm run -s chaperone -- tokens status -c ${demo.configFile}`)
  out.line(`  npm run -s chaperone -- verify -c ${demo.configFile}`)
  out.line('')
  out.line('Ctrl-C stops it and removes everything.')
}

function psqlScript(demo: DemoEnvironment, client: DemoClient, port: number): string {
  const { id, secret } = DEMO_CLIENTS[client]
  return `#!/bin/sh
# Made by the Chaperone demo. The secret is the demo's own and opens nothing else.
set -eu
token=$(curl -fsS -u ${id}:${secret} -d grant_type=client_credentials ${demo.identityProvider.tokenEndpoint} |
  sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p')
PGPASSWORD=$token exec psql "host=localhost port=${port} user=${id} dbname=${DEMO_TARGET} sslmode=verify-full sslrootcert=${demo.caFile}" "$@"
`
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}

async function portOrAny(port: number): Promise<number> {
  return (await isFree(port)) === undefined ? 0 : port
}

/** For what has to be known before it listens. */
async function portOrFree(port: number): Promise<number> {
  return (await isFree(port)) ?? (await isFree(0)) ?? port
}

/** The port if it is free; for 0 one that is. */
async function isFree(port: number): Promise<number | undefined> {
  const { createServer } = await import('node:net')
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address()
      const found = typeof address === 'object' && address !== null ? address.port : port
      probe.close(() => resolve(found))
    })
  })
}
