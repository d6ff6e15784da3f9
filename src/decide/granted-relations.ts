import type { GrantedRelation } from '../config/config.ts'

/** Undefined: everything. */
export type RelationList = readonly GrantedRelation[] | undefined

/** What several grants of one member let it name together, in an order that does not depend on theirs. */
export function unionOf(lists: readonly RelationList[]): RelationList {
  const entries = new Map<string, GrantedRelation>()
  for (const list of lists) {
    if (list === undefined) return undefined
    for (const { schema, table, columns } of list) {
      const sorted = columns === '*' ? columns : [...new Set(columns)].toSorted()
      entries.set(JSON.stringify([schema, table, sorted]), { schema, table, columns: sorted })
    }
  }
  return [...entries].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, entry]) => entry)
}

/** Whether a list lets all be named that another one does. */
export function coversList(list: RelationList, other: RelationList): boolean {
  if (list === undefined) return true
  return other !== undefined && other.every(({ schema, table, columns }) => covers(list, schema, table, columns))
}

/** Whether these columns of a relation ('*': all of them, whichever there are) may be named. */
export function covers(
  list: readonly GrantedRelation[],
  schema: string,
  table: string,
  columns: readonly string[] | '*',
): boolean {
  const entries = list.filter((entry) => entry.schema === schema && (entry.table === '*' || entry.table === table))
  if (entries.some((entry) => entry.columns === '*')) return true
  return (
    columns !== '*' &&
    entries.length > 0 &&
    columns.every((column) => entries.some((one) => one.columns.includes(column)))
  )
}
