/** A plain part (no dot, quote or control character), or a part in double quotes with "" for a quote. */
const PART = /"((?:[^"]|"")+)"|([^".\p{Cc}]+)/uy

/** Documents nest no deeper than this in practice; the masker has a bound of its own. */
const MAX_DEPTH = 32

/**
 * Reads the way to a member of a JSON document, `name.family`: names of members between dots, a name with a dot or a quote
 * in double quotes. Arrays have no part of their own. Undefined when it is malformed.
 */
export function parseMemberPath(path: string): readonly string[] | undefined {
  const parts: string[] = []
  let at = 0
  while (parts.length < MAX_DEPTH) {
    PART.lastIndex = at
    const match = PART.exec(path)
    if (match === null) return undefined
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    at = PART.lastIndex
    if (at === path.length) return parts
    if (path[at] !== '.') return undefined
    at += 1
  }
  return undefined
}
