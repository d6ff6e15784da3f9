/** MAXDIM (PostgreSQL source, src/include/utils/array.h): of arrays in either format. */
export const MAX_DIMENSIONS = 6

const BACKSLASH = 0x5c

/** Whether the bytes are NULL in any case, as array_in takes it. */
export function isNullWord(source: Buffer, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    (source[start]! | 0x20) === 0x6e &&
    (source[start + 1]! | 0x20) === 0x75 &&
    (source[start + 2]! | 0x20) === 0x6c &&
    (source[start + 3]! | 0x20) === 0x6c
  )
}

/** The text without its backslashes, each of which makes the next byte plain; undefined when there are none. */
export function unescapedText(source: Buffer, start: number, end: number): Buffer | undefined {
  let first = start
  while (first < end && source[first] !== BACKSLASH) first += 1
  if (first === end) return undefined
  const text = Buffer.allocUnsafe(end - start)
  let length = source.copy(text, 0, start, first)
  for (let i = first; i < end; i += 1) {
    if (source[i] === BACKSLASH && i + 1 < end) i += 1
    text[length] = source[i]!
    length += 1
  }
  return text.subarray(0, length)
}
