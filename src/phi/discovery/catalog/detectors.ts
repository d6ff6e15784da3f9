import type { PhiClass } from '../../classes.ts'
import { isDea, isIban, isIpv6, isIssuableSsn, isLuhn, isNpi, isVin } from '../../detect/checksums.ts'
import {
  CARD,
  COORDINATES,
  CREDENTIAL,
  DEA,
  DICOM_UID,
  EMAIL,
  IBAN,
  IMAGE,
  IPV4,
  IPV6,
  ISO_DATE,
  MAC,
  MBI,
  NPI,
  PHONE,
  PO_BOX,
  SSN,
  STREET_ADDRESS,
  TEXT_DATE,
  UDI,
  URL,
  US_DATE,
  UUID,
  VIN,
  YEAR,
} from '../../detect/identifier-sources.ts'
import { isVocabularyUrl } from '../../detect/vocabulary-url.ts'
import { PERSON_NAMES } from '../../detect/person-names.ts'

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

const DEFINITIONS: readonly Definition[] = [
  {
    id: 'email',
    what: 'e-mail addresses',
    class: 'email',
    strength: 'certain',
    source: EMAIL,
    within: 'free',
  },
  {
    id: 'url',
    what: 'web addresses',
    class: 'url',
    strength: 'certain',
    source: URL,
    flags: 'i',
    within: 'free',
    valid: (text) => !isVocabularyUrl(text),
  },
  {
    id: 'ssn',
    what: 'in the form of a Social Security number',
    class: 'ssn',
    // Areas that are never issued count too: test data and Synthea have nothing else.
    strength: 'certain',
    source: SSN,
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
    source: PHONE,
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
    source: MBI,
    within: 'edges',
  },
  {
    id: 'card',
    what: 'in the form of a payment card number, with its check digit',
    class: 'account',
    strength: 'likely',
    source: CARD,
    within: 'no',
    valid: isLuhn,
  },
  {
    id: 'iban',
    what: 'international bank account numbers',
    class: 'account',
    strength: 'certain',
    source: IBAN,
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
    source: NPI,
    within: 'no',
    valid: isNpi,
  },
  {
    id: 'dea',
    what: 'DEA registration numbers',
    class: 'license',
    strength: 'certain',
    source: DEA,
    within: 'edges',
    valid: isDea,
  },
  {
    id: 'vin',
    what: 'vehicle identification numbers',
    class: 'vehicle',
    strength: 'certain',
    source: VIN,
    within: 'edges',
    valid: isVin,
  },
  {
    id: 'udi',
    what: 'unique device identifiers',
    class: 'device',
    strength: 'certain',
    source: UDI,
    within: 'free',
  },
  {
    id: 'mac',
    what: 'hardware addresses',
    class: 'device',
    strength: 'certain',
    source: MAC,
    within: 'edges',
  },
  {
    id: 'ipv4',
    what: 'IP addresses',
    class: 'ip',
    strength: 'certain',
    source: IPV4,
    within: 'edges',
  },
  {
    id: 'ipv6',
    what: 'IP addresses',
    class: 'ip',
    strength: 'certain',
    source: IPV6,
    within: 'no',
    valid: isIpv6,
  },
  {
    id: 'iso-date',
    what: 'dates',
    class: 'date',
    strength: 'likely',
    source: ISO_DATE,
    within: 'edges',
  },
  {
    id: 'us-date',
    what: 'dates',
    class: 'date',
    strength: 'likely',
    source: US_DATE,
    within: 'edges',
  },
  {
    id: 'text-date',
    what: 'dates',
    class: 'date',
    strength: 'likely',
    source: TEXT_DATE,
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
    source: STREET_ADDRESS,
    within: 'edges',
  },
  {
    id: 'po-box',
    what: 'post office boxes',
    class: 'address',
    strength: 'certain',
    source: PO_BOX,
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
    source: COORDINATES,
    within: 'free',
  },
  {
    id: 'image',
    what: 'images',
    class: 'photo',
    strength: 'certain',
    source: IMAGE,
    within: 'free',
  },
  {
    id: 'credential',
    what: 'access tokens',
    class: 'other-id',
    strength: 'certain',
    source: CREDENTIAL,
    within: 'no',
  },
  {
    id: 'uuid',
    what: 'UUIDs',
    class: 'other-id',
    strength: 'weak',
    source: UUID,
    within: 'edges',
  },
  {
    id: 'dicom-uid',
    what: 'DICOM UIDs',
    class: 'other-id',
    strength: 'likely',
    source: DICOM_UID,
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
