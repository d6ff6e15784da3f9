import { type PhiClass, PHI_CLASSES } from '../../src/phi/classes.ts'
import { TRANSFORM_NAMES, type TransformName } from '../../src/phi/transform-names.ts'

/** An entry of the benchmark's labels.json. */
export interface BenchLabel {
  readonly schema: string
  readonly table: string
  readonly column: string
  /** Safe Harbor class, with underscores. */
  readonly identifier: string
  readonly transform: string
  /** The PHI is in this part of a JSON document only: `$.name.family`. */
  readonly path?: string
  /** A view's column, for products that cannot follow a column through a view. */
  readonly derived?: boolean
}

export interface ColumnLabel {
  readonly class: PhiClass
  readonly transform: TransformName
  /** Labelled parts of a JSON document, by path; what is not listed passes. */
  readonly members?: Readonly<Record<string, ColumnLabel>>
  readonly others?: 'pass'
}

const CLASSES: ReadonlySet<string> = new Set(PHI_CLASSES)
const KNOWN_TRANSFORMS: ReadonlySet<string> = new Set(TRANSFORM_NAMES)
/**
 * What a view computes from PHI is masked whole, whatever it is. That it is an age, and that ages below 90 may be seen, only
 * an operator can say.
 */
const COMPUTED = 'age'
const WHOLE_DOCUMENT: ColumnLabel = { class: 'free-text', transform: 'redact' }
/** Paths begin with the document itself, and may say that an array is meant; both go without saying here. */
const PATH_NOISE = /^\$\.?|\[\*?\]/g

/**
 * The benchmark's labels as those of a target in chaperone.yaml. A document with labelled parts has these parts as members;
 * `derived` entries are left out, because the gateway has to find those itself, except for what nobody but an operator can
 * say. What is to be tokenised gets a token, dates their year. Throws for an identifier or a transform that the gateway has no word for.
 */
export function targetLabels(labels: readonly BenchLabel[]): Readonly<Record<string, ColumnLabel>> {
  const found: Record<string, ColumnLabel> = {}
  for (const label of labels) {
    if (label.derived && label.identifier !== COMPUTED) continue
    const key = [label.schema, label.table, label.column].map(quotedName).join('.')
    const { path } = label
    if (path === undefined) found[key] = columnLabel(label)
    else {
      const members = { ...found[key]?.members, [path.replaceAll(PATH_NOISE, '')]: columnLabel(label) }
      found[key] = { ...WHOLE_DOCUMENT, members, others: 'pass' }
    }
  }
  return found
}

function columnLabel({ identifier, transform }: BenchLabel): ColumnLabel {
  const phiClass = identifier === 'health_plan_id' ? 'health-plan' : identifier.replaceAll('_', '-')
  if (!isPhiClass(phiClass)) throw new Error(`labels: the gateway has no class for the identifier "${identifier}"`)
  const tokens = phiClass.startsWith('date') ? 'year' : 'token'
  const replacement = transform === 'tokenise' ? tokens : transform
  if (!isTransform(replacement)) throw new Error(`labels: the gateway has no transform "${transform}"`)
  return { class: phiClass, transform: replacement }
}

const quotedName = (name: string): string => (/[.*\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)

const isPhiClass = (text: string): text is PhiClass => CLASSES.has(text)
const isTransform = (text: string): text is TransformName => KNOWN_TRANSFORMS.has(text)
