import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Something a person running the benchmark has to know; printed without a stack. */
export class BenchFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BenchFailure'
  }
}

export interface ProgramOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
  /** What becomes of standard output. Default: collected. */
  readonly stdout?: 'collect' | 'ignore'
  readonly cwd?: string
}

/** The last lines of a text, for an error message. */
const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-12).join('\n')

/**
 * Runs a program to its end and gives what it printed on standard output.
 * @throws BenchFailure with the last lines of its standard error when it does not end with status 0
 */
export async function runProgram(file: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  options.signal?.throwIfAborted()
  const child = spawn(file, args, {
    env: options.environment,
    cwd: options.cwd ?? '/',
    stdio: ['ignore', options.stdout === 'ignore' ? 'ignore' : 'pipe', 'pipe'],
  })
  const kill = () => child.kill('SIGTERM')
  options.signal?.addEventListener('abort', kill, { once: true })
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  try {
    await once(child, 'close')
    options.signal?.throwIfAborted()
    if (child.exitCode === 0) return stdout
    throw new BenchFailure(`${file} ended with ${child.exitCode ?? child.signalCode}: ${lastLines(stderr)}`)
  } finally {
    options.signal?.removeEventListener('abort', kill)
  }
}

export interface ServiceOptions {
  readonly environment: NodeJS.ProcessEnv
  /** Where it writes standard error to. */
  readonly log: string
  readonly cwd?: string
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/** A program that runs until it is told to stop. */
export interface Service {
  readonly child: ChildProcess
  readonly pid: number
  /** The last lines that it wrote to its log. */
  log(): string
  /** SIGTERM, and SIGKILL when that takes too long. */
  stop(): Promise<void>
}

const STOP_PATIENCE_MS = 15_000

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/**
 * Starts a program. It gets a process group of its own, so that Ctrl-C in a terminal reaches the benchmark only, which
 * then stops it in order; it is killed when the benchmark's process ends without having done so.
 */
export async function startService(file: string, args: readonly string[], options: ServiceOptions): Promise<Service> {
  const log = openSync(options.log, 'a', 0o600)
  const { uid, gid } = options
  const child = spawn(file, args, {
    env: options.environment,
    cwd: options.cwd ?? '/',
    stdio: ['ignore', 'pipe', log],
    detached: true,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  })
  closeSync(log)
  // Rejects when the program cannot be started.
  await once(child, 'spawn')
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  child.once('exit', () => process.removeListener('exit', atExit))
  return {
    child,
    pid: child.pid ?? 0,
    log: () => lastLines(readFileSync(options.log, 'utf8')),
    stop: async () => {
      if (hasEnded(child)) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = new AbortController()
      const late = delay(STOP_PATIENCE_MS, 'late', { signal: timer.signal }).catch(() => 'aborted')
      if ((await Promise.race([ended, late])) === 'late') {
        child.kill('SIGKILL')
        await ended
      }
      timer.abort()
    },
  }
}

/**
 * Waits until `ready` gives something.
 * @throws BenchFailure with the service's log when it ends first, or takes longer than `timeoutMs`
 */
export async function untilReady<T>(
  service: Service,
  name: string,
  ready: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await ready()
    if (value !== undefined) return value
    if (hasEnded(service.child)) throw new BenchFailure(`${name} ended at its start:\n${service.log()}`)
    if (performance.now() > deadline) throw new BenchFailure(`${name} is not ready in time:\n${service.log()}`)
    await delay(20)
  }
}
