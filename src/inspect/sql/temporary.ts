import type { Node, RangeVar } from '@pgsql/types'
import type { RelationUse } from './facts.ts'
import { bodyOf } from './syntax-tree.ts'

/** Statements that are judged here; whatever else changes something is taken to reach beyond temporary objects. */
const CHANGES_RELATIONS: ReadonlySet<string> = new Set([
  'AlterTableStmt',
  'CreateSeqStmt',
  'CreateStmt',
  'CreateTableAsStmt',
  'DeleteStmt',
  'DropStmt',
  'IndexStmt',
  'InsertStmt',
  'MergeStmt',
  'RenameStmt',
  'SelectStmt',
  'TruncateStmt',
  'UpdateStmt',
  'VacuumStmt',
  'ViewStmt',
])

/**
 * Whether everything that a statement changes is temporary, so that nobody else sees it and it ends with the session. A
 * name that could be that of a permanent relation as well has that one among its relations, and makes the answer no.
 */
export function changesOnlyTemporary(name: string, statement: Node, relations: readonly RelationUse[]): boolean {
  if (!CHANGES_RELATIONS.has(name) || bodyOf(statement, 'VacuumStmt')?.is_vacuumcmd === true) return false
  const created = createdTemporary(statement)
  const changed = relations.filter((use) => use.action !== 'read')
  return changed.length > 0 && changed.every((use) => isTemporary(use) || isCreated(use, created))
}

const isTemporary = ({ schema }: RelationUse): boolean =>
  schema === 'pg_temp' || schema?.startsWith('pg_temp_') === true

const isCreated = (use: RelationUse, created: RangeVar | undefined): boolean =>
  created !== undefined && use.name === created.relname && (use.schema === null || use.schema === 'pg_temp')

function createdTemporary(statement: Node): RangeVar | undefined {
  const relation =
    bodyOf(statement, 'CreateStmt')?.relation ??
    bodyOf(statement, 'CreateTableAsStmt')?.into?.rel ??
    bodyOf(statement, 'SelectStmt')?.intoClause?.rel ??
    bodyOf(statement, 'ViewStmt')?.view ??
    bodyOf(statement, 'CreateSeqStmt')?.sequence
  return relation?.relpersistence === 't' || relation?.schemaname === 'pg_temp' ? relation : undefined
}
