import type { PhiDocument, PhiLabel, PhiView } from '../../catalog.ts'
import { type StoredColumn, UNLABELLED } from '../../facts.ts'

/** The label of a stored column; undefined when nobody has labelled it. */
export function labelOf(column: Pick<StoredColumn, 'oid' | 'attnum'>, phi: PhiView): PhiLabel | undefined {
  return phi.labels.get(`${column.oid}.${column.attnum}`)
}

/** What the label says of the part of a document that a path leads to. Null when it says nothing of parts. */
export function documentAt(column: StoredColumn, phi: PhiView): PhiDocument | null {
  let document = labelOf(column, phi)?.document
  if (document === undefined) return null
  for (const name of column.path) document = partOf(document, name)
  return document
}

function partOf(document: PhiDocument, name: string): PhiDocument {
  return document.kind === 'members' ? (document.members.get(name) ?? document.others) : document
}

/** Classes of what a stored column, or a part of its documents, holds; none when the labels say that it is free of PHI. */
export function classesOfColumn(column: StoredColumn, phi: PhiView): readonly string[] {
  const label = labelOf(column, phi)
  const document = documentAt(column, phi)
  return label === undefined || document === null ? classesOf(label) : classesIn(document, label)
}

/** Classes of a column with this label, or with none. */
export function classesOf(label: PhiLabel | undefined): readonly string[] {
  if (label === undefined) return [UNLABELLED]
  return label.document === undefined ? [label.class] : classesIn(label.document, label)
}

/** What stands where an object with labelled members should be has the label of the whole document. */
function classesIn(document: PhiDocument, label: PhiLabel): readonly string[] {
  switch (document.kind) {
    case 'clear':
      return []
    case 'phi':
      return [document.class]
    case 'members':
      return [label.class, ...[...document.members.values(), document.others].flatMap((part) => classesIn(part, label))]
    default:
      return document satisfies never
  }
}
