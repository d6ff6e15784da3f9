import type { SqlFacts } from '../inspect/sql/facts.ts'

/**
 * Statements whose effect or result depends on what relations hold. Others change the catalog themselves, or touch none of
 * it; COPY … FROM takes rows and gives none.
 */
const ASKED: ReadonlySet<string> = new Set([
  'SELECT',
  'SELECT INTO',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'CREATE TABLE AS',
  'COPY TO',
  'EXPLAIN',
  'DECLARE CURSOR',
  'EXECUTE',
  'FETCH',
])

/** Whether the target is asked before this is run by Execute; what SQL PREPARE has prepared can be bound by its name. */
export const isExecutionAsked = ({ command }: SqlFacts): boolean => ASKED.has(command) || command === 'PREPARE'

/**
 * How the target can be asked about a text, which it is in front of it: what comes behind the end of that transaction, or
 * behind a savepoint that takes its locks away, is not covered. In front of a transaction's modes nothing may come, and
 * behind a COPY from the client nothing. `impossible` when a statement would run unasked that rests on the catalog.
 */
export function waysToAsk(
  facts: readonly SqlFacts[],
  restsOnCatalog: (facts: SqlFacts) => boolean,
): 'not needed' | 'in front' | 'impossible' {
  const end = facts.findIndex(losesLocks)
  const front = end === -1 ? facts : facts.slice(0, end)
  const canBeFirst = !facts.some(({ command }) => command === 'COPY FROM') && !front.some(mustComeFirst)
  const uncovered = canBeFirst ? facts.slice(front.length) : facts
  if (uncovered.some((one) => ASKED.has(one.command) && !givesOnly(one) && restsOnCatalog(one))) return 'impossible'
  return canBeFirst && front.some(({ command }) => ASKED.has(command)) ? 'in front' : 'not needed'
}

/** ROLLBACK TO has the command ROLLBACK, too. */
const losesLocks = ({ command, session: { kind } }: SqlFacts): boolean =>
  kind === 'commit' || kind === 'rollback' || (kind === 'savepoint' && command === 'ROLLBACK')

const mustComeFirst = ({ session }: SqlFacts): boolean =>
  session.kind === 'transaction-modes' || (session.kind === 'begin' && session.comesFirst === true)

/**
 * Whether a statement of a text could mean something else when it runs than it did when the text was looked at, because one
 * before it makes, renames or drops objects: `CREATE TEMP VIEW patients …; SELECT id FROM patients WHERE name = 'tok_…'` would
 * compare a value with what the client has put there. A name with its schema stays what it is.
 */
export function changesOwnNames(facts: readonly SqlFacts[]): boolean {
  const change = facts.findIndex(({ effects }) => effects.includes('schema'))
  return change >= 0 && facts.slice(change + 1).some((one) => ASKED.has(one.command) && one.catalogUse.names.length > 0)
}

/** An INSERT of the client's own values: nothing that is stored comes into it, whatever the names stand for. */
const givesOnly = ({ command, relations, outputs, catalogUse, sites }: SqlFacts): boolean =>
  command === 'INSERT' &&
  // What a stand-in stands for is not the client's own.
  sites === undefined &&
  outputs !== 'unknown' &&
  outputs.length === 0 &&
  relations.every(({ action }) => action === 'insert') &&
  catalogUse.functions.length === 0 &&
  catalogUse.operators.length === 0
