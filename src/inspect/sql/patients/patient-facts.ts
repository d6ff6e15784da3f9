import type { Node } from '@pgsql/types'
import type { ConstantPlaces } from '../constant-places.ts'
import type { CatalogUse, Effect, Hazard, PatientConstant, PatientUse, Reading, RowsInOne } from '../facts.ts'
import type { NameSource } from '../from-items.ts'
import type { AnalysisContext } from '../flow/context.ts'
import { bodyOf, unwrap, walkSyntax } from '../syntax-tree.ts'
import { KeyConstants } from './key-constants.ts'
import { isPage, limitOf } from './paging.ts'
import { type Around, queryRows } from './query-rows.ts'
import { RowAnalysis } from './row-analysis.ts'
import { type Mention, reachedFrom } from './row-graph.ts'
import type { Columns } from './row-scope.ts'

export interface PatientFacts {
  readonly reading?: Reading
  readonly patients?: PatientUse
  readonly rowsInOne?: RowsInOne
}

/** What other analysis has found: a second witness to what is read. */
export interface Witness {
  readonly catalogUse: CatalogUse
  readonly hazards: readonly Hazard[]
  readonly effects: ReadonlySet<Effect>
}

/** Hazards that do not say what is read; the others say where it goes. */
const SAYS_ENOUGH: ReadonlySet<Hazard['kind']> = new Set([
  'phi-copied',
  'phi-in-utility',
  'setting-pinned',
  'setting-required',
])

/** How much of what is PHI a statement reads, and of whom. Facts do not depend on the values of constants. */
export function patientFacts(
  statement: Node,
  context: AnalysisContext,
  names: NameSource,
  places: ConstantPlaces | null,
  witness: Witness,
): PatientFacts {
  const { phiRelations, patientKeys } = context.phi
  const concerns = (oid: number): boolean => phiRelations.has(oid) || patientKeys?.has(oid) === true
  if (!witness.catalogUse.relations.some(concerns)) return {}
  const isPrepared = unwrap(statement).name === 'PrepareStmt'
  const constants = new KeyConstants(isPrepared ? (places?.withoutParameters() ?? null) : places)
  const analysis = new RowAnalysis(context, names, constants)
  const inner = queryIn(statement)
  const columns = inner === null ? null : outermost(inner, { analysis, outer: null, tables: new Map() })
  const mentioned = new Set([...analysis.mentions.map(({ oid }) => oid), ...analysis.known])
  const unseen = witness.catalogUse.relations.filter((oid) => !mentioned.has(oid))
  const reading = readingOf(statement, analysis, unseen, witness)
  const patients = patientsOf(statement, analysis, columns, unseen, witness, constants)
  return {
    ...(reading === undefined ? {} : { reading }),
    ...(patients === undefined ? {} : { patients }),
    rowsInOne: rowsInOne(analysis, unseen.some(concerns) || !isClear(witness)),
  }
}

const isClear = ({ hazards }: Witness): boolean => hazards.every(({ kind }) => SAYS_ENOUGH.has(kind))

function rowsInOne({ mentions, shown, isUnclear }: RowAnalysis, isHidden: boolean): RowsInOne {
  if (shown.gathers || isUnclear || isHidden) return 'any'
  const rows = mentions.filter(({ isShown, hasPhi, keys }) => isShown && (hasPhi || keys !== undefined)).length
  return Math.max(1, rows + shown.picks)
}

/** The query of a statement that has one; COPY of a whole relation is one, too. */
function queryIn(statement: Node): Node | null {
  const { name } = unwrap(statement)
  if (QUERIES.has(name)) return statement
  const inner =
    bodyOf(statement, 'ExplainStmt')?.query ??
    bodyOf(statement, 'CopyStmt')?.query ??
    bodyOf(statement, 'PrepareStmt')?.query ??
    bodyOf(statement, 'DeclareCursorStmt')?.query ??
    bodyOf(statement, 'CreateTableAsStmt')?.query ??
    bodyOf(statement, 'ViewStmt')?.query
  if (inner !== undefined) return queryIn(inner)
  const copy = bodyOf(statement, 'CopyStmt')
  if (copy?.relation === undefined || copy.is_from === true) return null
  const all: Node = { ColumnRef: { fields: [{ A_Star: {} }] } }
  const listed = (copy.attlist ?? []).map((column): Node => ({ ColumnRef: { fields: [column] } }))
  const targetList = (listed.length > 0 ? listed : [all]).map((val): Node => ({ ResTarget: { val } }))
  return { SelectStmt: { targetList, fromClause: [{ RangeVar: copy.relation }], op: 'SETOP_NONE' } }
}

const QUERIES: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** Rows that are cut off at the end name their patients all the same. */
const outermost = (query: Node, around: Around): Columns => queryRows(query, around).columns

function readingOf(
  statement: Node,
  { context: { phi }, mentions }: RowAnalysis,
  unseen: readonly number[],
  { effects }: Witness,
): Reading | undefined {
  const read = mentions.filter(({ hasPhi, isRead }) => hasPhi && isRead)
  // What has no mention was read by code.
  const mayRead = effects.has('read') || effects.has('code')
  const isHidden = mayRead && unseen.some((oid) => phi.phiRelations.has(oid))
  if (read.length === 0 && !isHidden) return undefined
  const outer = bodyOf(queryIn(statement) ?? undefined, 'SelectStmt')
  const limit = outer === undefined ? undefined : limitOf(outer)
  const isStep = bodyOf(statement, 'DeclareCursorStmt') !== undefined || (outer !== undefined && isPage(outer))
  return {
    bound: isHidden ? 'all' : boundOf(mentions, read),
    ...(limit === undefined ? {} : { limit }),
    isPage: isStep,
  }
}

function boundOf(mentions: readonly Mention[], read: readonly Mention[]): Reading['bound'] {
  const compared = mentions.flatMap(({ columns }) => columns.filter(({ isCompared }) => isCompared))
  const keyed = reachedFrom(compared, mentions)
  if (read.every((mention) => keyed.has(mention))) return 'keyed'
  const filtered = mentions.filter(({ isFiltered }) => isFiltered).flatMap(({ columns }) => columns)
  const reached = reachedFrom([...compared, ...filtered], mentions)
  return read.every((mention) => reached.has(mention)) ? 'filtered' : 'all'
}

function patientsOf(
  statement: Node,
  analysis: RowAnalysis,
  columns: Columns,
  unseen: readonly number[],
  witness: Witness,
  constants: KeyConstants,
): PatientUse | undefined {
  const { phi } = analysis.context
  const keys = phi.patientKeys
  if (keys === undefined || keys.size === 0) return undefined
  const { mentions, stored } = analysis
  const hidden = unseen.filter((oid) => keys.has(oid) || phi.phiRelations.has(oid))
  const keyed = mentions.flatMap((mention) => (mention.keys === undefined ? [] : [mention.keys]))
  const copyIn = bodyOf(statement, 'CopyStmt')?.is_from === true
  if (keyed.length === 0 && stored.length === 0 && !unseen.some((oid) => keys.has(oid))) return undefined
  const isKnown = !analysis.isUnclear && hidden.length === 0 && !copyIn && isClear(witness)
  const isOnlyKey = onlyKeys(statement, constants)
  const bound = isKnown ? boundTo(keyed, isOnlyKey) : undefined
  const output = isKnown && keyed.length > 0 && columns !== null ? outputOf(columns, mentions) : -1
  const outputForm = columns?.[output]?.column?.form
  const hasUnkeyed = mentions.some((mention) => mention.keys === undefined && mention.hasPhi)
  return {
    ...(output === -1 ? {} : { output }),
    ...(outputForm === undefined ? {} : { outputForm }),
    ...(bound === undefined ? {} : { bound }),
    ...(copyIn ? { stored: [undefined] } : stored.length === 0 ? {} : { stored: storedAs(stored, isOnlyKey) }),
    ...(hasUnkeyed ? { hasUnkeyed } : {}),
  }
}

/** The constants that bind every key; undefined when one is not bound. */
function boundTo(
  keyed: readonly NonNullable<Mention['keys']>[],
  isOnlyKey: (one: PatientConstant) => boolean,
): readonly PatientConstant[] | undefined {
  const found = new Map<string, PatientConstant>()
  for (const keys of keyed) {
    if (keys.length === 0) return undefined
    for (const key of keys) {
      const own = key.constants()
      if (own === null || !own.every(isOnlyKey)) return undefined
      for (const one of own) found.set(JSON.stringify(one), one)
    }
  }
  return [...found.values()]
}

function storedAs(stored: RowAnalysis['stored'], isOnlyKey: (one: PatientConstant) => boolean): RowAnalysis['stored'] {
  return stored.map((one) => (one !== undefined && isOnlyKey(one) ? one : undefined))
}

/** How often each parameter stands in a statement. */
function parametersIn(statement: Node): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  walkSyntax(statement, (name, body) => {
    const number = name === 'ParamRef' ? body['number'] : undefined
    if (typeof number === 'number') counts.set(number, (counts.get(number) ?? 0) + 1)
    return true
  })
  return counts
}

/** A parameter that stands anywhere else may get its type there, and another value with it. */
function onlyKeys(statement: Node, constants: KeyConstants): (one: PatientConstant) => boolean {
  let counts: ReadonlyMap<number, number> | undefined
  return ({ at, form }) => {
    if (at.kind !== 'parameter') return true
    counts ??= parametersIn(statement)
    return counts.get(at.number) === constants.timesTaken(at.number, form)
  }
}

/** The first output that is a key which all others follow. */
function outputOf(columns: NonNullable<Columns>, mentions: readonly Mention[]): number {
  const keyed = mentions.flatMap(({ keys }) => (keys === undefined ? [] : [keys]))
  const isKey = new Set(keyed.flat())
  return columns.findIndex(({ column }) => {
    if (column === null || ![...column.exactlyBound()].some((one) => isKey.has(one))) return false
    const named = column.exactlyBound()
    return keyed.every((keys) => keys.length > 0 && keys.every((key) => named.has(key)))
  })
}
