import { describe, expect, it } from 'vitest'
import { targetLabels } from './labels.ts'

const column = { schema: 'ehr', table: 'patients', column: 'ssn', identifier: 'ssn', transform: 'tokenise' }

describe('targetLabels', () => {
  it('maps identifiers to classes, and tokens to redaction', () => {
    const labels = targetLabels([
      column,
      { ...column, column: 'birthdate', identifier: 'date_of_birth', transform: 'year' },
      { ...column, column: 'member_mbi', identifier: 'health_plan_id' },
    ])
    expect(labels).toEqual({
      'ehr.patients.ssn': { class: 'ssn', transform: 'redact' },
      'ehr.patients.birthdate': { class: 'date-of-birth', transform: 'year' },
      'ehr.patients.member_mbi': { class: 'health-plan', transform: 'redact' },
    })
  })

  it('labels a document with labelled parts whole', () => {
    const parts = ['$.name', '$.birthDate'].map((path) => ({ ...column, table: 'fhir', column: 'body', path }))
    expect(targetLabels(parts)).toEqual({ 'ehr.fhir.body': { class: 'free-text', transform: 'redact' } })
  })

  it('leaves out the columns of views', () => {
    expect(targetLabels([{ ...column, derived: true }])).toEqual({})
  })

  it('quotes names that the configuration could not read otherwise', () => {
    expect(Object.keys(targetLabels([{ ...column, table: 'a.b', column: 'x "y"' }]))).toEqual(['ehr."a.b"."x ""y"""'])
  })

  it('refuses what it has no word for', () => {
    expect(() => targetLabels([{ ...column, identifier: 'aura' }])).toThrow('"aura"')
    expect(() => targetLabels([{ ...column, transform: 'rot13' }])).toThrow('"rot13"')
  })
})
