import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { kill, pid } from 'node:process'
import { ChaperoneError } from '../lib/errors.ts'
import { CREATE_NEW, errorName, type JournalFs, writeWhole } from './journal-fs.ts'

export const LOCK_NAME = 'lock'

/** Who holds the lock. A number alone is not enough: process ids are used again, and every container has a process 1. */
interface Holder {
  readonly host: string
  readonly pid: number
  /** Start time of the process and boot of the machine where the system tells them (Linux), else empty. */
  readonly started: string
  readonly token: string
}

export interface Lock {
  /** Idempotent. @throws Error of the system call that failed. */
  release(): void
}

/**
 * Makes this process the only writer of a directory. The lock of a process that no longer runs is taken over. Not a
 * kernel lock (Node has none): it guards against mistakes of operation, not against malice.
 * @throws ChaperoneError CHP-RECORD-FAILED while another process holds it or may hold it.
 */
export function acquireLock(system: JournalFs, directory: string): Lock {
  const path = join(directory, LOCK_NAME)
  const own: Holder = { host: hostname(), pid, started: startOf(system, pid) ?? '', token: randomUUID() }
  // The file appears under its name complete or not at all, so a lock that cannot be read was not made by us.
  const complete = join(directory, `${LOCK_NAME}.${own.token}`)
  const fd = system.openSync(complete, CREATE_NEW, 0o600)
  try {
    try {
      writeWhole(system, fd, Buffer.from(JSON.stringify(own)))
    } finally {
      system.closeSync(fd)
    }
    if (!link(system, complete, path)) {
      const held = read(system, path)
      if (held !== undefined) takeOver(system, path, held)
      if (!link(system, complete, path)) throw refused('another process took the lock at the same moment')
    }
  } finally {
    system.unlinkSync(complete)
  }
  let released = false
  return {
    release: () => {
      if (released) return
      released = true
      if (read(system, path)?.includes(own.token) === true) system.unlinkSync(path)
    },
  }
}

/** Moves a stale lock aside. Two processes may try; the move succeeds for one, who checks that it moved what it judged. */
function takeOver(system: JournalFs, path: string, judged: string): void {
  const holder = parse(judged)
  if (holder === undefined) throw refused('the lock file was not written by a gateway; remove it if none is running')
  if (holder.host !== hostname()) {
    throw refused(`the lock is held on host ${holder.host}; remove the lock file if no gateway is running there`)
  }
  if (isRunning(system, holder)) throw refused(`the journal is in use by process ${holder.pid}`)
  const aside = `${path}.stale.${randomUUID()}`
  try {
    system.renameSync(path, aside)
  } catch (error) {
    if (errorName(error) === 'ENOENT') throw refused('another process took the lock at the same moment')
    throw error
  }
  if (read(system, aside) !== judged) {
    // A third process was faster and holds the lock rightly: give it back.
    system.linkSync(aside, path)
    system.unlinkSync(aside)
    throw refused('another process took the lock at the same moment')
  }
  system.unlinkSync(aside)
}

function link(system: JournalFs, existing: string, created: string): boolean {
  try {
    system.linkSync(existing, created)
    return true
  } catch (error) {
    if (errorName(error) === 'EEXIST') return false
    throw error
  }
}

function read(system: JournalFs, path: string): string | undefined {
  try {
    return system.readFileSync(path).toString()
  } catch (error) {
    if (errorName(error) === 'ENOENT') return undefined
    throw error
  }
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { host, pid: id, started, token } = value as Partial<Record<keyof Holder, unknown>>
    if (typeof host !== 'string' || typeof id !== 'number' || typeof started !== 'string') return undefined
    return typeof token === 'string' && Number.isSafeInteger(id) && id > 0
      ? { host, pid: id, started, token }
      : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isRunning(system: JournalFs, holder: Holder): boolean {
  try {
    kill(holder.pid, 0)
  } catch (error) {
    // EPERM: it runs as another user.
    if (errorName(error) === 'ESRCH') return false
  }
  const started = startOf(system, holder.pid)
  return started === undefined || holder.started === '' || started === holder.started
}

/**
 * Boot and start time of a process (Linux: proc(5), field 22 of stat); "ended" for one that only waits to be reaped,
 * undefined where the system does not tell.
 */
function startOf(system: JournalFs, id: number): string | undefined {
  try {
    const boot = system.readFileSync('/proc/sys/kernel/random/boot_id').toString().trim()
    const stat = system.readFileSync(`/proc/${id}/stat`).toString()
    // The second field is the command in parentheses and may hold anything, parentheses too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : `${boot} ${fields[19] ?? ''}`
  } catch (error) {
    if (errorName(error) === 'ENOENT' || errorName(error) === 'ESRCH') return undefined
    throw error
  }
}

function refused(reason: string): ChaperoneError {
  return new ChaperoneError('CHP-RECORD-FAILED', { message: 'the journal directory is in use', reason })
}
