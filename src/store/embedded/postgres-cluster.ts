import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  appendFile,
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  canReach,
  type PostgresBinaries,
  reachableTemporaryDirectory,
  run,
  runAs,
  type ServerUser,
} from './postgres-binaries.ts'

export interface PostgresOptions {
  /** Where data and log are kept. An existing cluster there is used again. Unset: a fresh one that stop() removes. */
  readonly directory?: string
  /** "default": those of the registry package for this platform; else a directory with bin/, lib/ and share/. */
  readonly binaries?: string
  /** Unset: a free one. */
  readonly port?: number
  /** Of the role "postgres". It must be the old one when the cluster exists already. */
  readonly superuserPassword: string
  /** Paths of PEM files; they are copied. `ca` verifies client certificates. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string }
  /** Lines for postgresql.conf; ALTER SYSTEM still overrides them. */
  readonly settings?: Readonly<Record<string, string>>
  /** Lines for pg_hba.conf, put before "every role from 127.0.0.1 and ::1 by scram-sha-256". The first match counts. */
  readonly hba?: readonly string[]
  /** Every line of the server's log as it is written. */
  readonly onLog?: (line: string) => void
}

/** Where one server keeps its files. */
export interface Cluster {
  readonly base: string
  readonly data: string
  readonly log: string
  readonly temporary: boolean
}

/** Finds or makes the directory of a cluster; nothing is started. */
export async function makeCluster(options: PostgresOptions, user: ServerUser | undefined): Promise<Cluster> {
  const temporary = options.directory === undefined
  const base = options.directory ?? (await mkdtemp(join(await reachableTemporaryDirectory(user), 'chaperone-pg-')))
  if (temporary) await give(base, 0o700, user)
  else {
    await mkdir(base, { recursive: true })
    if (!canReach(await realpath(base), user)) await openTheWay(await realpath(base))
    if (!canReach(await realpath(base), user)) {
      throw new Error(`the directory ${base} cannot be reached by the user "${user?.name}" that runs PostgreSQL`)
    }
  }
  return { base, data: join(base, 'data'), log: join(base, 'server.log'), temporary }
}

/**
 * The caller's directory stays the caller's: the server only has to pass through it to reach its own below. Parents
 * are opened below the temporary directory only, where tests keep theirs, never something like a home directory.
 */
async function openTheWay(directory: string): Promise<void> {
  const temporary = await realpath(tmpdir())
  for (let at = directory; at === directory || at.startsWith(`${temporary}/`); at = dirname(at)) {
    await chmod(at, (await stat(at)).mode | 0o011)
  }
}

async function give(path: string, mode: number, user: ServerUser | undefined): Promise<void> {
  await chmod(path, mode)
  if (user !== undefined) await chown(path, user.uid, user.gid)
}

const UNFINISHED = 'data.unfinished-'
/** An initdb that takes longer was killed. */
const ABANDONED_MS = 10 * 60_000

/** Makes an empty cluster with initdb, unless there is one. Several processes may do this at once: one of theirs stays. */
export async function initialise(
  cluster: Cluster,
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  password: string,
): Promise<void> {
  if (existsSync(join(cluster.data, 'PG_VERSION'))) return
  await removeAbandoned(cluster)
  // Under another name until it is complete, so that a killed initdb never passes for a cluster.
  const unfinished = await mkdtemp(join(cluster.base, UNFINISHED))
  const passwordFile = `${unfinished}.password`
  try {
    await give(unfinished, 0o700, user)
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    await give(passwordFile, 0o600, user)
    const initdb = (locale: string) =>
      run(
        join(binaries.native, 'bin', 'initdb'),
        [
          `--pgdata=${unfinished}`,
          '--username=postgres',
          `--pwfile=${passwordFile}`,
          '--auth=scram-sha-256',
          '--encoding=UTF8',
          `--locale=${locale}`,
          ...(cluster.temporary ? ['--no-sync'] : []),
        ],
        { ...runAs(user), cwd: unfinished },
      )
    let done = await initdb('C.UTF-8')
    // Not every system has C.UTF-8; C differs only in the case of letters outside ASCII.
    if (done.code !== 0 && /invalid locale/.test(done.output)) done = await initdb('C')
    if (done.code !== 0) throw new Error(`initdb failed (${done.code ?? 'not started'}): ${done.output.trim()}`)
    const settings = join(unfinished, 'postgresql.conf')
    await appendFile(settings, "\ninclude 'chaperone.conf'\n")
    if (!cluster.temporary) await sync(settings)
    await moveIntoPlace(unfinished, cluster)
  } finally {
    await rm(passwordFile, { force: true })
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function moveIntoPlace(unfinished: string, cluster: Cluster): Promise<void> {
  try {
    await rename(unfinished, cluster.data)
  } catch (error) {
    // Another process was faster; its cluster is as good.
    if (!existsSync(join(cluster.data, 'PG_VERSION'))) throw error
  }
  if (!cluster.temporary) await sync(cluster.base)
}

async function removeAbandoned(cluster: Cluster): Promise<void> {
  for (const name of await readdir(cluster.base)) {
    if (!name.startsWith(UNFINISHED)) continue
    const path = join(cluster.base, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true })
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A value in postgresql.conf (PostgreSQL documentation, 19.1.2): quoted, with quotes and backslashes doubled. */
function quoteSetting(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new Error('a PostgreSQL setting must be a single line')
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** Writes the settings and the access rules of this start. */
export async function configure(
  cluster: Cluster,
  options: PostgresOptions,
  user: ServerUser | undefined,
): Promise<void> {
  const settings = new Map<string, string>([
    ['listen_addresses', '127.0.0.1'],
    ['unix_socket_directories', ''],
    ['password_encryption', 'scram-sha-256'],
  ])
  // Files that are deleted at the end need not survive a power failure.
  if (cluster.temporary) {
    for (const name of ['fsync', 'synchronous_commit', 'full_page_writes']) settings.set(name, 'off')
  }
  const { tls } = options
  if (tls !== undefined) {
    settings.set('ssl', 'on')
    const files = [
      { setting: 'ssl_cert_file', name: 'server.crt', from: tls.cert },
      { setting: 'ssl_key_file', name: 'server.key', from: tls.key },
      ...(tls.ca === undefined ? [] : [{ setting: 'ssl_ca_file', name: 'ca.crt', from: tls.ca }]),
    ]
    for (const { setting, name, from } of files) {
      const to = join(cluster.data, name)
      await copyFile(from, to)
      await give(to, 0o600, user)
      settings.set(setting, name)
    }
  }
  for (const [name, value] of Object.entries(options.settings ?? {})) settings.set(name, value)
  const lines = [...settings].map(([name, value]) => `${name} = ${quoteSetting(value)}\n`)
  const hba = [...(options.hba ?? []), 'host all all 127.0.0.1/32 scram-sha-256', 'host all all ::1/128 scram-sha-256']
  // Renamed into place: another process may be starting the server of this directory at the moment. By its handle: the
  // directory belongs to the server's user, who could put a link under any name.
  const write = async (name: string, text: string) => {
    const complete = join(cluster.data, `${name}.${randomUUID()}`)
    const handle = await open(complete, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      if (user !== undefined) await handle.chown(user.uid, user.gid)
    } finally {
      await handle.close()
    }
    await rename(complete, join(cluster.data, name))
  }
  await write('chaperone.conf', lines.join(''))
  await write('pg_hba.conf', `${hba.join('\n')}\n`)
}
