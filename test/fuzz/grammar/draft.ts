import type { Choices } from '../choices.ts'
import type { Kind } from '../schema.ts'

export interface Column {
  /** As it is written in the statement. */
  readonly name: string
  readonly kind: Kind
  readonly phi: boolean
}

/** Something that FROM gives a name. */
export interface Relation {
  readonly alias: string
  readonly columns: readonly Column[]
  /** Whether something in it is PHI, columns that the grammar does not know included. */
  readonly phi: boolean
  /** Whether the order of its rows is the same whatever the PHI is. */
  readonly stable: boolean
  /** A column without PHI that no two rows have the same value of. */
  readonly key?: string
}

export interface Scope {
  readonly relations: readonly Relation[]
  readonly outer: Scope | undefined
}

/** A query that can stand in parentheses. */
export interface Query {
  readonly sql: string
  readonly columns: readonly Column[]
  readonly phi: boolean
  readonly stable: boolean
}

export interface Value {
  readonly sql: string
  readonly phi: boolean
}

/** Where a statement can ask about PHI; `computation` is what can fail, be NULL or take long. */
const DARES = ['where', 'having', 'filter', 'case', 'on', 'order', 'group', 'computation'] as const
type Dare = (typeof DARES)[number]

/** What a statement is made with. */
export class Draft {
  readonly choices: Choices
  /** Nothing that is PHI may be used: the answer has to be that of the server. */
  readonly clean: boolean
  /** Whether PHI may be compared with its tokens. */
  readonly tokens: boolean
  /** What may be about PHI although it answers questions. */
  readonly #dared: Dare | 'everything' | undefined
  /** What WITH has named so far. */
  readonly named: Relation[] = []
  #windows = 0
  #serial = 0
  #left = 60

  constructor(choices: Choices, tokens = false) {
    this.choices = choices
    this.tokens = tokens
    this.clean = choices.chance(20)
    this.#dared = choices.chance(55) ? choices.pick([...DARES, 'everything']) : undefined
  }

  /** One thing at a time, mostly: what is refused for one reason shows nothing of another. */
  dares(what: Dare): boolean {
    return !this.clean && (this.#dared === what || this.#dared === 'everything')
  }

  /** Whether window functions may stand here: in the target list, and not inside another one or an aggregate. */
  get windows(): boolean {
    return this.#windows > 0
  }

  withWindows<T>(make: () => T): T {
    return this.#with(1, make)
  }

  withoutWindows<T>(make: () => T): T {
    return this.#with(0, make)
  }

  #with<T>(windows: number, make: () => T): T {
    const before = this.#windows
    this.#windows = windows
    try {
      return make()
    } finally {
      this.#windows = before
    }
  }

  alias(): string {
    this.#serial++
    return `t${this.#serial}`
  }

  /** Whether there is room for something that has parts; each one that there is makes less room. */
  room(depth: number): boolean {
    this.#left--
    return depth > 0 && this.#left > 0
  }
}

/** Columns of a kind that may be used, of the innermost scope first. */
export function columnsOf(scope: Scope | undefined, kind: Kind, clean: boolean): readonly Value[] {
  if (scope === undefined) return []
  const own = scope.relations.flatMap(({ alias, columns }) =>
    columns
      .filter((column) => column.kind === kind && !(clean && column.phi))
      .map(({ name, phi }) => ({ sql: `${alias}.${name}`, phi })),
  )
  return [...own, ...columnsOf(scope.outer, kind, clean)]
}

export const isStable = (scope: Scope): boolean => scope.relations.every(({ stable }) => stable)

/** The same, but its rows come in an order that may be that of PHI. */
export const unordered = (scope: Scope): Scope => ({
  ...scope,
  relations: scope.relations.map((relation) => ({ ...relation, stable: false })),
})
