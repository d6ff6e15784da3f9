import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../src/lib/error-code.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { gatewayDescription } from './gateway-description.ts'

const login = z.object({
  gateway: gatewayDescription,
  accessToken: z.string(),
  /** Milliseconds since the epoch. */
  expiresAt: z.number(),
  /** Undefined where the issuer gives none: then the login lasts as long as its access token. */
  refreshToken: z.string().optional(),
})

/** What `chaperone login` leaves behind for the other commands: the tokens of one person at one gateway. */
export type Login = z.infer<typeof login>

type Environment = Readonly<Record<string, string | undefined>>

const LOCK_STALE_MS = 60_000
const LOCK_WAIT_MS = 50

/** XDG Base Directory Specification: a relative path is no setting. */
function directoryOf(environment: Environment): string {
  const configured = environment['XDG_CONFIG_HOME']
  const base = configured?.startsWith('/') === true ? configured : join(environment['HOME'] ?? homedir(), '.config')
  return join(base, 'chaperone')
}

const fileOf = (environment: Environment, url: string): string =>
  join(directoryOf(environment), 'logins', `${encodeURIComponent(url)}.json`)

/** Of the gateway that was logged in to last, unless one is named. */
export async function readLogin(environment: Environment, url: string | undefined): Promise<Login> {
  const wanted = url ?? (await textOf(join(directoryOf(environment), 'gateway')))?.trim()
  const text = wanted === undefined ? undefined : await textOf(fileOf(environment, wanted))
  const parsed = text === undefined ? undefined : login.safeParse(jsonOf(text))
  if (parsed?.success === true) return parsed.data
  throw new ChaperoneError('CHP-AUTH-FAILED', {
    message: wanted === undefined ? 'nobody is logged in' : `nobody is logged in to ${wanted}`,
    hint: 'Run: chaperone login URL',
  })
}

/** Makes it the login of its gateway, and the gateway the one that commands mean. */
export async function writeLogin(environment: Environment, made: Login): Promise<void> {
  await put(fileOf(environment, made.gateway.url), `${JSON.stringify(made)}\n`)
  await put(join(directoryOf(environment), 'gateway'), `${made.gateway.url}\n`)
}

/** Replaces the tokens of a login. */
export const updateLogin = (environment: Environment, changed: Login): Promise<void> =>
  put(fileOf(environment, changed.gateway.url), `${JSON.stringify(changed)}\n`)

/** False when there was none. */
export async function removeLogin(environment: Environment, url: string): Promise<boolean> {
  const file = fileOf(environment, url)
  const wasThere = (await textOf(file)) !== undefined
  await rm(file, { force: true })
  return wasThere
}

/**
 * Runs `act` while no other process does the same for this login: an issuer takes a refresh token that is used twice for a
 * stolen one, and ends the login.
 */
export async function alone<Result>(
  environment: Environment,
  url: string,
  act: () => Promise<Result>,
): Promise<Result> {
  const lock = `${fileOf(environment, url)}.lock`
  await mkdir(join(directoryOf(environment), 'logins'), { recursive: true, mode: 0o700 })
  while (!(await taken(lock))) await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS))
  try {
    return await act()
  } finally {
    await rm(lock, { force: true })
  }
}

async function taken(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close()
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    // Left behind by a process that was killed.
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > LOCK_STALE_MS) await rm(lock, { force: true })
    return false
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** For the user's own eyes, and whole or not at all. */
async function put(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  const unfinished = `${file}.${randomBytes(8).toString('hex')}`
  const handle = await open(unfinished, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
    await handle.close()
    await rename(unfinished, file)
  } catch (error) {
    await handle.close().catch(() => undefined)
    await rm(unfinished, { force: true })
    throw error
  }
}
