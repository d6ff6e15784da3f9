import type { CommonTableExpr, Node, SelectStmt, WithClause } from '@pgsql/types'
import { nameParts } from '../syntax-tree.ts'
import { derivedShape, renamed, shapeIsTainted } from './column.ts'
import type { Surroundings } from './place.ts'
import { type CommonTable, type CommonTables, type QueryResult, type Shape, TAINTED } from './types.ts'

/**
 * The common table expressions of a WITH list. They are evaluated on first use and at the latest by `finish`, because those
 * that nobody refers to run too when they change data.
 */
export class CommonTableList implements CommonTables {
  readonly entries = new Map<string, CommonTable>()
  readonly parent: CommonTables | null
  readonly #all: CommonTable[] = []

  constructor(clause: WithClause, around: Surroundings) {
    this.parent = around.tables
    let before: CommonTables | null = around.tables
    for (const node of clause.ctes ?? []) {
      if (!('CommonTableExpr' in node)) continue
      const definition = node.CommonTableExpr
      const name = definition.ctename ?? ''
      // With RECURSIVE each one sees all, itself included; otherwise those before it.
      const recursive = clause.recursive === true
      const table = new LazyTable(definition, { ...around, tables: recursive ? this : before }, recursive)
      this.entries.set(name, table)
      this.#all.push(table)
      before = { entries: new Map([[name, table]]), parent: before }
    }
  }

  finish(): void {
    for (const table of this.#all) table.resolve()
  }
}

class LazyTable implements CommonTable {
  readonly #definition: CommonTableExpr
  readonly #around: Surroundings
  readonly #recursive: boolean
  #result: QueryResult | null = null
  /** What a reference to itself sees while it is being evaluated. */
  #self: QueryResult | null = null
  #refersToItself = false
  #phiTouched = false

  constructor(definition: CommonTableExpr, around: Surroundings, recursive: boolean) {
    this.#definition = definition
    this.#around = around
    this.#recursive = recursive
  }

  resolve(): { readonly result: QueryResult; readonly recursive: boolean } {
    if (this.#self !== null) {
      this.#refersToItself = true
      return { result: this.#self, recursive: true }
    }
    const { state } = this.#around
    if (this.#result === null) {
      const before = state.phiTouched
      state.phiTouched = false
      this.#result = this.#evaluate()
      this.#phiTouched = state.phiTouched
      state.phiTouched = before
    }
    if (this.#phiTouched) state.phiTouched = true
    return { result: this.#result, recursive: this.#refersToItself }
  }

  #evaluate(): QueryResult {
    const query = this.#definition.ctequery
    if (query === undefined) return this.#named(unknown())
    const union = 'SelectStmt' in query ? query.SelectStmt : undefined
    const start: Node | null = this.#recursive && union?.op === 'SETOP_UNION' ? startOf(union) : null
    // A reference to itself in the first branch is an error of the statement; it must not end in a loop here.
    this.#self = this.#named(unknown())
    if (start !== null) this.#self = this.#named(this.#around.query(start, this.#withOwnTables(union)))
    const result = this.#around.query(query, this.#around)
    this.#self = null
    if (!this.#refersToItself) return this.#named(result)
    // PHI could go from any column to any other, row by row, and decide how many rows there are.
    const touched = this.#around.state.phiTouched || result.control || shapeIsTainted(result.shape)
    return this.#named(touched ? { ...result, shape: tainted(result.shape), multiplied: true } : result)
  }

  /** The first branch sees the WITH list of the union, too. */
  #withOwnTables(union: SelectStmt | undefined): Surroundings {
    if (union?.withClause === undefined) return this.#around
    return { ...this.#around, tables: new CommonTableList(union.withClause, this.#around) }
  }

  #named(result: QueryResult): QueryResult {
    const { aliascolnames, search_clause: search, cycle_clause: cycle } = this.#definition
    const shape = renamed(result.shape, nameParts(aliascolnames))
    const added = [search?.search_seq_column, cycle?.cycle_mark_column, cycle?.cycle_path_column]
    const names = added.filter((name) => name !== undefined)
    if (names.length === 0) return { ...result, shape }
    // These hold the values of other columns, or tell whether they repeat.
    const value = { tainted: shapeIsTainted(shape), origin: null, reported: false }
    return {
      ...result,
      shape: { ...shape, columns: [...shape.columns, ...derivedShape(names.map((name) => ({ name, value }))).columns] },
    }
  }
}

function startOf(union: SelectStmt): Node | null {
  return union.larg === undefined ? null : { SelectStmt: union.larg }
}

function unknown(): QueryResult {
  return { shape: derivedShape([], TAINTED), control: false, reach: Number.POSITIVE_INFINITY, multiplied: false }
}

function tainted({ columns, open }: Shape): Shape {
  return derivedShape(
    columns.map(({ name }) => ({ name, value: TAINTED })),
    open === null ? null : TAINTED,
  )
}
