import { PHI_CLASSES, type PhiClass } from '../classes.ts'
import type { Span } from './span.ts'

/** Dates are called dates: which of them it was would tell something. */
const CALLED: Readonly<Partial<Record<PhiClass, string>>> = {
  'free-text': 'redacted',
  'date-of-birth': 'date',
  'date-of-death': 'date',
}

/** What stands for a span. */
export function placeholderOf(phiClass: PhiClass): string {
  return `[${CALLED[phiClass] ?? phiClass}]`
}

const PLACEHOLDERS = PHI_CLASSES.map(placeholderOf)

/** Whether a text holds a placeholder, so that it is not to be stored as if it were the original. */
export function hasPlaceholder(text: string): boolean {
  return text.includes('[') && PLACEHOLDERS.some((placeholder) => text.includes(placeholder))
}

/** The text with placeholders for spans, which are in order and do not overlap. */
export function replaceSpans(text: string, spans: readonly Span[]): string {
  let replaced = ''
  let at = 0
  for (const { start, end, class: phiClass } of spans) {
    replaced += text.slice(at, start) + placeholderOf(phiClass)
    at = end
  }
  return replaced + text.slice(at)
}
