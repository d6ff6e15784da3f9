import { describe, expect, it } from 'vitest'
import { targetLabels } from './labels.ts'

const column = { schema: 'ehr', table: 'patients', column: 'ssn', identifier: 'ssn', transform: 'tokenise' }

describe('targetLabels', () => {
  it('maps identifiers to classes, and dates that have no tokens to their year', () => {
    const labels = targetLabels([
      column,
      { ...column, column: 'birthdate', identifier: 'date_of_birth' },
      { ...column, column: 'zip', identifier: 'zip', transform: 'zip3' },
      { ...column, column: 'member_mbi', identifier: 'health_plan_id' },
    ])
    expect(labels).toEqual({
      'ehr.patients.ssn': { class: 'ssn', transform: 'token' },
      'ehr.patients.birthdate': { class: 'date-of-birth', transform: 'year' },
      'ehr.patients.zip': { class: 'zip', transform: 'zip3' },
      'ehr.patients.member_mbi': { class: 'health-plan', transform: 'token' },
    })
  })

  it('labels the parts of a document, and passes the rest', () => {
    const body = { ...column, table: 'fhir', column: 'body', identifier: 'name' }
    const labels = targetLabels([
      { ...body, path: '$.name[*].given[*]' },
      { ...body, path: '$.contact[*].name.text', transform: 'redact' },
    ])
    expect(labels).toEqual({
      'ehr.fhir.body': {
        class: 'free-text',
        transform: 'redact',
        members: {
          'name.given': { class: 'name', transform: 'token' },
          'contact.name.text': { class: 'name', transform: 'redact' },
        },
        others: 'pass',
      },
    })
  })

  it('leaves out the columns of views', () => {
    expect(targetLabels([{ ...column, derived: true }])).toEqual({})
    expect(Object.values(targetLabels([{ ...column, identifier: 'age', transform: 'age90', derived: true }]))).toEqual([
      { class: 'age', transform: 'age90' },
    ])
  })

  it('quotes names that the configuration could not read otherwise', () => {
    expect(Object.keys(targetLabels([{ ...column, table: 'a.b', column: 'x "y"' }]))).toEqual(['ehr."a.b"."x ""y"""'])
  })

  it('refuses what it has no word for', () => {
    expect(() => targetLabels([{ ...column, identifier: 'aura' }])).toThrow('"aura"')
    expect(() => targetLabels([{ ...column, transform: 'rot13' }])).toThrow('"rot13"')
  })
})
