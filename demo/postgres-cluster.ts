import { existsSync } from 'node:fs'
import {
  appendFile,
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
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

/** Makes an empty cluster with initdb, unless there is one. */
export async function initialise(
  cluster: Cluster,
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  password: string,
) {
  if (existsSync(join(cluster.data, 'PG_VERSION'))) return
  // Under another name until it is complete, so that a killed initdb never passes for a cluster.
  const unfinished = `${cluster.data}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished)
  await give(unfinished, 0o700, user)
  const passwordFile = join(cluster.base, 'initdb-password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  try {
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
          '--no-sync',
        ],
        { ...runAs(user), cwd: unfinished },
      )
    let done = await initdb('C.UTF-8')
    // Not every system has C.UTF-8; C differs only in the case of letters outside ASCII.
    if (done.code !== 0 && /invalid locale/.test(done.output)) done = await initdb('C')
    if (done.code !== 0) throw new Error(`initdb failed (${done.code ?? 'not started'}): ${done.output.trim()}`)
  } finally {
    await rm(passwordFile, { force: true })
  }
  await appendFile(join(unfinished, 'postgresql.conf'), "\ninclude 'chaperone.conf'\n")
  await rename(unfinished, cluster.data)
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
  const write = async (name: string, text: string) => {
    await writeFile(join(cluster.data, name), text)
    await give(join(cluster.data, name), 0o600, user)
  }
  await write('chaperone.conf', lines.join(''))
  await write('pg_hba.conf', `${hba.join('\n')}\n`)
}
