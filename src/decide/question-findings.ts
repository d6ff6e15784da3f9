import type { PredicatePolicy, PredicatesConfig } from '../config/config.ts'
import type { PhiQuestion, UNLABELLED as Unlabelled } from '../inspect/sql/facts.ts'
import { ERRORS } from '../lib/errors.ts'
import type { Clearance } from './clearance.ts'
import type { Finding } from './finding.ts'
import { listed } from './listed.ts'

type Use = PhiQuestion['use']

interface UseWords {
  /** Followed by the columns. */
  readonly message: string
  /** What tells no more than the masked values do. */
  readonly hint: string
}

const WORDS: Readonly<Record<Use, UseWords>> = {
  condition: {
    message: 'a condition would tell protected values by its answer:',
    hint:
      "Compare a date by whole years with constants in the text (born >= '1950-01-01', EXTRACT(year FROM born) = 1950), a " +
      "ZIP code by its first three digits (left(zip, 3) = '021'), columns of one kind with each other (a.ssn = b.ssn); use " +
      'IS NULL; or choose rows by columns that are not protected.',
  },
  order: {
    message: 'an order would tell protected values:',
    hint: "Order by other columns, or a date by its year: ORDER BY date_trunc('year', born).",
  },
  group: {
    message: 'a grouping would tell protected values:',
    hint: 'Group by the column itself, a date by EXTRACT(year FROM born), a ZIP code by left(zip, 3), or by other columns; use UNION ALL instead of UNION.',
  },
  computation: {
    message: 'a computation could tell protected values by failing, by being NULL or by the time it takes:',
    hint:
      'Select the column itself: it arrives masked. Text functions such as lower, left, length and ||, and JSON builders, ' +
      'may be used on it, and EXTRACT(year FROM born) on a date; arithmetic, casts to numbers or dates and regular expressions may not.',
  },
}

/** What has no label is cleared only with everything: it can be of any class. */
const UNLABELLED: typeof Unlabelled = 'unlabelled'

const UNLABELLED_HINT =
  'Columns without a label count as protected; the operator can say in phi.labels that they hold no protected data.'

const UNKNOWN_HINT =
  'What is not found in the catalog counts as protected: check the spelling of columns and relations.'

const REFUSED_HINT = 'Choose, order and group rows by columns that are not protected.'

type Outcome = 'refused' | 'beyond' | 'held'

/** The questions of one kind that come to the same end. */
interface Entry {
  readonly use: Use
  readonly outcome: Outcome
  readonly names: Set<string>
  unlabelled: boolean
}

/**
 * What the policy says of the questions that a statement asks about PHI (`WHERE ssn LIKE '9%'`), class by class. The answer
 * is plain to see in the number and order of rows, in errors and in time, so masking the result does not hide it.
 */
export function questionFindings(
  questions: readonly PhiQuestion[],
  clearance: Clearance,
  predicates: PredicatesConfig,
  statement: number,
): readonly Finding[] {
  if (clearance.clearsEverything) return []
  const entries = new Map<string, Entry>()
  for (const question of questions) {
    const outcome = outcomeOf(question, clearance, predicates)
    if (outcome === null) continue
    const { use } = question
    const key = `${outcome} ${use}`
    const entry = entries.get(key) ?? { use, outcome, names: new Set<string>(), unlabelled: false }
    entries.set(key, entry)
    for (const name of question.columns) entry.names.add(name)
    entry.unlabelled ||= question.classes.includes(UNLABELLED)
  }
  return [...entries.values()].map((entry) => finding(entry, statement))
}

/** The strictest outcome over the classes of a question; null when it may be asked. */
function outcomeOf(question: PhiQuestion, clearance: Clearance, predicates: PredicatesConfig): Outcome | null {
  const { classes, released } = question
  const outcomes =
    classes.length === 0
      ? [outcomeUnder(predicates.default, released)]
      : classes
          .filter((phiClass) => phiClass === UNLABELLED || !clearance.clears(phiClass))
          .map((phiClass) => outcomeUnder(policyFor(phiClass, predicates), released))
  return (['refused', 'beyond', 'held'] as const).find((outcome) => outcomes.includes(outcome)) ?? null
}

function policyFor(phiClass: string, { classes, default: otherwise }: PredicatesConfig): PredicatePolicy {
  return (Object.hasOwn(classes, phiClass) ? classes[phiClass] : undefined) ?? otherwise
}

function outcomeUnder(policy: PredicatePolicy, released: boolean): Outcome | null {
  switch (policy) {
    case 'refuse':
      return 'refused'
    case 'released-granularity':
      return released ? null : 'beyond'
    case 'hold':
      return released ? null : 'held'
    case 'allow':
      return null
    default:
      // A policy of a newer configuration: unknown means no.
      policy satisfies never
      return 'refused'
  }
}

function finding({ use, outcome, names, unlabelled }: Entry, statement: number): Finding {
  const { message, hint } = WORDS[use]
  const what = `${message} ${names.size === 0 ? 'columns that are not known' : listed([...names].toSorted())}`
  const more = [...(unlabelled ? [UNLABELLED_HINT] : []), ...(names.size === 0 ? [UNKNOWN_HINT] : [])]
  const advice = [outcome === 'refused' ? REFUSED_HINT : hint, ...more].join(' ')
  const rule = `masking.${use}`
  if (outcome === 'held') {
    const code = 'CHP-POLICY-HELD'
    return { severity: 'held', rule, statement, code, message: `${what}; ${ERRORS[code].title}`, hint: advice }
  }
  return { severity: 'question', rule, statement, code: 'CHP-MASK-PREDICATE', message: what, hint: advice }
}
