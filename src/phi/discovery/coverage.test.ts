import { describe, expect, it } from 'vitest'
import type { Catalog, CatalogRelation } from '../../inspect/sql/catalog.ts'
import { compileLabels } from '../labels.ts'
import { standing } from './against-labels.ts'
import { coverageOf, labelsOfNothing } from './coverage.ts'
import type { Confidence } from './finding.ts'

const relation = (
  oid: number,
  name: string,
  kind: string,
  columns: readonly string[],
  parents: readonly number[] = [],
): CatalogRelation => ({
  oid,
  schema: 'ehr',
  name,
  kind,
  columns: columns.map((column, at) => ({ attnum: at + 1, name: column, typeOid: 25 })),
  dependsOn: [],
  callsUserFunctions: false,
  parents,
})

const catalog: Catalog = {
  epoch: '',
  serverMajor: 18,
  userFunctions: [],
  userOperators: [],
  userTypes: [],
  relations: [
    relation(1, 'patients', 'r', ['id', 'ssn', 'sex']),
    relation(2, 'events', 'p', ['at', 'detail']),
    relation(3, 'events_1', 'r', ['at', 'detail', 'own'], [2]),
    relation(4, 'directory', 'v', ['ssn', 'sex']),
    relation(5, 'seq', 'S', ['last_value']),
    { ...relation(6, 'mine', 'r', ['a']), schema: 'pg_temp_3' },
  ],
}

const labels = compileLabels([
  { pattern: 'ehr.patients.ssn', label: { class: 'ssn', transform: 'redact' } },
  { pattern: 'ehr.patients.sex', label: 'none' },
  { pattern: 'ehr.events.detail', label: { class: 'free-text', transform: 'redact' } },
  { pattern: 'ehr.directory.sex', label: 'none' },
])

describe('coverageOf', () => {
  it('counts tables and views by what their columns are labelled as', () => {
    expect(coverageOf(catalog, labels)).toEqual([
      { schema: 'ehr', table: 'directory', labelled: 0, none: 1, unlabelled: [], derived: 1 },
      { schema: 'ehr', table: 'events', labelled: 1, none: 0, unlabelled: ['at'], derived: 0 },
      { schema: 'ehr', table: 'events_1', labelled: 1, none: 0, unlabelled: ['at', 'own'], derived: 0 },
      { schema: 'ehr', table: 'patients', labelled: 1, none: 1, unlabelled: ['id'], derived: 0 },
    ])
  })
})

describe('labelsOfNothing', () => {
  it('are those whose names the catalog does not have', () => {
    const keys = ['ehr.patients.ssn', 'ehr.patients.ssm', 'ehr.patient.*', 'ehr.patients.*', 'ehr.*.*', 'her.*.*']
    const patterns = keys.map((key) => {
      const [schema = '', table = '', column = ''] = key.split('.')
      return { key, schema, table, column }
    })
    expect(labelsOfNothing(catalog, patterns).map(({ key }) => key)).toEqual([
      'ehr.patients.ssm',
      'ehr.patient.*',
      'her.*.*',
    ])
  })
})

const looksLike = (column: string, confidence: Confidence | undefined) =>
  standing(
    {
      schema: 'ehr',
      table: 'patients',
      column,
      values: 0,
      finding: confidence === undefined ? undefined : { class: 'ssn', confidence, reasons: [] },
    },
    labels,
  )

describe('standing', () => {
  it.each([
    ['id', 'low', { kind: 'new' }],
    ['id', undefined, { kind: 'unknown' }],
    ['ssn', 'high', { kind: 'agrees' }],
    ['ssn', undefined, { kind: 'agrees' }],
    ['sex', 'high', { kind: 'conflict', label: 'none' }],
    ['sex', 'low', { kind: 'agrees' }],
  ] as const)('%s, %s', (column, confidence, expected) => expect(looksLike(column, confidence)).toEqual(expected))
})
