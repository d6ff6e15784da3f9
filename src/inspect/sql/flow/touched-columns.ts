import type { RelationUse } from '../facts.ts'
import type { AnalysisContext } from './context.ts'
import { isView } from './phi-view.ts'

/** Whether one of the columns that a relation is used for is PHI; undefined when that is not known. */
export function touchesPhi(
  { columns, name, oid, phi }: Omit<RelationUse, 'touchesPhi'>,
  { index, phi: view }: AnalysisContext,
): boolean | undefined {
  if (!phi) return false
  const relation = index.relationsByName.get(name)?.find((one) => one.oid === oid)
  // What a view does with its columns is not looked into.
  if (relation === undefined || isView(relation) || columns === '*') return undefined
  const used = new Map(relation.columns.map((column) => [column.name, column.attnum]))
  return columns.some((column) => {
    const attnum = used.get(column)
    return attnum === undefined || view.phiColumns.has(`${relation.oid}.${attnum}`)
  })
}
