import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { monthIndex } from './calendar.ts'
import { zonedTextMonth, zonedTextYear } from './zoned-text.ts'

function read(text: string): readonly [number, number] {
  const source = Buffer.from(`1${text}2`)
  return [zonedTextYear(source, 1, source.length - 1), zonedTextMonth(source, 1, source.length - 1)]
}

const two = (n: number) => String(n).padStart(2, '0')

/** An instant as PostgreSQL prints it in a zone that is so many seconds east of Greenwich. */
function printed(instant: number, offset: number, fraction: string, separator: string): string {
  const local = new Date(instant + offset * 1000).toISOString().slice(0, 19).replace('T', separator)
  const size = Math.abs(offset)
  const minutes = size % 3600 === 0 ? '' : `:${two(Math.trunc(size / 60) % 60)}`
  const seconds = size % 60 === 0 ? '' : `:${two(size % 60)}`
  return `${local}${fraction}${offset < 0 ? '-' : '+'}${two(Math.trunc(size / 3600))}${minutes}${seconds}`
}

describe('a timestamptz in text', () => {
  it('has the same year and month whatever the time zone of the session', () => {
    const instants = fc.integer({ min: Date.UTC(1000, 0, 9) / 1000, max: Date.UTC(9999, 11, 20) / 1000 })
    const nearNewYear = fc
      .tuple(fc.integer({ min: 1900, max: 2100 }), fc.integer({ min: -700_000, max: 700_000 }))
      .map(([year, seconds]) => Date.UTC(year, 0, 1) / 1000 + seconds)
    const offsets = fc.integer({ min: -604_799, max: 604_799 })
    fc.assert(
      fc.property(
        fc.oneof(instants, nearNewYear),
        offsets,
        fc.constantFrom('', '.5', '.123456'),
        fc.constantFrom(' ', 'T'),
        (seconds, offset, fraction, separator) => {
          const instant = new Date(seconds * 1000)
          const year = instant.getUTCFullYear()
          const month = monthIndex(year, instant.getUTCMonth() + 1)
          expect(read(printed(seconds * 1000, offset, fraction, separator))).toEqual([year, month])
        },
      ),
      { numRuns: 3000 },
    )
  })

  it.each([
    '1984-07-23 04:05:06',
    '1984-07-23 04:05:06 EDT',
    '1984-07-23 04:05:06+',
    '1984-07-23 04:05:06+4',
    '1984-07-23 04:05:06+0400',
    '1984-07-23 04:05:06+04:0',
    '1984-07-23 04:05:06+04:00:',
    '1984-07-23 04:05:06.+04',
    '1984-07-23 04:05:06x+04',
    '1984-07-23 0a:05:06+04',
    '1984-07-23 04:05:06+04 BC',
    '1984-07-23',
    'infinity',
    '',
  ])('is not %j', (text) => {
    expect(read(text)).toEqual([-1, -1])
  })
})
