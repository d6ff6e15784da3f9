import type { Node, RangeVar } from '@pgsql/types'
import type { CatalogRelation } from '../catalog.ts'
import type { RelationUse } from '../facts.ts'
import { storedColumn } from './column.ts'
import { item, unknownShape } from './from-item.ts'
import { qualified, resolveRelation } from './resolve-relation.ts'
import type { FlowState } from './state.ts'
import type { Item, Shape, Value } from './types.ts'

/** The relation that a statement writes to. */
export class WriteTarget {
  readonly item: Item
  /** Null when the name is not known or must not be written; that is a hazard. */
  readonly relation: CatalogRelation | null
  readonly #state: FlowState
  readonly #name: string

  constructor(name: RangeVar | undefined, state: FlowState) {
    this.#state = state
    const resolved = resolveRelation(name ?? {}, state.context)
    this.relation = resolved.kind === 'known' ? resolved.relation : null
    this.#name = this.relation === null ? (name?.relname ?? '') : qualified(this.relation)
    if (this.relation === null) {
      const known = resolved.kind === 'system' || resolved.kind === 'refused'
      state.hazard(known ? 'relation-not-allowed' : 'relation-unresolved', this.#name)
    }
    if (this.relation?.hasRules === true) state.hazard('code-not-analysed', `rules of ${this.#name}`)
    const table = name?.alias === undefined && this.relation !== null ? this.relation : null
    this.item = item(name?.alias ?? { aliasname: name?.relname ?? '' }, this.#shape(), { table })
  }

  uses(action: RelationUse['action'], columns: readonly string[] | '*'): void {
    if (this.relation !== null) this.#state.uses(this.relation, action, columns)
    else this.#state.usesName(null, this.#name, action)
  }

  /** Notes that rows of the target are looked at, too. */
  reads(): void {
    if (this.relation !== null) this.#state.uses(this.relation, 'read', [])
  }

  /** A value that is stored in a column. PHI may only go where PHI is labelled. */
  assign(column: string, value: Value): void {
    if (value.tainted && !this.#isLabelled(column)) this.#state.hazard('phi-copied', `${this.#name}.${column}`)
  }

  /** Rows whose number tells PHI. */
  assignRows(): void {
    this.#state.hazard('phi-copied', this.#name)
  }

  /** All names, in order; empty when the relation is not known. */
  get columns(): readonly string[] {
    return this.relation?.columns.map(({ name }) => name) ?? []
  }

  /** The rows before and after, as RETURNING names them since PostgreSQL 18. */
  versions(options: readonly Node[] | undefined): readonly Item[] {
    const names = new Map([
      ['RETURNING_OPTION_OLD', 'old'],
      ['RETURNING_OPTION_NEW', 'new'],
    ])
    for (const option of options ?? []) {
      if ('ReturningOption' in option)
        names.set(option.ReturningOption.option ?? '', option.ReturningOption.value ?? '')
    }
    return [...names.values()].map((aliasname) => item({ aliasname }, this.item.shape, { columnsVisible: false }))
  }

  /** A view passes values on to other columns, so its own labels, which cover all of them, do not count. */
  #isLabelled(column: string): boolean {
    if (this.relation === null || this.relation.kind === 'v') return false
    const { oid, columns } = this.relation
    const attnum = columns.find(({ name }) => name === column)?.attnum
    return attnum !== undefined && this.#state.context.phi.phiColumns.has(`${oid}.${attnum}`)
  }

  #shape(): Shape {
    if (this.relation === null) return unknownShape()
    const { oid } = this.relation
    const { phiColumns } = this.#state.context.phi
    const columns = this.relation.columns.map(({ attnum, name }) =>
      storedColumn(name, {
        tainted: phiColumns.has(`${oid}.${attnum}`),
        origin: { oid, attnum, name },
        reported: true,
      }),
    )
    return { columns, open: null }
  }
}
