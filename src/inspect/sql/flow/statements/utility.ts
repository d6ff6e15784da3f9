import type { DropStmt, GrantStmt, Node, RangeVar } from '@pgsql/types'
import type { RelationUse } from '../../facts.ts'
import { nameParts, walkSyntax } from '../../syntax-tree.ts'
import { isSafeFunction, printed, routineName } from '../known/check-routine.ts'
import { askDefinition } from '../questions/definition-questions.ts'
import type { Surroundings } from '../place.ts'
import { checkRelabelling } from './relabelling.ts'

/**
 * Statements without a result: definitions, maintenance, session and transaction control. Notes the relations that they name,
 * the functions in their expressions and the queries inside. What kind of effect they have is for `effects` to say.
 */
export function utilityStatement(statement: Node, around: Surroundings): void {
  const { state } = around
  if ('CreateFunctionStmt' in statement || 'TransactionStmt' in statement) return
  if ('DoStmt' in statement) return state.hazard('code-not-analysed', 'DO')
  if ('RuleStmt' in statement) state.hazard('code-not-analysed', 'CREATE RULE')
  if ('CreateTrigStmt' in statement) checkFunction(statement.CreateTrigStmt.funcname, around)
  if ('DropStmt' in statement) return dropStatement(statement.DropStmt, around)
  if ('CommentStmt' in statement) return objectUse(statement.CommentStmt.objtype, statement.CommentStmt.object, around)
  if ('SecLabelStmt' in statement)
    return objectUse(statement.SecLabelStmt.objtype, statement.SecLabelStmt.object, around)
  if ('GrantStmt' in statement) grantStatement(statement.GrantStmt, around)
  checkRelabelling(statement, around)
  askDefinition(statement, around)

  const action = ACTIONS.get(Object.keys(statement)[0] ?? '') ?? 'schema'
  walkSyntax(statement, (name, body) => {
    if (name === 'RangeVar') relationUse(body, action, around)
    if (name === 'FuncCall') checkFunction(body.funcname, around)
    if (name !== 'SelectStmt') return true
    around.query({ SelectStmt: body }, around)
    return false
  })
}

const ACTIONS: ReadonlyMap<string, RelationUse['action']> = new Map<string, RelationUse['action']>([
  ['TruncateStmt', 'truncate'],
  ['LockStmt', 'lock'],
  ['VacuumStmt', 'lock'],
  ['ClusterStmt', 'lock'],
  ['ReindexStmt', 'lock'],
  ['RefreshMatViewStmt', 'update'],
])

/** Names of new objects do not resolve; whoever names one that is not there gets the server's own error. */
function relationUse(name: RangeVar, action: RelationUse['action'], { state }: Surroundings): void {
  const resolved = state.resolve(name)
  if (resolved.kind === 'known') state.uses(resolved.relation, action, '*')
  else if (resolved.kind === 'ambiguous') for (const relation of resolved.candidates) state.uses(relation, action, '*')
  else state.usesName(name.schemaname ?? null, name.relname ?? '', action)
}

function checkFunction(parts: unknown, { state }: Surroundings): void {
  const name = routineName(nameParts(parts))
  state.calls(name)
  if (!isSafeFunction(name, state.context)) state.hazard('function-not-known-safe', printed(name))
}

const RELATION_OBJECTS: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_SEQUENCE',
])

/** Objects of a relation, named after it: `schema.relation.object`. */
const RELATION_PARTS: ReadonlySet<string> = new Set([
  'OBJECT_COLUMN',
  'OBJECT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
  'OBJECT_TABCONSTRAINT',
])

function dropStatement(node: DropStmt, around: Surroundings): void {
  for (const object of node.objects ?? []) objectUse(node.removeType, object, around)
}

function objectUse(type: string | undefined, object: Node | undefined, around: Surroundings): void {
  if (object === undefined || !('List' in object)) return
  const parts = nameParts(object.List.items)
  if (RELATION_OBJECTS.has(type ?? '')) namedRelation(parts, around)
  else if (RELATION_PARTS.has(type ?? '')) namedRelation(parts.slice(0, -1), around)
}

function namedRelation(parts: readonly string[], around: Surroundings): void {
  const relname = parts.at(-1)
  if (relname === undefined) return
  const schemaname = parts.at(-2)
  relationUse({ relname, ...(schemaname === undefined ? {} : { schemaname }) }, 'schema', around)
}

/** GRANT … ON ALL TABLES IN SCHEMA names no table and means all. */
function grantStatement(node: GrantStmt, { state }: Surroundings): void {
  if (node.targtype !== 'ACL_TARGET_ALL_IN_SCHEMA') return
  const schemas = new Set(nameParts(node.objects))
  for (const relations of state.context.index.relationsByName.values()) {
    for (const relation of relations) if (schemas.has(relation.schema)) state.uses(relation, 'schema', '*')
  }
}
