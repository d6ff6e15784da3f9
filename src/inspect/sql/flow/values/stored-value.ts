import type { CatalogColumn, CatalogRelation, PhiView } from '../../catalog.ts'
import type { StoredColumn } from '../../facts.ts'
import { storedColumn } from './column.ts'
import { classesOfColumn } from './document.ts'
import { isView } from '../phi-view.ts'
import { CLEAN, type Column, TAINTED, type Value } from './types.ts'

/** The columns of a stored relation as a statement sees them. */
export function storedColumns(relation: CatalogRelation, phi: PhiView): readonly Column[] {
  return relation.columns.map((column) => storedColumn(column.name, storedValue(relation, column, phi)))
}

function storedValue(relation: CatalogRelation, column: CatalogColumn, phi: PhiView): Value {
  const { attnum, name } = column
  const { oid } = relation
  const reference = { origin: { oid, attnum, name }, reported: true }
  const columns = new Set([`${relation.schema}.${relation.name}.${name}`])
  // What a view holds is no copy of a column that has a label.
  if (isView(relation) && phi.phiRelations.has(oid)) return { ...TAINTED, columns, ...reference }
  if (!phi.phiColumns.has(`${oid}.${attnum}`)) return { ...CLEAN, ...reference }
  return { ...labelledValue(relation, column, phi), ...reference }
}

/** A copy of a column, to be masked by the label that the column has. */
export function labelledValue(relation: CatalogRelation, column: CatalogColumn, phi: PhiView): Value {
  const { attnum, typeOid } = column
  const exact: StoredColumn = { kind: 'column', oid: relation.oid, attnum, typeOid, path: [] }
  const columns = new Set([`${relation.schema}.${relation.name}.${column.name}`])
  const classes = new Set(classesOfColumn(exact, phi))
  // Nothing in a document of this column is labelled as PHI.
  if (classes.size === 0) return CLEAN
  return { ...CLEAN, tainted: true, classes, columns, shape: exact, exact }
}
