import type { DeclareCursorStmt, FuncCall, Node, VariableShowStmt } from '@pgsql/types'
import type { ConstantPlaces } from '../constant-places.ts'
import type {
  CatalogUse,
  ConstantSite,
  CopyFormat,
  CopyIn,
  Hazard,
  OutputTaint,
  PhiQuestion,
  RelationUse,
} from '../facts.ts'
import type { AnalysisContext } from './context.ts'
import { copyFormat } from './statements/copy-format.ts'
import { copyStatement } from './statements/copy.ts'
import { explainStatement } from './statements/explain.ts'
import { dropped } from './expressions/expression.ts'
import { functionCall } from './expressions/function-call.ts'
import { withGroupAggregates } from './expressions/group-aggregate.ts'
import { checkNewTable } from './statements/new-table.ts'
import { cleanOutputs, describedOutputs, type Outputs, UNPROVEN_OUTPUT } from './statements/outputs.ts'
import type { Place, Surroundings } from './place.ts'
import { outermostQuery, query } from './statements/query.ts'
import { HARMLESS_SETTINGS } from './known/safe-settings.ts'
import { intoClause } from './statements/select.ts'
import { type Excluded, SiteList } from './sites/site-list.ts'
import type { StandInColumnList, StandInColumns } from './sites/stand-in-columns.ts'
import { FlowState } from './state.ts'
import { newSink } from './values/types.ts'
import { utilityStatement } from './statements/utility.ts'

/** Where data could go in one statement. */
export interface Flow {
  /**
   * What is known of each output column. For DECLARE CURSOR and PREPARE those of the query inside, which FETCH and EXECUTE
   * will return; for COPY … TO those that are copied; empty when there is no result.
   */
  readonly outputs: readonly OutputTaint[] | 'unknown'
  readonly relations: readonly RelationUse[]
  /** Sorted, without duplicates; as written, `name` or `schema.name`. */
  readonly functions: readonly string[]
  readonly hazards: readonly Hazard[]
  /** Whether a relation with PHI is used, or something unresolved or not known to be safe. */
  readonly phiReachable: boolean
  readonly questions: readonly PhiQuestion[]
  readonly catalogUse: CatalogUse
  /** For COPY … TO STDOUT. */
  readonly copy?: CopyFormat
  /** For COPY … FROM STDIN into a relation with PHI. */
  readonly copyIn?: CopyIn
  /** Constants that meet protected columns; absent when there are none. */
  readonly sites?: readonly ConstantSite[]
  /** Calls of the user's functions that are known by their bodies, and only read. */
  readonly knownCalls: ReadonlySet<FuncCall>
}

/**
 * Resolves the names of a statement as the server would and follows PHI from the columns that it is stored in to the columns
 * that come out. Pure, and sound before precise: what cannot be proven counts as PHI. Throws RangeError for a tree that is
 * too deep; the caller refuses the statement. Without `places` no constant of it may be replaced.
 */
export function analyseFlow(statement: Node, context: AnalysisContext, places: ConstantPlaces | null = null): Flow {
  const own = placesIn(statement, places)
  if (own === null) return flowOf(statement, context, null)
  const plain = stableFlow(statement, context, own, new Map())
  let found = plain
  for (let round = 0; found.columns.isStale && round < MAX_ROUNDS; round += 1) {
    found = stableFlow(statement, context, own, found.columns.wanted)
  }
  return !found.columns.isStale && asksNoMore(found.flow, plain.flow) ? found.flow : plain.flow
}

/** What is left out, or taken for PHI, in one round can show more of it in the next. */
const MAX_ROUNDS = 3

interface Found {
  readonly flow: Flow
  readonly columns: StandInColumnList
}

/** The flow without the constants that are misused. */
function stableFlow(statement: Node, context: AnalysisContext, places: ConstantPlaces, columns: StandInColumns): Found {
  let excluded: Excluded = new Set()
  for (let round = 0; ; round += 1) {
    const sites = new SiteList(places, excluded, columns)
    const flow = flowOf(statement, context, sites)
    const misused = sites.misused(statement)
    if (excluded === 'all' || misused.size === 0) return { flow, columns: sites.columns }
    excluded = round < MAX_ROUNDS ? new Set([...excluded, ...misused]) : 'all'
  }
}

/** Whether constants that are taken for PHI make nothing of a statement that it would not do otherwise. */
function asksNoMore(flow: Flow, plain: Flow): boolean {
  const objections = new Set(objectionsTo(plain))
  return objectionsTo(flow).every((one) => objections.has(one))
}

function objectionsTo({ hazards, questions }: Flow): readonly string[] {
  return [...hazards, ...questions.filter(({ released }) => !released)].map((one) => JSON.stringify(one))
}

function flowOf(statement: Node, context: AnalysisContext, sites: SiteList | null): Flow {
  const state = new FlowState(context, null, null, sites)
  const outputs = statementOutputs(statement, { state, scope: null, tables: null, query })
  state.finish()
  const copy = 'CopyStmt' in statement ? copyFormat(statement.CopyStmt) : null
  const found = sites?.sitesIn(statement) ?? []
  return {
    outputs,
    relations: state.relations,
    functions: state.functions,
    hazards: state.hazards,
    phiReachable: state.phiReachable,
    questions: state.questions,
    catalogUse: state.lookups.use,
    ...(copy === null ? {} : { copy }),
    ...(state.copyIn === null ? {} : { copyIn: state.copyIn }),
    ...(found.length === 0 ? {} : { sites: found }),
    knownCalls: state.knownCalls,
  }
}

/**
 * The places of a statement whose constants nobody but the server sees again: not of one that explains or defines, because plans
 * and definitions show them, nor of COPY FROM, which compares what the client sends. The parameters of PREPARE are its own.
 */
function placesIn(statement: Node, places: ConstantPlaces | null): ConstantPlaces | null {
  if ('RawStmt' in statement)
    return statement.RawStmt.stmt === undefined ? null : placesIn(statement.RawStmt.stmt, places)
  if ('PrepareStmt' in statement) {
    const { query: prepared } = statement.PrepareStmt
    return prepared === undefined ? null : (placesIn(prepared, places)?.withoutParameters() ?? null)
  }
  if ('DeclareCursorStmt' in statement) {
    const { query: declared } = statement.DeclareCursorStmt
    return declared === undefined ? null : placesIn(declared, places)
  }
  if ('CopyStmt' in statement) return statement.CopyStmt.is_from === true ? null : places
  return QUERIES.some((name) => name in statement) ? places : null
}

const QUERIES = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']

function statementOutputs(node: Node, around: Surroundings): Outputs {
  if ('RawStmt' in node) return node.RawStmt.stmt === undefined ? [] : statementOutputs(node.RawStmt.stmt, around)
  if ('SelectStmt' in node) {
    const { shape } = outermostQuery(node, around)
    if (intoClause(node.SelectStmt) !== undefined) return []
    return withGroupAggregates(node.SelectStmt, shape, describedOutputs(shape), around.state)
  }
  if ('InsertStmt' in node || 'UpdateStmt' in node || 'DeleteStmt' in node || 'MergeStmt' in node) {
    return describedOutputs(outermostQuery(node, around).shape)
  }
  if ('ExplainStmt' in node) return explainStatement(node.ExplainStmt, around, statementOutputs)
  if ('CopyStmt' in node) return copyStatement(node.CopyStmt, around)
  if ('CreateTableAsStmt' in node)
    return newTable(node.CreateTableAsStmt.into?.rel, node.CreateTableAsStmt.query, around)
  if ('ViewStmt' in node) return newTable(node.ViewStmt.view, node.ViewStmt.query, around)
  if ('DeclareCursorStmt' in node) return cursor(node.DeclareCursorStmt, around)
  if ('PrepareStmt' in node) {
    return node.PrepareStmt.query === undefined ? [] : statementOutputs(node.PrepareStmt.query, around)
  }
  if ('ExecuteStmt' in node) {
    // What is done with the arguments is not known here.
    around.state.looksIntoBodies = false
    dropped(node.ExecuteStmt.params, nowhere(around))
    return unknown(around)
  }
  if ('FetchStmt' in node) return node.FetchStmt.ismove === true ? [] : unknown(around)
  if ('VariableShowStmt' in node) return show(node.VariableShowStmt, around)
  if ('CallStmt' in node) {
    around.state.looksIntoBodies = false
    if (node.CallStmt.funccall !== undefined) functionCall(node.CallStmt.funccall, nowhere(around))
    return unknown(around)
  }
  if ('CreateSchemaStmt' in node) {
    for (const element of node.CreateSchemaStmt.schemaElts ?? []) statementOutputs(element, around)
    return []
  }
  utilityStatement(node, around)
  return []
}

function newTable(
  name: Parameters<typeof checkNewTable>[0],
  definition: Node | undefined,
  around: Surroundings,
): Outputs {
  if (definition === undefined) return []
  // EXECUTE: what the prepared statement returns is not known here, so `query` makes it a hazard.
  checkNewTable(name, outermostQuery(definition, around), around.state)
  return []
}

function cursor(node: DeclareCursorStmt, around: Surroundings): Outputs {
  return node.query === undefined ? [] : describedOutputs(outermostQuery(node.query, around).shape)
}

function unknown({ state }: Surroundings): Outputs {
  state.reach()
  return 'unknown'
}

/** SHOW ALL has three columns: name, setting, description; it shows what pg_settings shows. */
function show(node: VariableShowStmt, { state }: Surroundings): Outputs {
  const name = node.name?.toLowerCase() ?? ''
  if (name === 'all') return cleanOutputs(3)
  if (HARMLESS_SETTINGS.has(name)) return cleanOutputs(1)
  state.reach()
  return UNPROVEN_OUTPUT
}

function nowhere(around: Surroundings): Place {
  return { ...around, scope: { items: [], parent: null, depth: 0 }, sink: newSink(), windows: new Map() }
}
