import { storedColumn } from '../values/column.ts'
import type { Item, Shape } from '../values/types.ts'

/**
 * Rows as RETURNING shows them: what the statement has put there need not be what was stored. With `SET ssn = 'guess' …
 * RETURNING ssn = (SELECT ssn …)` an equality of two PHI columns would be one with a guess.
 */
export function writtenRows(items: readonly Item[]): readonly Item[] {
  return items.map((item) => ({ ...item, shape: written(item.shape) }))
}

function written({ columns, open }: Shape): Shape {
  return {
    columns: columns.map((column) => ({
      ...storedColumn(column.name, { ...column.value, exact: null }),
      sources: [column],
    })),
    open,
  }
}
