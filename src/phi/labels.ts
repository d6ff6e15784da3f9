import { ChaperoneError } from '../lib/errors.ts'
import { NOT_PHI, type PhiClass } from './classes.ts'
import type { DocumentNode } from './document.ts'
import { type LabelPattern, parseLabelPattern } from './label-pattern.ts'
import type { Transform } from './transform-names.ts'

/** What a column holds and what replaces it. */
export interface Label {
  readonly class: PhiClass
  readonly transform: Transform
  /** Of a column of JSON documents: what their parts hold. The class is that of what is in none of them. */
  readonly document?: DocumentNode
}

export interface LabelRule {
  /** See `parseLabelPattern`. */
  readonly pattern: string
  /** 'none': looked at and found free of PHI. */
  readonly label: Label | typeof NOT_PHI
}

export interface LabelSet {
  /** The label of the most specific rule: a column before a table before a schema. */
  labelOf(schema: string, table: string, column: string): FoundLabel
  /** The same for a view: that a schema is free of PHI says nothing of what its views show of other schemas. */
  labelOfView(schema: string, view: string, column: string): FoundLabel
}

export type FoundLabel = Label | typeof NOT_PHI | 'unlabelled'

/**
 * Rules as one lookup. Their order does not matter. Throws CHP-CONFIG-INVALID for a malformed pattern and for two rules
 * that give different labels to the same pattern.
 */
export function compileLabels(rules: readonly LabelRule[]): LabelSet {
  const root: LabelNode = newNode()
  for (const rule of rules) {
    const pattern = parseLabelPattern(rule.pattern)
    if (pattern === undefined) throw invalid(`"${rule.pattern}" is not schema.table.column, schema.table.* or schema.*`)
    const node = nodeOf(root, pattern)
    if (node.label !== undefined && !sameLabel(node.label, rule.label))
      throw invalid(`"${rule.pattern}" has two labels`)
    node.label = rule.label
  }
  const find = (schema: string, table: string, column: string) => {
    const ofSchema = root.below.get(schema)
    const ofTable = ofSchema?.below.get(table)
    return { byName: ofTable?.below.get(column)?.label ?? ofTable?.label, bySchema: ofSchema?.label }
  }
  return {
    labelOf: (...names) => {
      const { byName, bySchema } = find(...names)
      return byName ?? bySchema ?? (isTemporary(names[0]) ? NOT_PHI : 'unlabelled')
    },
    labelOfView: (...names) => {
      const { byName, bySchema } = find(...names)
      return byName ?? (bySchema === undefined || bySchema === NOT_PHI ? 'unlabelled' : bySchema)
    },
  }
}

/**
 * Only the session that made a temporary table can read it, and a masked session cannot have put PHI there, because that is
 * refused like any other copy.
 */
function isTemporary(schema: string): boolean {
  return schema.startsWith('pg_temp')
}

/** A schema, a table or a column: its label and what lies below it, by name. */
interface LabelNode {
  label: LabelRule['label'] | undefined
  readonly below: Map<string, LabelNode>
}

function newNode(): LabelNode {
  return { label: undefined, below: new Map() }
}

function nodeOf(root: LabelNode, pattern: LabelPattern): LabelNode {
  let node = root
  for (const name of [pattern.schema, pattern.table, pattern.column]) {
    if (name === null) break
    let child = node.below.get(name)
    if (child === undefined) {
      child = newNode()
      node.below.set(name, child)
    }
    node = child
  }
  return node
}

/** Transforms and documents that are objects are the same only if they are one. */
export function sameLabel(a: LabelRule['label'], b: LabelRule['label']): boolean {
  if (a === NOT_PHI || b === NOT_PHI) return a === b
  return a.class === b.class && a.transform === b.transform && a.document === b.document
}

function invalid(message: string): ChaperoneError {
  return new ChaperoneError('CHP-CONFIG-INVALID', { message: `PHI labels: ${message}` })
}
