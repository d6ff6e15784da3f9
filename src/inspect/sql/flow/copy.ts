import type { CopyStmt } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import { shapeIsTainted } from './column.ts'
import { dropped } from './expression.ts'
import { relationShape } from './from-item.ts'
import { placeOf } from './dml.ts'
import { type Outputs, undescribedOutputs } from './outputs.ts'
import type { Surroundings } from './place.ts'
import { newSink, type Shape } from './types.ts'
import { WriteTarget } from './write-target.ts'

/** COPY. What it sends has no RowDescription and may be in any format, so PHI must not be in it at all. */
export function copyStatement(node: CopyStmt, around: Surroundings): Outputs {
  if (node.is_from === true) return copyFrom(node, around)
  const shape = copied(node, around)
  if (shapeIsTainted(shape)) around.state.hazard('phi-in-utility', 'COPY')
  return undescribedOutputs(shape)
}

function copied(node: CopyStmt, around: Surroundings): Shape {
  if (node.query !== undefined) return around.query(node.query, around).shape
  const { shape } = relationShape(node.relation ?? {}, around.state)
  const names = nameParts(node.attlist)
  const columns =
    names.length === 0
      ? shape.columns
      : names.flatMap((name) => shape.columns.find((column) => column.name === name) ?? [])
  for (const { value } of columns) if (value.origin !== null) around.state.reads(value.origin)
  return { columns, open: shape.open }
}

function copyFrom(node: CopyStmt, around: Surroundings): Outputs {
  const target = new WriteTarget(node.relation, around.state)
  const names = nameParts(node.attlist)
  target.uses('insert', names.length > 0 ? names : '*')
  dropped([node.whereClause], placeOf([target.item], around, newSink()))
  if (node.filename !== undefined) around.state.hazard('construct-not-analysed', 'COPY FROM a file or program')
  return []
}
