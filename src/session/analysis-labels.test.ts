import { describe, expect, it } from 'vitest'
import type { CatalogRelation } from '../inspect/sql/catalog.ts'
import { documentTree } from '../phi/document.ts'
import { compileLabels, type Label } from '../phi/labels.ts'
import { analysisLabels, boundaryLabels } from './analysis-labels.ts'

const birth: Label = { class: 'date-of-birth', transform: 'year' }
const document: Label = {
  class: 'free-text',
  transform: 'redact',
  document: documentTree([{ path: ['name'], label: { class: 'name', transform: 'redact' } }], 'none'),
}

function relation(kind: string): CatalogRelation {
  return {
    oid: 20_000,
    schema: 's',
    name: 't',
    kind,
    columns: [],
    dependsOn: [],
    callsUserFunctions: false,
    parents: [],
  }
}

const labels = compileLabels([
  { pattern: 's.t.born', label: birth },
  { pattern: 's.t.body', label: document },
  { pattern: 's.t.sex', label: 'none' },
  { pattern: 'reviewed.*', label: 'none' },
])
const found = (
  column: string,
  typeOid: number,
  more: { kind?: string; schema?: string; mode?: 'mask' | 'pass' } = {},
) => {
  const { kind = 'r', schema = 's', mode = 'mask' } = more
  const labelOf = analysisLabels(labels, { unlabelledColumns: mode, year: 2026, typeOf: () => undefined })
  return labelOf({ ...relation(kind), schema }, { attnum: 1, name: column, typeOid })
}

const column = (name: string, typeOid: number) => ({ attnum: 1, name, typeOid })

describe('where unlabelled texts are searched', () => {
  const searched: Label = { class: 'free-text', transform: 'redact' }
  const surroundings = { unlabelledColumns: searched, year: 2026, typeOf: () => undefined }

  it('they are unlabelled to the analysis, so that nothing of them is released', () => {
    const labelOf = analysisLabels(labels, surroundings)
    expect([25, 23].map((typeOid) => labelOf(relation('r'), column('other', typeOid)))).toEqual([
      'unlabelled-mask',
      'unlabelled-mask',
    ])
  })

  it('they are in the boundary for other reasons only', () => {
    const labelOf = boundaryLabels(labels, surroundings)
    expect([25, 3802, 23, 1082].map((typeOid) => labelOf(relation('r'), column('other', typeOid)))).toEqual([
      'unlabelled-pass',
      'unlabelled-pass',
      'unlabelled-mask',
      'unlabelled-mask',
    ])
    expect(labelOf(relation('v'), column('other', 25))).toBe('unlabelled-mask')
    expect(labelOf(relation('r'), column('born', 1082))).toHaveProperty('class', 'date-of-birth')
  })
})

describe('analysisLabels', () => {
  it('says what a label releases, by the type of the column', () => {
    expect(found('born', 1082)).toEqual({ class: 'date-of-birth', releases: { kind: 'year', since: 1937 } })
    expect(found('born', 1182)).toEqual({ class: 'date-of-birth', releases: { kind: 'year', since: 1937 } })
    expect(found('born', 17)).toEqual({ class: 'date-of-birth', releases: { kind: 'parts' } })
    expect(found('body', 3802)).toHaveProperty('document')
    expect(found('body', 25)).not.toHaveProperty('document')
  })

  it('says what is done with the rest', () => {
    expect(found('sex', 25)).toBe('none')
    expect(found('other', 25)).toBe('unlabelled-mask')
    expect(found('other', 25, { mode: 'pass' })).toBe('unlabelled-pass')
    expect(found('other', 25, { schema: 'reviewed' })).toBe('none')
  })

  it('does not take a schema that is free of PHI for its views', () => {
    expect(found('other', 25, { schema: 'reviewed', kind: 'v' })).toBe('unlabelled-mask')
    expect(found('sex', 25, { kind: 'm' })).toBe('none')
    expect(found('born', 1082, { kind: 'v' })).toHaveProperty('class', 'date-of-birth')
  })

  it('gives one object for one label', () => {
    const labelOf = analysisLabels(labels, { unlabelledColumns: 'mask', year: 2026, typeOf: () => undefined })
    const of = (typeOid: number) => labelOf(relation('r'), { attnum: 1, name: 'born', typeOid })
    expect(of(25)).toBe(of(1043))
    expect(of(25)).not.toBe(of(1082))
  })
})
