import type { CopyStmt } from '@pgsql/types'
import type { CatalogColumn, CatalogRelation } from '../../catalog.ts'
import type { CopyFormat } from '../../facts.ts'
import { nameParts } from '../../syntax-tree.ts'
import { shapeIsTainted } from '../values/column.ts'
import { copyFormat, copyInFormat } from './copy-format.ts'
import { dropped } from '../expressions/expression.ts'
import { relationShape } from '../from/from-item.ts'
import { placeOf } from './dml.ts'
import { type Outputs, undescribedOutputs } from './outputs.ts'
import { outermostQuery } from './query.ts'
import type { Surroundings } from '../place.ts'
import { newSink, type Shape } from '../values/types.ts'
import { WriteTarget } from './write-target.ts'

/**
 * COPY. What it sends has no RowDescription, so the analysis alone says what is in it. PHI can be masked in rows that go to
 * the client as text; elsewhere it must not be at all.
 */
export function copyStatement(node: CopyStmt, around: Surroundings): Outputs {
  if (node.is_from === true) return copyFrom(node, around)
  const shape = copied(node, around)
  const format = copyFormat(node)
  const isMaskable = format !== null && hasMaskableRows(format) && shape.open === null
  // Rows whose columns are not known cannot be told apart from those that hold PHI.
  const isUnclear = shape.open !== null && around.state.phiReachable
  if (isUnclear || (!isMaskable && shapeIsTainted(shape))) around.state.hazard('phi-in-utility', 'COPY')
  return undescribedOutputs(shape)
}

/**
 * Text must not have a NULL that a value could read as: `NULL '919-15-5087'` would confirm a guess. In CSV such a value is
 * quoted.
 */
function hasMaskableRows({ format, null: marker }: CopyFormat): boolean {
  return format === 'csv' || (format === 'text' && (marker === '' || marker === String.raw`\N`))
}

function copied(node: CopyStmt, around: Surroundings): Shape {
  if (node.query !== undefined) return outermostQuery(node.query, around).shape
  const { relation, shape } = relationShape(node.relation ?? {}, around.state)
  const columns = namesIn(node, relation).flatMap((name) => shape.columns.find((column) => column.name === name) ?? [])
  for (const { value } of columns) if (value.origin !== null) around.state.reads(value.origin)
  return { columns, open: shape.open }
}

/** The columns that are named, or all but generated ones. */
function namesIn({ attlist }: CopyStmt, relation: CatalogRelation | null | undefined): readonly string[] {
  const names = nameParts(attlist)
  if (names.length > 0) return names
  return (relation?.columns ?? []).filter((column) => !isGenerated(column)).map(({ name }) => name)
}

function isGenerated({ generatedFrom }: CatalogColumn): boolean {
  return generatedFrom !== undefined
}

function copyFrom(node: CopyStmt, around: Surroundings): Outputs {
  const { state } = around
  const target = new WriteTarget(node.relation, state)
  const names = nameParts(node.attlist)
  target.uses('insert', names.length > 0 ? names : '*')
  // Which rows are stored must not follow from PHI.
  state.looksIntoBodies = false
  dropped([node.whereClause], placeOf([target.item], around, newSink()))
  if (node.filename !== undefined) state.hazard('construct-not-analysed', 'COPY FROM a file or program')
  const stored = namesIn(node, target.relation).map((name) => target.protectedColumn(name))
  if (stored.every((column) => column === null)) return []
  const format = copyInFormat(node)
  if (format === null) {
    state.hazard('construct-not-analysed', 'options of COPY FROM')
  } else {
    state.copyIn = {
      ...format,
      columns: stored.map((column) => column?.column ?? null),
      classes: stored.map((column) => column?.class ?? null),
      takesStandIns: stored.map((column) => column?.takesStandIns === true),
    }
  }
  return []
}
