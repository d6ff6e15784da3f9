import { type PhiClass, PHI_CLASSES } from '../../src/phi/classes.ts'
import { TRANSFORMS, type Transform } from '../../src/phi/transform-names.ts'

/** An entry of the benchmark's labels.json. */
export interface BenchLabel {
  readonly schema: string
  readonly table: string
  readonly column: string
  /** Safe Harbor class, with underscores. */
  readonly identifier: string
  readonly transform: string
  /** The PHI is in this part of a JSON document only. */
  readonly path?: string
  /** A view's column, for products that cannot follow a column through a view. */
  readonly derived?: boolean
}

export interface ColumnLabel {
  readonly class: PhiClass
  readonly transform: Transform
}

const CLASSES: ReadonlySet<string> = new Set(PHI_CLASSES)
const KNOWN_TRANSFORMS: ReadonlySet<string> = new Set(TRANSFORMS)

/**
 * The benchmark's labels as those of a target in chaperone.yaml. A document with labelled parts is labelled whole, as free
 * text; `derived` entries are left out, because the gateway has to find those itself. Tokens do not exist yet, so what is
 * to be tokenised is redacted. Throws for an identifier or a transform that the gateway has no word for.
 */
export function targetLabels(labels: readonly BenchLabel[]): Readonly<Record<string, ColumnLabel>> {
  const found: Record<string, ColumnLabel> = {}
  for (const label of labels) {
    if (label.derived) continue
    const key = [label.schema, label.table, label.column].map(quotedName).join('.')
    found[key] = label.path === undefined ? columnLabel(label) : { class: 'free-text', transform: 'redact' }
  }
  return found
}

function columnLabel({ identifier, transform }: BenchLabel): ColumnLabel {
  const phiClass = identifier === 'health_plan_id' ? 'health-plan' : identifier.replaceAll('_', '-')
  const replacement = transform === 'tokenise' ? 'redact' : transform
  if (!isPhiClass(phiClass)) throw new Error(`labels: the gateway has no class for the identifier "${identifier}"`)
  if (!isTransform(replacement)) throw new Error(`labels: the gateway has no transform "${transform}"`)
  return { class: phiClass, transform: replacement }
}

const quotedName = (name: string): string => (/[.*\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)

const isPhiClass = (text: string): text is PhiClass => CLASSES.has(text)
const isTransform = (text: string): text is Transform => KNOWN_TRANSFORMS.has(text)
