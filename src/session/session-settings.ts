import type { Hazard, SqlFacts } from '../inspect/sql/facts.ts'
import type { OpenedTarget } from '../protocols/protocol.ts'

/** How long things may take and what they are called, but not what a statement means or does: drivers set it when they connect. */
const MEANS_NOTHING =
  /^\s*set\s+(?:session\s+|local\s+)?(?:(?:application_name|statement_timeout|lock_timeout|idle_in_transaction_session_timeout|client_min_messages|work_mem|jit)\s*(?:=|\bto\b)[^;]*|extra_float_digits\s*(?:=|\bto\b)\s*[123])\s*;?\s*$/i

/** Commands with an effect on the session that are no settings. */
const SETS_NOTHING: ReadonlySet<string> = new Set([
  'PREPARE',
  'DEALLOCATE',
  'DECLARE CURSOR',
  'FETCH',
  'MOVE',
  'CLOSE CURSOR',
  'LISTEN',
  'UNLISTEN',
  'NOTIFY',
])

/**
 * What a session has set, as far as it bears on what a statement means. A change that cannot be named makes the settings those of
 * this session, at this time: nobody else's are equal to them, nor are its own after the next change.
 */
export class SessionSettings {
  readonly #session: string
  /** Counts changes; and up to which it is known what became of them when their transaction ended. */
  #changes = 0
  #settled = 0

  constructor(session: string) {
    this.#session = session
  }

  /** Changes every time that the settings may have changed. */
  get mark(): number {
    return this.#changes
  }

  /** Outside a transaction nothing is left that could be taken back. */
  outsideTransaction(): void {
    this.#settled = this.#changes
  }

  /** Told of what is about to run, and its text. */
  ran(facts: readonly SqlFacts[], sql: string): void {
    if (facts.some(mayChange)) {
      if (facts.length > 1 || !MEANS_NOTHING.test(sql)) this.#changes++
    } else if (facts.some(({ session: { kind } }) => ENDS.has(kind))) this.takenBack()
  }

  /** A change of a transaction that has ended, or failed, may have been taken back. */
  takenBack(): void {
    if (this.#changes !== this.#settled) this.#changes++
  }

  describe({ searchPathSetting, role, settings }: OpenedTarget): Readonly<Record<string, string>> {
    const named = { role, search_path: searchPathSetting, began: settings }
    return this.#changes === 0 ? named : { ...named, changed: `session ${this.#session} change ${this.#changes}` }
  }
}

const ENDS: ReadonlySet<SqlFacts['session']['kind']> = new Set(['commit', 'rollback', 'savepoint'])

const UNKNOWN_CODE: ReadonlySet<Hazard['kind']> = new Set([
  'function-not-known-safe',
  'operator-not-known-safe',
  'code-not-analysed',
  'construct-not-analysed',
])

/** Code whose inside is not known may set anything. */
const mayChange = ({ command, effects, functions, hazards }: SqlFacts): boolean =>
  effects.includes('code') ||
  hazards.some(({ kind }) => UNKNOWN_CODE.has(kind)) ||
  (effects.includes('session') && !SETS_NOTHING.has(command)) ||
  functions.some((name) => name === 'set_config' || name.endsWith('.set_config'))
