import { randomUUID } from 'node:crypto'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { kill } from 'node:process'
import { codeOf } from '../../lib/error-code.ts'

/** What a postmaster writes into `postmaster.pid` in its data directory. */
export interface PostmasterLock {
  readonly pid: number
  readonly port: number
  /** It accepts connections. */
  readonly ready: boolean
}

/** No process has this number: Linux gives none above 2^22 - 1, macOS none above 99998. */
const NO_PROCESS = 2 ** 22

const pathOf = (data: string) => join(data, 'postmaster.pid')

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

/** The lock of a data directory, whether or not its process still runs; undefined when there is none or none that is complete. */
export async function readPostmasterLock(data: string): Promise<PostmasterLock | undefined> {
  const lines = (await readIfThere(pathOf(data)))?.split('\n').map((line) => line.trim())
  // Lines as pidfile.h of PostgreSQL numbers them: 1 process id, 4 port, 8 status.
  const pid = Number(lines?.[0])
  const port = Number(lines?.[3])
  if (lines === undefined || !Number.isSafeInteger(pid) || pid <= 0 || !Number.isSafeInteger(port)) return undefined
  return { pid, port, ready: lines[7] === 'ready' }
}

/** Whether a process of that number may be a postmaster: yes, unless the system says that there is none or that it is something else. */
export async function mayBePostmaster(pid: number): Promise<boolean> {
  try {
    kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  // Linux: "Name:" and "Tgid:" of proc(5). A number can belong to a thread of something else.
  const status = await readIfThere(`/proc/${pid}/status`)
  const name = /^Name:\s*(.+)$/m.exec(status ?? '')?.[1]
  const group = /^Tgid:\s*(\d+)$/m.exec(status ?? '')?.[1]
  return (name === undefined || name === 'postgres') && (group === undefined || Number(group) === pid)
}

/**
 * Makes a lock that a crash has left behind startable. PostgreSQL takes any living process of the same user with the number in
 * the file for the old postmaster; after the restart of a container that is easily this process. The number is replaced and
 * the rest kept, so that the server still looks whether children of the old one use its shared memory.
 */
export async function disownStaleLock(data: string): Promise<void> {
  const lock = await readPostmasterLock(data)
  if (lock === undefined || (await mayBePostmaster(lock.pid))) return
  const text = await readIfThere(pathOf(data))
  if (text === undefined || Number.parseInt(text, 10) !== lock.pid) return
  const { uid, gid } = await stat(pathOf(data))
  const complete = `${pathOf(data)}.${randomUUID()}`
  const handle = await open(complete, 'wx', 0o600)
  try {
    await handle.writeFile(text.replace(/^\d+/, String(NO_PROCESS)))
    await handle.chown(uid, gid)
  } finally {
    await handle.close()
  }
  await rename(complete, pathOf(data))
}
