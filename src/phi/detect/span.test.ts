import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { hiddenSpans, mergeSpans, type Span } from './span.ts'

const clearsDates = (phiClass: string): boolean => phiClass === 'date'
const span = (start: number, end: number, name = 'name'): Span => ({ start, end, class: 'name', detector: name })

const places = (list: readonly Span[]): ReadonlySet<number> =>
  new Set(list.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)))

it('merges what overlaps, under the name of the longest', () => {
  expect(mergeSpans([span(10, 14), span(0, 3, 'a'), span(2, 8, 'b')])).toEqual([span(0, 8, 'b'), span(10, 14)])
  expect(mergeSpans([span(0, 3, 'first'), span(0, 3, 'second')])).toEqual([span(0, 3, 'first')])
})

it('keeps apart what only touches', () => {
  expect(mergeSpans([span(3, 6), span(0, 3)])).toEqual([span(0, 3), span(3, 6)])
})

it('does not name a union by a weak one', () => {
  const weak: Span = { ...span(0, 9, 'weak'), weak: true }
  expect(mergeSpans([weak, span(2, 4, 'good')])).toEqual([span(0, 9, 'good')])
  expect(mergeSpans([weak])).toEqual([weak])
})

it('covers the same places, in order and without overlaps', () => {
  const spans = fc.array(
    fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 10 })).map(([at, length]) => span(at, at + length)),
  )
  fc.assert(
    fc.property(spans, (given) => {
      const merged = mergeSpans(given)
      expect(places(merged)).toEqual(places(given))
      expect(merged.every(({ start }, i) => i === 0 || (merged[i - 1]?.end ?? 0) <= start)).toBe(true)
    }),
  )
})

it('hides what is not cleared, and within what is cleared only what is sure of itself', () => {
  const date: Span = { start: 0, end: 10, class: 'date', detector: 'date' }
  const guess: Span = { start: 0, end: 4, class: 'other-id', detector: 'other-number', weak: true }
  const inside: Span = { start: 5, end: 7, class: 'name', detector: 'name' }
  expect(hiddenSpans([date, guess, inside], clearsDates)).toEqual([inside])
  expect(hiddenSpans([date, { ...guess, end: 12 }], clearsDates)).toEqual([{ ...guess, end: 12 }])
  expect(hiddenSpans([date, guess], () => false)).toEqual([date, guess])
})
