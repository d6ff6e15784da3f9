/** What a label rule speaks of; null stands for every table or every column. */
export interface LabelPattern {
  readonly schema: string
  readonly table: string | null
  readonly column: string | null
}

/** A plain part (no dot, quote, star or blank), or a part in double quotes with "" for a quote. */
const PART = /"((?:[^"]|"")+)"|([^".*\s]+)/uy

/**
 * Reads `schema.table.column`, `schema.table.*` or `schema.*`. Names are taken as the catalog spells them (no folding to
 * lower case); a name with a dot, star, blank or quote is written in double quotes. Undefined when it is none of these.
 */
export function parseLabelPattern(pattern: string): LabelPattern | undefined {
  const parts = splitParts(pattern)
  const [schema, table, column] = parts ?? []
  if (parts === undefined || schema === null || schema === undefined || table === undefined) return undefined
  if (parts.length === 2) return table === null ? { schema, table, column: null } : undefined
  if (parts.length !== 3 || table === null || column === undefined) return undefined
  return { schema, table, column }
}

/** The parts between dots, null for a star; undefined when one is malformed. */
function splitParts(pattern: string): (string | null)[] | undefined {
  const parts: (string | null)[] = []
  let at = 0
  for (;;) {
    if (pattern[at] === '*') {
      parts.push(null)
      at += 1
    } else {
      PART.lastIndex = at
      const match = PART.exec(pattern)
      if (match === null) return undefined
      parts.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
      at = PART.lastIndex
    }
    if (at === pattern.length) return parts
    if (pattern[at] !== '.') return undefined
    at += 1
  }
}
