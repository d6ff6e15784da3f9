import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from './classes.ts'
import { followsSafeHarbor, packTransform } from './packs.ts'
import { TRANSFORM_NAMES } from './transform-names.ts'

/** What a pack has for the classes that are neither redacted nor made NULL. */
const generalised = (pack: Parameters<typeof packTransform>[0]) =>
  Object.fromEntries(
    PHI_CLASSES.map((phiClass) => [phiClass, packTransform(pack, phiClass)] as const).filter(
      ([, transform]) => transform !== 'redact' && transform !== 'null',
    ),
  )

describe('hipaa-safe-harbor', () => {
  it('generalises what 164.514(b)(2) allows, and drops the rest', () => {
    expect(generalised('hipaa-safe-harbor')).toEqual({
      zip: 'zip3',
      date: 'year',
      'date-of-birth': 'year',
      'date-of-death': 'year',
      age: 'age90',
    })
  })

  it('covers every class once', () => {
    expect(new Set(PHI_CLASSES).size).toBe(PHI_CLASSES.length)
    expect(PHI_CLASSES).not.toContain('none')
  })
})

describe('minimum-necessary', () => {
  it('keeps internal keys and the dates of events, and nothing else', () => {
    const { date, 'other-id': otherId, ...others } = generalised('minimum-necessary')
    expect([date, otherId]).toEqual(['keep', 'keep'])
    const { date: _, ...safeHarbor } = generalised('hipaa-safe-harbor')
    expect(others).toEqual(safeHarbor)
  })
})

describe('followsSafeHarbor', () => {
  it('knows what is no weaker than the pack', () => {
    for (const phiClass of PHI_CLASSES) {
      const good = TRANSFORM_NAMES.filter((transform) => followsSafeHarbor(phiClass, transform))
      expect(new Set(good)).toEqual(new Set(['redact', 'null', 'token', packTransform('hipaa-safe-harbor', phiClass)]))
    }
    expect(followsSafeHarbor('ssn', 'zip3')).toBe(false)
    expect(followsSafeHarbor('name', 'my-own')).toBe(false)
    expect(followsSafeHarbor('none', 'keep')).toBe(true)
  })
})
