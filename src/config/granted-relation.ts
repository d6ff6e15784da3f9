import { parseLabelPattern } from '../phi/label-pattern.ts'
import type { GrantedRelation } from './config.ts'

const COLUMN = /\s*(?:"((?:[^"]|"")+)"|([^",()*.\s]+))\s*(,|$)/uy

/**
 * Reads `schema.*`, `schema.table` or `schema.table(column, …)`. Names are as in the catalog; one with a dot, star, blank, bracket
 * or quote is written in double quotes. Undefined when it is none of these.
 */
export function parseGrantedRelation(text: string): GrantedRelation | undefined {
  const match = /^((?:"(?:[^"]|"")+"|[^"()])+)(?:\((.*)\))?$/su.exec(text)
  const [name, list] = [match?.[1]?.trim() ?? '', match?.[2]]
  const whole = list === undefined ? parseLabelPattern(name) : undefined
  if (whole?.table === null) return { schema: whole.schema, table: '*', columns: '*' }
  // As the label on all columns of a table: columns stand in brackets here.
  const { schema, table } = parseLabelPattern(`${name}.*`) ?? {}
  const columns = list === undefined ? '*' : parseColumns(list)
  if (schema === undefined || typeof table !== 'string' || columns === undefined) return undefined
  return { schema, table, columns }
}

function parseColumns(list: string): readonly string[] | undefined {
  const columns: string[] = []
  let at = 0
  for (;;) {
    COLUMN.lastIndex = at
    const match = COLUMN.exec(list)
    if (match === null) return undefined
    columns.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    at = COLUMN.lastIndex
    if (match[3] === '') return columns
  }
}
