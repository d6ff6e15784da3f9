import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { constants } from 'node:os'
import { Command } from 'commander'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { describeFailure } from '../failure.ts'
import { PasswordFile } from '../credentials/password-file.ts'
import { type FreshToken, freshToken, type WantedToken } from '../credentials/token-source.ts'
import type { CommandContext } from '../terminal.ts'
import { withTokenOptions } from './token-options.ts'

/** Renewed when a tenth of its life, and at least this, is left. */
const MIN_LEFT_MS = 30_000
const RETRY_MS = 10_000
/** Passed on to the program. */
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const
/** What a terminal sends to the program as well, so that passing it on would be once too often. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT'] as const
/** Settings that would lead a client elsewhere, or hand it another password. */
const REPLACED = [
  'PGHOSTADDR',
  'PGPASSWORD',
  'PGSERVICE',
  'PGSERVICEFILE',
  'PGSSLCERT',
  'PGSSLKEY',
  'CHAPERONE_TOKEN',
] as const

export const execCommand = (context: CommandContext): Command =>
  withTokenOptions(new Command('exec'))
    .description(
      'Run a program that finds the target and a token in its environment; the token is renewed while it runs.',
    )
    .argument('<target>', 'name of the target')
    .argument('<program...>', 'the program and its arguments, behind "--"')
    .addHelpText(
      'after',
      `
Sets PGHOST, PGPORT, PGDATABASE, PGUSER, PGSSLMODE, PGSSLROOTCERT, PGPASSFILE (for libpq and what reads the same) and JDBC_URL.
Exit status: that of the program; 128 and the number of the signal that ended it; 1 when it was not started.

Example: chaperone exec hospital --purpose TREAT -- psql -c 'select count(*) from ward.bed'`,
    )
    .action(async (target: string, [program = '', ...args]: readonly string[], options: WantedToken) => {
      process.exitCode = await execute(target, program, args, options, context)
    })

async function execute(
  target: string,
  program: string,
  args: readonly string[],
  options: WantedToken,
  context: CommandContext,
): Promise<number> {
  // The run stays the same while the token is renewed.
  const wanted: WantedToken = { ...options, whereExchanged: { run: randomUUID(), target: [target] } }
  const first = await freshToken(wanted, context.environment)
  const passwords = await PasswordFile.make(first.gateway.postgres, context.environment)
  const removal = () => passwords.remove()
  process.once('exit', removal)
  try {
    await passwords.put(first.token)
    const renewing = renew(first, wanted, passwords, context)
    try {
      return await run(program, args, environmentOf(target, first, passwords.path, context))
    } finally {
      renewing.stop()
    }
  } finally {
    process.off('exit', removal)
    removal()
  }
}

function environmentOf(
  target: string,
  { gateway }: FreshToken,
  passwordFile: string,
  { environment }: CommandContext,
): NodeJS.ProcessEnv {
  const { host, port } = gateway.postgres
  // Whom this command itself trusts, where nothing else is said.
  const authority = environment['PGSSLROOTCERT'] ?? environment['NODE_EXTRA_CA_CERTS'] ?? 'system'
  const kept = Object.entries(environment).filter(([name]) => !REPLACED.some((replaced) => replaced === name))
  const jdbc = new URLSearchParams({
    sslmode: 'verify-full',
    ...(authority === 'system' ? {} : { sslrootcert: authority }),
  })
  return {
    ...Object.fromEntries(kept),
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: target,
    // It decides nothing: the token says who it is.
    PGUSER: 'chaperone',
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: authority,
    PGPASSFILE: passwordFile,
    JDBC_URL: `jdbc:postgresql://${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(target)}?${jdbc.toString()}`,
  }
}

/** Puts a new token into the file before the last one expires, as long as it is not stopped. */
function renew(
  first: FreshToken,
  wanted: WantedToken,
  passwords: PasswordFile,
  { environment, out }: CommandContext,
): { stop(): void } {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const schedule = (afterMs: number) => {
    if (!isStopped) timer = setTimeout(() => void once(), afterMs)
  }
  const once = async () => {
    try {
      const fresh = await freshToken(wanted, environment)
      if (!isStopped) await passwords.put(fresh.token)
      schedule(timeUntilRenewal(fresh))
    } catch (error) {
      if (!isStopped) out.error(`chaperone: the token could not be renewed: ${describeFailure(error)}`)
      schedule(RETRY_MS)
    }
  }
  schedule(timeUntilRenewal(first))
  return {
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

function timeUntilRenewal({ expiresAt }: FreshToken): number {
  const left = expiresAt - Date.now()
  return Math.max(left - Math.max(left / 10, MIN_LEFT_MS), Math.min(RETRY_MS, Math.max(left / 2, 1000)))
}

function run(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(program, [...args], { stdio: 'inherit', env: environment })
  const passOn = (signal: NodeJS.Signals) => void child.kill(signal)
  const passOnUnlessShared = (signal: NodeJS.Signals) => {
    if (!process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, passOn)
  for (const signal of TERMINAL_SIGNALS) process.on(signal, passOnUnlessShared)
  return new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => {
      const message = `${program} cannot be started`
      reject(new ChaperoneError('CHP-CONFIG-INVALID', { message, hint: 'Is it installed and in PATH?', cause }))
    })
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  }).finally(() => {
    for (const signal of SIGNALS) process.off(signal, passOn)
    for (const signal of TERMINAL_SIGNALS) process.off(signal, passOnUnlessShared)
  })
}
