import { describe, expect, it } from 'vitest'
import { canonicalNumber } from './canonical-number.ts'

const zeros = '0'.repeat(400)

describe('canonicalNumber', () => {
  it.each([
    ['5', '5'],
    ['+5', '5'],
    [' -5\n', '-5'],
    ['-0', '0'],
    ['00.50', '0.5'],
    ['.5', '0.5'],
    ['1e5', '100000'],
    ['-1160869167', '-1160869167'],
    // As PostgreSQL reads them since version 16.
    ['-0x45318ef0', '-1160875760'],
    ['0X_ff', '255'],
    ['-0b101', '-5'],
    ['+0o17', '15'],
    ['-1_160_869_167', '-1160869167'],
    ['1_0.5_0', '10.5'],
    [`-${zeros}1160869167`, '-1160869167'],
  ])('reads %s', (text, number) => {
    expect(canonicalNumber(text, true)).toBe(number)
  })

  it.each(['', '-', 'NaN', '1_', '0x', '0xg', '0b2', '1__0', '1 0', '9'.repeat(300), `0x${'f'.repeat(300)}`, '1e9999'])(
    'reads no number in %s',
    (text) => {
      expect(canonicalNumber(text, true)).toBeUndefined()
    },
  )

  it('takes fractions only where they are wanted', () => {
    expect(canonicalNumber('1.5', false)).toBeUndefined()
    expect(canonicalNumber('1.0', false)).toBe('1')
  })
})
