import { hash } from 'node:crypto'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { fragment, type JsonValue } from '../record/canonical.ts'

/** What a decision about a text rests on, as it is kept to be decided again: free of literals. */
export interface DecisionInputs {
  /** SHA-256 (hex) of `body`: what intents and refusals name. */
  readonly digest: string
  /** Canonical JSON. */
  readonly body: string
}

export function decisionInputs(facts: readonly SqlFacts[]): DecisionInputs {
  const body = fragment({ statements: facts.map(statementOf) })
  return { digest: hash('sha256', body, 'hex'), body }
}

function statementOf(facts: SqlFacts): JsonValue {
  const { relations, hazards, questions, reading, patients, onlyTemporaryObjects, session } = facts
  return {
    bounded: facts.bounded,
    command: facts.command,
    effects: [...facts.effects],
    functions: [...facts.functions],
    hazards: hazards.map(({ kind, subject }) => ({ kind, subject })),
    limited: facts.limited,
    onlyTemporaryObjects: onlyTemporaryObjects === true,
    phiReachable: facts.phiReachable,
    questions: questions.map(({ byStandIn, classes, columns, released, use }) => ({
      byStandIn: byStandIn === true,
      classes: [...classes],
      columns: [...columns],
      released,
      use,
    })),
    relations: relations.map((use) => ({
      action: use.action,
      columns: use.columns === '*' ? '*' : [...use.columns],
      name: use.name,
      oid: use.oid,
      phi: use.phi,
      schema: use.schema,
      touchesPhi: use.touchesPhi ?? use.phi,
    })),
    session: { kind: session.kind },
    ...(reading === undefined
      ? {}
      : {
          reading: {
            bound: reading.bound,
            isPage: reading.isPage,
            ...(reading.limit === undefined ? {} : { limit: reading.limit }),
          },
        }),
    ...(patients === undefined
      ? {}
      : { patients: { bound: patients.bound !== undefined, named: patients.output !== undefined } }),
  }
}
