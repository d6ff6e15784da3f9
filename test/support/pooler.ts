import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../../src/store/embedded/free-port.ts'
import { findServerUser, reachableTemporaryDirectory } from '../../src/store/embedded/postgres-binaries.ts'

const PGBOUNCER = '/usr/sbin/pgbouncer'

/** Why the tests with a real pooler are left out, or undefined. */
export const noPooler = existsSync(PGBOUNCER) ? undefined : 'PgBouncer is not installed; "npm run setup:extras" does it'

export interface Pooler {
  readonly port: number
  stop(): Promise<void>
}

/** PgBouncer in front of a server, as an operator might have put it there. */
export async function startPooler(
  server: { readonly port: number; readonly database: string; readonly user: string; readonly password: string },
  mode: 'session' | 'transaction',
): Promise<Pooler> {
  const user = await findServerUser()
  const directory = await realpath(await mkdtemp(join(await reachableTemporaryDirectory(user), 'chaperone-pooler-')))
  const port = await freePort()
  const settings = `[databases]
${server.database} = host=127.0.0.1 port=${server.port} dbname=${server.database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
pool_mode = ${mode}
auth_type = scram-sha-256
auth_file = users.txt
ignore_startup_parameters = client_encoding,standard_conforming_strings,statement_timeout,default_transaction_read_only,bytea_output,intervalstyle,datestyle
server_tls_sslmode = disable
client_tls_sslmode = disable
`
  await writeFile(join(directory, 'pgbouncer.ini'), settings, { mode: 0o600 })
  await writeFile(join(directory, 'users.txt'), `"${server.user}" "${server.password}"\n`, { mode: 0o600 })
  await chmod(directory, 0o700)
  if (user !== undefined) {
    for (const file of ['.', 'pgbouncer.ini', 'users.txt']) await chown(join(directory, file), user.uid, user.gid)
  }
  const child = spawn(PGBOUNCER, ['-q', 'pgbouncer.ini'], {
    cwd: directory,
    stdio: 'ignore',
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  })
  await untilAccepts(port)
  return {
    port,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilAccepts(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const accepted = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (accepted) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('PgBouncer did not start')
}
