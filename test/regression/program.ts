import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/** Why a suite cannot run here: a program, a registry or a version is missing. It is skipped, and this is said. */
export class Unavailable extends Error {}

export interface ProgramOptions {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly timeoutMs?: number
  /** A file for standard input. Default: nothing. */
  readonly stdin?: string
  /** A file for standard output and error, in the order in which they come. Default: collected. */
  readonly output?: string
  readonly signal?: AbortSignal
}

export interface Finished {
  /** Null: killed, or it could not be started. */
  readonly code: number | null
  readonly timedOut: boolean
  readonly stdout: string
  readonly stderr: string
}

const KILL_AFTER_MS = 5000

/** Where programs and their registries are, and whom they trust. */
const KEPT =
  /^(PATH|HOME|TMPDIR|GOPATH|GOPROXY|GOSUMDB|JAVA_HOME|JAVA_TOOL_OPTIONS|MAVEN_OPTS|SSL_CERT_\w+|NODE_EXTRA_CA_CERTS|\w+_CA_BUNDLE|(https?|all|no)_proxy|pip_\w+|npm_config_\w+)$/i

/** What a program finds of this process's environment: no PG* variable, no secret of whoever runs the suites. */
function plainEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value = '']) => (KEPT.test(name) ? [[name, value]] : [])),
  )
}

/** Runs a program to its end; how it ended is for the caller to judge. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Finished> {
  // One descriptor for both streams, and no pipe: what a program writes stays in the order in which it was written.
  const input = options.stdin === undefined ? undefined : openSync(options.stdin, 'r')
  const output = options.output === undefined ? undefined : openSync(options.output, 'w')
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...plainEnvironment(), ...options.environment },
    // A group of its own, so that what it started ends with it.
    detached: true,
    stdio: [input ?? 'ignore', output ?? 'pipe', output ?? 'pipe'],
  })
  for (const descriptor of [input, output]) if (descriptor !== undefined) closeSync(descriptor)
  let [stdout, stderr, timedOut] = ['', '', false]
  const end = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // It has just ended by itself.
    }
  }
  const stop = (): void => {
    end('SIGTERM')
    setTimeout(() => end('SIGKILL'), KILL_AFTER_MS).unref()
  }
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          stop()
        }, options.timeoutMs)
  options.signal?.addEventListener('abort', stop, { once: true })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve) => {
    const done = (code: number | null) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', stop)
      resolve({ code, timedOut, stdout, stderr })
    }
    child.once('error', (error) => {
      stderr += error.message
      done(null)
    })
    child.once('close', done)
  })
}
