import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replaceSpans } from './placeholders.ts'
import { mergeSpans } from './span.ts'
import { compileDetectors, type DetectorSettings } from './text-detectors.ts'

const SETTINGS: DetectorSettings = { builtin: 'all', patterns: [], external: false, knownValues: 'row' }
const ward = { name: 'ward', class: 'other-id', pattern: 'ward [0-9]', caseSensitive: false } as const

function masked(text: string, settings: Partial<DetectorSettings> = {}): string {
  return replaceSpans(text, mergeSpans(compileDetectors({ ...SETTINGS, ...settings }).find(text)))
}

describe('compileDetectors', () => {
  it('joins built-in patterns with those of the operator', () => {
    expect(masked('SSN 900-12-3456 in Ward 7', { patterns: [ward] })).toBe('SSN [ssn] in [other-id]')
    expect(masked('SSN 900-12-3456 in Ward 7', { builtin: [], patterns: [ward] })).toBe('SSN 900-12-3456 in [other-id]')
  })

  it('finds what is written with other dashes, blanks and digits at its place', () => {
    expect(masked('né; SSN ９００–１２–３４５６!')).toBe('né; SSN [ssn]!')
  })

  it('refuses a pattern that is not linear, and names it without quoting data', () => {
    expect(() => compileDetectors({ ...SETTINGS, patterns: [{ ...ward, pattern: '(?=a)' }] })).toThrow(
      /detector "ward"/,
    )
  })

  it('gives places within the text, whatever the text is', () => {
    const detectors = compileDetectors(SETTINGS)
    const pieces = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom('Dr. Smith', 'MRN 4711', '900-12-3456', 'http://', '@', '𝒜', ' ', '(617) 555-0134', 'March 3'),
      ),
    )
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('')
        for (const { start, end } of detectors.find(text)) {
          expect(start).toBeLessThan(end)
          expect(start).toBeGreaterThanOrEqual(0)
          expect(end).toBeLessThanOrEqual(text.length)
        }
      }),
    )
  })
})
