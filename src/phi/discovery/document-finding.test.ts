import { describe, expect, it } from 'vitest'
import { documentEvidence } from './document-evidence.ts'
import { membersOf } from './document-finding.ts'

const ABOUT_PERSONS = { person: false, aboutPerson: true }
const membersIn = (documents: readonly unknown[]) =>
  Object.fromEntries(
    membersOf(documentEvidence(documents.map((one) => JSON.stringify(one))), ABOUT_PERSONS).map((member) => [
      member.path.join('.'),
      member.class,
    ]),
  )

const PATIENT = {
  resourceType: 'Patient',
  id: 'a',
  active: true,
  gender: 'female',
  birthDate: '1951-03-17',
  identifier: [{ system: 'http://hospital.example.org', value: 'X1' }],
  name: [{ use: 'official', family: 'Quux', given: ['Xylophia'] }],
  telecom: [{ system: 'phone', value: '555-0134' }],
  address: [{ line: ['1 Example Street'], city: 'Peabody', state: 'MA', postalCode: '01960' }],
  photo: [{ data: 'iVBORw0KGgo' }],
}

describe('FHIR resources', () => {
  it('have labels by their elements', () => {
    expect(membersIn([PATIENT])).toEqual({
      resourceType: 'none',
      id: 'other-id',
      active: 'none',
      gender: 'none',
      birthDate: 'date-of-birth',
      'identifier.system': 'url',
      'identifier.value': 'mrn',
      'name.use': 'none',
      'name.family': 'name',
      'name.given': 'name',
      'telecom.system': 'none',
      'telecom.value': 'phone',
      'address.line': 'address',
      'address.city': 'city',
      'address.state': 'none',
      'address.postalCode': 'zip',
      'photo.data': 'photo',
    })
  })

  it('are found inside a bundle', () => {
    const found = membersIn([{ resourceType: 'Bundle', entry: [{ resource: PATIENT }] }])
    expect(found).toMatchObject({ 'entry.resource.name.family': 'name', 'entry.resource.birthDate': 'date-of-birth' })
  })

  it('have e-mail addresses among their telecoms', () => {
    expect(
      membersIn(
        Array.from({ length: 9 }, (_, at) => ({ resourceType: 'Patient', telecom: [{ value: `p${at}@example.org` }] })),
      ),
    ).toEqual({
      resourceType: 'none',
      'telecom.value': 'email',
    })
  })

  it('give a path that means two things the label of PHI', () => {
    const resources = [
      { resourceType: 'Organization', name: 'Example Clinic' },
      { resourceType: 'Group', name: 'Family Quux' },
    ]
    expect(membersIn(resources)).toEqual({ name: 'name', resourceType: 'none' })
  })

  it('give no code of a coding a name, and the display of a reference one', () => {
    const resource = {
      resourceType: 'Observation',
      code: { coding: [{ code: '8302-2', display: 'Body Height' }] },
      subject: { reference: 'Patient/1', display: 'Xylophia Quux' },
    }
    expect(membersIn([resource])).toMatchObject({
      'code.coding.code': 'none',
      'code.coding.display': 'none',
      'subject.display': 'name',
      'subject.reference': 'other-id',
    })
  })
})

describe('other documents', () => {
  it('have labels by the names of their members, as columns have', () => {
    const document = {
      patient: { firstName: 'Xylophia', dob: '1951-03-17' },
      contacts: [{ phoneNumber: '555-0134' }],
      zip: '01960',
    }
    expect(membersIn([document])).toEqual({
      'patient.firstName': 'name',
      'patient.dob': 'date-of-birth',
      'contacts.phoneNumber': 'phone',
      zip: 'zip',
    })
  })

  it('have labels by what is in their members', () => {
    const documents = Array.from({ length: 20 }, (_, at) => ({ value: `person${at}@example.org`, kind: 'home' }))
    expect(membersIn(documents)).toEqual({ kind: 'none', value: 'email' })
  })

  it('leave members that nothing is known of to the mask', () => {
    expect(membersIn([{ code: 'a' }, { code: 'b' }, { size: null, status: 'x' }])).toEqual({})
  })

  it('never name a member whose name could be data', () => {
    const evidence = documentEvidence([
      JSON.stringify({
        'Quux, Zebediah': { phone: '555-0134' },
        zebediah_email: 'z@example.org',
        home_phone: '555-0134',
      }),
      JSON.stringify({ [`a${'b'.repeat(100)}`]: 1, 'name\u001b[2J': 2, '': 3 }),
    ])
    expect(evidence.members.map(({ path }) => path.join('.'))).toEqual(['home_phone'])
    expect(evidence.unnamed).toBe(5)
  })
})

describe('documentEvidence', () => {
  it('looks at what it does not name, and at names that could be data', () => {
    const { rest, members } = documentEvidence([
      '{"xyzzy":{"plugh":"a@example.org"},"b@example.org":1}',
      '"c@example.org"',
      '["d@example.org"]',
    ])
    expect(members).toEqual([])
    expect(rest.whole.get('email')).toBe(4)
  })

  it('counts what cannot be read', () => {
    expect(documentEvidence(['{"a":', '17', 'null', '{}', '[{"zip":"01960"}]'])).toMatchObject({
      documents: 5,
      unreadable: 1,
    })
  })

  it('ends on documents that are deep or wide', () => {
    const deep = '{"item":'.repeat(5_000) + '1' + '}'.repeat(5_000)
    const wide = JSON.stringify(Array.from({ length: 40_000 }, () => ({ zip: '01960' })))
    expect(documentEvidence([deep, wide]).members.map(({ path }) => path.join('.'))).toEqual(['zip'])
  })
})
