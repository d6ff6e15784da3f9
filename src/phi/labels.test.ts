import { describe, expect, it } from 'vitest'
import { compileLabels, type Label } from './labels.ts'

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

  it('does not take a schema for its views', () => {
    const labels = compileLabels([
      { pattern: 'ehr.*', label: 'none' },
      { pattern: 'notes.*', label: text },
      { pattern: 'ehr.v.*', label: 'none' },
      { pattern: 'ehr.v.who', label: name },
    ])
    expect(labels.labelOfView('ehr', 'other', 'x')).toBe('unlabelled')
    expect(labels.labelOfView('notes', 'other', 'x')).toBe(text)
    expect(labels.labelOfView('ehr', 'v', 'x')).toBe('none')
    expect(labels.labelOfView('ehr', 'v', 'who')).toBe(name)
    expect(labels.labelOfView('reporting', 'v', 'x')).toBe('unlabelled')
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

  it('takes a temporary table for free of PHI unless a rule says otherwise', () => {
    const labels = compileLabels([{ pattern: 'pg_temp_4.kept.ssn', label: { class: 'ssn', transform: 'redact' } }])
    expect(labels.labelOf('pg_temp_3', 'scratch', 'a')).toBe('none')
    expect(labels.labelOf('pg_temp_4', 'kept', 'ssn')).toMatchObject({ class: 'ssn' })
    expect(labels.labelOf('public', 'scratch', 'a')).toBe('unlabelled')
  })
})
