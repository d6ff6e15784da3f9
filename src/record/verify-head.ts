import { FORMAT, type SegmentHead, type TornFile } from './format.ts'
import { member } from './open-block.ts'
import { canonicalText } from './verify-header.ts'
import type { Finding } from './verify-report.ts'

/** What the segments before say about this one. Undefined: nothing is known. */
export interface ExpectedHead {
  readonly number: number
  readonly first: number
  readonly previous: string | undefined
  readonly origin: string | undefined
}

export interface HeadCheck {
  readonly head: SegmentHead | undefined
  readonly problems: readonly Finding[]
}

/** Whether a line is the first line of the segment that has to come now. */
export function checkSegmentHead(line: string, expected: ExpectedHead): HeadCheck {
  const head = segmentHeadOf(line)
  if (head === undefined) {
    return { head, problems: [{ code: 'segment-head', message: 'the first line is not that of a segment' }] }
  }
  const problems: Finding[] = []
  if (canonicalText({ segment: head }) !== line) {
    problems.push({ code: 'segment-head', message: 'the first line is not in canonical form' })
  }
  if (head.number !== expected.number) problems.push({ code: 'segment-head', message: 'number and file name differ' })
  if (expected.origin !== undefined && head.origin !== expected.origin) {
    problems.push({ code: 'segment-link', message: 'written by another gateway than the segment before' })
  }
  if (expected.previous !== undefined && head.previous !== expected.previous) {
    problems.push({ code: 'segment-link', message: 'does not follow from the segment before' })
  }
  if (expected.previous !== undefined && head.first !== expected.first) {
    problems.push({ code: 'sequence', message: `expected to begin with record ${expected.first}, not ${head.first}` })
  }
  return { head, problems }
}

/** The first line of a segment, parsed; undefined when it is none of this format. */
export function segmentHeadOf(line: string): SegmentHead | undefined {
  const value = member(line, 'segment')
  return isSegmentHead(value) ? value : undefined
}

function isSegmentHead(value: unknown): value is SegmentHead {
  if (typeof value !== 'object' || value === null) return false
  const head: Partial<Record<keyof SegmentHead, unknown>> = value
  const { bodiesKey, sealedKey, first, format, number, origin, previous, time, recovered } = head
  return (
    format === FORMAT &&
    typeof bodiesKey === 'string' &&
    (sealedKey === undefined || typeof sealedKey === 'string') &&
    Number.isSafeInteger(first) &&
    Number.isSafeInteger(number) &&
    typeof origin === 'string' &&
    typeof previous === 'string' &&
    typeof time === 'string' &&
    (recovered === undefined || isRecovered(recovered))
  )
}

function isRecovered(value: unknown): value is NonNullable<SegmentHead['recovered']> {
  if (typeof value !== 'object' || value === null) return false
  const { files, tornBytes } = value as { readonly files?: unknown; readonly tornBytes?: unknown }
  return typeof tornBytes === 'number' && Array.isArray(files) && files.every(isTornFile)
}

function isTornFile(value: unknown): value is TornFile {
  if (typeof value !== 'object' || value === null) return false
  const { bytes, file, sha256 } = value as Partial<Record<keyof TornFile, unknown>>
  return typeof bytes === 'number' && typeof file === 'string' && typeof sha256 === 'string'
}
