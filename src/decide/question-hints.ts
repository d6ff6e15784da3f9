import type { PhiQuestion } from '../inspect/sql/facts.ts'
import type { PhiClass } from '../phi/classes.ts'

type Use = PhiQuestion['use']

/** What advice a class gets: what may be asked differs by it. */
type Kind = 'date' | 'zip' | 'age' | 'text' | 'identifier'

const KINDS: Readonly<Record<PhiClass, Kind>> = {
  name: 'identifier',
  address: 'identifier',
  city: 'identifier',
  geocode: 'identifier',
  zip: 'zip',
  date: 'date',
  'date-of-birth': 'date',
  'date-of-death': 'date',
  age: 'age',
  phone: 'identifier',
  fax: 'identifier',
  email: 'identifier',
  ssn: 'identifier',
  mrn: 'identifier',
  'health-plan': 'identifier',
  account: 'identifier',
  license: 'identifier',
  vehicle: 'identifier',
  device: 'identifier',
  url: 'identifier',
  ip: 'identifier',
  biometric: 'identifier',
  photo: 'identifier',
  'other-id': 'identifier',
  'free-text': 'text',
}

interface Advice {
  readonly kinds: ReadonlyMap<Kind, string>
  /** Behind that of the kinds, whatever they are. */
  readonly always: string
}

const TOKEN =
  "Compare the column itself with a token as results show it: mrn = 'tok_…', IN or = ANY, or a parameter that is used for nothing " +
  'else. No LIKE, function, || or cast to another type on either side, and neither PREPARE nor EXPLAIN. A column that arrives as ' +
  '[redacted] has no tokens.'

const ADVICE: Readonly<Record<Use, Advice>> = {
  condition: {
    kinds: new Map<Kind, string>([
      [
        'date',
        "Compare a date by whole years, with constants in the text: born >= '1950-01-01', EXTRACT(year FROM born) = 1950.",
      ],
      ['zip', "Compare a ZIP code by its first three digits: left(zip, 3) = '021'."],
      ['age', 'Compare an age with whole numbers up to 90 in the text: age >= 65.'],
      ['text', 'Free text cannot be searched: choose rows by other columns.'],
      ['identifier', TOKEN],
    ]),
    always:
      'Columns of one kind may be compared with each other (a.ssn = b.ssn), IS NULL may be asked, and columns that are not protected ' +
      'may be in any condition.',
  },
  order: {
    kinds: new Map<Kind, string>([['date', "Order a date by its year: ORDER BY date_trunc('year', born)."]]),
    always:
      'Order by columns that are not protected, or not at all. PARTITION BY, DISTINCT ON and window functions sort, too: choose ' +
      'their rows inside of IN, which shows no order: WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER (…) AS n …) WHERE n = 1).',
  },
  group: {
    kinds: new Map<Kind, string>([
      ['date', 'Group a date by EXTRACT(year FROM born).'],
      ['zip', 'Group a ZIP code by left(zip, 3).'],
    ]),
    always: 'Group by the column itself, without an expression, or by other columns; use UNION ALL instead of UNION.',
  },
  computation: {
    kinds: new Map<Kind, string>([
      ['date', 'EXTRACT(year FROM born) may be used on a date.'],
      ['identifier', "To look something up, compare the column itself with a token as results show it: mrn = 'tok_…'."],
    ]),
    always:
      'Select the column itself: it arrives masked. Text functions such as lower, left, length and ||, and JSON builders, may be ' +
      'used on it; arithmetic, casts to numbers or dates and regular expressions may not.',
  },
}

/** What may be asked instead of a question about these classes; about all of them when none is known or one is no class (`unlabelled`). */
export function questionHint(use: Use, classes: ReadonlySet<string>): string {
  const { kinds, always } = ADVICE[use]
  const wanted = new Set([...classes].map(kindOf))
  const isAny = wanted.size === 0 || wanted.has(undefined)
  const parts = [...kinds].flatMap(([kind, advice]) => (isAny || wanted.has(kind) ? [advice] : []))
  return [...parts, always].join(' ')
}

function kindOf(phiClass: string): Kind | undefined {
  const kinds: Readonly<Record<string, Kind>> = KINDS
  return Object.hasOwn(kinds, phiClass) ? kinds[phiClass] : undefined
}

/** For a constant that is compared with a column that arrives as stand-ins, and is none. */
export const STAND_IN_HINT =
  "Compare with a token just as results show it to you: mrn = 'tok_…', in the text or as a parameter. A value itself cannot be " +
  'looked up, because the answer would confirm a guess: find the row by columns that are not protected (or a year, a ZIP prefix), ' +
  'and go on with the tokens in it. Pseudonyms of numbers, UUIDs, telephone numbers and short types cannot be sent back.'
