import type { RelationUse, SqlFacts } from '../inspect/sql/facts.ts'

/** Beyond this many, everything counts as changed. */
const MAX_NAMES = 10_000

/** Nothing that is analysed goes by these. */
const CHANGES_NOTHING = /^(CREATE|ALTER|DROP) (INDEX|STATISTICS)$|^COMMENT$/
/** What they change besides the relations that they name. */
const CHANGES_RELATIONS =
  /^(CREATE|ALTER|DROP) (TABLE|TABLE AS|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|SEQUENCE)$|^(SELECT INTO|REFRESH MATERIALIZED VIEW)$/
const CHANGES_CODE =
  /^(CREATE|ALTER|DROP) (FUNCTION|PROCEDURE|ROUTINE|AGGREGATE|OPERATOR|OPERATOR CLASS|OPERATOR FAMILY|CAST|TYPE|DOMAIN|TRIGGER|RULE)$/

/** They name a relation that is not there yet. */
const MAKES_RELATION = /^(CREATE (TABLE|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|SEQUENCE|TYPE|SCHEMA)|SELECT INTO)/
/** With no other effect than on the schema, they take nothing away and run nothing. */
const ONLY_BUILDS = /^(CREATE|ALTER|COMMENT)/

/** Code whose inside is not known may do anything that its role may. */
const mayChangeSchema = ({ effects, command }: SqlFacts): boolean =>
  effects.includes('schema') || command === 'DO' || command === 'CALL'

/**
 * What a session has changed in the catalog since that was last read, as far as its statements tell. A session in which nothing
 * is masked is judged by what was read before, and waits for a new reading only where its own changes could matter.
 */
export class OwnChanges {
  /** Names of relations that it has made, or that it has changed without their being known. */
  readonly #made = new Set<string>()
  readonly #names = new Set<string>()
  readonly #oids = new Set<number>()
  /** What functions and operators do, or what their names mean. */
  #code = false
  #anything = false

  /** Others have changed something when the session begins. */
  addUnknown(): void {
    this.#anything = true
  }

  /** Told of what is about to run; true when it may change the catalog. */
  add(statements: readonly SqlFacts[]): boolean {
    const changing = statements.filter(mayChangeSchema)
    for (const facts of changing) this.#add(facts)
    return changing.length > 0
  }

  clear(): void {
    this.#made.clear()
    this.#names.clear()
    this.#oids.clear()
    this.#code = false
    this.#anything = false
  }

  /** Whether one of these could be judged otherwise once the catalog has been read again. */
  concern(statements: readonly SqlFacts[]): boolean {
    return statements.some((facts) => this.#concern(facts))
  }

  #add({ command, relations }: SqlFacts): void {
    if (CHANGES_NOTHING.test(command)) return
    if (CHANGES_CODE.test(command)) this.#code = true
    else if (!CHANGES_RELATIONS.test(command)) this.#anything = true
    for (const { action, oid, name } of relations) {
      if (action === 'read') continue
      this.#names.add(name)
      if (oid === null) this.#made.add(name)
      else this.#oids.add(oid)
    }
    if (this.#names.size > MAX_NAMES) this.#anything = true
  }

  #concern({ command, effects, relations, catalogUse }: SqlFacts): boolean {
    if (this.#anything) return relations.length > 0 || effects.some((effect) => effect !== 'transaction')
    if (this.#code && (catalogUse.functions.length > 0 || catalogUse.operators.length > 0)) return true
    // Only a new reading tells whose temporary relation it is, and whether there is a permanent one behind it.
    if (relations.some(({ schema }) => schema?.startsWith('pg_temp_'))) return true
    const builds = ONLY_BUILDS.test(command) && effects.every((effect) => effect === 'schema')
    if (builds) return relations.some((use) => this.#isMisread(use, command))
    return (
      relations.some((use) => this.#names.has(use.name) || (isUnknown(use) && !isMade(use, command))) ||
      catalogUse.relations.some((oid) => this.#oids.has(oid))
    )
  }

  /** Not known, and the session has not made it; or known, and the session has made another of that name. */
  #isMisread(use: RelationUse, command: string): boolean {
    return isUnknown(use) ? !this.#made.has(use.name) && !isMade(use, command) : this.#made.has(use.name)
  }
}

/** The server's own are known by their names. */
const isUnknown = ({ oid, schema }: RelationUse): boolean =>
  oid === null && schema !== 'pg_catalog' && schema !== 'information_schema'

const isMade = ({ action }: RelationUse, command: string): boolean =>
  action === 'schema' && MAKES_RELATION.test(command)
