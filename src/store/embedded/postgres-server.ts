import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import {
  findPostgresBinaries,
  findServerUser,
  type PostgresBinaries,
  runAs,
  SERVER_ENVIRONMENT,
  type ServerUser,
} from './postgres-binaries.ts'
import { readPostmasterLock } from './postmaster-lock.ts'
import { type Cluster, configure, initialise, makeCluster, type PostgresOptions } from './postgres-cluster.ts'

export interface PostgresServer {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly superuser: 'postgres'
  readonly password: string
  /** As `postgres --version` says it, such as "18.4". */
  readonly version: string
  readonly pid: number
  /** Path of the server's log. */
  log(): string
  /** Whether it still runs. */
  isRunning(): boolean
  /** Fast shutdown (connections are closed), then harder ones. Removes the files if startPostgres made the directory. */
  stop(): Promise<void>
  /** Kills the postmaster as a crash would, and keeps the files: for tests of what happens then. */
  kill9(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const FAST_SHUTDOWN_TIMEOUT_MS = 10_000
const IMMEDIATE_SHUTDOWN_TIMEOUT_MS = 5_000
const START_ATTEMPTS = 8

/** Reasons that pass by themselves: somebody took the port, or backends of a killed postmaster are still going away. */
const TRANSIENT = /Address already in use|shared memory block .* is still in use|lock file .* already exists/

/** Sends a startup packet (protocol 3.0) and waits for an answer that a working server gives: anything but 57P03. */
export function answersStartup(port: number): Promise<boolean> {
  const body = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const packet = Buffer.alloc(8 + body.length)
  packet.writeInt32BE(packet.length, 0)
  packet.writeInt32BE(0x0003_0000, 4)
  body.copy(packet, 8)
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2000, () => end(false))
    socket.once('connect', () => socket.write(packet))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.once('data', (data) => end(data[0] === 0x52 || (data[0] === 0x45 && !data.includes('57P03'))))
  })
}

async function tail(file: string, from: number): Promise<string> {
  const text = (await readFile(file)).subarray(from).toString('utf8')
  return text.trimEnd().split('\n').slice(-20).join('\n')
}

async function saysReady(cluster: Cluster, pid: number): Promise<boolean> {
  const lock = await readPostmasterLock(cluster.data)
  return lock?.pid === pid && lock.ready
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function endsWithin(child: ChildProcess, milliseconds: number): Promise<boolean> {
  if (hasEnded(child)) return true
  const timer = new AbortController()
  await Promise.race([once(child, 'exit'), delay(milliseconds, undefined, { signal: timer.signal })])
  timer.abort()
  return hasEnded(child)
}

async function spawnServer(
  cluster: Cluster,
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  port: number,
  onLog: PostgresOptions['onLog'],
): Promise<ChildProcess> {
  // A file descriptor and not a pipe, unless somebody listens: a busy parent must not stall the server.
  const log = await open(cluster.log, 'a', 0o600)
  try {
    const child = spawn(join(binaries.native, 'bin', 'postgres'), ['-D', cluster.data, '-p', String(port)], {
      ...runAs(user),
      cwd: cluster.data,
      env: SERVER_ENVIRONMENT,
      // Its own session, so that Ctrl-C in a terminal reaches this process only, which then ends the server in order.
      detached: true,
      stdio: ['ignore', onLog ? 'pipe' : log.fd, onLog ? 'pipe' : log.fd],
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => appendFileSync(cluster.log, chunk))
      if (stream && onLog) createInterface({ input: stream }).on('line', onLog)
    }
    // Rejects when the child says "error" first.
    await once(child, 'spawn')
    return child
  } finally {
    await log.close()
  }
}

/**
 * Ends the server when this process is gone for whatever reason, kill -9 included: a shell waits for the end of a pipe
 * that only this process holds. It runs as the server's user and checks that the process id is still the server's.
 */
function startWatchdog(cluster: Cluster, pid: number, user: ServerUser | undefined): ChildProcess {
  const script = `
    cat >/dev/null
    [ "$(head -n 1 "$1/data/postmaster.pid")" = "$2" ] && kill -QUIT "$2"
    [ "$3" = temporary ] || exit 0
    tries=100
    while kill -0 "$2" && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
    rm -rf "$1"`
  const kind = cluster.temporary ? 'temporary' : 'kept'
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', cluster.base, String(pid), kind], {
    ...runAs(user),
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without a watchdog the server still works, and the exit handler ends it; the pipe breaks when it is killed.
  watchdog.once('error', () => undefined)
  watchdog.stdin?.once('error', () => undefined)
  watchdog.unref()
  return watchdog
}

async function startOnce(
  cluster: Cluster,
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  port: number,
  onLog: PostgresOptions['onLog'],
): Promise<ChildProcess | { readonly failure: string }> {
  const before = existsSync(cluster.log) ? (await readFile(cluster.log)).length : 0
  const child = await spawnServer(cluster, binaries, user, port, onLog)
  const pid = child.pid ?? 0
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline && !hasEnded(child)) {
    if ((await saysReady(cluster, pid)) && (await answersStartup(port))) return child
    await delay(5)
  }
  if (!hasEnded(child)) {
    child.kill('SIGKILL')
    await endsWithin(child, IMMEDIATE_SHUTDOWN_TIMEOUT_MS)
  }
  if (onLog && child.stderr?.closed === false) await once(child, 'close')
  return { failure: await tail(cluster.log, before) }
}

async function shutDown(child: ChildProcess): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_SHUTDOWN_TIMEOUT_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_TIMEOUT_MS],
    ['SIGKILL', IMMEDIATE_SHUTDOWN_TIMEOUT_MS],
  ] as const) {
    if (hasEnded(child)) return
    child.kill(signal)
    if (await endsWithin(child, patience)) return
  }
  throw new Error(`PostgreSQL (process ${child.pid}) does not end`)
}

/**
 * Starts a real PostgreSQL server on 127.0.0.1: for the store, the demo and tests. Works as root too (it drops to another user).
 * Throws when there are no binaries for this platform, or with the last lines of the server's log when it does not start.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  if (!/^[^\r\n\0]+$/.test(options.superuserPassword))
    throw new Error('the superuser password must be one line of text')
  const user = await findServerUser()
  const binaries = await findPostgresBinaries(options.binaries, user)
  const cluster = await makeCluster(options, user)
  try {
    await initialise(cluster, binaries, user, options.superuserPassword)
    await configure(cluster, options, user)
    for (let attempt = 1; ; attempt++) {
      const port = options.port ?? (await freePort())
      const started = await startOnce(cluster, binaries, user, port, options.onLog)
      if (!('failure' in started)) return running(started, port, cluster, binaries, user, options.superuserPassword)
      if (attempt === START_ATTEMPTS || !TRANSIENT.test(started.failure)) {
        throw new Error(`PostgreSQL ${binaries.version} did not start on port ${port}:\n${started.failure}`)
      }
      await delay(50 * attempt)
    }
  } catch (error) {
    if (cluster.temporary) await rm(cluster.base, { recursive: true, force: true })
    throw error
  }
}

function running(
  child: ChildProcess,
  port: number,
  cluster: Cluster,
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  password: string,
): PostgresServer {
  const pid = child.pid ?? 0
  const watchdog = startWatchdog(cluster, pid, user)
  // The watchdog would do this too (and removes the files); a system without /bin/sh has only this.
  const atExit = () => {
    if (!hasEnded(child)) child.kill('SIGQUIT')
  }
  process.once('exit', atExit)
  return {
    host: '127.0.0.1',
    port,
    superuser: 'postgres',
    password,
    version: binaries.version,
    pid,
    log: () => cluster.log,
    isRunning: () => !hasEnded(child),
    stop: async () => {
      await shutDown(child)
      process.removeListener('exit', atExit)
      watchdog.kill('SIGKILL')
      if (cluster.temporary) await rm(cluster.base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
    kill9: async () => {
      child.kill('SIGKILL')
      await endsWithin(child, IMMEDIATE_SHUTDOWN_TIMEOUT_MS)
    },
  }
}
