import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from '../demo/certificates.ts'
import type { LeftOut } from './cases.ts'
import { type BenchDatabase, startDatabase } from './database.ts'
import { type RunningGateway, startBenchIdentityProvider, startGateway } from './gateway.ts'
import type { StartFresh } from './idle-sessions.ts'
import type { Leg } from './leg.ts'
import type { BenchOptions } from './options.ts'
import { startPgBouncer } from './pgbouncer.ts'
import { BenchFailure, runProgram } from './processes.ts'
import type { Programs } from './programs.ts'
import type { Scope } from './scope.ts'

/** Above the idle sessions that are measured, for both things in between. */
const SPARE_CONNECTIONS = 100
/** Two for each idle session in the process in between, and some. */
const FILES_PER_SESSION = 2

export interface BenchEnvironment {
  readonly database: BenchDatabase
  readonly legs: readonly Leg[]
  readonly leftOut: readonly LeftOut[]
  readonly startFresh: StartFresh
  /** A gateway whose runtime gets more options. */
  startGateway(durability: 'fsync' | 'process-crash', nodeOptions: readonly string[]): Promise<RunningGateway>
}

/** Starts the database. The ways to it are started by `startLegs`. */
export async function startEnvironment(
  options: BenchOptions,
  programs: Programs,
  scope: Scope,
  onStep: (text: string) => void,
): Promise<BenchEnvironment> {
  const { directory } = options
  const maxConnections = options.sessions + SPARE_CONNECTIONS
  const tls = options.tls ? await certificates(scope) : undefined
  const cluster =
    directory === undefined ? undefined : await mkdtemp(join(await realpath(directory), 'chaperone-bench-'))
  if (cluster !== undefined) {
    scope.defer(() => rm(cluster, { recursive: true, force: true }))
    await chmod(cluster, 0o755)
  }
  if (options.only.includes('idle')) await checkOpenFiles(options.sessions)
  const { pgbench } = programs
  const { scale, rows } = options
  const tokens = options.only.includes('tokens')
  const database = await startDatabase({ scope, directory: cluster, tls, pgbench, scale, rows, tokens, onStep })
  const identityProvider = await startBenchIdentityProvider(scope)
  const gateway = (durability: 'fsync' | 'process-crash', nodeOptions: readonly string[] = []) =>
    startGateway({ scope, database, identityProvider, durability, tls, directory, maxConnections, tokens, nodeOptions })
  const startFresh: StartFresh = (name) => {
    if (name === 'fsync' || name === 'process-crash') return gateway(name)
    if (name === 'pgbouncer' && programs.pgbouncer !== undefined) {
      return startPgBouncer({ scope, program: programs.pgbouncer, database, tls, maxConnections })
    }
    throw new BenchFailure(`the leg ${name} has no process of its own`)
  }
  const legs: Leg[] = []
  const leftOut: LeftOut[] = []
  if (!options.profile) {
    for (const name of options.legs) {
      scope.signal.throwIfAborted()
      if (name === 'direct') legs.push(database.direct)
      else if (name === 'pgbouncer' && programs.pgbouncer === undefined) {
        leftOut.push({ what: 'the leg PgBouncer', why: 'pgbouncer is not installed ("npm run setup:extras")' })
      } else {
        onStep(`starting the leg ${name}`)
        legs.push((await startFresh(name)).leg)
      }
    }
  }
  return { database, legs, leftOut, startFresh, startGateway: gateway }
}

async function certificates(scope: Scope) {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-tls-'))
  scope.defer(() => rm(directory, { recursive: true, force: true }))
  const { serverCertFile: cert, serverKeyFile: key, caFile: ca } = await makeCertificates(directory)
  return { cert, key, ca }
}

/** Node.js raises its own limit as far as it may, and its children inherit that. */
async function checkOpenFiles(sessions: number): Promise<void> {
  const said = await runProgram('/bin/sh', ['-c', 'ulimit -n'], { environment: {} })
  const [limit, needed] = [Number(said), FILES_PER_SESSION * sessions + 200]
  if (limit < needed) {
    throw new BenchFailure(
      `${sessions} idle sessions need ${needed} open files, and the limit is ${limit}: raise it (ulimit -n ${needed}), ` +
        'or leave that measurement out (--only pgbench,rows,connect)',
    )
  }
}
