import type { PhiClass } from '../classes.ts'

/** A part of a text that is taken for an identifier. Places are UTF-16 code units, `end` is behind the last one. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly class: PhiClass
  /** Which detector says so. Free of data. */
  readonly detector: string
  /** Whatever overlaps it says better what it is. */
  readonly weak?: true
}

/** Without overlaps, in order. Where spans overlap, their union stands for the longest of them that is not weak. */
export function mergeSpans(spans: readonly Span[]): readonly Span[] {
  if (spans.length < 2) return spans
  const merged: Span[] = []
  let current: Span | undefined
  let named: Span | undefined
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (current === undefined || named === undefined || span.start >= current.end) {
      if (current !== undefined) merged.push(current)
      current = span
      named = span
      continue
    }
    if (weight(span) > weight(named)) named = span
    current = { ...named, start: current.start, end: Math.max(current.end, span.end) }
  }
  if (current !== undefined) merged.push(current)
  return merged
}

/**
 * What of the spans is to be hidden from somebody: those of classes that he is not cleared for, without weak ones within an
 * identifier that he is cleared for.
 */
export function hiddenSpans(spans: readonly Span[], clears: (phiClass: string) => boolean): readonly Span[] {
  const shown = spans.filter((span) => span.weak !== true && clears(span.class))
  return spans.filter(
    ({ class: phiClass, weak, start, end }) =>
      !clears(phiClass) && !(weak === true && shown.some((one) => one.start <= start && end <= one.end)),
  )
}

function weight({ start, end, weak }: Span): number {
  return weak === true ? 0 : end - start
}
