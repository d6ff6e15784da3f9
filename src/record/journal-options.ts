import { dirname } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { KEY_BYTES } from './format.ts'
import type { JournalWarning } from './free-space.ts'
import { type JournalFs, syncDirectory } from './journal-fs.ts'

export interface JournalOptions {
  /** Created with mode 0700 when missing. One journal and one process a directory. */
  readonly directory: string
  /** `process-crash` survives the end of the process, but not that of the machine: nothing waits for the disk. */
  readonly durability: 'fsync' | 'process-crash'
  /** A segment that has grown to this size is followed by a new one. 64 MiB unless said otherwise. */
  readonly segmentBytes?: number
  /** 32 bytes. Wraps the keys of the segments' bodies. */
  readonly bodyKey: Buffer
  /** age recipients (age1…) of exact statements; none means that exact statements are not kept. */
  readonly sealRecipients: readonly string[]
  /** Warn when the file system has fewer bytes than this left. */
  readonly minimumFreeBytes: number
  /** Space held back so that sessions can be ended in order on a full disk. 0: none. */
  readonly reserveBytes: number
  /** Identity of this gateway (or worker): printable ASCII without spaces. Stays with the directory. */
  readonly origin: string
  readonly clock: Clock
  readonly onWarning: (warning: JournalWarning) => void
  /** For fault tests. */
  readonly fs?: JournalFs
}

/**
 * - `open`: every record is taken.
 * - `ending`: the disk is full and the reserve is in use; only records that end sessions are taken. `failed` is set.
 * - `failed`: nothing is taken any more.
 * - `closed`: likewise, in good order.
 */
export type JournalState = 'open' | 'ending' | 'failed' | 'closed'

export const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024

const ORIGIN = /^[!-~]{1,200}$/
const OTHERS_MAY_WRITE = 0o022

/** @throws ChaperoneError CHP-CONFIG-INVALID */
export function checkOptions({ bodyKey, origin, segmentBytes, reserveBytes, minimumFreeBytes }: JournalOptions): void {
  const sizes = [segmentBytes ?? DEFAULT_SEGMENT_BYTES, reserveBytes, minimumFreeBytes]
  if (bodyKey.length !== KEY_BYTES) throw invalid('the body key of the journal is not 32 bytes long')
  if (!ORIGIN.test(origin)) throw invalid('the origin of the journal is not printable ASCII without spaces')
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw invalid('a size of the journal is no number')
}

/**
 * Creates the directory, or checks that nobody else may write to the one that is there.
 * @throws ChaperoneError CHP-RECORD-FAILED
 * @throws Error of the system call that failed.
 */
export function prepareDirectory(system: JournalFs, directory: string): void {
  system.mkdirSync(directory, { recursive: true, mode: 0o700 })
  syncDirectory(system, dirname(directory))
  if ((system.statSync(directory).mode & OTHERS_MAY_WRITE) !== 0) {
    throw new ChaperoneError('CHP-RECORD-FAILED', { reason: 'group or others may write to the journal directory' })
  }
}

function invalid(message: string): ChaperoneError {
  return new ChaperoneError('CHP-CONFIG-INVALID', { message })
}
