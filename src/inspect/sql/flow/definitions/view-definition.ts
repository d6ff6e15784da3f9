import type { CatalogColumn, CatalogRelation } from '../../catalog.ts'
import type { CatalogUse } from '../../facts.ts'
import type { AnalysisContext } from '../context.ts'
import { type Derived, derivedShape, storedColumn, valueOf } from '../values/column.ts'
import { viewQuery } from './definition-text.ts'
import { isView } from '../phi-view.ts'
import { query } from '../statements/query.ts'
import { FlowState } from '../state.ts'
import { labelledValue, storedColumns } from '../values/stored-value.ts'
import type { Taint } from '../values/taint.ts'
import { CLEAN, type Shape, TAINTED, type Value } from '../values/types.ts'
import { detached } from '../values/value.ts'

/** What a relation has to offer to a query. */
export interface RelationRows {
  readonly shape: Shape
  /** Set when the number of its rows may tell PHI. */
  readonly multiplied: Taint | null
}

/** What the query of a view says of its columns. Kept as long as the catalog is in use. */
export interface ViewResult {
  readonly columns: readonly Derived[]
  readonly multiplied: Taint | null
  readonly phiReachable: boolean
  /** See `FlowState.plansWithPhi`. */
  readonly plansWithPhi: boolean
  readonly lookups: CatalogUse
}

/** Notes that a relation is read, and gives its rows. */
export function readRelation(relation: CatalogRelation, state: FlowState): RelationRows {
  const rows = relationRows(relation, state)
  // Columns with an origin count when they are referred to; see `FlowState.reads`.
  const always = rows.shape.columns.filter(({ value }) => value.origin === null).map(({ name }) => name)
  state.uses(relation, 'read', always)
  return rows
}

/**
 * The columns of a relation. Those of a view are what its definition makes of the columns below it. Its conditions are the
 * owner's: they tie its columns to PHI, but are no questions of the one who reads it; and what is not known to be safe in it
 * spoils its columns, but is no hazard of the statement. Labels of its columns come first.
 */
export function relationRows(relation: CatalogRelation, state: FlowState): RelationRows {
  if (!isView(relation)) {
    return { shape: { columns: storedColumns(relation, state.context.phi), open: null }, multiplied: null }
  }
  const result = resultOf(relation, state.context)
  if (result.phiReachable) state.readsPhi(relation)
  state.plansWithPhi ||= result.plansWithPhi
  state.lookups.add(result.lookups)
  const columns = relation.columns.map((column, i): Derived => {
    const { value, inputs } = result.columns[i] ?? { value: TAINTED }
    const labelled = ownLabel(relation, column, state) ?? definedValue(relation, column, value, state)
    return { name: column.name, value: labelled, ...(inputs === undefined ? {} : { inputs }) }
  })
  return { shape: derivedShape(columns), multiplied: result.multiplied }
}

/** A label of the view's own says what its column holds, as that of a stored column does. */
function ownLabel(view: CatalogRelation, column: CatalogColumn, { context }: FlowState): Value | null {
  const key = `${view.oid}.${column.attnum}`
  const label = context.phi.labelledViewColumns.get(key)
  if (label === undefined) return null
  const reference = { origin: { oid: view.oid, attnum: column.attnum, name: column.name }, reported: true }
  if (label === 'clear') return { ...CLEAN, ...reference }
  return { ...labelledValue(view, column, context.phi), ...reference }
}

/** The server reports the view, which says nothing of where its values come from. */
function definedValue(view: CatalogRelation, column: CatalogColumn, value: Value, { context }: FlowState): Value {
  const { oid } = view
  if (context.phi.phiColumns.has(`${oid}.${column.attnum}`)) return TAINTED
  // Only of what is not computed: conditions on what is computed say something of what it is computed from.
  const isCopy = value.exact !== null || (!value.tainted && value.origin !== null)
  return { ...copied(value), origin: isCopy ? { oid, attnum: column.attnum, name: column.name } : null }
}

/** The same value with columns of its own, because a statement marks the columns of rows that it takes apart. */
function copied(value: Value): Value {
  const { row } = value
  if (row === undefined) return value
  const open = row.open === null ? null : storedColumn('*', valueOf(row.open))
  const columns = row.columns.map((column) => storedColumn(column.name, copied(valueOf(column))))
  return { ...value, row: { ...row, columns, open } }
}

function resultOf(view: CatalogRelation, context: AnalysisContext): ViewResult {
  const { definitions, setPath } = context
  const key = `${view.oid} ${JSON.stringify(setPath)}`
  const known = definitions.views.get(key)
  if (known !== undefined) return known
  // What a view sees of itself, if there could be such a thing.
  definitions.views.set(key, UNKNOWN)
  let result: ViewResult | null = null
  try {
    result = evaluated(view, definitions.context([], setPath))
    return result
  } finally {
    if (result === null) definitions.views.delete(key)
    else definitions.views.set(key, result)
  }
}

const UNKNOWN: ViewResult = {
  columns: [],
  multiplied: null,
  phiReachable: true,
  plansWithPhi: true,
  lookups: { relations: [], names: [], functions: [], operators: [] },
}

function evaluated(view: CatalogRelation, context: AnalysisContext): ViewResult {
  const definition = viewQuery(view)
  if (definition === null) return unreadable(view, context)
  const state = new FlowState(context)
  const { shape, multiplied } = query(definition, { state, scope: null, tables: null, query })
  state.finish()
  const { phiReachable, plansWithPhi } = state
  const lookups = state.lookups.use
  const isKnown = state.hazards.length === 0 && shape.open === null && shape.columns.length === view.columns.length
  if (!isKnown) return { ...UNKNOWN, multiplied, lookups }
  const columns = shape.columns.map((column) => {
    const value = valueOf(column)
    return { name: column.name, value: { ...value, reported: false }, inputs: column.inputs }
  })
  return { columns, multiplied, phiReachable, plansWithPhi, lookups }
}

/** A view without a definition has no PHI unless something that it depends on has. */
function unreadable(view: CatalogRelation, { phi }: AnalysisContext): ViewResult {
  if (view.definition !== undefined && view.definition !== null) return UNKNOWN
  if (phi.phiRelations.has(view.oid)) return { ...UNKNOWN, plansWithPhi: view.callsUserFunctions }
  const columns = storedColumns(view, phi).map(({ name, value }) => ({ name, value: detached(value) }))
  return { ...UNKNOWN, columns, phiReachable: false, plansWithPhi: false }
}
