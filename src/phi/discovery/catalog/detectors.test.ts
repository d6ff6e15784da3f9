import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from '../../classes.ts'
import { nonLinear } from '../../detect/linear-pattern-test-support.ts'
import { DETECTORS } from './detectors.ts'
import { FHIR_MEMBERS } from './json-members.ts'

const detector = (id: string) => DETECTORS.find((one) => one.id === id) ?? expect.fail(`no detector ${id}`)
const matches = (id: string, text: string): 'whole' | 'inside' | 'no' => {
  const { pattern, inside, valid } = detector(id)
  if (pattern.test(text)) return (valid?.(text) ?? true) ? 'whole' : 'no'
  const match = inside?.exec(text)
  return match !== null && match !== undefined && (valid?.(match[0]) ?? true) ? 'inside' : 'no'
}

describe('detectors', () => {
  it.each([
    ['email', 'jane.doe@example.org', 'whole'],
    ['email', 'mail jane.doe@example.org today', 'inside'],
    ['email', 'user at example dot org', 'no'],
    ['url', 'https://portal.example.org/u/77', 'whole'],
    ['url', 'see https://portal.example.org/u/77', 'inside'],
    ['url', 'http://loinc.org', 'no'],
    ['url', 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace', 'no'],
    ['ssn', '999-22-1962', 'whole'],
    ['ssn', 'SSN on file 999-22-1962.', 'inside'],
    ['ssn', '1999-22-19621', 'no'],
    ['ssn-digits', '212097694', 'whole'],
    ['ssn-digits', '999097694', 'no'],
    ['phone', '(617) 555-0134 x12', 'whole'],
    ['phone', '555-186-2275', 'whole'],
    ['phone', '555-0134', 'whole'],
    ['phone', '+4930123456', 'whole'],
    ['phone', 'call back at 617-555-0134.', 'inside'],
    ['phone-digits', '6175550134', 'whole'],
    ['mbi', '1EG4-TE5-MK73', 'whole'],
    ['mbi', '1EG4TE5MK73', 'whole'],
    ['mbi', '1SG4TE5MK73', 'no'],
    ['mbi', '0EG4TE5MK73', 'no'],
    ['card', '4111 1111 1111 1111', 'whole'],
    ['card', '4111 1111 1111 1112', 'no'],
    ['account-form', '4111111111111112', 'whole'],
    ['iban', 'GB82WEST12345698765432', 'whole'],
    ['iban', 'GB82WEST12345698765431', 'no'],
    ['npi', '1234567893', 'whole'],
    ['dea', 'AB1234563', 'whole'],
    ['vin', '1M8GDM9AXKP042788', 'whole'],
    ['vin', '1M8GDM9A1KP042788', 'no'],
    ['udi', '(01)00844588003288(17)141120(10)7654321D(21)10987654d321', 'whole'],
    ['mac', '00:1B:44:11:3A:B7', 'whole'],
    ['ipv4', '10.20.30.40', 'whole'],
    ['ipv4', '192.0.2.0/24', 'whole'],
    ['ipv4', '300.1.2.3', 'no'],
    ['ipv6', '2001:db8::1', 'whole'],
    ['iso-date', '2024-03-15', 'whole'],
    ['iso-date', '2024-03-15T14:30:00.5Z', 'whole'],
    ['iso-date', 'seen 1951-03-17', 'inside'],
    ['iso-date', '2024-13-15', 'no'],
    ['us-date', '3/15/24', 'whole'],
    ['us-date', '03/15/2024', 'whole'],
    ['text-date', 'March 15th, 2024', 'whole'],
    ['text-date', '15-Mar-2024', 'whole'],
    ['hl7-time', '20240315143000', 'whole'],
    ['age-over-89', 'a 94 y/o woman', 'inside'],
    ['age-over-89', '101-year-old', 'whole'],
    ['age-over-89', '89 y/o', 'no'],
    ['street', '313 Lockman Row Suite 4', 'whole'],
    ['street', '1600 Pennsylvania Avenue', 'whole'],
    ['street', '25 mg Oral Tablet', 'no'],
    ['po-box', 'PO Box 17', 'whole'],
    ['zip', '02139-4307', 'whole'],
    ['coordinates', '42.534202,-70.969734', 'whole'],
    ['image', 'data:image/png;base64,iVBORw0KGgo=', 'whole'],
    ['uuid', 'e925b0f3-8006-43f6-aa31-94bd215e55e7', 'whole'],
    ['dicom-uid', '1.2.840.113619.2.55.3.604688', 'whole'],
    ['record-number', 'MRN: 00482913', 'whole'],
    ['record-number', 'chart opened, MRN 4100003', 'inside'],
    ['titled-name', 'Mrs. Example Person', 'whole'],
    ['person-name', 'María García', 'whole'],
    ['person-name', 'Ibuprofen', 'no'],
    ['credential', 'AKIAABCDEFGHIJKLMNOP', 'whole'],
  ] as const)('%s: %s is %s', (id, text, expected) => expect(matches(id, text)).toBe(expected))

  it('have names of their own', () => {
    expect(new Set(DETECTORS.map(({ id }) => id)).size).toBe(DETECTORS.length)
  })

  it('stand for classes that there are', () => {
    expect(DETECTORS.filter((one) => !PHI_CLASSES.includes(one.class))).toEqual([])
  })

  it('are linear by construction', () => {
    const wrong = DETECTORS.flatMap(({ id, pattern, inside }) =>
      [pattern, inside].map((one) => (one === null ? undefined : nonLinear(one))).map((why) => why && `${id}: ${why}`),
    )
    expect(wrong.filter((one) => one !== undefined)).toEqual([])
    expect(FHIR_MEMBERS.map(({ path }) => nonLinear(path)).filter((why) => why !== undefined)).toEqual([])
  })

  // With anything worse than linear time these would not end before the test's time limit.
  it.each([
    'a',
    '1',
    '1 ',
    'A1-',
    '1.',
    'a.',
    '@',
    'a@a.',
    'eyJ-',
    '(01)',
    '1 Aa ',
    'Aa ',
    ':',
    'a:',
    '/9j/4',
    'Mr A ',
    '- ',
  ])('end on a long run of "%s"', (piece) => {
    const text = piece.repeat(Math.ceil(65_536 / piece.length))
    for (const { pattern, inside } of DETECTORS) {
      pattern.test(text)
      inside?.test(`${text}!`)
    }
  })
})
