import { joinedCatalogUse } from './catalog-use.ts'
import type { Hazard, PatientUse, PhiQuestion, Reading, SqlFacts } from './facts.ts'

/** Marks facts of EXECUTE and FETCH that are not complete without those of what they run. */
const PENDING: Hazard['kind'] = 'construct-not-analysed'

/**
 * The facts of `EXECUTE name` or `FETCH … FROM name` once it is known what that name stands for in the session: what the
 * prepared statement or cursor does, and what EXECUTE's own arguments do. Without this step the facts of an EXECUTE
 * carry the effect `code` and a hazard, so that forgetting it refuses.
 */
export function completeExecution(running: SqlFacts, named: SqlFacts): SqlFacts {
  const effects = new Set([...running.effects.filter((effect) => effect !== 'code'), ...named.effects])
  // Whatever the arguments themselves call stays.
  if (running.hazards.some((hazard) => hazard.kind === 'function-not-known-safe')) effects.add('code')
  const own = running.hazards.filter((hazard) => hazard.kind !== PENDING || hazard.subject !== running.command)
  const unseen = unseenConstants(running, named)
  return Object.freeze({
    command: running.command,
    effects: Object.freeze([...effects].toSorted()),
    relations: Object.freeze([...running.relations, ...named.relations]),
    functions: Object.freeze([...new Set([...running.functions, ...named.functions])].toSorted()),
    bounded: named.bounded,
    limited: named.limited,
    hazards: Object.freeze([...own, ...named.hazards, ...unseen.hazards]),
    outputs: named.outputs,
    phiReachable: named.phiReachable || own.some((hazard) => hazard.kind !== 'setting-pinned'),
    questions: Object.freeze([...running.questions, ...unseen.questions]),
    catalogUse: joinedCatalogUse([running.catalogUse, named.catalogUse]),
    ...(named.copyIn === undefined ? {} : { copyIn: named.copyIn }),
    ...(named.reading === undefined ? {} : { reading: Object.freeze(readingOf(running, named.reading)) }),
    ...(named.patients === undefined ? {} : { patients: Object.freeze(patientsOf(running, named.patients)) }),
    ...(named.rowsInOne === undefined ? {} : { rowsInOne: named.rowsInOne }),
    session: running.session,
  })
}

/** FETCH goes through a result in steps. */
function readingOf({ session }: SqlFacts, reading: Reading): Reading {
  return session.kind === 'fetch' ? { ...reading, isPage: true } : reading
}

/** Where constants stand is said of the text that was prepared or declared. */
function patientsOf({ session }: SqlFacts, { output, outputForm, hasUnkeyed }: PatientUse): PatientUse {
  return {
    ...(output === undefined ? {} : { output }),
    ...(outputForm === undefined ? {} : { outputForm }),
    ...(hasUnkeyed === undefined ? {} : { hasUnkeyed }),
    ...(session.kind === 'fetch' ? { declared: true } : {}),
  }
}

/**
 * A Parse message can have prepared a statement whose parameters meet protected columns. Bind shows their values; the
 * arguments of EXECUTE nobody looks at. So none of them counts as a stand-in, and none is stored.
 */
function unseenConstants(running: SqlFacts, named: SqlFacts): Pick<SqlFacts, 'hazards' | 'questions'> {
  const { sites = [], questions } = named
  const unseen = running.session.kind === 'execute' ? sites.filter(({ at }) => at.kind === 'parameter') : []
  const isCompared = unseen.some(({ use }) => use === 'comparison')
  const isStored = unseen.some(({ use }) => use !== 'comparison')
  return {
    hazards: isStored ? [{ kind: PENDING, subject: running.command }] : [],
    questions: isCompared ? questions.map(asValue) : questions,
  }
}

/** What a question asks when any value can be compared. */
function asValue(question: PhiQuestion): PhiQuestion {
  if (question.byStandIn === undefined) return question
  const { byStandIn: _, ...asked } = question
  return Object.freeze({ ...asked, released: false })
}
