import type { Constraint, IndexElem, Node, RangeVar } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { placeOf } from '../statements/dml.ts'
import { expression } from '../expressions/expression.ts'
import { item } from '../from/from-item.ts'
import type { Place, Surroundings } from '../place.ts'
import { ask, askGroup } from './questions.ts'
import { newSink, TAINTED, type Value } from '../values/types.ts'
import { worst } from '../values/value.ts'
import { relationRows } from '../definitions/view-definition.ts'

/**
 * Definitions that are tried on the rows that are there: an index that is made, a constraint that is added. Whether they hold is
 * told by an error, and how many rows an index has by its size.
 */
export function askDefinition(node: Node, around: Surroundings): void {
  if ('IndexStmt' in node) {
    const { relation, indexParams, unique, whereClause } = node.IndexStmt
    const place = rowsOf(relation, around)
    if (place !== null) askIndex(indexParams, unique === true, whereClause, place)
    return
  }
  if ('CreateStatsStmt' in node) {
    for (const relation of node.CreateStatsStmt.relations ?? []) {
      const place = 'RangeVar' in relation ? rowsOf(relation.RangeVar, around) : null
      if (place === null) continue
      for (const entry of node.CreateStatsStmt.exprs ?? []) {
        if ('StatsElem' in entry) expression(entry.StatsElem.expr, place)
      }
    }
    return
  }
  if ('AlterDomainStmt' in node) {
    // Every column of the type is looked at; which these are is not known here.
    if (node.AlterDomainStmt.def !== undefined) ask('condition', TAINTED, false, around)
    return
  }
  if (!('AlterTableStmt' in node)) return
  const place = rowsOf(node.AlterTableStmt.relation, around)
  for (const command of node.AlterTableStmt.cmds ?? []) {
    const definition = 'AlterTableCmd' in command ? command.AlterTableCmd.def : undefined
    if (place !== null && definition !== undefined)
      for (const one of constraintsIn(definition)) askConstraint(one, place)
  }
}

/** A constraint, or those of a new column. */
function constraintsIn(definition: Node): readonly Constraint[] {
  if ('Constraint' in definition) return [definition.Constraint]
  if (!('ColumnDef' in definition)) return []
  return (definition.ColumnDef.constraints ?? []).flatMap((entry) => ('Constraint' in entry ? [entry.Constraint] : []))
}

function askIndex(
  elements: readonly Node[] | undefined,
  unique: boolean,
  condition: Node | undefined,
  place: Place,
): void {
  for (const element of elements ?? []) {
    const key = 'IndexElem' in element ? keyOf(element.IndexElem, place) : null
    if (key !== null && unique) askGroup(key, place)
  }
  ask('condition', expression(condition, place), false, place)
}

function keyOf({ expr, name }: IndexElem, place: Place): Value {
  return expr === undefined ? column(name ?? '', place) : expression(expr, place)
}

function askConstraint(constraint: Constraint, place: Place): void {
  ask('condition', expression(constraint.raw_expr, place), false, place)
  for (const name of nameParts(constraint.keys)) askGroup(column(name, place), place)
  // What they are compared with is in another table.
  ask('condition', worst(nameParts(constraint.fk_attrs).map((name) => column(name, place))), false, place)
  for (const entry of constraint.exclusions ?? []) {
    const [element] = 'List' in entry ? (entry.List.items ?? []) : []
    const key = element !== undefined && 'IndexElem' in element ? keyOf(element.IndexElem, place) : null
    if (key !== null) ask('condition', key, false, place)
  }
  ask('condition', expression(constraint.where_clause, place), false, place)
}

function column(name: string, place: Place): Value {
  return expression({ ColumnRef: { fields: [{ String: { sval: name } }] } }, place)
}

/** A place with the rows of a relation; null when it is not known, which the statement's own checks deal with. */
function rowsOf(name: RangeVar | undefined, around: Surroundings): Place | null {
  const resolved = around.state.resolve(name ?? {})
  if (resolved.kind !== 'known') return null
  const { relation } = resolved
  const rows = item({ aliasname: relation.name }, relationRows(relation, around.state).shape)
  return placeOf([rows], around, newSink())
}
