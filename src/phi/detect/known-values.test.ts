import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PhiClass } from '../classes.ts'
import { KnownValues, type Reach } from './known-values.ts'

function found(
  values: readonly (readonly [PhiClass, string])[],
  text: string,
  reach: Reach = 'row',
): readonly string[] {
  const known = new KnownValues(100, reach)
  for (const [phiClass, value] of values) known.add(phiClass, value)
  return known.find(text).map(({ start, end }) => text.slice(start, end))
}

describe('values of the row', () => {
  it.each([
    ['whole', 'Asdra Qwerlin', 'met Asdra Qwerlin today', ['Asdra Qwerlin', 'Qwerlin']],
    ['in another case', 'Asdra Qwerlin', 'met ASDRA QWERLIN', ['ASDRA QWERLIN', 'QWERLIN']],
    ['by one of their words', 'Asdra Qwerlin', "qwerlin's mother", ['qwerlin']],
    ['the other way round', 'Asdra Qwerlin', 'Qwerlin, Asdra', ['Qwerlin, Asdra', 'Asdra']],
    ['with other accents', 'Zoë Núñez', 'Zoe Nunez', ['Zoe Nunez', 'Nunez']],
    ['with accents of their own', 'Nunez', 'Nu\u0301n\u0303ez', ['Nu\u0301n\u0303ez']],
    ['with other apostrophes', "O'Brien", 'OBrien and O’Brien', ['OBrien', 'O’Brien', 'Brien']],
    ['not within words', 'Ann', 'Annual planning', []],
    ['not when they are short', 'Li', 'li', []],
    ['not by words that are ordinary ones', 'Asdra Young', 'Young and healthy, young', []],
    ['but with them', 'Asdra Young', 'asdra young', ['asdra young']],
    ['not what stands for no name', 'Unknown', 'unknown cause', []],
  ])('are names found %s', (_, value, text, expected) => expect(found([['name', value]], text)).toEqual(expected))

  it.each([
    ['with other separators', 'phone', '(617) 555-0134', 'tel 617.555.0134 x', ['617.555.0134']],
    ['without separators', 'phone', '(617) 555-0134', 'tel6175550134', ['6175550134']],
    ['as numbers', 'mrn', '10000001', 'MRN10000001', ['10000001']],
    ['in full only', 'mrn', '10000001', '100000012', []],
    ['in e-mail addresses', 'email', 'asdra@example.org', 'ASDRA@example.org', ['ASDRA@example.org']],
    ['not when they are short', 'mrn', '120', 'BP 120/80', []],
    ['not when they are words', 'other-id', 'Inpatient', 'inpatient stay', []],
    ['not by one word of an address', 'address', '12 Main Street', 'street drugs', []],
  ] as const)('are numbers found %s', (_, phiClass, value, text, expected) =>
    expect(found([[phiClass, value]], text)).toEqual(expected),
  )

  it('are none of classes that say nothing by themselves', () => {
    expect(
      found(
        [
          ['age', '57-year-old'],
          ['free-text', 'supportive care'],
        ],
        '57-year-old, supportive care',
      ),
    ).toEqual([])
  })
})

describe('values of the session', () => {
  it('are found whole in any case, and by one word only with a capital letter', () => {
    const values = [['name', 'Asdra Qwerlin']] as const
    expect(found(values, 'asdra qwerlin', 'session')).toEqual(['asdra qwerlin'])
    expect(found(values, 'qwerlin, Qwerlin', 'session')).toEqual(['Qwerlin'])
  })

  it('are not short numbers', () => {
    expect(found([['mrn', '4711']], 'bed 4711', 'session')).toEqual([])
    expect(found([['mrn', '471100']], 'bed 471100', 'session')).toEqual(['471100'])
  })
})

it('forgets the oldest, and everything when told', () => {
  const known = new KnownValues(2, 'row')
  for (const value of ['100001', '100002', '100003']) known.add('mrn', value)
  const text = '100001 100002 100003'
  expect(known.find(text).map(({ start }) => start)).toEqual([7, 14])
  known.clear()
  expect(known.find(text)).toEqual([])
  expect(known.size).toBe(0)
})

it('finds a number whatever is around it', () => {
  const around = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/[\p{L}\p{N}\p{M}]/u.test(text))
  fc.assert(
    fc.property(fc.integer({ min: 100_000, max: 999_999_999 }), around, around, (value, before, behind) => {
      const known = new KnownValues(10, 'session')
      known.add('mrn', String(value))
      const text = `${before}${value}${behind}`
      expect(known.find(text)).toEqual([
        { start: before.length, end: before.length + String(value).length, class: 'mrn', detector: 'known-value' },
      ])
    }),
  )
})

it('finds nothing in text without the value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const known = new KnownValues(10, 'row')
      known.add('mrn', '8152361523')
      expect(known.find(text)).toEqual([])
    }),
  )
})
