import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { type Column, columnNamed } from './columns.ts'
import type { Step } from './ways.ts'

/** Statements by which a value gets around the columns of a result. */
export interface SideCase {
  readonly way: string
  readonly id: string
  readonly column: Column
  readonly steps: readonly Step[]
}

const say = (sql: string): Step => [encodeQuery(sql)]

/** In a transaction that is rolled back. */
const undone = (statements: readonly string[]): Step[] => ['begin', ...statements, 'rollback'].map(say)

const TEXT = columnNamed('c_text')

/** Cases of one way, each in a transaction that is rolled back. */
export function sideCases(
  way: string,
  statements: Readonly<Record<string, readonly string[] | string>>,
  column = TEXT,
): SideCase[] {
  return Object.entries(statements).map(([id, texts]) => ({
    way,
    id,
    column,
    steps: undone(typeof texts === 'string' ? [texts] : texts),
  }))
}
