import { NOT_PHI } from './classes.ts'
import type { DocumentNode } from './document.ts'
import { type FoundLabel, type Label, type LabelSet, sameLabel } from './labels.ts'
import { elementKind, type TypeLookup } from './value-form.ts'

/** The labels of one target, resolved against one snapshot of its catalog. */
export interface TargetPhi {
  /**
   * What a column holds, by pg_class.oid and pg_attribute.attnum; attnum 0 is the whole row, 'clear' only when every
   * column is, and 'derived' when the others are derived. Undefined when the snapshot does not know the relation or the column.
   */
  columnOf(oid: number, attnum: number): ColumnPhi | undefined
}

export type ColumnPhi =
  | { readonly kind: 'clear' }
  | { readonly kind: 'phi'; readonly label: Label }
  /** JSON (or an array of it) with labelled parts. Where a value does not fit the tree, `label` is for all of it. */
  | { readonly kind: 'document'; readonly label: Label; readonly document: DocumentNode }
  /** Of a view that nobody has labelled: what the analysis finds in its definition decides. */
  | { readonly kind: 'derived' }
  /** To be masked whole; no class is known, so a clearance for single classes does not open it. */
  | { readonly kind: 'unlabelled' }

interface TargetPhiInput {
  readonly relations: readonly PhiRelation[]
  /** Keys `oid.attnum`: the boundary. A column of a table that is in it is never 'clear'. */
  readonly phiColumns: ReadonlySet<string>
  /** Types outside pg_catalog: a domain over json can hold a document. */
  readonly typeOf?: TypeLookup
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
const DERIVED: ColumnPhi = { kind: 'derived' }

/** pg_class.relkind v and m: what has a definition instead of rows of its own. */
export function isView({ kind }: { readonly kind: string }): boolean {
  return kind === 'v' || kind === 'm'
}

/**
 * Resolves labels. A column without a label takes that of the same column of its nearest inheritance ancestor; then that
 * of its descendants, because reading a parent returns their rows too. What the boundary contains and no label explains
 * is 'unlabelled'; so is, unless `unlabelled` is 'pass', every column of a table that nobody has labelled, but that texts and
 * JSON have the label that `unlabelled` may be instead. A label on a view column stands, whichever it is; without one the
 * column is 'derived'.
 */
export function resolveTargetPhi(
  input: TargetPhiInput,
  labels: LabelSet,
  unlabelled: 'mask' | 'pass' | Label,
): TargetPhi {
  const family = familyOf(input.relations)
  const resolved = new Map<number, ReadonlyMap<number, ColumnPhi>>()
  for (const relation of input.relations) {
    if (isSystemOid(relation.oid)) continue
    const columns = new Map<number, ColumnPhi>()
    const found = isView(relation) ? viewColumns(relation, labels) : tableColumns(relation)
    for (const [i, { attnum, typeOid }] of relation.columns.entries()) {
      columns.set(attnum, withDocument(found[i] ?? UNLABELLED, typeOid, input.typeOf))
    }
    columns.set(0, wholeRow([...columns.values()]))
    resolved.set(relation.oid, columns)
  }
  return { columnOf: (oid, attnum) => (isSystemOid(oid) ? CLEAR : resolved.get(oid)?.get(attnum)) }

  function tableColumns(relation: PhiRelation): readonly ColumnPhi[] {
    const ancestors = family.ancestors(relation)
    const descendants = family.descendants(relation)
    return relation.columns.map(({ attnum, name, typeOid }) =>
      columnPhi({
        own: labels.labelOf(relation.schema, relation.name, name),
        above: labelsIn(ancestors, name, labels),
        below: labelsIn(descendants, name, labels),
        bounded: input.phiColumns.has(`${relation.oid}.${attnum}`),
        unlabelled: typeof unlabelled === 'object' && !isSearchable(typeOid, input.typeOf) ? 'mask' : unlabelled,
      }),
    )
  }
}

function viewColumns(relation: PhiRelation, labels: LabelSet): readonly ColumnPhi[] {
  return relation.columns.map(({ name }) => {
    const label = labels.labelOfView(relation.schema, relation.name, name)
    if (label === 'unlabelled') return DERIVED
    return label === NOT_PHI ? CLEAR : { kind: 'phi', label }
  })
}

/** In a column that cannot hold JSON there are no parts to look for; the label is for the whole of it then. */
function withDocument(phi: ColumnPhi, typeOid: number, typeOf: TypeLookup | undefined): ColumnPhi {
  const document = phi.kind === 'phi' ? phi.label.document : undefined
  if (phi.kind !== 'phi' || document === undefined) return phi
  return holdsJson(typeOid, typeOf) ? { kind: 'document', label: phi.label, document } : phi
}

/** Whether a type is json or jsonb, a domain over one of them, or an array of them. */
export function holdsJson(typeOid: number, typeOf: TypeLookup | undefined): boolean {
  const kind = elementKind(typeOid, typeOf)
  return kind === 'json' || kind === 'jsonb'
}

/** Whether values of a type can be masked by what is found in them: texts, JSON, and arrays of them. */
export function isSearchable(typeOid: number, typeOf: TypeLookup | undefined): boolean {
  const kind = elementKind(typeOid, typeOf)
  return kind === 'text' || kind === 'bpchar' || kind === 'json' || kind === 'jsonb'
}

function wholeRow(columns: readonly ColumnPhi[]): ColumnPhi {
  if (columns.every(({ kind }) => kind === 'clear')) return CLEAR
  return columns.every(({ kind }) => kind === 'clear' || kind === 'derived') ? DERIVED : UNLABELLED
}

interface Findings {
  readonly own: FoundLabel
  /** Of the same column in the ancestors, nearest first, and in the descendants. */
  readonly above: readonly FoundLabel[]
  readonly below: readonly FoundLabel[]
  readonly bounded: boolean
  readonly unlabelled: 'mask' | 'pass' | Label
}

function columnPhi({ own, above, below, bounded, unlabelled }: Findings): ColumnPhi {
  if (isLabel(own)) return { kind: 'phi', label: own }
  // 'none' on the column itself holds against an ancestor's label, but never against the boundary.
  const inherited = bounded || own === 'unlabelled' ? above.find(isLabel) : undefined
  if (inherited !== undefined) return { kind: 'phi', label: inherited }

  const [first, ...others] = below.filter(isLabel)
  if (first !== undefined)
    return others.every((label) => sameLabel(label, first)) ? { kind: 'phi', label: first } : UNLABELLED

  if (bounded) return UNLABELLED
  const reviewed = own === NOT_PHI || above.includes(NOT_PHI)
  if (reviewed || unlabelled === 'pass') return CLEAR
  return unlabelled === 'mask' ? UNLABELLED : { kind: 'phi', label: unlabelled }
}

/** Only of relations that have the column: a child's own column is not covered by what is said of its parent's columns. */
function labelsIn(relations: readonly PhiRelation[], column: string, labels: LabelSet): readonly FoundLabel[] {
  return relations
    .filter((relation) => relation.columns.some(({ name }) => name === column))
    .map((relation) => labels.labelOf(relation.schema, relation.name, column))
}

function isLabel(found: FoundLabel): found is Label {
  return typeof found === 'object'
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
