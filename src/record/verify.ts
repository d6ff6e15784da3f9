import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FORMAT, type JournalHeader, NO_PREVIOUS, SEGMENT_NAME, segmentName } from './format.ts'
import { OpenWork } from './open-work.ts'
import { readLines } from './read-lines.ts'
import type { ExpectedHead } from './verify-head.ts'
import type { Problem, VerifyReport } from './verify-report.ts'
import { type CheckedBatch, SegmentCheck, type SegmentEnd } from './verify-segment.ts'

const MAXIMUM_PROBLEMS = 100

/**
 * Reads a journal from its beginning and says whether it is whole: sequence, chain, links between segments, canonical
 * form, blocks and (with the key) the commitments of bodies. Works on a journal that is being written: an incomplete
 * last batch is stated and left out. Shares no code with the writer. Memory is bounded by one batch.
 *
 * What it cannot see: that the end of the journal was cut off at the boundary of a batch, or that all of it was written
 * anew. Compare `head` with one noted elsewhere.
 * @throws Error of the system call when the directory cannot be read; a damaged journal is a report, not an error.
 */
export async function verifyJournal(
  directory: string,
  options: { readonly bodyKey?: Buffer; readonly onSegment?: (name: string, index: number, of: number) => void } = {},
): Promise<VerifyReport> {
  const summary = new Summary()
  const numbers = (await readdir(directory))
    .map((name) => Number(SEGMENT_NAME.exec(name)?.[1] ?? 0))
    .filter((number) => number > 0)
    .toSorted((a, b) => a - b)
  if (numbers.length === 0) {
    // The writer makes the first segment before anything else, so nothing is not a journal that is whole.
    const message = 'there is no segment: this is not a journal, or all of it is gone'
    summary.problem({ segment: segmentName(1), line: 0, code: 'directory', message })
  }
  let expected: ExpectedHead = { number: 1, first: 1, previous: NO_PREVIOUS, origin: undefined }
  for (const [index, number] of numbers.entries()) {
    if (number !== expected.number) {
      const missing = `${segmentName(expected.number)} to ${segmentName(number - 1)} missing`
      summary.problem({ segment: segmentName(number), line: 0, code: 'directory', message: missing })
    }
    options.onSegment?.(segmentName(number), index, numbers.length)
    const isLast = index === numbers.length - 1
    const end = await verifySegment(directory, { ...expected, number }, options.bodyKey, isLast, summary)
    expected = {
      number: number + 1,
      first: end.nextSeq,
      previous: end.chain === '' ? undefined : end.chain,
      origin: expected.origin ?? end.head?.origin,
    }
  }
  return summary.report()
}

/** Checks one segment file; `deliver` gets the records of its complete batches. Used by the recovery too. */
export async function checkSegmentFile(
  directory: string,
  expected: ExpectedHead,
  isLast: boolean,
  bodyKey?: Buffer,
  deliver: (batch: CheckedBatch) => void = () => undefined,
): Promise<SegmentEnd> {
  const name = segmentName(expected.number)
  const check = new SegmentCheck(name, expected, bodyKey, deliver)
  try {
    for await (const { lines, rest } of readLines(join(directory, name))) {
      for (const line of lines) check.line(line)
      if (rest !== undefined) return check.finish(rest, isLast)
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return check.giveUp('a line longer than the format allows')
}

async function verifySegment(
  directory: string,
  expected: ExpectedHead,
  bodyKey: Buffer | undefined,
  isLast: boolean,
  summary: Summary,
): Promise<SegmentEnd> {
  const end = await checkSegmentFile(directory, expected, isLast, bodyKey, (batch) => summary.batch(batch))
  summary.segment(segmentName(expected.number), end)
  return end
}

class Summary {
  readonly #problems: Problem[] = []
  readonly #work = new OpenWork()
  readonly #recovered: { readonly segment: string; readonly tornBytes: number }[] = []
  #problemCount = 0
  #segments = 0
  #records = 0
  #clockSteps = 0
  #origin: string | null = null
  #first: JournalHeader | undefined
  #last: JournalHeader | undefined
  #head: VerifyReport['head'] = null
  #tail: { readonly segment: string | null; readonly tornBytes: number } = { segment: null, tornBytes: 0 }
  #bodies = { committed: 0, opened: 0, missing: 0, unopened: 0 }
  #sealed = { batches: 0, missing: 0 }

  problem(problem: Problem): void {
    this.#problemCount++
    if (this.#problems.length < MAXIMUM_PROBLEMS) this.#problems.push(problem)
  }

  batch({ headers, committed, opened, missing, unopened, sealed, sealedMissing }: CheckedBatch): void {
    for (const header of headers) {
      this.#records++
      this.#first ??= header
      if (this.#last !== undefined && header.time < this.#last.time) this.#clockSteps++
      this.#last = header
      this.#work.add(header)
    }
    this.#bodies = {
      committed: this.#bodies.committed + committed,
      opened: this.#bodies.opened + opened,
      missing: this.#bodies.missing + missing,
      unopened: this.#bodies.unopened + unopened,
    }
    this.#sealed = {
      batches: this.#sealed.batches + (sealed ? 1 : 0),
      missing: this.#sealed.missing + (sealedMissing ? 1 : 0),
    }
  }

  segment(segment: string, { head, chain, nextSeq, tornBytes, problems }: SegmentEnd): void {
    this.#segments++
    this.#origin ??= head?.origin ?? null
    if (head?.recovered !== undefined) this.#recovered.push({ segment, tornBytes: head.recovered.tornBytes })
    if (chain !== '') this.#head = { segment, seq: nextSeq - 1, chain }
    this.#tail = { segment, tornBytes }
    for (const problem of problems) this.problem(problem)
  }

  report(): VerifyReport {
    return {
      format: FORMAT,
      origin: this.#origin,
      segments: this.#segments,
      records: this.#records,
      firstSeq: this.#first?.seq ?? null,
      lastSeq: this.#last?.seq ?? null,
      firstTime: this.#first?.time ?? null,
      lastTime: this.#last?.time ?? null,
      clockSteps: this.#clockSteps,
      head: this.#head,
      ok: this.#problemCount === 0,
      problems: this.#problems,
      problemCount: this.#problemCount,
      tail: { ...this.#tail, lastKind: this.#last?.kind ?? null },
      recovered: this.#recovered,
      bodies: this.#bodies,
      sealed: this.#sealed,
      intentsWithoutOutcome: this.#work.intentsWithoutOutcome,
      sessionsWithoutEnd: this.#work.sessionsWithoutEnd,
    }
  }
}
