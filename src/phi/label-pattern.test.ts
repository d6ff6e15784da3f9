import { describe, expect, it } from 'vitest'
import { parseLabelPattern } from './label-pattern.ts'

describe('parseLabelPattern', () => {
  it('reads the three forms', () => {
    expect(parseLabelPattern('ehr.patients.ssn')).toEqual({ schema: 'ehr', table: 'patients', column: 'ssn' })
    expect(parseLabelPattern('ehr.patients.*')).toEqual({ schema: 'ehr', table: 'patients', column: null })
    expect(parseLabelPattern('ehr.*')).toEqual({ schema: 'ehr', table: null, column: null })
  })

  it('takes quoted names as they are', () => {
    expect(parseLabelPattern('ehr."Patient.Alias"."a ""b"" *"')).toEqual({
      schema: 'ehr',
      table: 'Patient.Alias',
      column: 'a "b" *',
    })
    expect(parseLabelPattern('ehr.PatientAlias.Name')).toEqual({ schema: 'ehr', table: 'PatientAlias', column: 'Name' })
  })

  it.each([
    '',
    'ehr',
    '*',
    '*.*',
    '*.patients.ssn',
    'ehr.*.ssn',
    'ehr.*.*',
    'ehr.patients',
    'ehr.patients.',
    'ehr..ssn',
    '.a.b',
    'a.b.c.d',
    'a.b.c*',
    'a."b.c',
    'a."".c',
    'a.b .c',
    ' a.b.c',
  ])('refuses %j', (pattern) => {
    expect(parseLabelPattern(pattern)).toBeUndefined()
  })
})
