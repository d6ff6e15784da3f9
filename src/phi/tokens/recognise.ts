import type { Label } from '../labels.ts'
import { readPseudonym } from '../transforms/read-pseudonym.ts'
import type { ValueForm } from '../value-form.ts'
import { canonicalNumber } from './canonical-number.ts'
import { isPlaceholder } from './placeholder.ts'
import type { Recognised } from './stand-in-reader.ts'
import { recogniseNumberToken, recogniseToken, type TokenSpelling } from './token-text.ts'
import { canonicalUuid } from './token-value.ts'

const MALFORMED: Recognised = { kind: 'malformed' }
const PLACEHOLDER: Recognised = { kind: 'placeholder' }
const VALUE: Recognised = { kind: 'value' }

/**
 * What a constant is that a client sends for a column.
 *
 * @param text as the server would read it for the type of the column: the content of a literal, or what `readValue` makes
 *   of a parameter
 * @param form of the column; of a document, that of the part
 * @param label undefined for a column that has none
 */
export function recognise(text: string, form: ValueForm, label: Label | undefined): Recognised {
  const transform = label?.transform
  if (typeof transform === 'object' && transform.kind === 'pseudonym') {
    const read = readPseudonym(text, form, transform.pseudonyms)
    if (read !== undefined) return read
  }
  const spelling = spellingOf(text, form)
  if (spelling === 'malformed') return MALFORMED
  if (spelling !== null) return { kind: 'token', token: spelling.token }
  return isPlaceholder(text, form, label) ? PLACEHOLDER : VALUE
}

const NUMBERS: ReadonlySet<ValueForm['kind']> = new Set(['int4', 'int8', 'numeric'])

function spellingOf(text: string, { kind }: ValueForm): TokenSpelling {
  if (NUMBERS.has(kind)) {
    const number = canonicalNumber(text, true)
    if (number !== undefined) return recogniseNumberToken(number)
  }
  const bare = text.trim()
  // A number that far below zero is no text either: it comes from a column of numbers, or out of a document.
  const found = recogniseToken(kind === 'uuid' ? (canonicalUuid(bare) ?? bare) : bare) ?? recogniseNumberToken(bare)
  // Blanks before or behind a token are a slip, but for those that char(n) adds.
  const padded = bare !== (kind === 'bpchar' ? text.trimEnd() : text)
  return found !== null && padded && kind !== 'uuid' ? 'malformed' : found
}
