import type { PhiDocument, PhiLabel, Released } from '../inspect/sql/catalog.ts'
import { assertNever } from '../lib/assert-never.ts'
import { OLD_AGE, oldestYear } from './age-rule.ts'
import type { DocumentNode } from './document.ts'
import type { Label } from './labels.ts'
import type { ValueKind } from './value-form.ts'
import { ZIP3_ALLOWED } from './zip3-allow-list.ts'

const NOTHING: Released = { kind: 'nothing' }
/** What it tells cannot be asked for by a condition. */
const PARTS: Released = { kind: 'parts' }
const EQUALITY: Released = { kind: 'equality' }
const ZIP3_LENGTH = 3
const ZIP3: Released = {
  kind: 'prefix',
  length: ZIP3_LENGTH,
  among: new Set([...ZIP3_ALLOWED].map((prefix) => String(prefix).padStart(ZIP3_LENGTH, '0'))),
}

const TEXTS: ReadonlySet<ValueKind> = new Set(['text', 'bpchar'])
/**
 * Not timestamptz: which year it is in depends on the time zone of the session, so that conditions in one zone after the other
 * would tell the hour of what happened near New Year.
 */
const DATES: ReadonlySet<ValueKind> = new Set(['date', 'timestamp'])
const INTEGERS: ReadonlySet<ValueKind> = new Set(['int2', 'int4', 'int8'])
const WITH_PSEUDONYMS: ReadonlySet<ValueKind> = new Set([...TEXTS, ...INTEGERS, 'numeric', 'uuid'])
const WITH_TOKENS: ReadonlySet<ValueKind> = new Set([...TEXTS, 'int4', 'int8', 'numeric', 'uuid'])

/**
 * What the replacement of a value of this kind still tells about it, so that a condition may ask as much. A transform that
 * tells what there is no word for (a rounded number, the ends of a text) counts as one that tells parts.
 */
export function releasedBy({ class: phiClass, transform }: Label, kind: ValueKind, currentYear: number): Released {
  const year: Released = { kind: 'year', since: oldestYear(phiClass, currentYear) }
  switch (transform) {
    case 'redact':
    case 'null':
      return NOTHING
    case 'partial':
      return PARTS
    case 'year':
      // Of texts and numbers it tells the year only if they are dates in a form that it knows.
      return DATES.has(kind) ? year : PARTS
    case 'zip3':
      return TEXTS.has(kind) ? ZIP3 : PARTS
    case 'age90':
      // Fractions of years are not told.
      return INTEGERS.has(kind) ? { kind: 'age', below: OLD_AGE } : PARTS
    case 'token':
      if (DATES.has(kind)) return year
      return WITH_TOKENS.has(kind) ? EQUALITY : PARTS
    default:
      break
  }
  switch (transform.kind) {
    case 'constant':
      return NOTHING
    case 'detect':
      // What is left of a text is not what a condition could ask for.
      return PARTS
    case 'keep-ends':
    case 'round':
      return PARTS
    case 'truncate':
      return transform.to !== 'decade' && DATES.has(kind) ? year : PARTS
    case 'pseudonym':
      if (DATES.has(kind)) return year
      return WITH_PSEUDONYMS.has(kind) ? EQUALITY : PARTS
    default:
      return assertNever(transform)
  }
}

/** A label of a column of this kind as the analysis has to know it; the document only where the column can hold one. */
export function analysedLabel(label: Label, kind: ValueKind, json: boolean, currentYear: number): PhiLabel {
  const released: PhiLabel = { class: label.class, releases: releasedBy(label, kind, currentYear) }
  return json && label.document !== undefined
    ? { ...released, document: analysedDocument(label.document, currentYear) }
    : released
}

/** The scalars of a document are judged as texts: that is what `->>` makes of them. */
function analysedDocument(node: DocumentNode, currentYear: number): PhiDocument {
  switch (node.kind) {
    case 'clear':
      return { kind: 'clear' }
    case 'phi':
      return { kind: 'phi', class: node.label.class, releases: releasedBy(node.label, 'text', currentYear) }
    case 'members': {
      const below = (member: DocumentNode) => analysedDocument(member, currentYear)
      const members = new Map([...node.members].map(([name, member]) => [name, below(member)] as const))
      return { kind: 'members', members, others: below(node.others) }
    }
    default:
      return assertNever(node)
  }
}
