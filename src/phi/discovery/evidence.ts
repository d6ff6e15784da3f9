import { DETECTORS } from './catalog/detectors.ts'
import { isVerhoeff } from '../detect/checksums.ts'
import type { TypeGroup } from './type-group.ts'

/** What was seen in the values of a column: counts, and nothing of the values. */
export interface Evidence {
  readonly values: number
  readonly distinct: number
  /** By detector: values that are such a thing, and texts that have one inside. */
  readonly whole: ReadonlyMap<string, number>
  readonly inside: ReadonlyMap<string, number>
  /** Values of at least eight words: somebody wrote them. */
  readonly wordy: number
  /** Values of at least 500 characters. */
  readonly long: number
  /** Numbers and codes that are mostly digits, at least five of them. */
  readonly numbers: number
  /** Values with the check digit of SNOMED CT. */
  readonly codes: number
  /** Bytes that begin as images and documents do. */
  readonly images: number
  readonly files: number
}

const WORDY = 8
const LONG = 500
const NUMBER = /^[A-Za-z]{0,4}-?[0-9](?:-?[0-9]){4,18}[A-Za-z]?$/
/** Text form of bytea, in hexadecimal: JPEG, PNG, GIF, TIFF; DICOM has its mark after 128 bytes. */
const IMAGE = /^\\x(?:ffd8ff|89504e47|47494638|49492a00|4d4d002a|[0-9a-f]{256}4449434d)/
/** PDF, ZIP (and office documents), RTF. */
const FILE = /^\\x(?:25504446|504b0304|7b5c727466)/

/** Detectors for digits only: what else would be found in numbers is chance. */
const FOR_NUMBERS: ReadonlySet<string> = new Set(['ssn-digits', 'phone-digits', 'card', 'npi', 'hl7-time'])
/** Where the type says what the value is, or its values are too many things for a pattern to mean anything. */
const UNREAD: ReadonlySet<TypeGroup> = new Set([
  'date',
  'time',
  'interval',
  'boolean',
  'enum',
  'geometry',
  'mac',
  'network',
])

/** Looks at values; keeps counts. */
export function evidenceOf(values: Iterable<string>, group: TypeGroup): Evidence {
  const numeric = group === 'integer' || group === 'number'
  const detectors = UNREAD.has(group) ? [] : DETECTORS.filter(({ id }) => !numeric || FOR_NUMBERS.has(id))
  const seen = new Set<string>()
  const whole = new Map<string, number>()
  const inside = new Map<string, number>()
  let count = 0
  let wordy = 0
  let long = 0
  let numbers = 0
  let codes = 0
  let images = 0
  let files = 0
  for (const raw of values) {
    const value = raw.trim()
    if (value === '') continue
    count += 1
    seen.add(value)
    if (group === 'bytes') {
      if (IMAGE.test(value)) images += 1
      if (FILE.test(value)) files += 1
      continue
    }
    if (value.split(/\s+/, WORDY).length >= WORDY) wordy += 1
    if (value.length >= LONG) long += 1
    if (NUMBER.test(value)) numbers += 1
    if (/^[0-9]{6,18}$/.test(value) && isVerhoeff(value)) codes += 1
    for (const detector of detectors) {
      if (detector.pattern.test(value)) {
        if (detector.valid?.(value) ?? true) increment(whole, detector.id)
      } else if (!numeric && isInside(detector, value)) increment(inside, detector.id)
    }
  }
  return { values: count, distinct: seen.size, whole, inside, wordy, long, numbers, codes, images, files }
}

function isInside({ inside, valid }: (typeof DETECTORS)[number], text: string): boolean {
  const match = inside?.exec(text)
  return match !== null && match !== undefined && (valid?.(match[0]) ?? true)
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
