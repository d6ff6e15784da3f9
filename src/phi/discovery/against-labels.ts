import { NOT_PHI, type PhiClass } from '../classes.ts'
import type { LabelSet } from '../labels.ts'
import type { Confidence } from './finding.ts'
import type { ColumnFinding } from './propose.ts'

/** How what was found compares with what the configuration says. */
export type Standing =
  | { readonly kind: 'new' } // nobody has labelled it, and something speaks for PHI
  | { readonly kind: 'unknown' } // nobody has labelled it, and nothing was found
  | { readonly kind: 'agrees' }
  | { readonly kind: 'conflict'; readonly label: PhiClass | typeof NOT_PHI }

/** A weak sign is worth a look at a column that nobody has looked at, not an objection to somebody who has. */
const OBJECTS: ReadonlySet<Confidence> = new Set(['medium', 'high'])

/** Compares a finding with the column's label, own or inherited from a table or schema. */
export function standing({ schema, table, column, finding }: ColumnFinding, labels: LabelSet): Standing {
  const label = labels.labelOf(schema, table, column)
  if (label === 'unlabelled') return { kind: finding === undefined ? 'unknown' : 'new' }
  const labelled = label === NOT_PHI ? NOT_PHI : label.class
  if (finding === undefined || finding.class === labelled || !OBJECTS.has(finding.confidence)) return { kind: 'agrees' }
  return { kind: 'conflict', label: labelled }
}
