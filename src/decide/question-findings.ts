import type { PredicatePolicy } from '../config/config.ts'
import type { PhiQuestion } from '../inspect/sql/facts.ts'
import { ERRORS, type ErrorCode } from '../lib/errors.ts'
import type { Clearance } from './clearance.ts'
import type { Finding } from './finding.ts'
import { listed } from './listed.ts'
import type { Policy } from './policy.ts'
import { policyFor, UNLABELLED } from './predicate-policy.ts'
import { questionHint, STAND_IN_HINT } from './question-hints.ts'

type Use = PhiQuestion['use']

/** Followed by the columns. */
const MESSAGES: Readonly<Record<Use, string>> = {
  condition: 'a condition would tell protected values by its answer:',
  order: 'an order would tell protected values:',
  group: 'a grouping would tell protected values:',
  computation: 'a computation could tell protected values by failing, by being NULL or by the time it takes:',
}

const UNLABELLED_HINT =
  'Columns without a label count as protected; the operator can say in phi.labels that they hold no protected data.'

const UNKNOWN_HINT =
  'Check the spelling of columns and relations: what is not found in the catalog counts as protected.'

const REFUSED_HINT = 'Choose, order and group rows by columns that are not protected.'

const NO_CLASSES: ReadonlySet<string> = new Set()

type Outcome = 'refused' | 'beyond' | 'held'

/** The questions of one kind that come to the same end. */
interface Entry {
  readonly use: Use
  readonly outcome: Outcome
  readonly names: Set<string>
  readonly classes: Set<string>
  /** A class of one of them is not known. */
  isUnknown: boolean
}

/**
 * What the policy says of the questions that a statement asks about PHI (`WHERE ssn LIKE '9%'`), class by class. The answer
 * is plain to see in the number and order of rows, in errors and in time, so masking the result does not hide it.
 */
export function questionFindings(
  questions: readonly PhiQuestion[],
  clearance: Clearance,
  policy: Pick<Policy, 'predicates' | 'approvals'>,
  statement: number,
): readonly Finding[] {
  if (clearance.clearsEverything) return []
  const entries = new Map<string, Entry>()
  for (const question of questions) {
    const outcome = outcomeOf(question, clearance, policy)
    if (outcome === null) continue
    const { use } = question
    const key = `${outcome} ${use}`
    const entry = entries.get(key) ?? { use, outcome, names: new Set(), classes: new Set(), isUnknown: false }
    entries.set(key, entry)
    for (const name of question.columns) entry.names.add(name)
    for (const phiClass of question.classes) entry.classes.add(phiClass)
    entry.isUnknown ||= question.classes.length === 0
  }
  return [...entries.values()].map((entry) => finding(entry, statement))
}

/**
 * The strictest outcome over the classes of a question; null when it may be asked. What is released only because its constants will be
 * stand-ins is held where people can be asked: they are shown that it compares, and the constant may be a value.
 */
function outcomeOf(
  question: PhiQuestion,
  clearance: Clearance,
  { predicates, approvals }: Pick<Policy, 'predicates' | 'approvals'>,
): Outcome | null {
  const { classes, released } = question
  const isOpen = question.byStandIn === true && approvals !== undefined
  const under = (policy: PredicatePolicy) => outcomeUnder(policy, released && !(isOpen && policy === 'hold'))
  const outcomes =
    classes.length === 0
      ? [under(predicates.default)]
      : classes
          .filter((phiClass) => phiClass === UNLABELLED || !clearance.clears(phiClass))
          .map((phiClass) => under(policyFor(phiClass, predicates)))
  return (['refused', 'beyond', 'held'] as const).find((outcome) => outcomes.includes(outcome)) ?? null
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

function finding({ use, outcome, names, classes, isUnknown }: Entry, statement: number): Finding {
  const what = `${MESSAGES[use]} ${names.size === 0 ? 'columns that are not known' : listed([...names].toSorted())}`
  // A slip in a name is the likeliest reason, so it is said first.
  const before = names.size === 0 ? [UNKNOWN_HINT] : []
  const behind = classes.has(UNLABELLED) ? [UNLABELLED_HINT] : []
  const hint = questionHint(use, isUnknown ? NO_CLASSES : classes)
  const advice = [...before, outcome === 'refused' ? REFUSED_HINT : hint, ...behind].join(' ')
  if (outcome === 'held') {
    return { severity: 'held', statement, ...held(use, what, advice), hold: { message: what, approval: undefined } }
  }
  return { severity: 'question', statement, ...refused(use, what, advice) }
}

type Words = Pick<Finding, 'rule' | 'message' | 'hint'> & { readonly code: ErrorCode }

function held(use: Use, what: string, hint: string): Words {
  const code = 'CHP-POLICY-HELD'
  return { rule: `masking.${use}`, code, message: `${what}; ${ERRORS[code].title}`, hint }
}

function refused(use: Use, what: string, hint: string): Words {
  return { rule: `masking.${use}`, code: 'CHP-MASK-PREDICATE', message: what, hint }
}

/** The words for a constant that is no stand-in, compared with these columns: found only when its value is known. */
export function constantFinding(columns: readonly string[], isHeld: boolean): Words {
  const what = `${MESSAGES.condition} ${listed([...columns].toSorted())}`
  return (isHeld ? held : refused)('condition', what, STAND_IN_HINT)
}
