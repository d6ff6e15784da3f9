import type { Node, RangeVar } from '@pgsql/types'
import type { CatalogRelation } from '../../catalog.ts'
import type { RelationUse, StoredColumn } from '../../facts.ts'
import { classesOf, labelOf } from '../values/document.ts'
import { item, unknownShape } from '../from/from-item.ts'
import { isView } from '../phi-view.ts'
import { qualified } from '../from/resolve-relation.ts'
import type { ProtectedTarget } from '../sites/assigned-constants.ts'
import { storedClass, takesStandIns } from '../sites/protected-column.ts'
import { wantStored } from '../sites/stand-in-value.ts'
import type { FlowState } from '../state.ts'
import { coversClasses } from '../values/taint.ts'
import type { Item, Shape, Value } from '../values/types.ts'
import { relationRows } from '../definitions/view-definition.ts'

/** The relation that a statement writes to. */
export class WriteTarget {
  readonly item: Item
  /** Null when the name is not known or must not be written; that is a hazard. */
  readonly relation: CatalogRelation | null
  readonly #state: FlowState
  readonly #name: string

  constructor(name: RangeVar | undefined, state: FlowState) {
    this.#state = state
    const resolved = state.resolve(name ?? {})
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
    if (this.relation !== null) this.#state.uses(this.relation, 'read', isView(this.relation) ? '*' : [])
  }

  /**
   * A value that is stored in a column. PHI may only go where it is masked as before, or whole for the same class. `isWhole`:
   * the column gets nothing else.
   */
  assign(column: string, value: Value, isWhole: boolean): void {
    if (value.tainted && !this.#masks(column, value)) this.#state.hazard('phi-copied', `${this.#name}.${column}`)
    const target = this.#state.sites === null ? null : this.protectedColumn(column)
    if (target === null) return
    if (value.tainted) this.#state.sites?.columns.stores(value)
    const own = this.item.shape.columns.find(({ name }) => name === column)?.value
    if (isWhole && own !== undefined) wantStored(value, target, own, this.#state)
  }

  /** A column that keeps PHI, as far as its constants matter; null for one that is free of it. Views store it elsewhere. */
  protectedColumn(name: string): ProtectedTarget | null {
    const column = this.relation?.columns.find((one) => one.name === name)
    if (this.relation === null || column === undefined) return null
    const { phi } = this.#state.context
    const { oid } = this.relation
    const { attnum, typeOid } = column
    const own: StoredColumn = { kind: 'column', oid, attnum, typeOid, path: [] }
    if (!isView(this.relation)) {
      if (!phi.phiColumns.has(`${oid}.${attnum}`)) return null
      return { column: own, class: storedClass(own, phi), takesStandIns: takesStandIns(own, phi) }
    }
    const value = this.item.shape.columns.find((one) => one.name === name)?.value
    if (value?.tainted !== true) return null
    const stored = value.exact ?? own
    return { column: stored, class: storedClass(stored, phi), takesStandIns: false }
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

  /**
   * Whether PHI in a column is masked as it was. A part of a number in a column whose replacement tells the first digits would be told by
   * it, and so would a name where a document is free of PHI. A view passes values on to other columns, so its own
   * labels do not count.
   */
  #masks(column: string, { classes, shape }: Value): boolean {
    if (this.relation === null || this.relation.kind === 'v') return false
    const { phi } = this.#state.context
    const { oid, columns } = this.relation
    const attnum = columns.find(({ name }) => name === column)?.attnum
    if (attnum === undefined || !phi.phiColumns.has(`${oid}.${attnum}`)) return false
    const label = labelOf({ oid, attnum }, phi)
    if (shape.kind === 'column' && shape.path.length === 0 && labelOf(shape, phi) === label) {
      // Of unlabelled columns, and of documents, only the same are alike.
      if (label !== undefined && label.document === undefined) return true
      if (shape.oid === oid && shape.attnum === attnum) return true
    }
    if (label?.document !== undefined) return false
    if (label !== undefined && label.releases.kind !== 'nothing') return false
    return coversClasses({ classes: new Set(classesOf(label)), columns: new Set() }, { classes, columns: new Set() })
  }

  #shape(): Shape {
    if (this.relation === null) return unknownShape()
    return relationRows(this.relation, this.#state).shape
  }
}
