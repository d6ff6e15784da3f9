import { isDea, isIban, isIssuableSsn, isLuhn, isNpi, isVin } from './checksums.ts'
import { CARD, CREDENTIAL, DEA, DICOM_UID, IBAN, MBI, NPI, PHONE, SSN, UDI, UUID, VIN } from './identifier-sources.ts'
import { isPhoneNumber } from './phone-number.ts'
import type { TextPattern } from './text-pattern.ts'
import { afterCue, between, GLUE, hasDigits, NUMBER } from './text-words.ts'

const digits = (text: string): string => text.replaceAll(/[^0-9]/g, '')

/** Doses and the like are written as ranges too: 400-1000 mg. */
const UNIT = /^ {0,2}(?:%|m?cg|mg|k?g|m[lL]|L|mmol|mEq|units?|IU|kcal|mm|cm|Hz|k?Pa|bpm|x10)\b/
const noUnit = (_: string, text: string, end: number): boolean => !UNIT.test(text.slice(end, end + 12))

const phone = new RegExp(
  `(^|[^0-9A-Za-z.-])(?:${PHONE}|\\(?[2-9][0-9]{2}\\)?[ ./-]{0,3}[0-9]{3}[ ./-]{1,3}[0-9]{4})\\b`,
  'g',
)

/** Numbers by their structure and check digits, and those that a cue word announces. The order decides what equal spans are called. */
export const NUMBER_PATTERNS = {
  ssn: [
    { class: 'ssn', needs: 'digit', pattern: between(SSN) },
    {
      class: 'ssn',
      needs: 'digit',
      pattern: afterCue(
        'ssn?|s\\.s\\.n\\.|social(?: security)?|soc\\.? sec\\.?|tax(?:payer)? id(?:entification)?|i?tin',
        '(?:[Xx*]{3}[- ]?[Xx*]{2}[- ]?)?[0-9][0-9 .-]{2,14}[0-9]',
      ),
    },
    {
      class: 'ssn',
      needs: 'digit',
      pattern:
        /(\blast (?:four|4)(?: digits)?(?: of)?(?: (?:the|his|her|their))?(?: ssn| social(?: security)?)?(?: number| no\.?| #)?(?: is| are)?[:#]?\s{0,2})[0-9]{4}\b/gi,
    },
    { class: 'ssn', needs: 'digit', pattern: /\b[0-9]{9}\b/g, valid: isIssuableSsn },
  ],
  fax: [
    {
      class: 'fax',
      needs: 'digit',
      pattern: new RegExp(
        `(\\b(?:fax|facsimile|telefax)(?:ed)?(?: to| at)?${GLUE})[+(]?[0-9][0-9 ().+/-]{5,20}[0-9]\\b`,
        'gi',
      ),
    },
  ],
  phone: [
    { class: 'phone', needs: 'digit', pattern: phone },
    {
      class: 'phone',
      needs: 'digit',
      pattern: /(^|[^0-9A-Za-z])(?:\+|00)[1-9][0-9 ()./-]{6,20}[0-9]\b/g,
      valid: (text) => isPhoneNumber(text.replace(/^00/, '+')),
    },
    { class: 'phone', needs: 'digit', pattern: /(^|[^0-9A-Za-z.,$-])[2-9][0-9]{2}[-.][0-9]{4}\b/g, valid: noUnit },
    { class: 'phone', needs: 'digit', pattern: /\b1?[2-9][0-9]{9}\b/g },
    {
      class: 'phone',
      needs: 'digit',
      pattern: new RegExp(
        `(\\b(?:tele)?(?:phone|tel|ph|cell|mobile|pager|beeper|voice ?mail|call(?:ed)?(?: back)?|text(?:ed)?|contact)(?: at| on)?${GLUE})[+(]?[0-9][0-9 ().+/-]{5,20}[0-9]\\b`,
        'gi',
      ),
      valid: (text) => digits(text).length >= 7,
    },
    {
      class: 'phone',
      needs: 'digit',
      pattern: /(\b(?:ext(?:ension)?|pager|beeper)\.?\s{0,2}[:#]?\s{0,2})[0-9]{3,6}\b/gi,
    },
  ],
  'health-plan': [
    { class: 'health-plan', needs: 'digit', pattern: between(MBI, 'gi') },
    {
      class: 'health-plan',
      needs: 'digit',
      pattern: afterCue(
        'member(?:ship)?|policy|subscriber|beneficiary|insur(?:ance|ed)|medicaid|medicare|hicn?|mbi|health plan|payer|group|plan|coverage|certificate|rx ?(?:bin|pcn|grp|group)',
        NUMBER,
      ),
      valid: hasDigits,
    },
  ],
  account: [
    { class: 'account', needs: 'digit', pattern: between(CARD), valid: isLuhn },
    { class: 'account', needs: 'digit', pattern: between(IBAN), valid: isIban },
    {
      class: 'account',
      needs: 'digit',
      pattern: afterCue(
        'acc(?:oun)?t|a/c|card|visa|mastercard|amex|iban|routing|aba|bank|guarantor|invoice|claim',
        `(?:(?:ending|ends)(?: in| with)? )?${NUMBER}`,
      ),
      valid: hasDigits,
    },
  ],
  npi: [{ class: 'license', needs: 'digit', pattern: between(NPI), valid: isNpi }],
  dea: [{ class: 'license', needs: 'digit', pattern: between(DEA), valid: isDea }],
  license: [
    {
      class: 'license',
      needs: 'digit',
      pattern: afterCue(
        "npi|dea|(?:driver'?s? |driving |medical |nursing |state |professional )?licen[cs]e|lic|dl|d\\.l\\.|passport|certificat(?:e|ion)|registration|upin|visa",
        `(?:[A-Z]{2} )?${NUMBER}`,
      ),
      valid: hasDigits,
    },
  ],
  vehicle: [
    { class: 'vehicle', needs: 'digit', pattern: between(VIN, 'gi'), valid: (text) => isVin(text.toUpperCase()) },
    {
      class: 'vehicle',
      needs: 'digit',
      pattern: afterCue('vin|vehicle(?: identification)?', '[A-Z0-9]{11,17}'),
      valid: hasDigits,
    },
    {
      class: 'vehicle',
      needs: 'digit',
      pattern:
        /(\b(?:[Pp]lates?|PLATE|[Tt]ag|TAG)(?: (?:no\.?|number|#|is))?[:#]?\s{0,2})(?:[A-Z]{2} )?[A-Z0-9]{1,4}[- ]?[A-Z0-9]{2,5}\b/g,
      valid: (text) => /[0-9]/.test(text),
    },
  ],
  device: [
    { class: 'device', needs: 'digit', pattern: new RegExp(UDI, 'g') },
    {
      class: 'device',
      needs: 'digit',
      pattern: afterCue(
        'serial|s/n|sn|ser|udi|imei|device|implant|pacemaker|lot|(?:insulin )?pump|model|lead|stent|prosthesis|asset',
        NUMBER,
      ),
      valid: (text) => digits(text).length >= 4,
    },
  ],
  'record-number': [
    {
      class: 'mrn',
      needs: 'digit',
      pattern: afterCue(
        'mrn?|m\\.r\\.n?\\.|med(?:ical)?\\.? ?rec(?:ord)?|record|chart|patient|pt|hospital|hosp|unit|emr|ehr|epic|enterprise|fin',
        NUMBER,
      ),
      // Of "patient was 175 cm" and the like there are fewer digits.
      valid: (text) => digits(text).length >= 4 || /^[a-z]{1,4}-?[0-9]{3,}$/i.test(text),
    },
    {
      class: 'other-id',
      needs: 'digit',
      pattern: afterCue(
        'csn|encounter|enc|visit|accession|acc|case|specimen|sample|order|requisition|episode|referral|trial|study|subject|protocol|participant|ticket|reference|ref|confirmation|employee|student|badge|inmate|user(?:name)?|login|id',
        NUMBER,
      ),
      valid: (text) => digits(text).length >= 4 || /^[a-z]{1,4}-?[0-9]{3,}$/i.test(text),
    },
  ],
  'other-number': [
    { class: 'other-id', needs: 'digit', pattern: between(UUID) },
    { class: 'other-id', needs: 'digit', pattern: between(DICOM_UID) },
    { class: 'other-id', pattern: new RegExp(CREDENTIAL, 'g'), toBlank: true },
    // Hardly a measurement has so many digits.
    { class: 'other-id', weak: true, needs: 'digit', pattern: /(^|[^0-9.,])[0-9]{5,40}/g, valid: noUnit },
    { class: 'other-id', weak: true, needs: 'digit', pattern: /\b[A-Za-z]{1,5}[-_#]?[0-9]{5,20}[A-Za-z]?\b/g },
    {
      class: 'other-id',
      weak: true,
      needs: 'digit',
      pattern: /\b[0-9]{2,8}(?: ?[-/._ ] ?[0-9]{2,8}){2,4}\b/g,
      valid: (text) => digits(text).length >= 9,
    },
    // Letters and digits mixed, as record numbers of many systems are.
    {
      class: 'other-id',
      weak: true,
      needs: 'digit',
      pattern: /\b[A-Z0-9]{2,8}(?:-[A-Z0-9]{2,8}){1,4}\b/g,
      valid: (text) => digits(text).length >= 5 && /[A-Z]/.test(text),
    },
  ],
} as const satisfies Readonly<Record<string, readonly TextPattern[]>>
