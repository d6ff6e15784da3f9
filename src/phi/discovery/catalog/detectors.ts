import type { PhiClass } from '../../classes.ts'
import { isDea, isIban, isIpv6, isIssuableSsn, isLuhn, isNpi, isVin } from '../checksums.ts'
import { PERSON_NAMES } from './person-names.ts'

/**
 * What identifiers look like. Structure alone says little (nine digits can be anything), so each has a strength, and a check
 * digit where the identifier has one. Linear: nothing repeated without a bound, no look-around, no back-reference.
 */
export interface Detector {
  readonly id: string
  /** For a reason: "all of 200 values are <what>". */
  readonly what: string
  readonly class: PhiClass
  /**
   * certain: hardly anything else looks so. likely: names a class by itself when nearly all values match. weak: supports a
   * name, or is worth a look.
   */
  readonly strength: 'certain' | 'likely' | 'weak'
  /** The whole value. */
  readonly pattern: RegExp
  /** In the middle of a text; null when it would be found everywhere. */
  readonly inside: RegExp | null
  /** Beyond the pattern, of the whole value. */
  readonly valid?: (text: string) => boolean
}

type Definition = Omit<Detector, 'pattern' | 'inside'> & {
  readonly source: string
  readonly flags?: string
  /** 'edges': between word boundaries; 'free': the pattern says itself where it begins; 'no': never. */
  readonly within: 'edges' | 'free' | 'no'
}

const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'
const DAY = '(?:0?[1-9]|[12][0-9]|3[01])'
const YEAR = '(?:18|19|20)[0-9]{2}'
/** USPS Publication 28, appendix C1, the suffixes that occur, with others that Synthea prints. */
const STREET =
  'Aly|Alley|Annex|Arcade|Ave|Avenue|Bay|Bend|Blvd|Boulevard|Branch|Bridge|Brook|Burg|Bypass|Byway|Camp|Canyon|Cape|Causeway|Center|Cir|Circle|Cliff|Close|Club|Common|Corner|Course|Court|Ct|Cove|Creek|Crescent|Crest|Crossing|Crossroad|Curve|Dale|Dam|Divide|Dr|Drive|Esplanade|Estate|Expressway|Extension|Fall|Ferry|Field|Flat|Ford|Forest|Forge|Fork|Fort|Freeway|Frontage [Rr]oad|Garden|Gate|Gateway|Glen|Green|Grove|Harbor|Haven|Heights|Highway|Hwy|Hill|Hollow|Inlet|Island|Isle|Junction|Key|Knoll|Lake|Land|Landing|Ln|Lane|Light|Loaf|Lock|Lodge|Loop|Mall|Manor|Meadow|Mews|Mill|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|Overpass|Parade|Park|Parkway|Pkwy|Pass|Passage|Path|Pathway|Pike|Pine|Pl|Place|Plain|Plaza|Point|Port|Prairie|Promenade|Quay|Radial|Ramp|Ranch|Rapid|Rd|Road|Rest|Ridge|Rise|River|Route|Row|Rue|Run|Shoal|Shore|Skyway|Spring|Spur|Sq|Square|Station|Stravenue|Stream|St|Street|Summit|Ter|Terrace|Throughway|Trace|Track|Trafficway|Trail|Trailer|Tunnel|Turnpike|Underpass|Union|Vale|Valley|Via|Viaduct|View|Village|Ville|Vista|Walk|Wall|Way|Well|Wynd'

const DEFINITIONS: readonly Definition[] = [
  {
    id: 'email',
    what: 'e-mail addresses',
    class: 'email',
    strength: 'certain',
    source: "[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63}){0,6}\\.[A-Za-z]{2,24}",
    within: 'free',
  },
  {
    id: 'url',
    what: 'web addresses',
    class: 'url',
    strength: 'certain',
    source: '(?:https?|ftp|s3|file)://[^\\s<>"\']{1,2000}',
    flags: 'i',
    within: 'free',
    valid: (text) => !VOCABULARY_URL.test(text),
  },
  {
    id: 'ssn',
    what: 'in the form of a Social Security number',
    class: 'ssn',
    // Areas that are never issued count too: test data and Synthea have nothing else.
    strength: 'certain',
    source: '[0-9]{3}[- .][0-9]{2}[- .][0-9]{4}',
    within: 'edges',
  },
  {
    id: 'ssn-digits',
    what: 'nine digits that could be a Social Security number',
    class: 'ssn',
    strength: 'weak',
    source: '[0-9]{9}',
    within: 'no',
    valid: isIssuableSsn,
  },
  {
    id: 'phone',
    what: 'telephone numbers',
    class: 'phone',
    // No check of area and exchange codes: 555-1xx numbers are none, and are everywhere in test data.
    strength: 'certain',
    source:
      '(?:\\+?1[ .-]?)?(?:\\([0-9]{3}\\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?: {0,2}(?:x|ext\\.?) {0,2}[0-9]{1,6})?|\\+[1-9][0-9]{7,14}|555-01[0-9]{2}',
    within: 'free',
  },
  {
    id: 'phone-digits',
    what: 'ten digits that could be a telephone number',
    class: 'phone',
    strength: 'weak',
    source: '(?:[2-9][0-9]{2}[2-9]|555[0-9])[0-9]{6}',
    within: 'no',
  },
  {
    id: 'mbi',
    what: 'in the form of a Medicare Beneficiary Identifier',
    class: 'health-plan',
    strength: 'certain',
    source:
      '[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}',
    within: 'edges',
  },
  {
    id: 'card',
    what: 'in the form of a payment card number, with its check digit',
    class: 'account',
    strength: 'likely',
    source: '(?:[0-9][ -]?){12,18}[0-9]',
    within: 'no',
    valid: isLuhn,
  },
  {
    id: 'iban',
    what: 'international bank account numbers',
    class: 'account',
    strength: 'certain',
    source: '[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?',
    within: 'edges',
    valid: isIban,
  },
  {
    id: 'account-form',
    what: 'in the form of a card or bank account number',
    class: 'account',
    strength: 'weak',
    source: '[3-6][0-9]{12,18}|[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}',
    within: 'no',
  },
  {
    id: 'npi',
    what: 'National Provider Identifiers',
    class: 'license',
    strength: 'likely',
    source: '[12][0-9]{9}',
    within: 'no',
    valid: isNpi,
  },
  {
    id: 'dea',
    what: 'DEA registration numbers',
    class: 'license',
    strength: 'certain',
    source: '[A-HJ-NPRSTUXa-hj-nprstux][A-Za-z9][0-9]{7}',
    within: 'edges',
    valid: isDea,
  },
  {
    id: 'vin',
    what: 'vehicle identification numbers',
    class: 'vehicle',
    strength: 'certain',
    source: '[A-HJ-NPR-Z0-9]{17}',
    within: 'edges',
    valid: isVin,
  },
  {
    id: 'udi',
    what: 'unique device identifiers',
    class: 'device',
    strength: 'certain',
    source: '\\(01\\)[0-9]{14}(?:\\([0-9]{2,3}\\)[A-Za-z0-9-]{1,20}){0,6}',
    within: 'free',
  },
  {
    id: 'mac',
    what: 'hardware addresses',
    class: 'device',
    strength: 'certain',
    source: '(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}',
    within: 'edges',
  },
  {
    id: 'ipv4',
    what: 'IP addresses',
    class: 'ip',
    strength: 'certain',
    source: '(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:/[0-9]{1,2})?',
    within: 'edges',
  },
  {
    id: 'ipv6',
    what: 'IP addresses',
    class: 'ip',
    strength: 'certain',
    source: '[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}',
    within: 'no',
    valid: isIpv6,
  },
  {
    id: 'iso-date',
    what: 'dates',
    class: 'date',
    strength: 'likely',
    source: `${YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{0,2})?)?`,
    within: 'edges',
  },
  {
    id: 'us-date',
    what: 'dates',
    class: 'date',
    strength: 'likely',
    source: `${DAY}[/.-]${DAY}[/.-](?:${YEAR}|[0-9]{2})`,
    within: 'edges',
  },
  {
    id: 'text-date',
    what: 'dates',
    class: 'date',
    strength: 'likely',
    source: `${MONTH}\\.? {1,2}${DAY}(?:st|nd|rd|th)?(?:,? {1,2}${YEAR})?|${DAY}(?:st|nd|rd|th)?[ -]${MONTH}\\.?[ -](?:${YEAR}|[0-9]{2})`,
    flags: 'i',
    within: 'edges',
  },
  {
    id: 'hl7-time',
    what: 'HL7 time stamps',
    class: 'date',
    strength: 'weak',
    source: `${YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-2][0-9][0-5][0-9](?:[0-5][0-9])?)?`,
    within: 'no',
  },
  {
    id: 'age-over-89',
    what: 'ages over 89',
    class: 'age',
    strength: 'likely',
    source: '(?:9[0-9]|1[0-2][0-9])[ -]{0,2}(?:y/?o|years?[ -]{0,2}old|yrs?|year-old)',
    flags: 'i',
    within: 'edges',
  },
  {
    id: 'street',
    what: 'street addresses',
    class: 'address',
    strength: 'likely',
    source: `[0-9]{1,6} {1,2}(?:[NSEW]\\.? {1,2})?(?:[A-Z][A-Za-z'.-]{0,30} {1,2}){1,4}(?:${STREET})s?\\.?(?: {1,2}(?:Apt|Suite|Ste|Unit|#) {0,2}[A-Za-z0-9]{1,8})?`,
    within: 'edges',
  },
  {
    id: 'po-box',
    what: 'post office boxes',
    class: 'address',
    strength: 'certain',
    source: 'P\\.? ?O\\.? {1,2}Box {1,2}[0-9]{1,8}',
    flags: 'i',
    within: 'edges',
  },
  {
    id: 'zip',
    what: 'in the form of a ZIP code',
    class: 'zip',
    strength: 'weak',
    source: '[0-9]{5}(?:-[0-9]{4})?',
    within: 'no',
  },
  {
    id: 'coordinates',
    what: 'coordinates',
    class: 'geocode',
    strength: 'likely',
    source: '\\(?[-+]?[0-9]{1,3}\\.[0-9]{4,16} {0,2}, {0,2}[-+]?[0-9]{1,3}\\.[0-9]{4,16}\\)?',
    within: 'free',
  },
  {
    id: 'image',
    what: 'images',
    class: 'photo',
    strength: 'certain',
    source: '(?:data:image/[a-z+.-]{1,20};base64,|/9j/4|iVBORw0KGgo)[A-Za-z0-9+/=\\s]{0,8000}',
    within: 'free',
  },
  {
    id: 'credential',
    what: 'access tokens',
    class: 'other-id',
    strength: 'certain',
    source:
      'eyJ[A-Za-z0-9_-]{10,500}\\.[A-Za-z0-9_-]{10,2000}\\.[A-Za-z0-9_-]{5,700}|ghp_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}',
    within: 'no',
  },
  {
    id: 'uuid',
    what: 'UUIDs',
    class: 'other-id',
    strength: 'weak',
    source: '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
    within: 'edges',
  },
  {
    id: 'dicom-uid',
    what: 'DICOM UIDs',
    class: 'other-id',
    strength: 'likely',
    source: '[0-2](?:\\.(?:0|[1-9][0-9]{0,38})){6,30}',
    within: 'edges',
  },
  {
    id: 'record-number',
    what: 'record numbers named as such',
    class: 'mrn',
    strength: 'certain',
    source:
      '(?:mrn|med(?:ical)? {0,2}rec(?:ord)?(?: {0,2}(?:no|num|number|#))?|chart {0,2}(?:no|num|number|#)) {0,2}[:#=]? {0,2}[a-z]{0,3}-?[0-9]{4,12}',
    flags: 'i',
    within: 'edges',
  },
  {
    id: 'titled-name',
    what: 'names with a title',
    class: 'name',
    strength: 'likely',
    source: "(?:Mr|Mrs|Ms|Miss|Dr|Prof|Rev)\\.? {1,2}[A-Z][A-Za-z'-]{1,30}(?: {1,2}[A-Z][A-Za-z'.-]{0,30}){0,3}",
    within: 'edges',
  },
  {
    id: 'person-name',
    what: 'made of common names of persons',
    class: 'name',
    strength: 'weak',
    // \p{Lu}, \p{L}: letters with their accents.
    source: "\\p{L}[\\p{L}\\p{M}'’.-]{0,30}(?:,? {1,2}\\p{L}[\\p{L}\\p{M}'’.-]{0,30}){0,3}",
    flags: 'u',
    within: 'no',
    valid: hasPersonName,
  },
]

/** Vocabulary and not an address of anybody: FHIR and its code systems. */
const VOCABULARY_URL =
  /^https?:\/\/(?:www\.)?(?:hl7\.org|terminology\.hl7\.org|loinc\.org|snomed\.info|unitsofmeasure\.org|nlm\.nih\.gov)(?:\/|$)/

/** Whether one of the words is a common given or family name. */
export function hasPersonName(text: string): boolean {
  return text
    .normalize('NFKD')
    .replaceAll(/[\p{M}'’]/gu, '')
    .toLowerCase()
    .split(/[^a-z]+/)
    .some((word) => PERSON_NAMES.has(word))
}

export const DETECTORS: readonly Detector[] = DEFINITIONS.map(({ source, flags = '', within, ...rest }) => ({
  ...rest,
  pattern: new RegExp(`^(?:${source})$`, flags),
  inside: within === 'no' ? null : new RegExp(within === 'edges' ? `\\b(?:${source})\\b` : source, flags),
}))
