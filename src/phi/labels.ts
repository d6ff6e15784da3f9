import { ChaperoneError } from '../lib/errors.ts'
import { NOT_PHI, type PhiClass } from './classes.ts'
import { type LabelPattern, parseLabelPattern } from './label-pattern.ts'
import type { Transform } from './transform-names.ts'

/** What a column holds and what replaces it. */
export interface Label {
  readonly class: PhiClass
  readonly transform: Transform
}

export interface LabelRule {
  /** See `parseLabelPattern`. */
  readonly pattern: string
  /** 'none': looked at and found free of PHI. */
  readonly label: Label | typeof NOT_PHI
}

export interface LabelSet {
  /** The label of the most specific rule: a column before a table before a schema. */
  labelOf(schema: string, table: string, column: string): Label | typeof NOT_PHI | 'unlabelled'
}

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
  return {
    labelOf: (schema, table, column) => {
      const ofSchema = root.below.get(schema)
      const ofTable = ofSchema?.below.get(table)
      return ofTable?.below.get(column)?.label ?? ofTable?.label ?? ofSchema?.label ?? 'unlabelled'
    },
  }
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

/** The hipaa-safe-harbor pack: what replaces each class under 45 CFR 164.514(b)(2). */
export function defaultTransform(phiClass: PhiClass): Transform {
  return SAFE_HARBOR[phiClass]
}

const SAFE_HARBOR: Readonly<Record<PhiClass, Transform>> = {
  name: 'redact',
  address: 'redact',
  city: 'redact',
  geocode: 'null',
  zip: 'zip3',
  date: 'year',
  'date-of-birth': 'year',
  'date-of-death': 'year',
  age: 'age90',
  phone: 'redact',
  fax: 'redact',
  email: 'redact',
  ssn: 'redact',
  mrn: 'redact',
  'health-plan': 'redact',
  account: 'redact',
  license: 'redact',
  vehicle: 'redact',
  device: 'redact',
  url: 'redact',
  ip: 'redact',
  biometric: 'null',
  photo: 'null',
  'other-id': 'redact',
  'free-text': 'redact',
}

function sameLabel(a: LabelRule['label'], b: LabelRule['label']): boolean {
  if (a === NOT_PHI || b === NOT_PHI) return a === b
  return a.class === b.class && a.transform === b.transform
}

function invalid(message: string): ChaperoneError {
  return new ChaperoneError('CHP-CONFIG-INVALID', { message: `PHI labels: ${message}` })
}
