import { describe, expect, it } from 'vitest'
import { tableSubjects } from './table-subject.ts'

const subjectOf = (name: string) =>
  tableSubjects([{ oid: 1, name, identified: false, columns: [] }], []).get(1) ?? expect.fail('no subject')

describe('tableSubjects', () => {
  it.each([
    ['patients', 'person', true],
    ['PATIENT_DIMENSION', 'person', true],
    ['patient_data', 'person', true],
    ['person_name', 'person', true],
    ['PatientAlias', 'person', true],
    ['patient_contact', 'person', true],
    ['organization_contact', 'person', true],
    ['providers', 'staff', false],
    ['users', 'staff', false],
    ['PROVIDER_DIMENSION', 'staff', false],
    ['organizations', 'organisation', false],
    ['facility', 'organisation', false],
    ['care_site', 'organisation', false],
    ['patient_visits', 'other', true],
    ['encounters', 'other', true],
    ['labevents', 'other', true],
    ['appointment_status', 'other', false],
    ['cost_by_month', 'other', false],
    ['', 'other', false],
  ] as const)('%s: %s', (name, kind, aboutPerson) => expect(subjectOf(name)).toMatchObject({ kind, aboutPerson }))

  it.each([
    ['patient_id', 'integer', true],
    ['hadm_id', 'integer', true],
    ['ssn', 'text', true],
    ['encounters', 'integer', false],
    ['has_ssn', 'boolean', false],
    ['code', 'text', false],
  ] as const)('takes a table with the column %s for what it is', (name, group, aboutPerson) => {
    const table = { oid: 1, name: 'x', identified: false, columns: [{ name, group }] }
    expect(tableSubjects([table], []).get(1)).toMatchObject({ aboutPerson })
  })
})
