import { isUtf8 } from 'node:buffer'
import { assertNever } from '../../lib/assert-never.ts'
import type { KnownValues } from '../detect/known-values.ts'
import { replaceSpans } from '../detect/placeholders.ts'
import { hiddenSpans, mergeSpans, type Span } from '../detect/span.ts'
import type { StandIns } from '../tokens/stand-ins.ts'
import type { DetectTransform } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'
import { type CellTransform, characterCount, textCell } from './cell.ts'
import { redact } from './redact.ts'

export interface DetectContext {
  /** Whether the principal may see a class: identifiers of those stay. Without it none do. */
  readonly clears?: (phiClass: string) => boolean
  /** Undefined where nobody can fetch anything: then what would be a token, or has to be asked of an external detector, is redacted. */
  readonly standIns?: StandIns | undefined
  /** Values that are masked elsewhere: in the same row, in the session. */
  readonly known?: readonly KnownValues[] | undefined
}

/** Longer texts are redacted: they would hold up everything else. */
const MAX_BYTES = 4 * 1024 * 1024

/**
 * Text with the identifiers that detectors find in it replaced by words for their classes. It is what nobody has
 * structured, so some will be missed. Types that are no text, and text that cannot be searched, are redacted.
 */
export function detectedText(form: ValueForm, { detectors }: DetectTransform, context: DetectContext): CellTransform {
  const redacted = redact(form)
  // Taken once, so that whoever compiles the plan knows that something may have to be fetched.
  const ask = detectors.external ? context.standIns?.spans : undefined
  if (detectors.external && ask === undefined) return redacted
  const clears = context.clears ?? (() => false)
  const known = detectors.knownValues === 'off' ? [] : (context.known ?? [])
  const find = (text: string): readonly Span[] | undefined => {
    const asked = ask === undefined ? [] : ask(text)
    if (asked === undefined) return undefined
    const found = detectors.find(text)
    for (const values of known) found.push(...values.find(text))
    found.push(...asked)
    return mergeSpans(hiddenSpans(found, clears))
  }
  switch (form.kind) {
    case 'text':
    case 'bpchar':
      return textMasker(form, redacted, find)
    case 'char':
    case 'int2':
    case 'int4':
    case 'int8':
    case 'float4':
    case 'float8':
    case 'numeric':
    case 'json':
    case 'jsonb':
    case 'xml':
    case 'bytea':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
    case 'uuid':
    case 'array':
    case 'other':
      return redacted
    default:
      return assertNever(form.kind)
  }
}

type Find = (text: string) => readonly Span[] | undefined

function textMasker(form: ValueForm, redacted: CellTransform, find: Find): CellTransform {
  return (source, start, end) => {
    const cell = source.subarray(start, end)
    if (cell.length > MAX_BYTES || !isUtf8(cell)) return redacted(source, start, end)
    const text = cell.toString('utf8')
    const spans = find(text)
    if (spans === undefined) return null
    if (spans.length === 0) return cell
    const replaced = replaceSpans(form.kind === 'bpchar' ? text.trimEnd() : text, withinText(spans, form, text))
    if (form.limit !== undefined && characterCount(replaced) > form.limit) return redacted(source, start, end)
    return textCell(form, replaced)
  }
}

/** Blanks at the end of char(n) are taken off before replacing: nothing lies behind what is left. */
function withinText(spans: readonly Span[], form: ValueForm, text: string): readonly Span[] {
  if (form.kind !== 'bpchar') return spans
  const length = text.trimEnd().length
  return spans.filter(({ start }) => start < length).map((span) => ({ ...span, end: Math.min(span.end, length) }))
}

const PLAIN_NAME = /^[A-Za-z_$@][A-Za-z0-9_.:$@-]{0,63}$/

/** Whether the name of a member of a JSON document looks like one that a program has given it. */
export function isPlainName(source: Buffer, start: number, end: number, { detectors }: DetectTransform): boolean {
  const name = source.toString('utf8', start, end)
  // As it is, and as words.
  const texts = [name, name.replaceAll(/[_.:$@-]/g, ' ')]
  return PLAIN_NAME.test(name) && texts.every((text) => detectors.find(text).length === 0)
}
