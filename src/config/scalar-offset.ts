import type { Scalar } from 'yaml'

/**
 * Offset in the file of the character at `index` of a scalar's value. Folding, indentation and simple escapes are
 * followed by walking text and value side by side; where that fails (an escape like `\u0041`), the start of the scalar.
 */
export function sourceOffset(text: string, scalar: Scalar, start: number, index: number): number {
  if (typeof scalar.value !== 'string') return start
  const end = scalar.range?.[1] ?? start
  let at = contentStart(text, scalar, start)
  for (let i = 0; i <= index; i++) {
    const wanted = scalar.value[i]
    if (wanted === undefined) return Math.min(at, end)
    const matches = isSpace(wanted) ? isSpace : (found: string | undefined) => found === wanted
    while (at < end && !matches(text[at]) && isSkippable(text[at])) at++
    if (!matches(text[at])) return start
    if (i === index) return at
    at++
  }
  return start
}

function contentStart(text: string, scalar: Scalar, start: number): number {
  if (scalar.type === 'QUOTE_DOUBLE' || scalar.type === 'QUOTE_SINGLE') return start + 1
  if (scalar.type !== 'BLOCK_LITERAL' && scalar.type !== 'BLOCK_FOLDED') return start
  const header = text.indexOf('\n', start)
  return header === -1 ? start : header + 1
}

const isSpace = (character: string | undefined): boolean => character !== undefined && /\s/.test(character)
const isSkippable = (character: string | undefined): boolean =>
  character !== undefined && (isSpace(character) || character === '\\' || character === "'")
