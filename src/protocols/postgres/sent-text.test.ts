import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { askedPosition, type SentText } from './sent-text.ts'

interface Part {
  /** As the client wrote it, and what is sent instead when that is something else. */
  readonly asked: string
  readonly sent: string | undefined
}

function sentTextOf(parts: readonly Part[]): SentText {
  const replaced = []
  let start = 0
  for (const { asked, sent } of parts) {
    if (sent !== undefined) replaced.push({ start, length: asked.length, newLength: sent.length })
    start += asked.length
  }
  return {
    asked: parts.map(({ asked }) => asked).join(''),
    resolved: { sql: parts.map(({ asked, sent }) => sent ?? asked).join(''), replaced },
  }
}

const characters = (text: string): number => Array.from(text).length

describe('askedPosition', () => {
  it.each([
    ['in front', 1, 1],
    ['right in front', 4, 4],
    ['the first of a value', 5, 5],
    ['within a value', 8, 5],
    ['right behind', 11, 10],
    ['behind a second one', 15, 13],
    ['behind the end', 99, 14],
  ])('finds %s', (_, position, expected) => {
    // 😀 is one character and two UTF-16 units.
    const text = sentTextOf([
      { asked: "a='😀", sent: undefined },
      { asked: ' tok', sent: ' Ann😀' },
      { asked: "'b", sent: undefined },
      { asked: 'T', sent: 'xy' },
      { asked: 'zz', sent: undefined },
    ])
    expect(characters(text.asked)).toBe(13)
    expect(askedPosition(text, position)).toBe(expected)
  })

  it('finds every character, whatever is replaced', () => {
    const text = fc.string({ unit: 'binary', maxLength: 6 })
    const parts = fc.array(fc.record({ asked: text, sent: fc.option(text, { nil: undefined }) }), { maxLength: 8 })
    fc.assert(
      fc.property(parts, (given) => {
        const sent = sentTextOf(given)
        let before = 0
        let askedBefore = 0
        for (const part of given) {
          const length = characters(part.sent ?? part.asked)
          for (let at = 0; at < length; at++) {
            const expected = part.sent === undefined ? askedBefore + at + 1 : askedBefore + 1
            expect(askedPosition(sent, before + at + 1)).toBe(expected)
          }
          before += length
          askedBefore += characters(part.asked)
        }
      }),
      { numRuns: 500 },
    )
  })
})
