import { chainOf, type Member, type Principal } from '../identity/principal.ts'
import {
  HazardValue,
  MemberValue,
  NowValue,
  PatientsValue,
  PhiQuestionValue,
  ReadingValue,
  RecentValue,
  RelationValue,
} from './condition-values.ts'
import type { Circumstances } from './decision.ts'
import type { PhiQuestion, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'

export interface Subject {
  readonly principal: Principal
  readonly target: string
  readonly masked: boolean
  readonly seesPhi: boolean
  /** How many statements the string has. */
  readonly statements: number
}

/**
 * The variables of `condition.ts` for one statement. What is not known becomes the value that restricts: an update whose
 * columns are not known touches PHI, objects of unknown persistence are permanent.
 */
export function conditionVariables(subject: Subject, facts: SqlFacts): Readonly<Record<string, unknown>> {
  const { principal } = subject
  return {
    principal: memberValue(principal),
    chain: chainOf(principal).map(memberValue),
    purpose: principal.purpose ?? '',
    run: principal.run ?? '',
    target: subject.target,
    masked: subject.masked,
    seesPhi: subject.seesPhi,
    command: facts.command,
    effects: facts.effects,
    relations: facts.relations.map(relationValue),
    functions: facts.functions,
    bounded: facts.bounded,
    limited: facts.limited,
    onlyTemporaryObjects: facts.onlyTemporaryObjects === true,
    hazards: facts.hazards.map(({ kind, subject: what }) => new HazardValue({ kind, subject: what })),
    phiQuestions: facts.questions.map(questionValue),
    statements: BigInt(subject.statements),
    reading: readingValue(facts),
    patients: patientsValue(facts),
  }
}

/** The variables of `condition.ts` that a moment adds. */
export function circumstanceVariables({
  now,
  estimatedRows,
  recent,
}: Circumstances): Readonly<Record<string, unknown>> {
  const { statements, rows, patients, refusals, pagedRows } = recent
  return {
    now: Number.isFinite(now) ? new NowValue(now) : undefined,
    estimatedRows: countValue(estimatedRows),
    recent: new RecentValue({
      statements: countValue(statements),
      rows: countValue(rows),
      patients: countValue(patients),
      refusals: countValue(refusals),
      pagedRows: countValue(pagedRows),
    }),
  }
}

/** The largest value of a CEL int. */
const MAXIMUM = 2n ** 63n - 1n

/** What is not known, or no number, is as large as can be. */
function countValue(count: number | undefined): bigint {
  if (count === undefined || !(count < Number.MAX_SAFE_INTEGER)) return MAXIMUM
  return BigInt(Math.ceil(count))
}

const memberValue = ({ issuer, subject, kind, groups }: Member) => new MemberValue({ issuer, subject, kind, groups })

function readingValue({ reading, phiReachable, relations }: SqlFacts) {
  if (reading !== undefined) {
    const { bound, limit, isPage } = reading
    const rows = limit === undefined ? -1n : countValue(limit === 'unknown' ? undefined : limit)
    return new ReadingValue({ bound, limit: rows, isPage })
  }
  const isRead = phiReachable || relations.some(({ phi, action }) => phi && action === 'read')
  return new ReadingValue({ bound: isRead ? 'all' : 'not-applicable', limit: -1n, isPage: false })
}

const patientsValue = ({ patients }: SqlFacts) =>
  new PatientsValue({
    used: patients !== undefined,
    bound: patients?.bound !== undefined,
    named: patients?.output !== undefined,
  })

function relationValue(use: RelationUse) {
  return new RelationValue({
    schema: use.schema ?? '',
    name: use.name,
    action: use.action,
    phi: use.phi,
    touchesPhi: use.touchesPhi ?? use.phi,
    columns: use.columns === '*' ? ['*'] : use.columns,
  })
}

/** Classes that are not known are a class of their own, so that a rule can name them and none is passed over. */
function questionValue({ use, released, classes, columns }: PhiQuestion) {
  return new PhiQuestionValue({ use, released, classes: classes.length === 0 ? ['unknown'] : classes, columns })
}
