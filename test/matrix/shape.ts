import type { Column } from './columns.ts'

/** A way to write a statement that shows a column: an expression over a row, or a whole query. */
export interface Shape {
  readonly id: string
  /** Whether it has to be masked, and may not be refused. */
  readonly masked: boolean
  readonly fits: (column: Column) => boolean
  readonly text: Text
  /** How the value can be read from what the statement shows, where the detector does not know it by itself. */
  readonly decode?: (text: string) => string
  /** The result has no type that a table could be made of. */
  readonly pseudoType?: true
  /** The result can be read in text format only: computed numbers, parts of times. */
  readonly textOnly?: true
}

export type Text =
  /** `ref` is the column, `row` the row it is in: `p.c_text` and `p`. */
  | { readonly kind: 'value'; readonly sql: (ref: string, row: string, column: Column) => string }
  | { readonly kind: 'query'; readonly sql: (column: Column) => string }

/** The query of a shape over `matrix.person`. */
export const queryOf = (shape: Shape, column: Column): string =>
  shape.text.kind === 'query'
    ? shape.text.sql(column)
    : `select ${shape.text.sql(`p.${column.name}`, 'p', column)} from matrix.person p order by p.id`

/** Types that stand for all where a shape works on the text of a value anyway. */
const FEW: ReadonlySet<string> = new Set(['c_text', 'c_char', 'c_int4', 'c_uuid', 'c_jsonb', 'c_unlabelled', 'c_texts'])

export const any = (): boolean => true
export const few = ({ name }: Column): boolean => FEW.has(name)
export const only =
  (...names: readonly string[]) =>
  ({ name }: Column): boolean =>
    names.includes(name.slice('c_'.length))

type Fits = Shape['fits']
type ValueSql = (ref: string, row: string, column: Column) => string
type QuerySql = (column: string, all: Column) => string
type More = Partial<Pick<Shape, 'decode' | 'pseudoType' | 'textOnly'>>

export const value = (id: string, fits: Fits, sql: ValueSql, more: More = {}): Shape => ({
  id,
  fits,
  masked: false,
  text: { kind: 'value', sql },
  ...more,
})

export const query = (id: string, fits: Fits, sql: QuerySql, more: More = {}): Shape => ({
  id,
  fits,
  masked: false,
  text: { kind: 'query', sql: (column) => sql(column.name, column) },
  ...more,
})

/** The same, of what has to be masked rather than refused. */
export const maskedValue = (...args: Parameters<typeof value>): Shape => ({ ...value(...args), masked: true })
export const maskedQuery = (...args: Parameters<typeof query>): Shape => ({ ...query(...args), masked: true })
