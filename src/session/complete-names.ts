import { completeExecution } from '../inspect/sql/execute.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { Inspection } from '../inspect/sql/inspector.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { KnownNames, Prepared, Verdict } from '../protocols/protocol.ts'

type Analysed = Extract<Inspection, { ok: true }>

/** Whether the statement runs another one by its name (EXECUTE, FETCH). */
export function standsForAnother(facts: SqlFacts): boolean {
  return facts.session.kind === 'execute' || facts.session.kind === 'fetch'
}

/**
 * The inspection with every EXECUTE and FETCH replaced by the facts of what it runs. A name that the same text defines
 * further up counts; one that nobody has defined is CHP-SQL-UNKNOWN-NAME, because the server may know what we do not. Where
 * nothing is masked, an unknown cursor is left to the server: one that a function has opened, most often.
 */
export function completeNames(
  inspection: Analysed,
  names: KnownNames,
  renew: (prepared: Prepared) => Verdict | Promise<Verdict>,
  masked: boolean,
): Inspection | ChaperoneError | Promise<Inspection | ChaperoneError> {
  const here = new Map<string, SqlFacts>()
  const found: (SqlFacts | Prepared | undefined)[] = inspection.statements.map((facts) => {
    const { session } = facts
    if (session.kind === 'prepare') here.set(`statement ${session.name}`, facts)
    if (session.kind === 'declare-cursor') here.set(`cursor ${session.name}`, facts)
    if (session.kind === 'execute') return here.get(`statement ${session.name}`) ?? plain(names.statement(session.name))
    if (session.kind === 'fetch') {
      const known = names.cursor(session.name)
      if (known === undefined && !masked) return here.get(`cursor ${session.name}`) ?? unknownCursor(facts)
      return here.get(`cursor ${session.name}`) ?? plain(known)
    }
    return facts
  })
  const renewed = found.map((one) => (one !== undefined && 'sql' in one ? renew(one) : one))
  const known = renewed.filter((one): one is SqlFacts | Verdict | undefined => !(one instanceof Promise))
  if (known.length === renewed.length) return combine(inspection, found, known)
  return Promise.all(renewed.map((one) => Promise.resolve(one))).then((settled) => combine(inspection, found, settled))
}

/**
 * A Parse message can name what SQL cannot prepare: an EXECUTE, even of itself, with which the server would run in circles,
 * and so would we; a DEALLOCATE, PREPARE or CLOSE, which would change names unseen; a COMMIT. Run by its name each of them
 * counts as unknown.
 */
function plain(prepared: Prepared | undefined): Prepared | undefined {
  if (prepared === undefined) return undefined
  const facts = prepared.verdict.facts[prepared.index]
  if (facts === undefined || standsForAnother(facts)) return undefined
  return prepared.madeBy === 'message' && facts.session.kind !== 'none' ? undefined : prepared
}

/** What its query reads, and which code that runs, is not known: rules are told so. */
const unknownCursor = (fetch: SqlFacts): SqlFacts =>
  Object.freeze({ ...fetch, effects: Object.freeze([...new Set([...fetch.effects, 'code' as const])].toSorted()) })

function combine(
  inspection: Analysed,
  found: readonly (SqlFacts | Prepared | undefined)[],
  settled: readonly (SqlFacts | Verdict | undefined)[],
): Inspection | ChaperoneError {
  const statements: SqlFacts[] = []
  for (const [index, facts] of inspection.statements.entries()) {
    const prepared = found[index]
    const one = settled[index]
    if (!standsForAnother(facts)) {
      statements.push(facts)
      continue
    }
    if (one === undefined) return new ChaperoneError('CHP-SQL-UNKNOWN-NAME')
    if ('kind' in one && one.kind === 'refused') return one.error
    const named = 'kind' in one ? one.facts[prepared !== undefined && 'sql' in prepared ? prepared.index : 0] : one
    if (named === undefined) return new ChaperoneError('CHP-SQL-UNKNOWN-NAME')
    statements.push(completeExecution(facts, named))
  }
  return Object.freeze({ ok: true, statements: Object.freeze(statements), redacted: inspection.redacted })
}
