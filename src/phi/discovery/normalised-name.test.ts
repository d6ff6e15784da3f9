import { describe, expect, it } from 'vitest'
import { nameForms, normalisedName, wordsOf } from './normalised-name.ts'

describe('normalisedName', () => {
  it.each([
    ['PatientID', 'patient_id'],
    ['SSNNumber', 'ssn_number'],
    ['birthDate', 'birth_date'],
    ['BIRTHDATE', 'birthdate'],
    ['  First Name ', 'first_name'],
    ['e-mail', 'e_mail'],
    ['Prénom', 'prenom'],
    ['address1', 'address1'],
    ['__x__', 'x'],
    ['患者', ''],
  ])('%s → %s', (name, normalised) => expect(normalisedName(name)).toBe(normalised))
})

describe('nameForms', () => {
  it('adds the name without a suffix of form', () => {
    expect(nameForms('SSN_Encrypted')).toEqual(['ssn_encrypted', 'ssn'])
    expect(nameForms('ssn')).toEqual(['ssn'])
    expect(nameForms('_txt')).toEqual(['txt'])
  })
})

describe('wordsOf', () => {
  it.each([
    ['PatientVisits', ['patient', 'visit']],
    ['home_address', ['home', 'address']],
    ['patient_addresses', ['patient', 'address']],
    ['medical_histories', ['medical', 'history']],
    ['appointment_status', ['appointment', 'status']],
    ['aliases', ['aliase']],
    ['ids', ['ids']],
  ])('%s', (name, words) => expect(wordsOf(name)).toEqual(words))
})
