import { DATE_PATTERNS } from './date-patterns.ts'
import { NAME_PATTERNS } from './names.ts'
import { findNames } from './names-by-word.ts'
import { NUMBER_PATTERNS } from './number-patterns.ts'
import { PLACE_PATTERNS } from './place-patterns.ts'
import type { Span } from './span.ts'
import { featuresOf, findPattern, type TextPattern } from './text-pattern.ts'

/** What is found by patterns that come with the gateway, by name. docs/detectors.md says what each of them finds. */
export const BUILTIN_DETECTOR_IDS = [
  'name',
  'common-name',
  'proper-noun',
  'address',
  'city',
  'geocode',
  'zip',
  'date',
  'age',
  'phone',
  'fax',
  'email',
  'ssn',
  'record-number',
  'health-plan',
  'account',
  'npi',
  'dea',
  'license',
  'vehicle',
  'device',
  'mac',
  'url',
  'ip',
  'photo',
  'other-number',
] as const

export type BuiltinDetectorId = (typeof BUILTIN_DETECTOR_IDS)[number]

/** Specific ones first: where two find the same, it is called by the first. */
export const PATTERNS: readonly (readonly [BuiltinDetectorId, readonly TextPattern[]])[] = [
  ['email', PLACE_PATTERNS.email],
  ['url', PLACE_PATTERNS.url],
  ['zip', PLACE_PATTERNS.zip],
  ['ssn', NUMBER_PATTERNS.ssn],
  ['fax', NUMBER_PATTERNS.fax],
  ['phone', NUMBER_PATTERNS.phone],
  ['npi', NUMBER_PATTERNS.npi],
  ['dea', NUMBER_PATTERNS.dea],
  ['vehicle', NUMBER_PATTERNS.vehicle],
  ['mac', PLACE_PATTERNS.mac],
  ['ip', PLACE_PATTERNS.ip],
  ['account', NUMBER_PATTERNS.account],
  ['health-plan', NUMBER_PATTERNS['health-plan']],
  ['license', NUMBER_PATTERNS.license],
  ['device', NUMBER_PATTERNS.device],
  ['record-number', NUMBER_PATTERNS['record-number']],
  ['date', DATE_PATTERNS.date],
  ['age', DATE_PATTERNS.age],
  ['address', PLACE_PATTERNS.address],
  ['city', PLACE_PATTERNS.city],
  ['geocode', PLACE_PATTERNS.geocode],
  ['photo', PLACE_PATTERNS.photo],
  ['other-number', NUMBER_PATTERNS['other-number']],
  ['name', NAME_PATTERNS],
]

/** Adds what the chosen detectors find in a text. */
export function findBuiltin(chosen: ReadonlySet<string>, text: string, found: Span[]): void {
  const features = featuresOf(text)
  for (const [id, patterns] of PATTERNS) {
    if (!chosen.has(id)) continue
    for (const pattern of patterns) findPattern(id, pattern, text, features, found)
  }
  const rules = { common: chosen.has('common-name'), proper: chosen.has('proper-noun') }
  if (rules.common || rules.proper) findNames(rules, text, found)
}
