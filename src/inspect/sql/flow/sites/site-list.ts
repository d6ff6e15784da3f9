import type { A_Const, Node, ParamRef, RangeFunction, SelectStmt } from '@pgsql/types'
import type { ConstantPlaces, LiteralPlace } from '../../constant-places.ts'
import type { ConstantPlace, ConstantSite } from '../../facts.ts'
import { bodyOf, nameParts, walkSyntax } from '../../syntax-tree.ts'
import { isSameColumn } from '../values/shape.ts'
import type { Constant } from './constant-operand.ts'
import { StandInColumnList, type StandInColumns } from './stand-in-columns.ts'

/** A constant as the statement has it, and the protected column that it meets. */
export interface Meeting extends Omit<ConstantSite, 'at' | 'use'> {
  readonly constant: Constant
}

interface Use extends Omit<Meeting, 'constant'> {
  readonly use: ConstantSite['use']
  readonly isNegated: boolean
}

interface Found {
  /** Null for a literal. */
  readonly parameter: number | null
  readonly place: ConstantPlace
  /** Whether another can be put in its place. */
  readonly isPlain: boolean
  readonly uses: Use[]
  /** How often its value was asked for, and how often it was found to be of use. */
  visits: number
  meetings: number
  /** How often it was only asked whether it is NULL. */
  tests: number
}

/** Constants that were found to be of other use, too: by location for a literal, by number for a parameter. */
export type Excluded = ReadonlySet<string> | 'all'

/**
 * The constants of one statement that meet protected columns. A stand-in may be resolved only if nothing else is made of it,
 * which is known when all has been looked at: then `misused` names those for which that does not hold, and the
 * statement is looked at once more without them.
 *
 * Every time that an expression asks for the value of a constant is a visit. One that no meeting follows is another use.
 */
export class SiteList {
  readonly #places: ConstantPlaces
  readonly #excluded: Excluded
  readonly #constants = new Map<number, Found>()
  readonly #receiving: Omit<Meeting, 'constant'>[] = []

  /** Columns of constants that stand for PHI. */
  readonly columns: StandInColumnList

  constructor(places: ConstantPlaces, excluded: Excluded, columns: StandInColumns) {
    this.#places = places
    this.#excluded = excluded
    this.columns = new StandInColumnList(columns)
  }

  /** The value of a literal or parameter flows into an expression. */
  visit(constant: A_Const | ParamRef): void {
    const known = this.#constants.get(constant.location ?? -1)
    if (known !== undefined) known.visits += 1
    else this.#add(constant, 1)
  }

  /** Whether all of these may be taken for the values that they stand for; if so, they are. */
  compares(meetings: readonly Meeting[]): boolean {
    return this.takes(meetings, COMPARISON)
  }

  /** The same for constants that are of all these uses at once. */
  takes(meetings: readonly Meeting[], uses: readonly ConstantSite['use'][]): boolean {
    const known = new Map<Found, Meeting>()
    for (const meeting of meetings) {
      const constant = this.#takeable(meeting.constant)
      if (constant === null) return false
      const other = known.get(constant)
      if (other !== undefined && !isSame(other, meeting)) return false
      known.set(constant, meeting)
    }
    for (const [constant, meeting] of known) meet(constant, uses, meeting)
    return true
  }

  /** A constant is stored in a column as it is. */
  assigns(meeting: Meeting): void {
    if (!this.takes([meeting], ASSIGNMENT)) this.embeds(meeting)
  }

  /** A constant is a part of what is stored in a column. */
  embeds(meeting: Meeting): void {
    const constant = this.#find(meeting.constant.node)
    if (constant !== null) meet(constant, EMBEDDED, meeting)
  }

  /** It is asked whether a constant is NULL, as a text if at all: a stand-in is not, and neither is what it stands for. */
  tests(node: Node | undefined): void {
    const constant = testedConstant(node)
    const known = constant === null ? null : this.#find(constant)
    if (known !== null) known.tests += 1
  }

  /** What is stored in a column is read from elsewhere, perhaps from a query of constants. */
  receives(column: Omit<Meeting, 'constant'>): void {
    if (this.#receiving.length < MAX_RECEIVING && !this.#receiving.some((other) => isSame(other, column))) {
      this.#receiving.push(column)
    }
  }

  /** Nothing in these expressions may be taken for anything else. */
  spoils(nodes: readonly (Node | undefined)[]): void {
    for (const node of constantsIn(nodes)) {
      const constant = this.#find(node)
      if (constant !== null) constant.visits += 1
    }
  }

  /** What to leave out when the statement is looked at once more; empty when all holds. */
  misused(statement: Node): ReadonlySet<string> {
    const misused = new Set<string>()
    const parameters = new Map<number, (Found | undefined)[]>()
    for (const node of constantsIn([statement])) {
      const parameter = bodyOf(node, 'ParamRef')
      if (parameter === undefined) continue
      const all = parameters.get(parameter.number ?? 0) ?? []
      parameters.set(parameter.number ?? 0, all)
      all.push(this.#constants.get(parameter.location ?? -1))
    }
    for (const [location, constant] of this.#constants) {
      if (constant.parameter === null && isResolved(constant) && !isOnlyOfUse(constant)) misused.add(keyOf(location))
    }
    for (const [number, all] of parameters) {
      if (all.some((one) => one !== undefined && isResolved(one)) && !areOfOneUse(all)) misused.add(`$${number}`)
    }
    return misused
  }

  /** All sites, when everything has been looked at. */
  sitesIn(statement: Node): readonly ConstantSite[] {
    if (this.#receiving.length > 0) this.#embedResults(statement)
    const sites = new Map<string, ConstantSite>()
    for (const constant of this.#constants.values()) {
      for (const { isNegated, ...use } of usesOf(constant)) {
        const at = isNegated ? { ...constant.place, negative: true } : constant.place
        const site = { at, ...use }
        sites.set(JSON.stringify(site), site)
      }
    }
    return [...sites.values()]
  }

  /** Which of the constants that queries return are stored is not followed: each that is of no other use could be. */
  #embedResults(statement: Node): void {
    for (const node of constantsIn(resultsIn(statement))) {
      const constant = this.#find(node)
      if (constant === null || constant.uses.length > 0) continue
      for (const column of this.#receiving) meet(constant, EMBEDDED, { constant: asWritten(node), ...column })
    }
  }

  #takeable({ isNegated, node }: Constant): Found | null {
    const constant = this.#find(node)
    if (constant?.isPlain !== true || this.#isExcluded(constant, node)) return null
    // A minus before another one.
    return isNegated && (constant.parameter !== null || isNegative(constant.place)) ? null : constant
  }

  #find(node: Node): Found | null {
    const constant = bodyOf(node, 'A_Const') ?? bodyOf(node, 'ParamRef')
    if (constant === undefined) return null
    return this.#constants.get(constant.location ?? -1) ?? this.#add(constant, 0)
  }

  #add(constant: A_Const | ParamRef, visits: number): Found | null {
    const { location } = constant
    if (location === undefined) return null
    const parameter = 'number' in constant ? (constant.number ?? 0) : null
    const found = parameter === null ? this.#places.literal(location) : this.#ofParameter(parameter)
    if (found === null) return null
    const added = { ...found, parameter, uses: [], visits, meetings: 0, tests: 0 }
    this.#constants.set(location, added)
    return added
  }

  /** What EXECUTE gives for those of PREPARE is never replaced, but whoever completes it has to know where it goes. */
  #ofParameter(number: number): LiteralPlace {
    return { place: { kind: 'parameter', number }, isPlain: this.#places.bindsParameters }
  }

  #isExcluded({ parameter }: Found, node: Node): boolean {
    if (this.#excluded === 'all') return true
    return this.#excluded.has(parameter === null ? keyOf(bodyOf(node, 'A_Const')?.location ?? -1) : `$${parameter}`)
  }
}

function keyOf(location: number): string {
  return `@${location}`
}

const COMPARISON = ['comparison'] as const
const ASSIGNMENT = ['assignment'] as const
const EMBEDDED = ['embedded'] as const

/** A constant without a sign of its own. */
export function asWritten(node: Node): Constant {
  return { node, isNegated: false }
}

function isNegative(place: ConstantPlace): boolean {
  return place.kind !== 'parameter' && place.negative
}

function meet(found: Found, uses: readonly ConstantSite['use'][], { constant, ...meeting }: Meeting): void {
  if (uses !== EMBEDDED) found.meetings += 1
  for (const use of uses) found.uses.push({ use, ...meeting, isNegated: constant.isNegated })
}

function isSame(a: Omit<Meeting, 'constant'>, b: Omit<Meeting, 'constant'>): boolean {
  return a.class === b.class && a.elements === b.elements && isSameColumn(a.column, b.column)
}

/** Whether it would be taken for what it stands for. */
function isResolved({ uses }: Found): boolean {
  return uses.some(({ use }) => use !== 'embedded')
}

/** Whether nothing else is made of a constant than to compare it with one column, or to store it there. */
function isOnlyOfUse(constant: Found): boolean {
  const [first, ...others] = usesOf(constant)
  if (constant.visits !== constant.meetings + constant.tests) return false
  if (first === undefined) return constant.tests > 0
  if (first.use === 'embedded') return false
  return others.every((other) => other.use !== 'embedded' && isSame(other, first))
}

/** What is compared inside of what is stored is no part of that. */
function usesOf({ uses }: Found): readonly Use[] {
  return uses.some(({ use }) => use === 'comparison') ? uses.filter(({ use }) => use !== 'embedded') : uses
}

/** The same for the places of one parameter, which may meet several columns of one class. */
function areOfOneUse(constants: readonly (Found | undefined)[]): boolean {
  const classes = new Set<string>()
  for (const constant of constants) {
    if (constant === undefined || !isOnlyOfUse(constant)) return false
    for (const use of usesOf(constant)) classes.add(use.class)
  }
  return classes.size === 1
}

/** A constant as it is, or as a text: that cast cannot fail. */
function testedConstant(node: Node | undefined): Node | null {
  const cast = bodyOf(node, 'TypeCast')
  if (cast === undefined) return node ?? null
  const names = nameParts(cast.typeName?.names)
  const isBuiltIn = names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog')
  const isText = isBuiltIn && TEXTS.has(names.at(-1) ?? '') && (cast.typeName?.arrayBounds ?? []).length === 0
  return isText ? (cast.arg ?? null) : null
}

const TEXTS: ReadonlySet<string> = new Set(['text', 'varchar'])

/** Columns that are looked at where a constant could be stored in any of several. */
const MAX_RECEIVING = 8

/** What the queries of a statement return, or functions in their FROM lists. */
function resultsIn(statement: Node): readonly Node[] {
  const found: Node[] = []
  walkSyntax(statement, (name, body) => {
    if (name === 'SelectStmt') {
      const { targetList = [], valuesLists = [] }: SelectStmt = body
      found.push(...targetList, ...valuesLists)
    } else if (name === 'RangeFunction') {
      const { functions = [] }: RangeFunction = body
      found.push(...functions)
    } else if (name === 'JsonTable') found.push({ JsonTable: body })
    else if (name === 'RangeTableFunc') found.push({ RangeTableFunc: body })
    return true
  })
  return found
}

/** Literals and parameters anywhere below. */
function constantsIn(nodes: readonly (Node | undefined)[]): readonly Node[] {
  const found: Node[] = []
  walkSyntax(nodes, (name, body) => {
    if (name === 'A_Const') found.push({ A_Const: body })
    else if (name === 'ParamRef') found.push({ ParamRef: body })
    return true
  })
  return found
}
