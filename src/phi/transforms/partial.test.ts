import { describe, expect, it } from 'vitest'
import { valueForm } from '../value-form.ts'
import { partial } from './partial.ts'

function text(cell: string, typeOid = 25, typmod = -1): string | null {
  const form = valueForm({ typeOid, typmod, format: 0 })
  if (form === undefined) throw new Error('no form')
  const source = Buffer.from(`#${cell}#`)
  return partial(form)(source, 1, source.length - 1)?.toString() ?? null
}

describe('partial', () => {
  it.each([
    ['4111111111111111', '****1111'],
    ['12345678', '****5678'],
    ['1234567', '[redacted]'],
    ['éééé1234', '****1234'],
    ['ééé1234', '[redacted]'],
    ['1234567é', '[redacted]'],
    ['', '[redacted]'],
  ])('%j becomes %j', (cell, expected) => {
    expect(text(cell)).toBe(expected)
  })

  it('does not count the padding of char(n)', () => {
    expect(text('1234      ', 1042, 14)).toBe('[redacted]')
    expect(text('12345678  ', 1042, 14)).toBe('****5678  ')
  })

  it('redacts other types', () => {
    expect(text('12345678', 23)).toBeNull()
    expect(text('"12345678"', 114)).toBe('"[redacted]"')
  })
})
