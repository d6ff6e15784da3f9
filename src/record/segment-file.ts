import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { BatchTarget } from './batch.ts'
import { fragment } from './canonical.ts'
import { FORMAT, SEGMENT_DOMAIN, segmentName, type TornFile } from './format.ts'
import { CREATE_APPEND, type JournalFs, syncDirectory, writeWhole } from './journal-fs.ts'
import { makeBodiesKey, type SealKey } from './segment-keys.ts'

export interface SegmentStart {
  readonly directory: string
  readonly origin: string
  readonly bodyKey: Buffer
  readonly sealKey: SealKey | undefined
  readonly number: number
  readonly first: number
  readonly previous: string
  readonly time: string
  readonly torn: readonly TornFile[]
}

/** The segment being written. */
export interface OpenSegment extends BatchTarget {
  readonly fd: number
  chain: string
  /** Bytes written whole. */
  size: number
}

/**
 * Creates a segment and makes its name and first lines durable. Leaves nothing behind when it fails, if it can.
 * @throws Error of the system call that failed.
 */
export function createSegment(system: JournalFs, start: SegmentStart): OpenSegment {
  const { number, origin, first, previous, time, torn } = start
  const bodiesKey = makeBodiesKey(start.bodyKey, origin, number)
  const head = fragment({
    segment: {
      bodiesKey: hash('sha256', bodiesKey.line, 'hex'),
      first,
      format: FORMAT,
      number,
      origin,
      previous,
      ...(torn.length === 0 ? {} : { recovered: recovered(torn) }),
      ...(start.sealKey === undefined ? {} : { sealedKey: hash('sha256', start.sealKey.line, 'hex') }),
      time,
    },
  })
  const seal = start.sealKey === undefined ? '' : `${start.sealKey.line}\n`
  const bytes = Buffer.from(`${head}\n${bodiesKey.line}\n${seal}`)
  const path = join(start.directory, segmentName(number))
  const fd = system.openSync(path, CREATE_APPEND, 0o600)
  try {
    writeWhole(system, fd, bytes)
    system.fsyncSync(fd)
    syncDirectory(system, start.directory)
  } catch (error) {
    system.closeSync(fd)
    system.unlinkSync(path)
    throw error
  }
  return {
    fd,
    number,
    origin,
    size: bytes.length,
    chain: hash('sha256', `${SEGMENT_DOMAIN}\n${head}\n`, 'hex'),
    bodies: bodiesKey.cipher,
    sealed: start.sealKey?.cipher,
  }
}

function recovered(torn: readonly TornFile[]) {
  return {
    files: torn.map(({ bytes, file, sha256 }) => ({ bytes, file, sha256 })),
    tornBytes: torn.reduce((sum, file) => sum + file.bytes, 0),
  }
}
