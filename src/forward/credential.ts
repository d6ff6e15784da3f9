import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { assertNever } from '../lib/assert-never.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'

/** Where a secret comes from; never the secret itself. */
export type CredentialReference =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly timeoutMs: number }
  | { readonly kind: 'none' }

/** A command may say when its answer ends; it is run again this long before. */
const RENEW_BEFORE_EXPIRY_MS = 30_000
/** Answers without an expiry are kept this long, so that a burst of connections runs the command once. */
const KEEP_WITHOUT_EXPIRY_MS = 60_000
const MAX_SECRET_BYTES = 64 * 1024

/**
 * Resolves credential references when a connection needs one. Files and variables are read each time, so that rotation
 * needs no restart; command answers are kept until shortly before they expire. Errors name the reference, not its value.
 */
export class CredentialResolver {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #clock: Clock
  readonly #answers = new WeakMap<CredentialReference, { password: Promise<string>; until: number }>()

  constructor(environment: Readonly<Record<string, string | undefined>>, clock: Clock) {
    this.#environment = environment
    this.#clock = clock
  }

  async resolve(reference: CredentialReference): Promise<string | undefined> {
    switch (reference.kind) {
      case 'none':
        return undefined
      case 'file':
        return trimLineEnd(await readSecretFile(reference.file))
      case 'environment': {
        const value = this.#environment[reference.variable]
        if (value === undefined || value === '') throw unavailable(`the variable ${reference.variable} is not set`)
        return value
      }
      case 'command':
        return this.#fromCommand(reference)
      default:
        return assertNever(reference)
    }
  }

  #fromCommand(reference: CredentialReference & { kind: 'command' }): Promise<string> {
    const known = this.#answers.get(reference)
    if (known !== undefined && known.until > this.#clock()) return known.password
    const entry = { password: Promise.resolve(''), until: Number.POSITIVE_INFINITY }
    entry.password = run(reference)
      .then((output) => {
        const answer = parseAnswer(output)
        entry.until =
          answer.expiresAt === undefined
            ? this.#clock() + KEEP_WITHOUT_EXPIRY_MS
            : answer.expiresAt - RENEW_BEFORE_EXPIRY_MS
        return answer.password
      })
      .catch((error: unknown) => {
        this.#answers.delete(reference)
        throw error
      })
    this.#answers.set(reference, entry)
    return entry.password
  }
}

function unavailable(reason: string, cause?: unknown): ChaperoneError {
  return new ChaperoneError('CHP-TARGET-UNREACHABLE', { reason: `credential: ${reason}`, cause })
}

async function readSecretFile(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw unavailable(`the file ${file} cannot be read`, error)
  }
  if (text.trim() === '') throw unavailable(`the file ${file} is empty`)
  return text
}

const trimLineEnd = (text: string): string => text.replace(/\r?\n$/, '')

function run(reference: CredentialReference & { kind: 'command' }): Promise<string> {
  const [command, ...args] = reference.argv
  if (command === undefined) return Promise.reject(unavailable('the command is empty'))
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      // SIGKILL: a command that ignores a gentler signal would keep every connection waiting.
      {
        timeout: reference.timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_SECRET_BYTES,
        encoding: 'utf8',
        windowsHide: true,
      },
      (error, stdout) => {
        // The cause is left out on purpose: it carries the command's output.
        if (error !== null)
          reject(unavailable(`the command ${command} failed (${error.signal ?? error.code ?? 'error'})`))
        else resolve(stdout)
      },
    )
  })
}

/** Either `{"password": "…", "expiresAt": "2026-11-20T12:00:00Z"}` or the bare secret on one line. */
function parseAnswer(output: string): { password: string; expiresAt: number | undefined } {
  if (!output.trimStart().startsWith('{')) {
    const password = trimLineEnd(output)
    if (password === '' || password.includes('\n')) throw unavailable('the command printed no single line')
    return { password, expiresAt: undefined }
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(output)
  } catch {
    // No cause: a JSON error quotes its input.
    throw unavailable('the command printed invalid JSON')
  }
  if (typeof parsed !== 'object' || parsed === null || !('password' in parsed) || typeof parsed.password !== 'string') {
    throw unavailable('the command printed JSON without "password"')
  }
  if (parsed.password === '') throw unavailable('the command printed an empty "password"')
  const text = 'expiresAt' in parsed ? parsed.expiresAt : undefined
  const expiresAt = text === undefined ? undefined : typeof text === 'string' ? Date.parse(text) : Number.NaN
  if (expiresAt !== undefined && Number.isNaN(expiresAt))
    throw unavailable('the command printed an "expiresAt" that is no date')
  return { password: parsed.password, expiresAt }
}
