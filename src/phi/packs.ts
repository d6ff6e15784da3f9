import { PHI_CLASSES, type PhiClass } from './classes.ts'
import type { TRANSFORMS } from './transform-names.ts'

/** The first one is the default. */
export const PACKS = ['hipaa-safe-harbor', 'minimum-necessary'] as const

export type Pack = (typeof PACKS)[number]

/** `keep`: the class passes. */
export type PackTransform = (typeof TRANSFORMS)[number] | 'keep'

/** What a pack has for a class. */
export function packTransform(pack: Pack, phiClass: PhiClass): PackTransform {
  return TABLES[pack][phiClass]
}

/**
 * Whether a transform tells no more of a class than Safe Harbor allows. `none` and unknown classes are nobody's identifiers.
 * A token is not derived from the value, and no date is shown by it but the year (45 CFR 164.514(c)).
 */
export function followsSafeHarbor(className: string, transform: string): boolean {
  const phiClass = PHI_CLASSES.find((known) => known === className)
  return phiClass === undefined || ['redact', 'null', 'token', SAFE_HARBOR[phiClass]].includes(transform)
}

/** 45 CFR 164.514(b)(2)(i). */
const SAFE_HARBOR: Readonly<Record<PhiClass, (typeof TRANSFORMS)[number]>> = {
  name: 'redact',
  address: 'redact',
  city: 'redact',
  geocode: 'null',
  zip: 'zip3',
  date: 'year',
  'date-of-birth': 'year',
  'date-of-death': 'year',
  age: 'age90',
  phone: 'redact',
  fax: 'redact',
  email: 'redact',
  ssn: 'redact',
  mrn: 'redact',
  'health-plan': 'redact',
  account: 'redact',
  license: 'redact',
  vehicle: 'redact',
  device: 'redact',
  url: 'redact',
  ip: 'redact',
  biometric: 'null',
  photo: 'null',
  'other-id': 'redact',
  'free-text': 'redact',
}

/**
 * 45 CFR 164.502(b), 164.514(d): no more than the purpose needs. For work on records that stay PHI: the keys that join tables
 * and the dates of events pass, because few tasks can do without them. It is not de-identification.
 */
const MINIMUM_NECESSARY: Readonly<Record<PhiClass, PackTransform>> = {
  ...SAFE_HARBOR,
  date: 'keep',
  'other-id': 'keep',
}

const TABLES: Readonly<Record<Pack, Readonly<Record<PhiClass, PackTransform>>>> = {
  'hipaa-safe-harbor': SAFE_HARBOR,
  'minimum-necessary': MINIMUM_NECESSARY,
}
