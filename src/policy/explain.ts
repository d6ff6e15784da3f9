import type { RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import type { Judgement } from './judge-text.ts'

/** Why a text is decided as it is, in lines for people. */
export function explain(judgement: Judgement): readonly string[] {
  if (judgement.kind === 'no-access') return ['no access: no grant covers every member of the chain at this target now']
  const { access } = judgement
  const about = [
    `access     by ${access.grants.join(', ')}; clearance ${access.clearance.key}; tokens of ${access.tokenGroup}`,
    ...access.budgets.map(({ grant, span, unit, limit }) => `budget     ${limit} ${unit} a ${span} (${grant})`),
    ...(access.patients === undefined ? [] : [`patients   bound to ${access.patients.length}`]),
    ...access.relations.map(
      (list) =>
        `relations  ${list.map(({ schema, table, columns }) => `${schema}.${table}${columns === '*' ? '' : `(${columns.join(', ')})`}`).join(', ') || 'none'}`,
    ),
  ]
  if (judgement.kind === 'not-understood') return [...about, `refused    ${judgement.message} [${judgement.code}]`]
  const { facts, decision, asks, masked, classes } = judgement
  const asked = Object.entries(asks).flatMap(([name, isAsked]) => (isAsked ? [name] : []))
  return [
    ...about,
    ...facts.flatMap(factLines),
    `classes    ${classes.length === 0 ? 'none' : classes.map((name) => (masked.includes(name) ? `${name} (masked)` : name)).join(', ')}`,
    ...(asked.length === 0 ? [] : [`depends    also on ${asked.join(', ')} when it runs`]),
    ...decision.warnings.map(({ rule, message }) => `warning    ${rule}: ${message}`),
    ...decision.alerts.map(({ rule, message }) => `alert      ${rule}: ${message}`),
    ...(decision.outcome === 'hold'
      ? decision.needs.map(
          ({ rule, message, pools, quorum }) => `held       ${rule}: ${message}; ${quorum} of ${pools.join(', ')}`,
        )
      : []),
    ...(decision.outcome === 'refuse'
      ? [
          `refused    ${decision.rule}: ${decision.message} [${decision.code}]`,
          ...(decision.reason === undefined ? [] : [`reason     ${decision.reason}`]),
          `hint       ${decision.hint}`,
        ]
      : []),
    ...(decision.rules.length === 0 ? [] : [`rules      ${decision.rules.join(', ')}`]),
    `decision   ${decision.outcome}`,
  ]
}

function factLines(facts: SqlFacts, index: number): readonly string[] {
  const { command, effects, bounded, relations, functions, hazards, questions, reading } = facts
  return [
    `statement  ${index + 1}: ${command}; ${effects.join(', ')}${bounded === 'not-applicable' ? '' : `; ${bounded}`}`,
    ...relations.map((use) => `  ${relationText(use)}`),
    ...(functions.length === 0 ? [] : [`  calls ${functions.join(', ')}`]),
    ...(reading === undefined
      ? []
      : [
          `  reads PHI ${reading.bound}${reading.limit === undefined ? '' : `, limit ${reading.limit}`}${reading.isPage ? ', in steps' : ''}`,
        ]),
    ...hazards.map(({ kind, subject }) => `  hazard ${kind}: ${subject}`),
    ...questions.map(
      ({ use, columns, classes, released }) =>
        `  asks by ${use} about ${columns.join(', ') || '?'} (${classes.join(', ') || 'unknown'})${released ? ', no more than is released' : ''}`,
    ),
  ]
}

const relationText = ({ action, schema, name, columns, phi }: RelationUse): string =>
  `${action} ${schema === null ? '?.' : `${schema}.`}${name}${columns === '*' ? '' : `(${columns.join(', ')})`}${phi ? ' phi' : ''}`
