import type { MergeStmt, MergeWhenClause } from '@pgsql/types'
import { settled } from '../values/column.ts'
import { expression } from '../expressions/expression.ts'
import { assignments, placeOf, returning, withTables } from './dml.ts'
import { fromList } from '../from/from-item.ts'
import { apart, type Place, type Surroundings } from '../place.ts'
import { Predicates } from '../questions/predicate.ts'
import { askResultOrder } from '../questions/row-order.ts'
import { areStored, insertColumns, noteAssigned } from '../sites/assigned-constants.ts'
import { depthIn } from './select.ts'
import { newSink, noteSink, type QueryResult } from '../values/types.ts'
import { WriteTarget } from './write-target.ts'
import { writtenRows } from './written-rows.ts'

/** MERGE (PostgreSQL documentation, MERGE). */
export function mergeStatement(node: MergeStmt, around: Surroundings): QueryResult {
  return withTables(node.withClause, around, (inner) => {
    const target = new WriteTarget(node.relation, inner.state)
    const sink = newSink()
    const predicates = new Predicates(sink)
    const source = node.sourceRelation === undefined ? [] : [node.sourceRelation]
    const others = fromList(source, { around: inner, depth: depthIn(inner), sink, predicates })
    askResultOrder(sink.sortedBy, inner)
    target.reads()
    const both = placeOf([...others, target.item], inner, sink)
    predicates.add(node.joinCondition, both)
    const clauses = (node.mergeWhenClauses ?? []).flatMap((entry) =>
      'MergeWhenClause' in entry ? [entry.MergeWhenClause] : [],
    )
    // An action sees the rows that there are: an insert has no row of the target yet.
    const placeFor = (clause: MergeWhenClause): Place => {
      if (clause.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_TARGET') return placeOf(others, inner, sink)
      return clause.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE' ? placeOf([target.item], inner, sink) : both
    }
    for (const clause of clauses) predicates.add(clause.condition, placeFor(clause))
    predicates.settle()
    for (const clause of clauses) action(clause, target, placeFor(clause))
    const versions = target.versions(node.returningClause?.options)
    return returning(node.returningClause, placeOf(writtenRows([...others, target.item, ...versions]), inner, sink))
  })
}

function action(clause: MergeWhenClause, target: WriteTarget, place: Place): void {
  switch (clause.commandType) {
    case 'CMD_UPDATE':
      target.uses('update', assignments(clause.targetList, target, place))
      return
    case 'CMD_DELETE':
      target.uses('delete', '*')
      return
    case 'CMD_INSERT':
      insert(clause, target, place)
      return
    case 'CMD_NOTHING':
      return
    case undefined:
    case 'CMD_UNKNOWN':
    case 'CMD_SELECT':
    case 'CMD_MERGE':
    case 'CMD_UTILITY':
    default:
      place.state.hazard('construct-not-analysed', 'MERGE')
  }
}

function insert(clause: MergeWhenClause, target: WriteTarget, place: Place): void {
  const columns = insertColumns({ cols: clause.targetList ?? [] }, target)
  target.uses('insert', columns.length > 0 ? columns.map(({ name }) => name) : '*')
  for (const [i, node] of (clause.values ?? []).entries()) {
    const inner = apart(place)
    const value = expression(node, inner)
    noteSink(place.sink, inner.sink)
    const { name = '*', isPlain = false } = columns[i] ?? {}
    target.assign(name, settled(value, inner.sink), isPlain)
    const how = { isDirect: isPlain, isStored: areStored(inner.sink.columns.keys()), own: null }
    noteAssigned(node, name, target, how, place.state)
  }
}
