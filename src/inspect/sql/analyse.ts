import { parseSync, SqlError } from 'libpg-query'
import type { Node, SelectStmt } from '@pgsql/types'
import { boundedOf, hasLimit } from './bounded.ts'
import { ConstantPlaces } from './constant-places.ts'
import { DEFINES_CODE } from './defines-code.ts'
import { effectsOf, explainRuns } from './effects.ts'
import { joinedCatalogUse, NO_CATALOG_USE } from './catalog-use.ts'
import type { Bounded, CatalogUse, Effect, Hazard, OutputTaint, PhiQuestion, RelationUse, SqlFacts } from './facts.ts'
import { analyseFlow, type Flow } from './flow/analyse-flow.ts'
import { patientFacts } from './patients/patient-facts.ts'
import { liftableLiterals } from './liftable.ts'
import { proceduralBody } from './plpgsql.ts'
import { redact, scanTokens } from './redact.ts'
import { sessionEffectOf, sessionHazards } from './session-effects.ts'
import type { Surroundings } from './surroundings.ts'
import { bodyOf, unwrap } from './syntax-tree.ts'
import { changesOnlyTemporary } from './temporary.ts'
import type { Verdict } from './worker-messages.ts'

/**
 * Parses a statement string and computes its facts. Runs in the worker, after `loadModule()`. Throws RangeError for a
 * statement that is too deep and anything else for a fault; after any throw the parser must not be used again.
 */
export function analyse(sql: string, around: Surroundings, maxTokens: number): Verdict {
  if (sql === '') return { kind: 'analysed', statements: [], redacted: '', liftable: [] }
  const tokens = scanTokens(sql)
  if (tokens !== null && tokens.length > maxTokens) return { kind: 'too-complex' }
  let nodes: readonly Node[]
  try {
    nodes = (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]))
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    return unparseable(error)
  }
  if (tokens === null) throw new Error('the scanner refused what the parser accepts')
  const places = new ConstantPlaces(sql, tokens, nodes.length === 1)
  const statements = nodes.map((node) => factsOf(node, around, places))
  // What a statement asks about PHI can depend on the values that it compares with.
  const asking = new Set(nodes.filter((_, i) => statements[i]?.questions.length !== 0))
  return {
    kind: 'analysed',
    statements,
    redacted: redact(sql, tokens, around.identifiers),
    liftable: liftableLiterals(sql, nodes, asking, resolvedLiterals(statements)),
  }
}

/** Ordinals of the literals that stand-ins are resolved in: what a statement does depends on none of them. */
function resolvedLiterals(statements: readonly SqlFacts[]): ReadonlySet<number> {
  const sites = statements.flatMap((facts) => facts.sites ?? [])
  return new Set(sites.flatMap(({ at, use }) => (at.kind === 'literal' && use !== 'embedded' ? [at.ordinal] : [])))
}

function unparseable(error: SqlError): Verdict {
  const position = error.sqlDetails?.cursorPosition
  // The binding reports 0 both for the first character and for no position.
  const isKnown = position !== undefined && (position > 0 || error.message.includes(' at or near '))
  return { kind: 'unparseable', message: error.message, position: isKnown ? position + 1 : null }
}

/** The facts of one statement of the string. Without `places` no constant of it may be replaced. */
export function factsOf(statement: Node, around: Surroundings, places: ConstantPlaces | null = null): SqlFacts {
  const { name, body } = unwrap(statement)
  const flow = name === 'DoStmt' ? null : analyseFlow(statement, around.flow, places)
  const top = effectsOf(statement, around, flow?.knownCalls)
  const effects = new Set<Effect>(top.effects)
  const functions = new Set(top.functions)
  const hazards: Hazard[] = [...top.hazards, ...sessionHazards(statement, around.flow.searchPath)]
  const relations: RelationUse[] = []
  let phiReachable = false
  let questions: readonly PhiQuestion[] = []
  let catalogUse = NO_CATALOG_USE
  let outputs: readonly OutputTaint[] | 'unknown' = 'unknown'
  const isPlan = name === 'ExplainStmt' && !explainRuns(body)
  let bounded: Bounded = isPlan ? 'not-applicable' : boundedOf(statement, around.names)

  if (flow === null) {
    const block = analyseBlock(statement, around)
    for (const effect of block.effects) effects.add(effect)
    for (const called of block.functions) functions.add(called)
    hazards.push(...block.hazards)
    relations.push(...block.relations)
    phiReachable = block.phiReachable
    questions = block.questions
    catalogUse = block.catalogUse
    bounded = worse(bounded, block.bounded)
    outputs = []
  } else {
    addFlow(flow, relations, functions, hazards)
    outputs = flow.outputs
    phiReachable = flow.phiReachable
    questions = flow.questions
    catalogUse = flow.catalogUse
  }
  if (DEFINES_CODE.has(name)) hazards.push({ kind: 'construct-not-analysed', subject: top.command })
  if (name === 'CallStmt') {
    hazards.push({ kind: 'code-not-analysed', subject: [...functions].join(', ') })
    // A procedure returns its OUT arguments.
    outputs = 'unknown'
  }
  if (name === 'ExecuteStmt' || name === 'FetchStmt') {
    hazards.push({ kind: 'construct-not-analysed', subject: top.command })
    outputs = 'unknown'
  }
  if (top.destroys) bounded = 'unbounded'
  const uniqueRelations = unique(relations, relationKey)
  const uniqueHazards = unique(hazards, (hazard) => `${hazard.kind} ${hazard.subject}`)
  const witness = { catalogUse, hazards: uniqueHazards, effects }
  return {
    command: top.command,
    effects: [...effects].toSorted(),
    relations: uniqueRelations,
    functions: [...functions].toSorted(),
    bounded,
    limited: isLimited(statement),
    hazards: uniqueHazards,
    outputs,
    phiReachable: phiReachable || uniqueHazards.some(isAboutCode),
    questions,
    catalogUse,
    ...(flow?.copy === undefined ? {} : { copy: flow.copy }),
    ...(flow?.copyIn === undefined ? {} : { copyIn: flow.copyIn }),
    ...(flow?.sites === undefined ? {} : { sites: flow.sites }),
    ...patientFacts(statement, around.flow, around.names, places, witness),
    session: sessionEffectOf(name, body),
    onlyTemporaryObjects: changesOnlyTemporary(name, statement, uniqueRelations),
  }
}

interface BlockFacts {
  readonly effects: ReadonlySet<Effect>
  readonly functions: ReadonlySet<string>
  readonly relations: readonly RelationUse[]
  readonly hazards: readonly Hazard[]
  readonly bounded: Bounded
  readonly phiReachable: boolean
  readonly questions: readonly PhiQuestion[]
  readonly catalogUse: CatalogUse
}

/** The facts of what a DO block runs. What it computes can leave through notices and errors, so PHI in it is a hazard. */
function analyseBlock(statement: Node, around: Surroundings): BlockFacts {
  const block = proceduralBody(bodyOf(statement, 'DoStmt') ?? {})
  const names = { ...around.names, variables: block.variables }
  const effects = new Set<Effect>()
  const functions = new Set<string>()
  const relations: RelationUse[] = []
  const hazards: Hazard[] = [...block.hazards]
  const questions: PhiQuestion[] = []
  const uses: CatalogUse[] = []
  let bounded: Bounded = 'not-applicable'
  let phiReachable = false
  for (const inner of block.statements) {
    const flow = analyseFlow(inner, around.flow)
    const own = effectsOf(inner, around, flow.knownCalls)
    for (const effect of own.effects) effects.add(effect)
    for (const called of own.functions) functions.add(called)
    hazards.push(...own.hazards, ...sessionHazards(inner, around.flow.searchPath))
    addFlow(flow, relations, functions, hazards)
    phiReachable ||= flow.phiReachable
    questions.push(...flow.questions)
    uses.push(flow.catalogUse)
    bounded = worse(bounded, own.destroys ? 'unbounded' : boundedOf(inner, names))
  }
  if (relations.some((use) => use.phi)) hazards.push({ kind: 'phi-in-utility', subject: 'DO' })
  const catalogUse = joinedCatalogUse(uses)
  return { effects, functions, relations, hazards, bounded, phiReachable, questions, catalogUse }
}

function addFlow(flow: Flow, relations: RelationUse[], functions: Set<string>, hazards: Hazard[]): void {
  relations.push(...flow.relations)
  for (const called of flow.functions) functions.add(called)
  hazards.push(...flow.hazards)
}

function worse(a: Bounded, b: Bounded): Bounded {
  if (a === 'unbounded' || b === 'unbounded') return 'unbounded'
  return a === 'bounded' || b === 'bounded' ? 'bounded' : 'not-applicable'
}

function isLimited(statement: Node): boolean {
  const select: SelectStmt | undefined = bodyOf(statement, 'SelectStmt')
  if (select !== undefined) return hasLimit(select)
  const inner =
    bodyOf(statement, 'CopyStmt')?.query ??
    bodyOf(statement, 'PrepareStmt')?.query ??
    bodyOf(statement, 'DeclareCursorStmt')?.query ??
    bodyOf(statement, 'CreateTableAsStmt')?.query
  return inner !== undefined && isLimited(inner)
}

/** Code that was not looked into can return anything. */
function isAboutCode(hazard: Hazard): boolean {
  return hazard.kind === 'code-not-analysed' || hazard.kind === 'construct-not-analysed'
}

function relationKey(use: RelationUse): string {
  return JSON.stringify([use.schema, use.name, use.action, use.columns, use.phi])
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const seen = new Map<string, T>()
  for (const item of items) {
    const key = keyOf(item)
    if (!seen.has(key)) seen.set(key, item)
  }
  return [...seen.values()]
}
