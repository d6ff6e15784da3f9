import type { ValueForm } from '../value-form.ts'
import { type CellTransform, characterCount, isText, textCell } from './cell.ts'
import { redact } from './redact.ts'

/**
 * A text of the operator's in place of every value. A type that is shorter than the text, and types that are no text, get
 * what `redact` has for them: a number or a date that means nothing would still be read as one.
 */
export function constant(form: ValueForm, text: string): CellTransform {
  const json = form.kind === 'json' || form.kind === 'jsonb'
  if (!json && !isText(form)) return redact(form)
  if (form.limit !== undefined && characterCount(text) > form.limit) return redact(form)
  const cell = json ? jsonString(form, text) : textCell(form, text)
  return () => cell
}

/** A string as a json or jsonb cell. The binary form of jsonb begins with a version number, 1 (jsonb_send). */
export function jsonString(form: ValueForm, text: string): Buffer {
  const version = form.kind === 'jsonb' && form.binary ? '\u0001' : ''
  return Buffer.from(version + JSON.stringify(text), 'utf8')
}
