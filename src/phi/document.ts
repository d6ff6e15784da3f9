import { NOT_PHI } from './classes.ts'
import type { Label } from './labels.ts'

/** Labels inside a JSON document. Where an array stands, each of its elements is meant. */
export type DocumentNode =
  | { readonly kind: 'clear' }
  | { readonly kind: 'phi'; readonly label: Label }
  /** `others` is for members that have no entry. What is no object here is masked by the label of the whole document. */
  | { readonly kind: 'members'; readonly members: ReadonlyMap<string, DocumentNode>; readonly others: DocumentNode }

/** A part of a document by the names of the members that lead to it. */
export interface MemberRule {
  readonly path: readonly string[]
  readonly label: Label | typeof NOT_PHI
}

interface Draft {
  label: MemberRule['label'] | undefined
  readonly below: Map<string, Draft>
}

/**
 * The tree for the parts of one document. The longest path wins: a label on `name` covers the members of `name` that have
 * none of their own. Paths are distinct and not empty; the configuration has checked that.
 */
export function documentTree(rules: readonly MemberRule[], others: Label | typeof NOT_PHI): DocumentNode {
  const root: Draft = { label: others, below: new Map() }
  for (const { path, label } of rules) {
    let draft = root
    for (const name of path) {
      let next = draft.below.get(name)
      if (next === undefined) {
        next = { label: undefined, below: new Map() }
        draft.below.set(name, next)
      }
      draft = next
    }
    draft.label = label
  }
  return nodeOf(root, leafOf(others))
}

function nodeOf(draft: Draft, inherited: DocumentNode): DocumentNode {
  const own = draft.label === undefined ? inherited : leafOf(draft.label)
  if (draft.below.size === 0) return own
  const members = new Map([...draft.below].map(([name, below]) => [name, nodeOf(below, own)] as const))
  return { kind: 'members', members, others: own }
}

function leafOf(label: MemberRule['label']): DocumentNode {
  return label === NOT_PHI ? { kind: 'clear' } : { kind: 'phi', label }
}
