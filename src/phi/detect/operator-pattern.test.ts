import { describe, expect, it } from 'vitest'
import { type OperatorPattern, operatorFinder, operatorPatternProblem } from './operator-pattern.ts'
import type { Span } from './span.ts'

const PATTERN: OperatorPattern = { name: 'ward', class: 'other-id', pattern: 'W-[0-9]{3}', caseSensitive: false }

function places(operator: OperatorPattern, text: string): readonly (readonly [number, number])[] {
  const found: Span[] = []
  operatorFinder(operator)(text, found)
  return found.map(({ start, end }) => [start, end])
}

describe('a pattern of the operator', () => {
  it('is found wherever it stands', () => {
    expect(places(PATTERN, 'in w-123 and W-456')).toEqual([
      [3, 8],
      [13, 18],
    ])
    expect(places({ ...PATTERN, caseSensitive: true }, 'in w-123 and W-456')).toEqual([[13, 18]])
  })

  it('counts UTF-16 code units', () => {
    expect(places(PATTERN, '𝒜é W-123')).toEqual([[4, 9]])
  })

  it('can ask for a check digit', () => {
    const card: OperatorPattern = { ...PATTERN, pattern: '[0-9]{16}', check: 'luhn' }
    expect(places(card, '4111111111111111 4111111111111112')).toEqual([[0, 16]])
  })

  it.each([
    ['look-ahead', '(?=a)b'],
    ['look-behind', '(?<!a)b'],
    ['back-references', '(a)\\1'],
    ['what is no pattern', '(['],
    ['what matches nothing', 'a*'],
    ['too long ones', 'a'.repeat(501)],
  ])('is refused for %s', (_, pattern) => expect(operatorPatternProblem(pattern)).toEqual(expect.any(String)))

  it('runs in linear time whatever it is', () => {
    const pattern = '(a+)+$'
    expect(operatorPatternProblem(pattern)).toBe(undefined)
    expect(places({ ...PATTERN, pattern }, `${'a'.repeat(20_000)}!`)).toEqual([])
  })
})
