import { RE2JS } from 're2js'
import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from '../classes.ts'
import { BUILTIN_DETECTOR_IDS, findBuiltin, PATTERNS } from './builtin-detectors.ts'
import { nonLinear } from './linear-pattern-test-support.ts'
import { replaceSpans } from './placeholders.ts'
import { mergeSpans, type Span } from './span.ts'

const ALL: ReadonlySet<string> = new Set(BUILTIN_DETECTOR_IDS)

function masked(text: string, chosen = ALL): string {
  const found: Span[] = []
  findBuiltin(chosen, text, found)
  return replaceSpans(text, mergeSpans(found))
}

describe('built-in detectors find', () => {
  it.each([
    ['names by what leads to them', 'Seen by Dr. Qwerlin today.', 'Seen by Dr. [name] today.'],
    ['names of relatives', 'Her daughter Asdra Qwerlin called.', 'Her daughter [name] called.'],
    ['names by a label', 'Patient: Qwerlin, Asdra', 'Patient: [name]'],
    ['names with a degree', 'Asdra Qwerlin, RN at bedside', '[name] at bedside'],
    ['names with particles', 'Mrs. van der Berg-Qwerlin is here', 'Mrs. [name] is here'],
    ['common names', 'Jennifer is well.', '[name] is well.'],
    ['common names in lower case', 'called john smith back', 'called [name] back'],
    ['common names in upper case', 'SMITH, JOHN was seen', '[name] was seen'],
    ['names with accents', 'Señora García is here', '[name] is here'],
    ['capitalised words in a sentence', 'we met with Qwerlin on rounds', 'we met with [name] on rounds'],
    ['employers', 'Works at Lopez & Sons.', 'Works at [name].'],
    ['street addresses', 'lives at 12 Alder St Apt 4 with', 'lives at [address] with'],
    ['street addresses in lower case', 'moved to 44 north elm street apt 2', 'moved to [address]'],
    ['post office boxes', 'P.O. Box 17', '[address]'],
    ['the city behind a street', '12 Alder St, Boston with wife', '[address] with wife'],
    ['cities with a state', 'from Springfield, MA 02139', 'from [city] [zip]'],
    ['ZIP codes by their name', 'zip code: 021394307', 'zip code: [zip]'],
    ['coordinates by their names', 'lat 42.3601 long: -71.0589', 'lat [geocode] long: [geocode]'],
    ['coordinates', 'at 42.3601, -71.0589', 'at [geocode]'],
    ['ISO dates', 'on 2024-03-15T10:00:00Z', 'on [date]'],
    ['American dates', 'on 3/15/24 and 03-15-2024', 'on [date] and [date]'],
    ['written dates', 'March 15th, 2024; 15-Mar-2024; Mar 15; the 15th of March', '[date]; [date]; [date]; [date]'],
    ['months of a year', 'since March 2024', 'since [date]'],
    ['days and months behind a cue', 'admitted 3/15', 'admitted [date]'],
    ['holidays', "on New Year's Eve", 'on [date]'],
    ['ages over 89', 'a 94 y/o man, 101-year-old woman, aged 90', 'a [age] man, [age] woman, aged [age]'],
    ['ages over 89 in words', 'a ninety-three-year-old', 'a [age]'],
    ['telephone numbers', '(617) 555-0134, 617.555.0134, 617-555-0134 x12', '[phone], [phone], [phone]'],
    ['telephone numbers abroad', 'tel +49 30 1234567', 'tel [phone]'],
    ['local telephone numbers', 'call 555-0134', 'call [phone]'],
    ['fax numbers', 'Fax: (617) 555-0134', 'Fax: [fax]'],
    ['e-mail addresses', 'jane_doe@example.org', '[email]'],
    ['e-mail addresses in words', 'jane.doe (at) example (dot) org', '[email]'],
    ['Social Security numbers', 'SSN 900-12-3456', 'SSN [ssn]'],
    ['their last digits', 'last four of SSN: 3456', 'last four of SSN: [ssn]'],
    ['issuable ones without hyphens', 'given 212097694 at', 'given [ssn] at'],
    ['record numbers', 'MRN: 00482913, chart #4711', 'MRN: [mrn], chart #[mrn]'],
    ['Medicare numbers', '1EG4-TE5-MK73', '[health-plan]'],
    ['plan numbers', 'Member ID: W123456789', 'Member ID: [health-plan]'],
    ['cards by their check digit', '4111 1111 1111 1111', '[account]'],
    ['accounts', 'acct #00112233', 'acct #[account]'],
    ['IBANs', 'DE89 3704 0044 0532 0130 00', '[account]'],
    ['NPIs', 'NPI 1234567893', 'NPI [license]'],
    ['DEA numbers', 'DEA AB1234563', 'DEA [license]'],
    ['licences', "driver's license S12345678", "driver's license [license]"],
    ['VINs', 'VIN 1M8GDM9AXKP042788', 'VIN [vehicle]'],
    ['plates', 'plate 7ABC123', 'plate [vehicle]'],
    ['serial numbers', 'serial number SN-99812A', 'serial number [device]'],
    ['UDIs', '(01)00844588003288(17)141120(10)7654321D', '[device]'],
    ['hardware addresses', '00:1B:44:11:3A:B7', '[device]'],
    ['web addresses to their end', 'see https://example.org/u/77?x=(1) now', 'see [url] now'],
    ['web addresses without a scheme', 'www.example.org/u/77', '[url]'],
    ['IPv4 addresses', 'from 10.2.3.4', 'from [ip]'],
    ['IPv6 addresses', 'from 2001:db8::1', 'from [ip]'],
    ['images', 'data:image/png;base64,iVBORw0KGgo=', '[photo]'],
    ['UUIDs', 'e925b0f3-8006-43f6-aa31-94bd215e55e7', '[other-id]'],
    ['long numbers', 'scanned 1234567 twice', 'scanned [other-id] twice'],
    ['numbers behind letters', 'HX-1234567', '[other-id]'],
  ])('%s', (_, text, expected) => expect(masked(text)).toBe(expected))

  it('what goes on for longer than the pattern looks', () => {
    expect(masked(`https://example.org/${'a'.repeat(10_000)}`)).toBe('[url]')
    expect(masked(`data:image/png;base64,${'A'.repeat(20_000)}`)).toBe('[photo]')
  })
})

describe('built-in detectors leave alone', () => {
  it.each([
    'BP 128/74, HR 72, RR 16, T 98.6 F, SpO2 97% on room air.',
    'Metformin 500-1000 mg twice daily, 2000 units of heparin.',
    'A1c 7.2% (ref 4.0-5.6), platelets 250,000.',
    'Wilson disease, Foley catheter, Hodgkin lymphoma; negative Murphy sign.',
    'ICD-10 E11.9, I10, Z79.4.',
    'Symptoms for 10 days, may 10 days later resolve.',
    'A 64-year-old with angina since 2019.',
    'Patient Denies pain. Pt lives with wife. Ambulates without aid.',
    'http://hl7.org/fhir/StructureDefinition/Patient',
    '',
  ])('%s', (text) => expect(masked(text)).toBe(text))
})

describe('every built-in pattern', () => {
  const patterns = PATTERNS.flatMap(([id, list]) => list.map((one, at) => [`${id} ${at}`, one] as const))

  it('belongs to a detector and a class that there are', () => {
    expect(PATTERNS.map(([id]) => id).filter((id) => !ALL.has(id))).toEqual([])
    expect(patterns.filter(([, one]) => !PHI_CLASSES.includes(one.class))).toEqual([])
    expect(new Set(PATTERNS.map(([id]) => id)).size).toBe(PATTERNS.length)
  })

  it.each(patterns)('%s is linear by construction, and RE2 can run it', (_, { pattern }) => {
    expect(pattern.global).toBe(true)
    expect(nonLinear(pattern)).toBe(undefined)
    // RE2 bounds how large the numbers of a repetition may be.
    const smaller = pattern.source.replaceAll(/\{[0-9]+,[0-9]{2,4}\}/g, '{1,5}')
    expect(() => RE2JS.compile(RE2JS.translateRegExp(new RegExp(smaller, pattern.flags)))).not.toThrow()
  })

  // With anything worse than linear time these would not end before the test's time limit.
  it.each([
    'a',
    '1',
    '1 ',
    'A1-',
    '1.',
    '1-',
    'a.',
    'a@',
    'a@a.',
    ' at a',
    'eyJ-',
    '(01)',
    '1 Aa ',
    'Aa ',
    'Aa, ',
    'Mr A ',
    'MRN: ',
    'MRN 1-',
    'http://',
    'http://hl7.org/',
    'call ',
    '1/',
    'January ',
    'ninety ',
    ':',
    'a:',
    '/9j/4',
    'van ',
    'Name ',
    '𝒜',
    'é',
  ])('ends on 100 KB of "%s"', (piece) => {
    const text = piece.repeat(Math.ceil(102_400 / piece.length))
    findBuiltin(ALL, text, [])
    findBuiltin(ALL, `${text}!`, [])
  })
})

it('finds only what was chosen', () => {
  expect(masked('SSN 900-12-3456, 2024-03-15', new Set(['date']))).toBe('SSN 900-12-3456, [date]')
  expect(masked('SSN 900-12-3456, 2024-03-15', new Set())).toBe('SSN 900-12-3456, 2024-03-15')
})
