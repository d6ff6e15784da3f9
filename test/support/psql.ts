import { spawn, spawnSync } from 'node:child_process'

/** The version of psql as `[major, minor]`; undefined when it is not installed. */
export const psqlVersion: readonly [number, number] | undefined = (() => {
  const { status, stdout } = spawnSync('psql', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = status === 0 ? (/ (\d+)\.(\d+)/.exec(stdout) ?? []) : []
  return major === undefined ? undefined : [Number(major), Number(minor)]
})()

export interface PsqlResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface PsqlOptions {
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly caFile: string
  /** What to run, as if typed. */
  readonly input: string
  readonly args?: readonly string[]
  /** Another psql than that in PATH. */
  readonly program?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs psql over TLS with verify-full, without its start-up file, unaligned. */
export function runPsql(options: PsqlOptions): Promise<PsqlResult> {
  const child = spawn(options.program ?? 'psql', ['-X', '-q', '-A', '-t', ...(options.args ?? [])], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      LC_ALL: 'C.UTF-8',
      PGHOST: 'localhost',
      PGPORT: String(options.port),
      PGDATABASE: options.database,
      PGUSER: options.user,
      PGPASSWORD: options.password,
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: options.caFile,
      ...options.environment,
    },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(options.input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
