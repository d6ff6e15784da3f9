import type { GrantedRelation } from '../config/config.ts'
import type { Effect, Hazard, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { ERRORS } from '../lib/errors.ts'
import type { Finding } from './finding.ts'
import { covers } from './granted-relations.ts'
import { listed } from './listed.ts'

const UNGRANTED_RULE = 'grants.tables'

const CODE = 'CHP-POLICY-UNGRANTED'

const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'information_schema'])

/** With these, what a statement reaches is more than the relations that it names. */
const REACHES_FURTHER: ReadonlySet<Hazard['kind']> = new Set([
  'function-not-known-safe',
  'operator-not-known-safe',
  'relation-not-allowed',
  'relation-unresolved',
  'code-not-analysed',
  'construct-not-analysed',
])

const EFFECTS_BEYOND: ReadonlySet<Effect> = new Set(['code', 'server'])

/**
 * What no list of relations covers, as one finding. A view counts as itself, not as what it reads. What the gateway does not know
 * is in no list.
 */
export function relationFindings(
  facts: SqlFacts,
  lists: readonly (readonly GrantedRelation[])[],
  statement: number,
): readonly Finding[] {
  if (lists.length === 0) return []
  const names = new Set<string>()
  for (const use of facts.relations) {
    if (isOwn(use, facts) || isReadableSystem(use, facts)) continue
    for (const list of lists) for (const name of uncovered(use, list)) names.add(name)
  }
  for (const { kind, subject } of facts.hazards) if (REACHES_FURTHER.has(kind)) names.add(subject)
  for (const effect of facts.effects) if (EFFECTS_BEYOND.has(effect)) names.add(`whatever ${facts.command} reaches`)
  if (names.size === 0) return []
  const message = `${ERRORS[CODE].title}: ${listed([...names].toSorted())}`
  return [{ severity: 'ungranted', rule: UNGRANTED_RULE, statement, code: CODE, message, hint: ERRORS[CODE].hint }]
}

/** Temporary tables are the session's own: only what it could read got into them. */
const isOwn = ({ schema, action }: RelationUse, { onlyTemporaryObjects }: SqlFacts): boolean =>
  schema === 'pg_temp' ||
  schema?.startsWith('pg_temp_') === true ||
  (action !== 'read' && onlyTemporaryObjects === true)

/** Catalogs that masked sessions may read hold no values of columns; those that they may not are a hazard. */
const isReadableSystem = ({ schema, action }: RelationUse, { hazards }: SqlFacts): boolean =>
  action === 'read' &&
  schema !== null &&
  SYSTEM_SCHEMAS.has(schema) &&
  !hazards.some(({ kind }) => kind === 'relation-not-allowed')

function uncovered({ schema, name, columns }: RelationUse, list: readonly GrantedRelation[]): readonly string[] {
  if (schema === null) return [name]
  const known = `${schema}.${name}`
  if (!covers(list, schema, name, [])) return [known]
  if (columns !== '*') {
    return columns.filter((column) => !covers(list, schema, name, [column])).map((column) => `${known}.${column}`)
  }
  return covers(list, schema, name, '*') ? [] : [`${known}.*`]
}
