import type { Principal } from '../identity/principal.ts'
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
  const { issuer, subject: name, kind, groups } = subject.principal
  return {
    principal: { issuer, subject: name, kind, groups: [...groups] },
    target: subject.target,
    masked: subject.masked,
    seesPhi: subject.seesPhi,
    command: facts.command,
    effects: [...facts.effects],
    relations: facts.relations.map(relationValue),
    functions: [...facts.functions],
    bounded: facts.bounded,
    limited: facts.limited,
    onlyTemporaryObjects: facts.onlyTemporaryObjects === true,
    hazards: facts.hazards.map(({ kind: hazard, subject: what }) => ({ kind: hazard, subject: what })),
    phiQuestions: facts.questions.map(questionValue),
    statements: BigInt(subject.statements),
  }
}

function relationValue(use: RelationUse) {
  return {
    schema: use.schema ?? '',
    name: use.name,
    action: use.action,
    phi: use.phi,
    touchesPhi: use.touchesPhi ?? use.phi,
    columns: use.columns === '*' ? ['*'] : [...use.columns],
  }
}

/** Classes that are not known are a class of their own, so that a rule can name them and none is passed over. */
function questionValue({ use, released, classes, columns }: PhiQuestion) {
  return { use, released, classes: classes.length === 0 ? ['unknown'] : [...classes], columns: [...columns] }
}
