import type { FuncCall, RangeVar } from '@pgsql/types'
import type { CatalogRelation, CatalogRoutine } from '../catalog.ts'
import type { CopyIn, Hazard, PhiQuestion, RelationUse } from '../facts.ts'
import { CatalogLookups } from './catalog-lookups.ts'
import { printed, type RoutineName } from './known/check-routine.ts'
import type { AnalysisContext } from './context.ts'
import type { Judgement } from './questions/comparison.ts'
import { QuestionList } from './questions/question-list.ts'
import { type ResolvedRelation, resolveRelation } from './from/resolve-relation.ts'
import type { SiteList } from './sites/site-list.ts'
import type { Taint } from './values/taint.ts'
import { touchesPhi } from './touched-columns.ts'
import type { Origin } from './values/types.ts'

type Action = RelationUse['action']

interface Use {
  readonly schema: string | null
  readonly name: string
  readonly oid: number | null
  readonly action: Action
  columns: Set<string> | '*'
  readonly phi: boolean
}

const MAX_QUERIES = 20_000

/** What an analysis has found so far. One for each statement. */
export class FlowState {
  readonly context: AnalysisContext
  /** Whether a relation with PHI, or something that cannot be told from one, is used. */
  phiReachable = false
  /** Whether a text is made that can be as long as the server can hold: what is joined to it fails by its length. */
  makesLongText = false
  /** Off where a value goes to what is not looked at: then no function of the user's may be called. */
  looksIntoBodies = true
  /** What COPY … FROM STDIN stores in a relation with PHI. */
  copyIn: CopyIn | null = null
  /** Whether bodies of functions read PHI, which the planner can do in advance: the result stands in the plan. */
  plansWithPhi = false
  /** Constants of the statement that meet protected columns. Null in texts of views and functions, and where none may be replaced. */
  readonly sites: SiteList | null
  readonly lookups: CatalogLookups
  /** Functions in SQL whose bodies enclose what is looked at. */
  readonly routines: ReadonlySet<CatalogRoutine>
  /** Queries looked at, shared with those inside. */
  readonly #spent: { queries: number }
  readonly #questions = new QuestionList()
  readonly #checks: (() => void)[] = []
  readonly #hazards = new Map<string, Hazard>()
  readonly #uses = new Map<string, Use>()
  readonly #functions = new Set<string>()
  readonly #calls = new Map<FuncCall, boolean>()
  readonly #phiViews = new Set<number>()

  /** With `outer`: for the body of a function that is called there, which has a context of its own. */
  constructor(
    context: AnalysisContext,
    outer: FlowState | null = null,
    routine: CatalogRoutine | null = null,
    sites: SiteList | null = null,
  ) {
    this.context = context
    this.sites = sites
    this.lookups = new CatalogLookups(context)
    this.#spent = outer === null ? { queries: 0 } : outer.#spent
    const routines = outer === null ? [] : [...outer.routines]
    this.routines = new Set(routine === null ? routines : [...routines, routine])
  }

  hazard(kind: Hazard['kind'], subject: string): void {
    this.#hazards.set(`${kind} ${subject}`, { kind, subject })
    this.reach()
  }

  /**
   * Counts a query that is looked at. False when there were so many that the statement is made to be expensive (recursive
   * tables are looked at twice, so nesting multiplies); that is a hazard.
   */
  spend(queries = 1): boolean {
    this.#spent.queries += queries
    if (this.#spent.queries <= MAX_QUERIES) return true
    this.hazard('construct-not-analysed', 'too many nested queries')
    return false
  }

  /** From here on PHI may be in the result. */
  reach(): void {
    this.phiReachable = true
  }

  /** A check that needs everything to have been looked at. */
  later(check: () => void): void {
    this.#checks.push(check)
  }

  finish(): void {
    for (const check of this.#checks) check()
  }

  /** Something about PHI can be seen from the result, or from an error. */
  question(use: PhiQuestion['use'], about: Taint, released: boolean): void {
    this.#questions.add(use, about, released)
  }

  /** Conditions over PHI, by what they tell. */
  compared(about: Taint, judgement: Judgement): void {
    if (judgement === 'by-stand-in') this.#questions.addByStandIn(about)
    else this.#questions.add('condition', about, judgement === 'released')
  }

  calls(name: RoutineName): void {
    this.#functions.add(printed(name))
    this.lookups.function(name.name)
  }

  /** A call of functions whose bodies are known and only read, or one that turned out to be another. */
  knowsCall(call: FuncCall, isKnown: boolean): void {
    this.#calls.set(call, isKnown && this.#calls.get(call) !== false)
  }

  /** Calls of the user's functions that are known to do no more than read. */
  get knownCalls(): ReadonlySet<FuncCall> {
    return new Set([...this.#calls].filter(([, isKnown]) => isKnown).map(([call]) => call))
  }

  /** Counts the relations that the body of a function reads as read here. */
  absorb(inner: FlowState): void {
    if (inner.phiReachable) this.reach()
    this.plansWithPhi ||= inner.phiReachable
    for (const use of inner.relations) this.#use(use, use.columns)
  }

  /** Finds the relation that a name stands for. */
  resolve(name: RangeVar): ResolvedRelation {
    const resolved = resolveRelation(name, this.context)
    if (resolved.kind === 'known') this.lookups.relation(resolved.relation.oid)
    if ((name.schemaname ?? '') === '' && resolved.kind !== 'ambiguous') {
      this.lookups.name(name.relname ?? '', resolved.kind === 'known' ? resolved.relation.oid : null)
    }
    return resolved
  }

  /** A view that reads PHI, perhaps in ways that the catalog does not tell. */
  readsPhi(view: CatalogRelation): void {
    this.#phiViews.add(view.oid)
    this.reach()
  }

  uses(relation: CatalogRelation, action: Action, columns: readonly string[] | '*'): void {
    this.lookups.relation(relation.oid)
    const phi = this.context.phi.phiRelations.has(relation.oid) || this.#phiViews.has(relation.oid)
    if (phi) this.reach()
    this.#use({ schema: relation.schema, name: relation.name, oid: relation.oid, action, phi }, columns)
  }

  /** A relation that the catalog snapshot does not hold: a system catalog, a new object, or an unknown name. */
  usesName(schema: string | null, name: string, action: Action): void {
    this.#use({ schema, name, oid: null, action, phi: false }, '*')
  }

  /** Narrows down what is read of a relation that is in use. */
  reads(origin: Origin): void {
    const use = this.#uses.get(`read ${origin.oid}`)
    if (use !== undefined && use.columns !== '*') use.columns.add(origin.name)
  }

  get hazards(): readonly Hazard[] {
    return [...this.#hazards.values()]
  }

  get questions(): readonly PhiQuestion[] {
    return this.#questions.all
  }

  get functions(): readonly string[] {
    return [...this.#functions].toSorted()
  }

  get relations(): readonly RelationUse[] {
    return [...this.#uses.values()].map((use): RelationUse => {
      const columns = use.columns === '*' ? '*' : [...use.columns].toSorted()
      // Only an UPDATE leaves the other columns of a row alone.
      const touches = use.action === 'update' ? touchesPhi({ ...use, columns }, this.context) : undefined
      return touches === undefined ? { ...use, columns } : { ...use, columns, touchesPhi: touches }
    })
  }

  #use(use: Omit<Use, 'columns'>, columns: readonly string[] | '*'): void {
    const key = use.oid === null ? `${use.action} ${use.schema ?? ''} ${use.name}` : `${use.action} ${use.oid}`
    const known = this.#uses.get(key)
    if (known === undefined) {
      this.#uses.set(key, { ...use, columns: columns === '*' ? '*' : new Set(columns) })
    } else if (columns === '*' || known.columns === '*') {
      known.columns = '*'
    } else {
      for (const column of columns) known.columns.add(column)
    }
  }
}
