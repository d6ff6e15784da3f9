import { DAY, ISO_DATE, MONTH, TEXT_DATE, US_DATE, YEAR } from './identifier-sources.ts'
import type { TextPattern } from './text-pattern.ts'
import { between } from './text-words.ts'

/** "may" and "march" are verbs, too. */
const notAVerb = (text: string): boolean =>
  !/^[0-9]{0,2}(?:st|nd|rd|th)?[ -]{0,2}(?:of )?(?:may|march|mar)\b/.test(text)

const ORDINAL =
  '(?:twenty-|thirty-)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth'

const OLD = '(?:y/?o|y\\.o\\.|years? {0,2}-?old|yrs?(?: old)?|year-old|years? of age|years|[FM]\\b)'
const UNITS = '(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?'

/** Dates by their spellings (a year alone is none: Safe Harbor keeps it), and ages over 89. */
export const DATE_PATTERNS = {
  date: [
    { class: 'date', needs: 'digit', pattern: between(ISO_DATE) },
    { class: 'date', needs: 'digit', pattern: between(US_DATE) },
    { class: 'date', needs: 'digit', pattern: new RegExp(`\\b${YEAR}[/.]${DAY}[/.]${DAY}\\b`, 'g') },
    { class: 'date', needs: 'digit', pattern: between(TEXT_DATE, 'gi'), valid: notAVerb },
    {
      class: 'date',
      needs: 'digit',
      pattern: between(
        `(?:the )?${DAY}(?:st|nd|rd|th)? (?:day )?(?:of )?${MONTH}\\.?(?:,? (?:of )?${YEAR})?|${MONTH}\\.?,? (?:of )?(?:the )?${DAY}?(?:st|nd|rd|th)?,? ?(?:${YEAR}|'[0-9]{2})|${DAY}[ ./-]?${MONTH}[ ./-]?(?:${YEAR}|'?[0-9]{2})`,
        'gi',
      ),
      valid: notAVerb,
    },
    {
      class: 'date',
      pattern: between(`(?:${ORDINAL}) (?:day )?(?:of )?${MONTH}|${MONTH} (?:the )?(?:${ORDINAL})`, 'gi'),
    },
    {
      class: 'date',
      needs: 'digit',
      pattern: new RegExp(
        `(\\b(?:on|since|dated?|until|from|through|thru|before|after|by|for|due|seen|admit(?:ted)?|discharged?|dob|lmp|edd|visit|appt|appointment|surgery|labs?|exam|f/u|d/c)[: ]{1,3})${DAY}[/-]${DAY}\\b`,
        'gi',
      ),
    },
    {
      class: 'date',
      needs: 'digit',
      pattern:
        /(\b(?:dob|d\.o\.b\.|birth ?(?:date|day)|date of birth|born)(?: on)?[: ]{1,3})[0-9][0-9 ./-]{4,12}[0-9]\b/gi,
    },
    {
      class: 'date',
      needs: 'digit',
      pattern: between(
        `${YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:T?[0-2][0-9][0-5][0-9](?:[0-5][0-9])?Z?)?`,
      ),
    },
    {
      class: 'date',
      pattern:
        /\b(?:christmas(?: eve| day)?|thanksgiving(?: day)?|new year'?s(?: eve| day)?|easter(?: sunday| monday)?|halloween|valentine'?s day|(?:mother|father)'?s day|labor day|memorial day|independence day)\b/gi,
    },
  ],
  age: [
    {
      class: 'age',
      needs: 'digit',
      pattern: new RegExp(`(^|[^0-9.,/-])(?:9[0-9]|1[0-2][0-9])[ -]{0,2}${OLD}`, 'gi'),
    },
    {
      class: 'age',
      needs: 'digit',
      pattern: /(\b(?:ages?|aged|turned|turning|age of|age is)[: ]{1,3})(?:9[0-9]|1[0-2][0-9])\b/gi,
    },
    {
      class: 'age',
      pattern: new RegExp(
        `\\b(?:ninety${UNITS}|(?:one |a )?hundred(?:[ -](?:and[ -])?(?:one|two|three|four|five|six|seven|eight|nine|ten))?)[ -]{1,2}(?:years?[ -]{0,2}old|years? of age|y/?o|year-old)`,
        'gi',
      ),
    },
    {
      class: 'age',
      pattern:
        /\b(?:nonagenarian|centenarian|supercentenarian|(?:in )?(?:his|her|their) (?:mid |late |early |mid-|late-|early-)?(?:nineties|90'?s))\b/gi,
    },
  ],
} as const satisfies Readonly<Record<string, readonly TextPattern[]>>
