import type { Node, RangeVar } from '@pgsql/types'
import type { CatalogRelation } from '../catalog.ts'
import type { PatientConstant } from '../facts.ts'
import type { NameSource } from '../from-items.ts'
import type { AnalysisContext } from '../flow/context.ts'
import { viewQuery } from '../flow/definitions/definition-text.ts'
import { isView } from '../flow/phi-view.ts'
import { resolveRelation } from '../flow/from/resolve-relation.ts'
import type { KeyConstants } from './key-constants.ts'
import { keyFormOf } from './patient-keys.ts'
import { type Mention, RowColumn } from './row-graph.ts'
import type { Columns, NamedColumn } from './row-scope.ts'
import { type CommonRows, queryRows } from './query-rows.ts'
import { ShownRows } from './shown-rows.ts'

/** Levels of queries, those of views included: with more, nothing is said. */
const MAX_LEVELS = 400

/** How a relation is mentioned. */
export interface MentionUse {
  readonly isRead: boolean
  readonly isFiltered: boolean
}

/** What is found on the way through one statement. */
export class RowAnalysis {
  readonly context: AnalysisContext
  readonly names: NameSource
  readonly mentions: Mention[] = []
  readonly stored: (PatientConstant | undefined)[] = []
  readonly shown = new ShownRows()
  /** Set when something was met of which it is not known what it reads. */
  isUnclear = false
  /** Relations that need no mention: views that stand for their queries, and what rows are inserted into. */
  readonly known = new Set<number>()
  readonly #constants: KeyConstants
  readonly #views = new Set<number>()
  #levels = 0

  constructor(context: AnalysisContext, names: NameSource, constants: KeyConstants) {
    this.context = context
    this.names = names
    this.#constants = constants
  }

  /** The constants of the statement; null within a view, whose text is another one. */
  get constants(): KeyConstants | null {
    return this.#views.size === 0 ? this.#constants : null
  }

  isConstant(node: Node | undefined): boolean {
    return this.#constants.isConstant(node)
  }

  /** Whether another level may be looked at. */
  enter(): boolean {
    this.#levels += 1
    if (this.#levels <= MAX_LEVELS) return true
    this.isUnclear = true
    return false
  }

  /** The catalog's entry for a name that is no common table expression; null for system catalogs and what is not known. */
  relation(name: RangeVar): CatalogRelation | null {
    const found = resolveRelation(name, this.context)
    if (found.kind === 'known') return found.relation
    if (found.kind !== 'system') this.isUnclear = true
    return null
  }

  /** The rows of a relation or view. */
  relationRows(relation: CatalogRelation, use: MentionUse): Columns {
    if (relation.hasRules === true) this.isUnclear = true
    return this.#viewRows(relation) ?? this.mention(relation, use)
  }

  /** A relation by its own columns. */
  mention(relation: CatalogRelation, { isRead, isFiltered }: MentionUse): readonly NamedColumn[] {
    const { phi } = this.context
    const columns = relation.columns.map(({ name, typeOid }) => ({ name, column: new RowColumn(keyFormOf(typeOid)) }))
    const names = phi.patientKeys?.get(relation.oid)
    const keys = columns.flatMap(({ name, column }) => (names?.has(name) === true ? [column] : []))
    this.mentions.push({
      oid: relation.oid,
      keys: names === undefined ? undefined : keys.length < names.size ? [] : keys,
      columns: columns.map(({ column }) => column),
      hasPhi: phi.phiRelations.has(relation.oid),
      isRead,
      isShown: isRead && this.shown.isShown,
      isFiltered,
    })
    return columns
  }

  /** A view stands for its query, unless a key of its own is configured. */
  #viewRows(relation: CatalogRelation): Columns | undefined {
    if (!isView(relation) || this.context.phi.patientKeys?.has(relation.oid) === true) return undefined
    if (relation.callsUserFunctions) this.isUnclear = true
    const { oid } = relation
    const query = this.#views.has(oid) ? null : viewQuery(relation)
    if (query === null) return undefined
    this.#views.add(oid)
    this.known.add(oid)
    try {
      const { columns, isCut } = queryRows(query, { analysis: this, outer: null, tables: NO_TABLES })
      // A view has no more columns than its query, and no others.
      if (columns === null || columns.length !== relation.columns.length) return null
      return relation.columns.map(({ name }, i) => ({ name, column: isCut ? null : (columns[i]?.column ?? null) }))
    } finally {
      this.#views.delete(oid)
    }
  }
}

const NO_TABLES: ReadonlyMap<string, CommonRows> = new Map()
