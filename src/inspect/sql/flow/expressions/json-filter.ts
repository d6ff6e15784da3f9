import { type Step, STEP } from './json-path.ts'

/** A path of SQL/JSON with filters. */
export interface FilteredPath {
  readonly steps: readonly Step[]
  /** The paths that its filters look at, from the root. */
  readonly asked: readonly (readonly Step[])[]
}

/**
 * Reads `$.telecom[*] ? (@.system == "phone").value`: a path that only goes down, with filters that compare what is further
 * down with constants. Null for any other.
 */
export function filteredPath(path: string): FilteredPath | null {
  const reader = new PathReader(path)
  const steps = reader.mode() && reader.take(/\$/y) !== null ? reader.steps([]) : null
  return steps === null || !reader.atEnd ? null : { steps, asked: reader.asked }
}

/** The paths that a predicate like `$.gender == "male"` looks at; null when it is something else. */
export function predicatePaths(path: string): readonly (readonly Step[])[] | null {
  const reader = new PathReader(path)
  return reader.mode() && reader.predicate([]) && reader.atEnd ? reader.asked : null
}

const MODE = /(?:(?:lax|strict)\b)?/y
const COMPARISON = /==|!=|<>|<=|>=|<|>/y
const CONSTANT = /"[^"\\]*"|-?\d+(?:\.\d+)?|(?:true|false|null)\b/y
const MAX_DEPTH = 16

/** SQL/JSON path language (PostgreSQL documentation, 9.16.2), as far as it is read here. */
class PathReader {
  readonly asked: (readonly Step[])[] = []
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.take(/$/y) !== null
  }

  mode(): boolean {
    return this.take(MODE) !== null
  }

  /** Skips white space and what the sticky expression matches; null when it does not. */
  take(expression: RegExp): RegExpExecArray | null {
    const blank = /\s*/y
    blank.lastIndex = this.#at
    blank.exec(this.#text)
    expression.lastIndex = blank.lastIndex
    const found = expression.exec(this.#text)
    if (found !== null) this.#at = expression.lastIndex
    return found
  }

  steps(base: readonly Step[]): readonly Step[] | null {
    let steps = base
    for (;;) {
      const found = this.take(STEP)
      if (found !== null) {
        const [, name, quoted, any, place] = found
        steps = [...steps, name ?? quoted ?? (any === undefined ? Number(place) : null)]
      } else if (this.take(/\?\s*\(/y) === null) return steps
      else if (!this.predicate(steps) || this.take(/\)/y) === null) return null
    }
  }

  /** @param here what `@` stands for */
  predicate(here: readonly Step[]): boolean {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) return false
    do if (!this.#condition(here)) return false
    while (this.take(/&&|\|\|/y) !== null)
    this.#depth -= 1
    return true
  }

  #condition(here: readonly Step[]): boolean {
    if (this.take(/!?\s*\(/y) !== null) return this.predicate(here) && this.take(/\)/y) !== null
    return this.#operand(here) && this.take(COMPARISON) !== null && this.#operand(here)
  }

  #operand(here: readonly Step[]): boolean {
    const root = this.take(/[$@](?!\w)/y)
    if (root === null) return this.take(CONSTANT) !== null
    const steps = this.steps(root[0] === '@' ? here : [])
    if (steps !== null) this.asked.push(steps)
    return steps !== null
  }
}
