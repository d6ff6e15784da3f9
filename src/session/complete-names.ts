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
 * further up counts; one that nobody has defined is CHP-SQL-UNKNOWN-NAME, because the server may know what we do not.
 */
export function completeNames(
  inspection: Analysed,
  names: KnownNames,
  renew: (prepared: Prepared) => Verdict | Promise<Verdict>,
): Inspection | ChaperoneError | Promise<Inspection | ChaperoneError> {
  const here = new Map<string, SqlFacts>()
  const found: (SqlFacts | Prepared | undefined)[] = inspection.statements.map((facts) => {
    const { session } = facts
    if (session.kind === 'prepare') here.set(`statement ${session.name}`, facts)
    if (session.kind === 'declare-cursor') here.set(`cursor ${session.name}`, facts)
    if (session.kind === 'execute') return here.get(`statement ${session.name}`) ?? plain(names.statement(session.name))
    if (session.kind === 'fetch') return here.get(`cursor ${session.name}`) ?? plain(names.cursor(session.name))
    return facts
  })
  const renewed = found.map((one) => (one !== undefined && 'sql' in one ? renew(one) : one))
  const known = renewed.filter((one): one is SqlFacts | Verdict | undefined => !(one instanceof Promise))
  if (known.length === renewed.length) return combine(inspection, found, known)
  return Promise.all(renewed.map((one) => Promise.resolve(one))).then((settled) => combine(inspection, found, settled))
}

/** A Parse message can name an EXECUTE, even of itself; the server would run in circles, and so would we. */
function plain(prepared: Prepared | undefined): Prepared | undefined {
  const facts = prepared?.verdict.facts[prepared.index]
  return facts === undefined || standsForAnother(facts) ? undefined : prepared
}

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
