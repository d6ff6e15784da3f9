import { assertNever } from '../lib/assert-never.ts'
import type { DocumentNode } from '../phi/document.ts'
import type { Label } from '../phi/labels.ts'
import { releasedBy } from '../phi/released.ts'
import { valueForm } from '../phi/value-form.ts'
import { type MaskContext, UNPROVEN } from './mask-context.ts'
import type { StoredColumn } from '../inspect/sql/facts.ts'

/** What becomes of copies of a stored column. */
export type ColumnVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'label'; readonly label: Label }
  /** `label` is for what is no object where the tree has members. */
  | { readonly kind: 'members'; readonly members: MembersNode; readonly label: Label }
  /** The boundary does not know the column as PHI, though the analysis does, or knows nothing of its class. */
  | { readonly kind: 'unproven' }

export type MembersNode = Extract<DocumentNode, { kind: 'members' }>

const PASS: ColumnVerdict = { kind: 'pass' }
const NOT_PROVEN: ColumnVerdict = { kind: 'unproven' }

/** Judges a column, or the part of a document that its path leads to. Takes down what is masked. */
export function judgeColumn(column: StoredColumn, context: MaskContext): ColumnVerdict {
  const found = context.phi.columnOf(column.oid, column.attnum)
  const isMixed = column.mixed === true
  switch (found?.kind) {
    case 'phi':
      return judgeLabel(isMixed ? unlinkableLabel(found.label) : found.label, context)
    case 'document': {
      const node = at(found.document, column.path)
      return isMixed
        ? judgeNode(unlinkable(node), unlinkableLabel(found.label), context)
        : judgeNode(node, found.label, context)
    }
    case 'clear':
    case 'unlabelled':
    case 'derived':
    case undefined:
      context.masked.add(UNPROVEN)
      return NOT_PROVEN
    default:
      return assertNever(found)
  }
}

/** @param label of the whole document */
export function judgeNode(node: DocumentNode, label: Label, context: MaskContext): ColumnVerdict {
  switch (node.kind) {
    case 'clear':
      return PASS
    case 'phi':
      return judgeLabel(node.label, context)
    case 'members':
      if (clearsTree(node, context) && context.clears(label.class)) return PASS
      return { kind: 'members', members: node, label }
    default:
      return assertNever(node)
  }
}

function judgeLabel(label: Label, context: MaskContext): ColumnVerdict {
  if (context.clears(label.class)) return PASS
  context.masked.add(label.class)
  return { kind: 'label', label }
}

/** The node that a path of member names leads to; arrays are not in it. */
function at(document: DocumentNode, path: readonly string[]): DocumentNode {
  let node = document
  for (const name of path) {
    if (node.kind !== 'members') return node
    node = node.members.get(name) ?? node.others
  }
  return node
}

/** The same document with no replacement that tells which values are equal. */
function unlinkable(node: DocumentNode): DocumentNode {
  switch (node.kind) {
    case 'clear':
      return node
    case 'phi':
      return { kind: 'phi', label: unlinkableLabel(node.label) }
    case 'members': {
      const members = [...node.members].map(([name, below]) => [name, unlinkable(below)] as const)
      return { kind: 'members', members: new Map(members), others: unlinkable(node.others) }
    }
    default:
      return assertNever(node)
  }
}

/** A client that sees the replacement of a value of its own among others would know them by it. */
function unlinkableLabel(label: Label): Label {
  const { transform } = label
  const isLinkable = transform === 'token' || (typeof transform === 'object' && transform.kind === 'pseudonym')
  return isLinkable ? { ...label, transform: 'redact' } : label
}

/** Whether the replacement of a stored date under this label shows its year. */
export function releasesYear(label: Label, { typeOid }: StoredColumn, context: MaskContext): boolean {
  const form = valueForm({ typeOid, typmod: -1, format: 0 }, context.typeOf)
  return form !== undefined && releasedBy(label, form.kind, context.currentYear).kind === 'year'
}

function clearsTree(node: DocumentNode, context: MaskContext): boolean {
  switch (node.kind) {
    case 'clear':
      return true
    case 'phi':
      return context.clears(node.label.class)
    case 'members':
      return clearsTree(node.others, context) && [...node.members.values()].every((below) => clearsTree(below, context))
    default:
      return assertNever(node)
  }
}
