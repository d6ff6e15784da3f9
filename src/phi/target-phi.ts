import { NOT_PHI } from './classes.ts'
import type { Label, LabelSet } from './labels.ts'

/** The labels of one target, resolved against one snapshot of its catalog. */
export interface TargetPhi {
  /**
   * What a column holds, by pg_class.oid and pg_attribute.attnum; attnum 0 is the whole row, 'clear' only when every
   * column is. Undefined when the snapshot does not know the relation or the column.
   */
  columnOf(oid: number, attnum: number): ColumnPhi | undefined
}

export type ColumnPhi =
  | { readonly kind: 'clear' }
  | { readonly kind: 'phi'; readonly label: Label }
  /** To be masked whole; no class is known, so a clearance for single classes does not open it. */
  | { readonly kind: 'unlabelled' }

interface TargetPhiInput {
  readonly relations: readonly PhiRelation[]
  /** Keys `oid.attnum`: the boundary. A column in it is never 'clear'. */
  readonly phiColumns: ReadonlySet<string>
}

export interface PhiRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** pg_class.relkind. */
  readonly kind: string
  readonly columns: readonly { readonly attnum: number; readonly name: string; readonly typeOid: number }[]
  /** Inheritance parents and the partitioned table, nearest first. */
  readonly parents: readonly number[]
}

/** FirstNormalObjectId (src/include/access/transam.h): smaller ones belong to initdb, information_schema included. */
const FIRST_USER_OID = 16_384

export function isSystemOid(oid: number): boolean {
  return oid < FIRST_USER_OID
}

const CLEAR: ColumnPhi = { kind: 'clear' }
const UNLABELLED: ColumnPhi = { kind: 'unlabelled' }

/**
 * Resolves labels. A column without a label takes that of the same column of its nearest inheritance ancestor; then that
 * of its descendants, because reading a parent returns their rows too. What the boundary contains and no label explains
 * (a view column over PHI) is 'unlabelled'; so is, with `unlabelled: 'mask'`, every column that nobody has labelled.
 */
export function resolveTargetPhi(input: TargetPhiInput, labels: LabelSet, unlabelled: 'mask' | 'pass'): TargetPhi {
  const family = familyOf(input.relations)
  const resolved = new Map<number, ReadonlyMap<number, ColumnPhi>>()
  for (const relation of input.relations) {
    if (isSystemOid(relation.oid)) continue
    const ancestors = family.ancestors(relation)
    const descendants = family.descendants(relation)
    const columns = new Map<number, ColumnPhi>()
    for (const { attnum, name } of relation.columns) {
      columns.set(
        attnum,
        columnPhi({
          own: labels.labelOf(relation.schema, relation.name, name),
          above: labelsIn(ancestors, name, labels),
          below: labelsIn(descendants, name, labels),
          bounded: input.phiColumns.has(`${relation.oid}.${attnum}`),
          unlabelled,
        }),
      )
    }
    columns.set(0, [...columns.values()].every((phi) => phi.kind === 'clear') ? CLEAR : UNLABELLED)
    resolved.set(relation.oid, columns)
  }
  return { columnOf: (oid, attnum) => (isSystemOid(oid) ? CLEAR : resolved.get(oid)?.get(attnum)) }
}

type Found = ReturnType<LabelSet['labelOf']>

interface Findings {
  readonly own: Found
  /** Of the same column in the ancestors, nearest first, and in the descendants. */
  readonly above: readonly Found[]
  readonly below: readonly Found[]
  readonly bounded: boolean
  readonly unlabelled: 'mask' | 'pass'
}

function columnPhi({ own, above, below, bounded, unlabelled }: Findings): ColumnPhi {
  if (isLabel(own)) return { kind: 'phi', label: own }
  // 'none' on the column itself holds against an ancestor's label, but never against the boundary.
  const inherited = bounded || own === 'unlabelled' ? above.find(isLabel) : undefined
  if (inherited !== undefined) return { kind: 'phi', label: inherited }

  const [first, ...others] = below.filter(isLabel)
  if (first !== undefined)
    return others.every((label) => same(label, first)) ? { kind: 'phi', label: first } : UNLABELLED

  if (bounded) return UNLABELLED
  const reviewed = own === NOT_PHI || above.includes(NOT_PHI)
  return reviewed || unlabelled === 'pass' ? CLEAR : UNLABELLED
}

/** Only of relations that have the column: a child's own column is not covered by what is said of its parent's columns. */
function labelsIn(relations: readonly PhiRelation[], column: string, labels: LabelSet): readonly Found[] {
  return relations
    .filter((relation) => relation.columns.some(({ name }) => name === column))
    .map((relation) => labels.labelOf(relation.schema, relation.name, column))
}

function isLabel(found: Found): found is Label {
  return typeof found === 'object'
}

function same(a: Label, b: Label): boolean {
  return a.class === b.class && a.transform === b.transform
}

interface Family {
  /** Nearest first. */
  ancestors(relation: PhiRelation): readonly PhiRelation[]
  descendants(relation: PhiRelation): readonly PhiRelation[]
}

function familyOf(relations: readonly PhiRelation[]): Family {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]))
  const children = new Map<number, number[]>()
  for (const relation of relations) {
    for (const parent of relation.parents) {
      const siblings = children.get(parent)
      if (siblings === undefined) children.set(parent, [relation.oid])
      else siblings.push(relation.oid)
    }
  }
  return {
    ancestors: (relation) => reach(relation, (oid) => byOid.get(oid)?.parents ?? []),
    descendants: (relation) => reach(relation, (oid) => children.get(oid) ?? []),
  }

  /** Breadth first; every relation once, so that a damaged catalog with a cycle ends too. */
  function reach(from: PhiRelation, next: (oid: number) => readonly number[]): readonly PhiRelation[] {
    const seen = new Set<number>([from.oid])
    const queue = [...next(from.oid)]
    const found: PhiRelation[] = []
    for (const oid of queue) {
      if (seen.has(oid)) continue
      seen.add(oid)
      const relation = byOid.get(oid)
      if (relation !== undefined) found.push(relation)
      queue.push(...next(oid))
    }
    return found
  }
}
