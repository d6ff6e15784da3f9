import type { CommonTableExpr, Node, SelectStmt, WithClause } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { derivedShape, renamed, taintedColumns, valueOf } from '../values/column.ts'
import type { Surroundings } from '../place.ts'
import { either } from '../values/taint.ts'
import {
  type CommonTable,
  type CommonTables,
  type QueryResult,
  type Shape,
  TAINTED,
  type Value,
} from '../values/types.ts'
import { taintedBy, worst } from '../values/value.ts'

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
    this.#result ??= this.#evaluate()
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
    const result = this.#untilStable(query)
    this.#self = null
    return this.#named(result)
  }

  /** PHI can go from column to column with every round, until nothing new comes in. */
  #untilStable(query: Node): QueryResult {
    let result = this.#around.query(query, this.#around)
    if (!this.#refersToItself) return result
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const before = this.#self
      this.#self = this.#named(result)
      if (before !== null && isSame(before.shape, this.#self.shape)) return counted(result)
      result = this.#around.query(query, this.#around)
    }
    return { ...result, shape: everywhere(result.shape, TAINTED), multiplied: TAINTED }
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
    const value = worst(taintedColumns(shape))
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
  return { shape: derivedShape([], TAINTED), control: null, reach: Number.POSITIVE_INFINITY, multiplied: null }
}

const MAX_ROUNDS = 4

/** Whether both hold the same PHI in the same places. */
function isSame(a: Shape, b: Shape): boolean {
  return JSON.stringify(content(a)) === JSON.stringify(content(b))
}

function content({ columns, open }: Shape): readonly unknown[] {
  return [...columns, ...(open === null ? [] : [open])].map((column) => {
    const { classes, exact, shape, tainted } = valueOf(column)
    return [column === open, tainted, [...classes].toSorted(), exact, shape]
  })
}

/** Where PHI decides how often the query runs, every column that counts along tells it. */
function counted(result: QueryResult): QueryResult {
  if (result.control === null) return result
  const control = taintedBy(result.control)
  return { ...result, shape: everywhere(result.shape, control), multiplied: either(result.multiplied, result.control) }
}

function everywhere({ columns, open }: Shape, value: Value): Shape {
  return derivedShape(
    columns.map((column) => ({ name: column.name, value: worst([valueOf(column), value]) })),
    open === null ? null : worst([valueOf(open), value]),
  )
}
