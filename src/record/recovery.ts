import { hash } from 'node:crypto'
import { join } from 'node:path'
import { ChaperoneError } from '../lib/errors.ts'
import { NO_PREVIOUS, SEGMENT_NAME, segmentName, TORN_NAME, type TornFile } from './format.ts'
import { CREATE_NEW, errorName, type JournalFs, syncDirectory, WRITE_EXISTING, writeWhole } from './journal-fs.ts'
import { segmentEdges } from './segment-edges.ts'
import { checkSegmentFile } from './verify.ts'
import type { SegmentEnd } from './verify-segment.ts'

/** Where a journal goes on. */
export interface Past {
  /** Of the segment to create. */
  readonly number: number
  readonly first: number
  readonly previous: string
  /** Torn tails that no segment names yet. */
  readonly torn: readonly TornFile[]
}

const PARTIAL_NAME = 'torn.partial'

/**
 * Finds the end of a journal. The links between all segments and the whole of the last one are checked. An incomplete
 * batch at the very end is what a crash leaves: it is copied to a `.torn` file first and cut off then. Any other damage
 * refuses; there is no way round it but to look at what happened.
 * @throws ChaperoneError CHP-RECORD-FAILED for a damaged journal or one of another gateway.
 * @throws Error of the system call that failed.
 */
export async function recover(system: JournalFs, directory: string, origin: string): Promise<Past> {
  let last = countSegments(system, directory)
  let end = await checkLast(directory, last, origin)
  if (end !== undefined && end.head === undefined) {
    // The crash came while the segment was created: nothing was ever recorded in it, and its number is used again.
    system.renameSync(join(directory, segmentName(last)), join(directory, freeTornName(system, directory, last)))
    syncDirectory(system, directory)
    last--
    end = await checkLast(directory, last, origin)
  }
  if (end === undefined) {
    return { number: 1, first: 1, previous: NO_PREVIOUS, torn: tornFiles(system, directory, last, []) }
  }
  if (end.head === undefined) throw damaged(`${segmentName(last)} is empty`)
  if (end.tornBytes > 0) cutTail(system, directory, last, end.end)
  const torn = tornFiles(system, directory, last, end.head.recovered?.files ?? [])
  return { number: last + 1, first: end.nextSeq, previous: end.chain, torn }
}

/** Segments are numbered from 1 without gaps. */
function countSegments(system: JournalFs, directory: string): number {
  const names = system
    .readdirSync(directory)
    .filter((name) => SEGMENT_NAME.test(name))
    .toSorted()
  const missing = names.findIndex((name, index) => name !== segmentName(index + 1))
  if (missing >= 0) throw damaged(`${segmentName(missing + 1)} is missing`)
  return names.length
}

/** Follows the links up to the last segment and checks that one whole. Undefined when there is none. */
async function checkLast(directory: string, last: number, origin: string): Promise<SegmentEnd | undefined> {
  if (last === 0) return undefined
  let [previous, first] = [NO_PREVIOUS, 1]
  for (let number = 1; number < last; number++) {
    const edges = await segmentEdges(join(directory, segmentName(number)))
    if (edges === undefined) throw damaged(`${segmentName(number)} is not complete`)
    const { head, chain, nextSeq } = edges
    if (head.origin !== origin) throw damaged(`${segmentName(number)} was written by gateway ${head.origin}`)
    if (head.number !== number || head.previous !== previous || head.first !== first) {
      throw damaged(`${segmentName(number)} does not follow from the segment before`)
    }
    previous = chain
    first = nextSeq
  }
  const end = await checkSegmentFile(directory, { number: last, first, previous, origin }, true)
  const problem = end.problems[0]
  if (problem !== undefined)
    throw damaged(`${problem.segment} line ${problem.line}: ${problem.code}, ${problem.message}`)
  return end
}

/** Copies what follows `end` aside, durably, before it cuts it off. */
function cutTail(system: JournalFs, directory: string, number: number, end: number): void {
  const path = join(directory, segmentName(number))
  const tail = system.readFileSync(path).subarray(end)
  const partial = join(directory, PARTIAL_NAME)
  // A copy that an earlier opening did not finish; the tail is still in the segment.
  if (system.readdirSync(directory).includes(PARTIAL_NAME)) system.unlinkSync(partial)
  withFile(system, partial, CREATE_NEW, (fd) => {
    writeWhole(system, fd, tail)
    system.fsyncSync(fd)
  })
  system.renameSync(partial, join(directory, freeTornName(system, directory, number)))
  syncDirectory(system, directory)
  withFile(system, path, WRITE_EXISTING, (fd) => {
    system.ftruncateSync(fd, end)
    system.fsyncSync(fd)
  })
}

function withFile(system: JournalFs, path: string, flags: number, use: (fd: number) => void): void {
  const fd = system.openSync(path, flags, 0o600)
  try {
    use(fd)
  } finally {
    system.closeSync(fd)
  }
}

function freeTornName(system: JournalFs, directory: string, number: number): string {
  const taken = new Set(system.readdirSync(directory))
  const base = String(number).padStart(8, '0')
  for (let copy = 1; ; copy++) {
    const name = copy === 1 ? `${base}.torn` : `${base}.${copy}.torn`
    if (!taken.has(name)) return name
  }
}

/** Torn tails from the last segment on, but those that it names itself. Also what a crash during a recovery left unnamed. */
function tornFiles(
  system: JournalFs,
  directory: string,
  last: number,
  known: readonly TornFile[],
): readonly TornFile[] {
  const named = new Set(known.map(({ file }) => file))
  return system
    .readdirSync(directory)
    .filter((name) => Number(TORN_NAME.exec(name)?.[1] ?? -1) >= last && !named.has(name))
    .toSorted()
    .map((file) => {
      const bytes = system.readFileSync(join(directory, file))
      return { bytes: bytes.length, file, sha256: hash('sha256', bytes, 'hex') }
    })
}

function damaged(reason: string): ChaperoneError {
  return new ChaperoneError('CHP-RECORD-FAILED', { message: 'the journal is damaged and cannot be continued', reason })
}

/** A failed system call as the error that callers of the journal see. The reason names the error, never a path. */
export function recordFailure(thrown: unknown, during: string): ChaperoneError {
  if (thrown instanceof ChaperoneError) return thrown
  return new ChaperoneError('CHP-RECORD-FAILED', { reason: `${during}: ${errorName(thrown)}`, cause: thrown })
}
