import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from '../phi/classes.ts'
import { questionHint } from './question-hints.ts'

const hint = (use: Parameters<typeof questionHint>[0], ...classes: string[]): string =>
  questionHint(use, new Set(classes))

describe('questionHint', () => {
  it.each([
    ['date-of-birth', 'whole years', /tok_|ZIP|Free text/],
    ['zip', "left(zip, 3) = '021'", /tok_|whole years|Free text/],
    ['age', 'age >= 65', /tok_|ZIP|whole years/],
    ['free-text', 'cannot be searched', /tok_|ZIP|whole years/],
    ['mrn', "mrn = 'tok_…'", /ZIP|whole years|Free text/],
  ])('tells of a condition over %s what concerns that class', (phiClass, told, other) => {
    expect(hint('condition', phiClass)).toContain(told)
    expect(hint('condition', phiClass)).not.toMatch(other)
  })

  it('tells everything of what is not known, and of names that are no classes', () => {
    const everything = hint('condition')
    for (const part of ['whole years', 'ZIP', 'age', 'Free text', 'tok_']) expect(everything).toContain(part)
    for (const name of ['unlabelled', 'constructor', '__proto__']) {
      expect(hint('condition', 'mrn', name)).toBe(everything)
    }
  })

  it('speaks of years in an order or group only where there are dates', () => {
    expect(hint('order', 'name')).not.toContain('year')
    expect(hint('order', 'name', 'date')).toContain("date_trunc('year', born)")
    expect(hint('group', 'ssn')).not.toMatch(/year|ZIP/)
    expect(hint('computation', 'date')).toContain('EXTRACT')
  })

  it('leads from LIKE over an identifier to the token', () => {
    expect(hint('computation', 'mrn')).toContain("mrn = 'tok_…'")
    expect(hint('computation', 'free-text')).not.toContain('tok_')
  })

  it('is short enough to be read, for every class', () => {
    for (const phiClass of PHI_CLASSES) expect(hint('condition', phiClass).length).toBeLessThan(500)
  })
})
