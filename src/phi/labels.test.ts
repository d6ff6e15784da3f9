import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from './classes.ts'
import { compileLabels, defaultTransform, type Label } from './labels.ts'

const name: Label = { class: 'name', transform: 'redact' }
const text: Label = { class: 'free-text', transform: 'redact' }

describe('compileLabels', () => {
  it('lets the most specific rule win, in any order', () => {
    const rules = [
      { pattern: 'ehr.*', label: text },
      { pattern: 'ehr.patients.*', label: 'none' },
      { pattern: 'ehr.patients.last', label: name },
    ] as const
    for (const order of [rules, rules.toReversed()]) {
      const labels = compileLabels(order)
      expect(labels.labelOf('ehr', 'patients', 'last')).toEqual(name)
      expect(labels.labelOf('ehr', 'patients', 'gender')).toBe('none')
      expect(labels.labelOf('ehr', 'notes', 'last')).toEqual(text)
      expect(labels.labelOf('reporting', 'patients', 'last')).toBe('unlabelled')
    }
  })

  it('keeps names apart that differ in case or in where their dots are', () => {
    const labels = compileLabels([
      { pattern: 'ehr."a.b".c', label: name },
      { pattern: 'ehr.T.*', label: name },
    ])
    expect(labels.labelOf('ehr', 'a.b', 'c')).toEqual(name)
    expect(labels.labelOf('ehr', 'a', 'b.c')).toBe('unlabelled')
    expect(labels.labelOf('ehr', 't', 'c')).toBe('unlabelled')
    expect(labels.labelOf('ehr', '__proto__', 'constructor')).toBe('unlabelled')
  })

  it('refuses malformed patterns and contradictions, but not repetitions', () => {
    expect(() => compileLabels([{ pattern: 'patients', label: name }])).toThrow(/schema\.table\.column/u)
    const twice = [
      { pattern: 'a.b.c', label: name },
      { pattern: 'a."b".c', label: text },
    ]
    expect(() => compileLabels(twice)).toThrow(expect.objectContaining({ code: 'CHP-CONFIG-INVALID' }))
    expect(() =>
      compileLabels([
        { pattern: 'a.b.c', label: name },
        { pattern: 'a.b.c', label: 'none' },
      ]),
    ).toThrow(/two labels/u)
    expect(
      compileLabels([
        { pattern: 'a.b.c', label: name },
        { pattern: 'a.b.c', label: { ...name } },
      ]).labelOf('a', 'b', 'c'),
    ).toEqual(name)
  })
})

describe('defaultTransform', () => {
  it('is Safe Harbor for every class', () => {
    const generalised = new Map(
      PHI_CLASSES.map((c) => [c, defaultTransform(c)] as const).filter(([, t]) => t !== 'redact' && t !== 'null'),
    )
    expect(Object.fromEntries(generalised)).toEqual({
      zip: 'zip3',
      date: 'year',
      'date-of-birth': 'year',
      'date-of-death': 'year',
      age: 'age90',
    })
    expect(PHI_CLASSES.map(defaultTransform)).not.toContain('partial')
  })

  it('covers the 18 identifiers once each', () => {
    expect(new Set(PHI_CLASSES).size).toBe(PHI_CLASSES.length)
    expect(PHI_CLASSES).not.toContain('none')
  })
})
