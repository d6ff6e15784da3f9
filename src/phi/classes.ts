/**
 * The identifiers of the HIPAA Safe Harbor list, 45 CFR 164.514(b)(2)(i)(A) to (R), split where practice treats the parts
 * differently (a ZIP code is generalised, a street is not). The letter is the paragraph of the rule. `free-text` is not an
 * identifier of its own: it is text, JSON or a document in which any of them may stand.
 */
export const PHI_CLASSES = [
  'name', // A: of the person, relatives, employers, household members
  'address', // B: street, county, precinct, whole addresses, birth place
  'city', // B
  'geocode', // B: latitude, longitude, census tract, geohash
  'zip', // B
  'date', // C: admission, discharge, service and other event dates
  'date-of-birth', // C
  'date-of-death', // C
  'age', // C
  'phone', // D
  'fax', // E
  'email', // F
  'ssn', // G
  'mrn', // H: medical record number
  'health-plan', // I: health plan beneficiary number
  'account', // J
  'license', // K: certificate, licence, passport
  'vehicle', // L
  'device', // M
  'url', // N
  'ip', // O
  'biometric', // P
  'photo', // Q
  'other-id', // R: any other unique number or code, surrogate keys included
  'free-text',
] as const

export type PhiClass = (typeof PHI_CLASSES)[number]

/**
 * Classes of quantities, whose sums and means say something. Those of numbers that stand for a person would be nothing but
 * a way to such a number.
 */
export const QUANTITIES: ReadonlySet<string> = new Set<PhiClass>(['age', 'date', 'date-of-birth', 'date-of-death'])

/** The label of a column that somebody has looked at and found free of PHI. Not a class: nothing is cleared for it. */
export const NOT_PHI = 'none'
