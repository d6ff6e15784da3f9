import { chmod, chown, copyFile, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../src/store/embedded/free-port.ts'
import { findServerUser, reachableTemporaryDirectory } from '../src/store/embedded/postgres-binaries.ts'
import { type BenchDatabase, DATABASE, ROLE } from './database.ts'
import type { Leg } from './leg.ts'
import { type Service, startService, untilReady } from './processes.ts'
import type { Program } from './programs.ts'
import type { Scope } from './scope.ts'

export interface PgBouncerOptions {
  readonly scope: Scope
  readonly program: Program
  readonly database: BenchDatabase
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined
  readonly maxConnections: number
}

export interface RunningLeg {
  readonly leg: Leg
  readonly service: Service
  stop(): Promise<void>
}

function settings(port: number, options: PgBouncerOptions): string {
  const { server } = options.database
  const tls =
    options.tls === undefined
      ? 'client_tls_sslmode = disable'
      : 'client_tls_sslmode = require\nclient_tls_cert_file = server.crt\nclient_tls_key_file = server.key'
  return `[databases]
${DATABASE} = host=${server.host} port=${server.port} dbname=${DATABASE}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
pool_mode = session
auth_type = scram-sha-256
auth_file = users.txt
max_client_conn = ${options.maxConnections}
default_pool_size = ${options.maxConnections}
server_tls_sslmode = disable
${tls}
`
}

const accepts = (port: number): Promise<true | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: true | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(undefined))
  })

/** Starts PgBouncer in front of the database, in session mode, which is the only one that does what a gateway does. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<RunningLeg> {
  const { scope, database, tls } = options
  // It refuses to run as root.
  const user = await findServerUser()
  const directory = await realpath(await mkdtemp(join(await reachableTemporaryDirectory(user), 'chaperone-bench-')))
  scope.defer(() => rm(directory, { recursive: true, force: true }))
  const port = await freePort()
  await writeFile(join(directory, 'pgbouncer.ini'), settings(port, options))
  await writeFile(join(directory, 'users.txt'), `"${ROLE}" "${database.password}"\n`)
  const files = ['pgbouncer.ini', 'users.txt']
  if (tls !== undefined) {
    await copyFile(tls.cert, join(directory, 'server.crt'))
    await copyFile(tls.key, join(directory, 'server.key'))
    files.push('server.crt', 'server.key')
  }
  for (const file of files) await chmod(join(directory, file), 0o600)
  if (user !== undefined) {
    for (const file of ['.', ...files]) await chown(join(directory, file), user.uid, user.gid)
  }
  const service = await startService(options.program.file, ['-q', 'pgbouncer.ini'], {
    environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    log: join(directory, 'log'),
    cwd: directory,
    uid: user?.uid,
    gid: user?.gid,
  })
  service.child.stdout?.resume()
  scope.defer(() => service.stop())
  await untilReady(service, 'PgBouncer', () => accepts(port))
  const leg: Leg = { ...database.direct, name: 'pgbouncer', port, pid: service.pid }
  return {
    leg,
    service,
    stop: async () => {
      await service.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
