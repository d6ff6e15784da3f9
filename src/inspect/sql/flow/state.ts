import type { CatalogRelation } from '../catalog.ts'
import type { Hazard, RelationUse } from '../facts.ts'
import type { AnalysisContext } from './context.ts'
import type { Origin } from './types.ts'

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
  /** The same since it was last reset: for one common table expression. */
  phiTouched = false
  #queries = 0
  readonly #checks: (() => void)[] = []
  readonly #hazards = new Map<string, Hazard>()
  readonly #uses = new Map<string, Use>()
  readonly #functions = new Set<string>()

  constructor(context: AnalysisContext) {
    this.context = context
  }

  hazard(kind: Hazard['kind'], subject: string): void {
    this.#hazards.set(`${kind} ${subject}`, { kind, subject })
    this.reach()
  }

  /**
   * Counts a query that is looked at. False when there were so many that the statement is made to be expensive (recursive
   * tables are looked at twice, so nesting multiplies); that is a hazard.
   */
  spend(): boolean {
    this.#queries += 1
    if (this.#queries <= MAX_QUERIES) return true
    this.hazard('construct-not-analysed', 'too many nested queries')
    return false
  }

  /** From here on PHI may be in the result. */
  reach(): void {
    this.phiReachable = true
    this.phiTouched = true
  }

  /** A check that needs everything to have been looked at. */
  later(check: () => void): void {
    this.#checks.push(check)
  }

  finish(): void {
    for (const check of this.#checks) check()
  }

  calls(name: string): void {
    this.#functions.add(name)
  }

  uses(relation: CatalogRelation, action: Action, columns: readonly string[] | '*'): void {
    const phi = this.context.phi.phiRelations.has(relation.oid)
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

  get functions(): readonly string[] {
    return [...this.#functions].toSorted()
  }

  get relations(): readonly RelationUse[] {
    return [...this.#uses.values()].map((use) => ({
      ...use,
      columns: use.columns === '*' ? '*' : [...use.columns].toSorted(),
    }))
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
