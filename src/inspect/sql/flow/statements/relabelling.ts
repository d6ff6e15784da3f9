import type { AlterTableStmt, ColumnDef, Node, RangeVar } from '@pgsql/types'
import type { CatalogRelation } from '../../catalog.ts'
import { settled } from '../values/column.ts'
import { placeOf } from './dml.ts'
import { expression } from '../expressions/expression.ts'
import type { Surroundings } from '../place.ts'
import { qualified } from '../from/resolve-relation.ts'
import { newSink } from '../values/types.ts'
import { WriteTarget } from './write-target.ts'

/**
 * Labels are attached to names, and partitions have those of their parent. So a definition that renames or moves a relation
 * with PHI, or takes a partition out, leaves PHI where no label says so; and so does one that computes a column from PHI.
 */
export function checkRelabelling(statement: Node, around: Surroundings): void {
  if ('RenameStmt' in statement) {
    const { renameType, relation, subname } = statement.RenameStmt
    if (renameType === 'OBJECT_SCHEMA') movedSchema(subname, around)
    else if (RENAMED.has(renameType ?? '')) moved(relation, around)
  }
  if ('AlterObjectSchemaStmt' in statement) moved(statement.AlterObjectSchemaStmt.relation, around)
  if ('AlterTableStmt' in statement) alterTable(statement.AlterTableStmt, around)
}

/** Constraints, triggers, rules and policies may have any name. */
const RENAMED: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_COLUMN',
])

function moved(name: RangeVar | undefined, around: Surroundings): void {
  if (name === undefined) return
  const resolved = around.state.resolve(name)
  if (resolved.kind === 'known') losesLabels(resolved.relation, around)
  if (resolved.kind === 'ambiguous') for (const relation of resolved.candidates) losesLabels(relation, around)
}

function movedSchema(schema: string | undefined, around: Surroundings): void {
  for (const relations of around.state.context.index.relationsByName.values()) {
    for (const relation of relations) if (relation.schema === schema) losesLabels(relation, around)
  }
}

function losesLabels(relation: CatalogRelation, { state }: Surroundings): void {
  if (state.context.phi.phiRelations.has(relation.oid)) state.hazard('phi-copied', qualified(relation))
}

function alterTable(node: AlterTableStmt, around: Surroundings): void {
  for (const entry of node.cmds ?? []) {
    if (!('AlterTableCmd' in entry)) continue
    const { subtype, def, name } = entry.AlterTableCmd
    if (subtype === 'AT_DropInherit') moved(node.relation, around)
    if (subtype === 'AT_DetachPartition' || subtype === 'AT_DetachPartitionFinalize') {
      if (def !== undefined && 'PartitionCmd' in def) moved(def.PartitionCmd.name, around)
    }
    if (def === undefined || !('ColumnDef' in def)) continue
    if (subtype === 'AT_AlterColumnType') computed(name, def.ColumnDef.raw_default, node.relation, around)
    if (subtype === 'AT_AddColumn') computed(def.ColumnDef.colname, generated(def.ColumnDef), node.relation, around)
  }
}

function generated({ constraints }: ColumnDef): Node | undefined {
  for (const constraint of constraints ?? []) {
    if ('Constraint' in constraint && constraint.Constraint.contype === 'CONSTR_GENERATED') {
      return constraint.Constraint.raw_expr
    }
  }
  return undefined
}

/** A column whose values are made from others of the same row. */
function computed(
  name: string | undefined,
  from: Node | undefined,
  table: RangeVar | undefined,
  around: Surroundings,
): void {
  if (from === undefined) return
  const target = new WriteTarget(table, around.state)
  const sink = newSink()
  const value = expression(from, placeOf([target.item], around, sink))
  target.assign(name ?? '', settled(value, sink), false)
}
