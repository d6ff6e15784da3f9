import type { ResolvedText } from '../protocol.ts'

/** A statement string that the target got in place of the client's, with values where that has stand-ins. */
export interface SentText {
  /** The client's own. */
  readonly asked: string
  readonly resolved: ResolvedText
}

/**
 * Where a position in what was sent is in what was asked; in what stands for a stand-in, where that begins. Both count characters
 * (not UTF-16 units) from 1, as the server does. Told as it is, a position behind a stand-in would tell the length of its value.
 */
export function askedPosition({ asked, resolved }: SentText, position: number): number {
  const index = indexOf(resolved.sql, position - 1)
  let grown = 0
  for (const { start, length, newLength } of resolved.replaced) {
    const from = start + grown
    if (index < from) break
    if (index < from + newLength) return charactersIn(asked, start) + 1
    grown += newLength - length
  }
  return charactersIn(asked, index - grown) + 1
}

/** In UTF-16 units; the end of the text for what lies behind it. */
function indexOf(text: string, characters: number): number {
  let index = 0
  for (let count = 0; count < characters && index < text.length; count++) {
    index += text.codePointAt(index)! > 0xffff ? 2 : 1
  }
  return index
}

const charactersIn = (text: string, index: number): number => Array.from(text.slice(0, index)).length
