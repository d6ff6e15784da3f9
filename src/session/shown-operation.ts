import type { ShownOperation } from '../approve/approval-request.ts'
import type { Need } from '../decide/decision.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { JudgedVerdict } from './verdicts.ts'

export interface Showing {
  readonly target: string
  readonly judged: JudgedVerdict
  /** Redacted texts of statements that it runs by their names. */
  readonly named: readonly string[]
  readonly parameters: number
  readonly needs: readonly Need[]
  readonly estimatedRows: number | undefined
}

const COPIED_ROWS = 'the rows that the client sends are not known yet, and not part of what is approved'

/** What approvers see of an operation: nothing of what it says in literals, and nothing that it would give. */
export function shownOperation({ target, judged, named, parameters, needs, estimatedRows }: Showing): ShownOperation {
  const { facts } = judged.verdict
  const reasons = needs.map(({ rule, message }) => ({ rule, message }))
  return {
    target,
    protocol: 'postgres',
    statement: [judged.redacted, ...named.map((text) => `-- runs: ${text}`)].join('\n'),
    commands: judged.described.commands,
    effects: judged.described.effects,
    relations: judged.described.relations,
    classes: [...new Set(facts.flatMap(classesOf))].toSorted(),
    parameters,
    ...(estimatedRows === undefined ? {} : { estimatedRows }),
    reasons: facts.some(({ command }) => command === 'COPY FROM')
      ? [...reasons, { rule: 'gateway', message: COPIED_ROWS }]
      : reasons,
    hasPreview: named.length === 0 && isPreviewed(facts),
  }
}

/** One UPDATE or DELETE: the rows that it touches can be read without running it. */
const isPreviewed = (facts: readonly SqlFacts[]): boolean =>
  facts.length === 1 && (facts[0]?.command === 'UPDATE' || facts[0]?.command === 'DELETE')

function classesOf({ outputs, questions, sites = [], copyIn, relations }: SqlFacts): readonly string[] {
  const named = [
    ...(outputs === 'unknown' ? [] : outputs.flatMap((output) => (output.kind === 'phi' ? output.classes : []))),
    ...questions.flatMap(({ classes }) => classes),
    ...sites.map((site) => site.class),
    ...(copyIn?.classes ?? []).flatMap((one) => (one === null ? [] : [one])),
  ]
  const touches = relations.some(({ phi, touchesPhi }) => touchesPhi ?? phi)
  return named.length === 0 && touches ? ['unknown'] : named
}
