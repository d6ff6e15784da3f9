import type { CatalogColumn, CatalogRelation, PhiLabel, Released } from '../../src/inspect/sql/catalog.ts'
import type { ColumnLabel } from '../../src/inspect/sql/flow/phi-view.ts'

const DATES: ReadonlySet<number> = new Set([1082, 1114])
const TEXTS: ReadonlySet<number> = new Set([25, 1042, 1043, 19])
const INTEGERS: ReadonlySet<number> = new Set([21, 23, 20])
/** One column name in so many is PHI. */
const EVERY = 3

const label = (name: string, releases: Released): PhiLabel => Object.freeze({ class: name, releases })

const DATE = label('date', { kind: 'year', since: 1936 })
const NAME = label('name', { kind: 'nothing' })
const RECORD_NUMBER = label('record-number', { kind: 'equality' })
const OTHER = label('other', { kind: 'nothing' })

/** FNV-1a: the same columns on every run, and no pattern in them. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0
  return hash
}

/** Labels a third of all column names, in every schema but those of the system; the class follows from the type. */
export function labelByName(relation: CatalogRelation, column: CatalogColumn): ColumnLabel {
  if (relation.kind === 'v' || relation.kind === 'm') return 'unlabelled-mask'
  if (hashOf(column.name) % EVERY !== 0) return 'none'
  if (DATES.has(column.typeOid)) return DATE
  if (TEXTS.has(column.typeOid)) return NAME
  return INTEGERS.has(column.typeOid) ? RECORD_NUMBER : OTHER
}
