import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { assertNever } from '../../lib/assert-never.ts'
import type { ChaperoneError } from '../../lib/errors.ts'
import type { AllowedVerdict } from '../protocol.ts'
import { tooManyNames } from './name-errors.ts'
import type { Change, NameChange, NamedEntries, Portal, Statement } from './named-statements.ts'
import type { SentText } from './sent-text.ts'

export interface Names {
  readonly statements: NamedEntries<Statement>
  readonly portals: NamedEntries<Portal>
}

/** Classes of SQLSTATE that these commands report before they do anything: syntax and access, unknown names, transaction state. */
const NOTHING_DONE: ReadonlySet<string> = new Set(['25', '26', '34', '42'])

interface Step {
  /** Which statement of the text does it. */
  readonly at: number
  readonly change: NameChange<Statement> | NameChange<Portal>
}

/** What one text does to names. They change when its statements run, and stay changed when the transaction is rolled back. */
class TextChanges implements Change {
  readonly #steps: readonly Step[]

  constructor(steps: readonly Step[]) {
    this.#steps = steps
  }

  confirm(): void {
    for (const { change } of this.#steps) change.confirm()
  }

  undo(): void {
    for (const { change } of this.#steps) change.undo()
  }

  failed(index: number, sqlstate: string): void {
    for (const { at, change } of this.#steps) {
      if (at < index) change.confirm()
      else if (at > index || NOTHING_DONE.has(sqlstate.slice(0, 2))) change.undo()
      else change.forget()
    }
  }
}

/**
 * Enters what a text does to names (PREPARE, DEALLOCATE, DECLARE, CLOSE, DISCARD) when it is sent to run, so that messages
 * pipelined behind it find it. The server keeps statements of Parse and PREPARE under one name space, and portals and
 * cursors under another.
 */
export function changeNames(
  names: Names,
  sql: string,
  verdict: AllowedVerdict,
  sent: SentText | undefined,
  batch: number,
): Change | ChaperoneError | undefined {
  if (!verdict.facts.some(changesNames)) return undefined
  const steps: Step[] = []
  for (const [at, facts] of verdict.facts.entries()) {
    const prepared: Statement = { sql, verdict, index: at, madeBy: 'sql', sent, declaredTypes: [], parameterTypes: [] }
    const changes = changesOf(names, facts, prepared, batch)
    if (changes === undefined) {
      new TextChanges(steps).undo()
      return tooManyNames()
    }
    for (const change of changes) steps.push({ at, change })
  }
  return new TextChanges(steps)
}

function changesNames({ session: { kind } }: SqlFacts): boolean {
  return (
    kind === 'prepare' ||
    kind === 'deallocate' ||
    kind === 'declare-cursor' ||
    kind === 'close-cursor' ||
    kind === 'discard-all'
  )
}

/** Undefined when there is no room for another name. */
function changesOf(
  { statements, portals }: Names,
  { session }: SqlFacts,
  prepared: Statement,
  batch: number,
): readonly Step['change'][] | undefined {
  switch (session.kind) {
    case 'prepare':
      return statements.hasRoom(session.name) ? [statements.define(session.name, prepared, batch)] : undefined
    case 'declare-cursor': {
      const portal: Portal = { prepared, operation: undefined, uses: [], described: 'no', checked: false }
      return portals.hasRoom(session.name) ? [portals.define(session.name, portal, batch)] : undefined
    }
    case 'deallocate':
      return session.name === 'all' ? statements.removeNamed(batch) : [statements.remove(session.name, batch)]
    case 'close-cursor':
      return session.name === 'all' ? portals.removeAll(batch) : [portals.remove(session.name, batch)]
    case 'discard-all':
      return [...statements.removeNamed(batch), ...portals.removeAll(batch)]
    case 'none':
    case 'begin':
    case 'transaction-modes':
    case 'commit':
    case 'rollback':
    case 'savepoint':
    case 'execute':
    case 'fetch':
      return []
    default:
      return assertNever(session)
  }
}
