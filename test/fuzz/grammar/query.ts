import type { Kind } from '../schema.ts'
import { aggregate } from './aggregate.ts'
import { condition } from './condition.ts'
import {
  type Column,
  columnsOf,
  type Draft,
  isStable,
  type Query,
  type Relation,
  type Scope,
  unordered,
  type Value,
} from './draft.ts'
import { type Source, source } from './source.ts'
import { built, value } from './value.ts'

/** A query whose columns are all known. */
export interface Selected extends Query {
  /** False when it has columns that the grammar does not know by name. */
  readonly exact: boolean
}

const KINDS: readonly Kind[] = [
  'text',
  'int',
  'text',
  'date',
  'json',
  'text',
  'num',
  'bool',
  'texts',
  'uuid',
  'ts',
  'bytea',
  'contact',
]
/** Some are those of columns that mean something else. */
const NAMES = ['x', 'ward', 'name', 'ssn', 'id', 'y', 'sex', 'score', '"Z z"'] as const

/** Mostly what there are columns of. */
function kinds(draft: Draft, scope?: Scope): readonly Kind[] {
  const there = (scope?.relations ?? []).flatMap(({ columns }) =>
    columns.filter(({ phi }) => phi !== draft.clean).map(({ kind }) => kind),
  )
  return Array.from({ length: 1 + draft.choices.next(4) }, () =>
    there.length > 0 && !draft.choices.chance(25) ? draft.choices.pick(there) : draft.choices.pick(KINDS),
  )
}

/** SELECT, or two of them and a set operation; without LIMIT. */
export function select(
  draft: Draft,
  outer: Scope | undefined,
  depth: number,
  clean: boolean,
  wanted?: readonly Kind[],
): Selected {
  const simple = () => block(draft, outer, depth, clean, wanted)
  if (!draft.room(depth)) return simple()
  return draft.choices.weighted<Selected>([
    [6, simple],
    [1, () => combined(draft, outer, depth, clean, wanted ?? kinds(draft))],
  ])
}

function combined(
  draft: Draft,
  outer: Scope | undefined,
  depth: number,
  clean: boolean,
  wanted: readonly Kind[],
): Selected {
  // PHI that only comes in with the second branch counts as much.
  const left = block(draft, outer, depth - 1, clean || draft.choices.chance(30), wanted)
  const right = block(draft, outer, depth - 1, clean, wanted)
  const word = draft.choices.pick(['UNION ALL', 'UNION ALL', 'UNION', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL'])
  const columns = left.columns.map((column, index) => ({
    ...column,
    phi: column.phi || right.columns[index]?.phi === true,
  }))
  const phi = left.phi || right.phi
  const stable = left.stable && right.stable && (word === 'UNION ALL' || !columns.some((column) => column.phi))
  return { sql: `(${left.sql}) ${word} (${right.sql})`, columns, phi, stable, exact: true }
}

function block(
  draft: Draft,
  outer: Scope | undefined,
  depth: number,
  clean: boolean,
  wanted?: readonly Kind[],
): Selected {
  const { choices } = draft
  const from = source(draft, outer, depth, clean)
  const scope: Scope = { relations: from.relations, outer }
  const where = choices.chance(draft.dares('where') ? 80 : 45)
    ? condition(draft, scope, depth - 1, clean || !draft.dares('where'))
    : undefined
  const filter = where === undefined ? '' : ` WHERE ${where.sql}`
  const phi = from.phi || where?.phi === true
  const stars = wanted === undefined && choices.chance(15) ? starred(from, clean, choices.chance(25)) : undefined
  if (stars !== undefined)
    return { ...stars, sql: `${stars.sql} FROM ${from.sql}${filter}`, phi: stars.phi || phi, stable: isStable(scope) }
  const made = choices.chance(draft.dares('having') || draft.dares('filter') || draft.dares('group') ? 65 : 25)
    ? grouped(draft, scope, depth, clean, wanted ?? kinds(draft, scope))
    : listed(draft, scope, depth, clean, wanted ?? kinds(draft, scope))
  const { before, values, after, stable } = made
  const columns = named(draft, values, wanted ?? made.kinds)
  const targets = values.map((one, index) => `${one.sql} AS ${columns[index]?.name}`).join(', ')
  return {
    sql: `SELECT ${before}${targets} FROM ${from.sql}${filter}${after.sql}`,
    columns,
    phi: phi || after.phi || columns.some((column) => column.phi),
    stable: stable && isStable(scope),
    exact: true,
  }
}

function starred(from: Source, clean: boolean, row: boolean) {
  // Of functions that return rows of any type the columns are not always known.
  if (clean && from.relations.some(({ columns, phi }) => phi || columns.length < 2)) return undefined
  const [first] = from.relations
  if (first === undefined) return undefined
  if (row) return { sql: `SELECT ${first.alias}, ${first.alias} AS again`, columns: [], phi: first.phi, exact: false }
  const whole = from.relations.length === 1
  const columns = first.columns.filter(({ name }) => first.columns.filter((one) => one.name === name).length === 1)
  const phi = whole ? first.phi : from.relations.some((relation) => relation.phi)
  return { sql: whole ? 'SELECT *' : `SELECT ${first.alias}.*`, columns, phi, exact: false }
}

interface Targets {
  readonly before: string
  readonly values: readonly Value[]
  readonly kinds: readonly Kind[]
  readonly after: Value
  readonly stable: boolean
}

function listed(draft: Draft, scope: Scope, depth: number, clean: boolean, wanted: readonly Kind[]): Targets {
  const distinct = draft.choices.chance(12)
  const make = () => wanted.map((kind) => value(draft, kind, scope, depth - 1, clean))
  const values = distinct ? draft.withoutWindows(make) : draft.withWindows(make)
  const phi = values.some((one) => one.phi)
  const before = distinct ? 'DISTINCT ' : ''
  if (distinct || !draft.choices.chance(draft.dares('order') ? 75 : 25))
    return { before, values, kinds: wanted, after: { sql: '', phi: distinct && phi }, stable: !distinct || !phi }
  const order = ordering(draft, scope, depth, clean)
  return { before, values, kinds: wanted, after: order, stable: true }
}

function ordering(draft: Draft, scope: Scope, depth: number, clean: boolean): Value {
  const kind = draft.choices.pick(['int', 'text', 'date'] as const)
  const key = draft.withoutWindows(() =>
    value(draft, kind, scope, Math.min(1, depth - 1), clean || !draft.dares('order')),
  )
  // A constant in ORDER BY is the number of a column, or an error.
  return built([key], ` ORDER BY (${key.sql}) IS NULL, coalesce(${key.sql}) ${draft.choices.pick(['', 'DESC'])}`)
}

function grouped(draft: Draft, scope: Scope, depth: number, clean: boolean, wanted: readonly Kind[]): Targets {
  const { choices } = draft
  const keys = new Map<Kind, Value>()
  const own: Scope = { relations: scope.relations, outer: undefined }
  const grouping = wanted.map((kind): Value | undefined => {
    const candidates = columnsOf(own, kind, clean).filter(() => kind !== 'contact' && kind !== 'json')
    if (candidates.length === 0 || !choices.chance(35)) return undefined
    const key = keys.get(kind) ?? groupKey(draft, kind, choices.pick(candidates))
    keys.set(kind, key)
    return key
  })
  const used = grouping.filter((key) => key !== undefined)
  const phi = used.some((key) => key.phi)
  // Sorted by PHI to be grouped, the rows of a group come in any order.
  const members = phi ? unordered(scope) : scope
  const values = wanted.map(
    (kind, index) => grouping[index] ?? draft.withoutWindows(() => aggregate(draft, kind, members, depth, clean)),
  )
  const by = [...new Set(used.map(({ sql }) => sql))]
  const sets = choices.chance(10)
  const groups =
    by.length === 0
      ? ''
      : ` GROUP BY ${sets ? `${choices.pick(['ROLLUP', 'CUBE'])} (${by.join(', ')})` : by.join(', ')}`
  const having = choices.chance(20)
    ? ` HAVING count(*) ${choices.pick(['>', '<'])} ${choices.pick(['0', '1', '3'])}`
    : ''
  const beyond = draft.dares('having') && !clean && choices.chance(80)
  const more = beyond ? wrappedHaving(draft, scope, depth) : undefined
  return {
    before: '',
    values,
    kinds: wanted,
    after: { sql: `${groups}${more?.sql ?? having}`, phi: phi || more?.phi === true },
    stable: !phi,
  }
}

/** The column itself; in statements that dare also something that is computed from it. */
function groupKey(draft: Draft, kind: Kind, column: Value): Value {
  if (!draft.dares('group') || !draft.choices.chance(60)) return column
  if (kind === 'text')
    return {
      ...column,
      sql: draft.choices.pick([`left(${column.sql}, 1)`, `left(${column.sql}, 3)`, `upper(${column.sql})`]),
    }
  return kind === 'date'
    ? { ...column, sql: `date_trunc('${draft.choices.pick(['month', 'year'])}', ${column.sql})::date` }
    : column
}

function wrappedHaving(draft: Draft, scope: Scope, depth: number): Value {
  const asked = condition(draft, scope, depth - 1, false)
  return built([asked], ` HAVING ${draft.choices.pick(['bool_or', 'bool_and'])}(${asked.sql})`)
}

function named(draft: Draft, values: readonly Value[], wanted: readonly Kind[]): readonly Column[] {
  const taken = new Set<string>()
  return values.map(({ phi }, index) => {
    const name = draft.choices.pick(NAMES)
    const free = taken.has(name) ? `c${index}` : name
    taken.add(free)
    return { name: free, kind: wanted[index] ?? 'text', phi }
  })
}

/** One value of a query of its own; undefined when which one it is may depend on PHI. */
export function scalarQuery(draft: Draft, kind: Kind, scope: Scope, depth: number, clean: boolean): Value | undefined {
  const query = draft.withoutWindows(() => select(draft, scope, depth - 1, clean, [kind]))
  if (!query.stable) return undefined
  return { sql: `(${query.sql} LIMIT 1)`, phi: query.phi }
}

export function existsQuery(draft: Draft, scope: Scope, depth: number, clean: boolean): Value | undefined {
  const query = draft.withoutWindows(() => select(draft, scope, depth - 1, clean, ['int']))
  return built([query], `${draft.choices.pick(['', 'NOT '])}EXISTS (${query.sql})`)
}

export function memberQuery(draft: Draft, kind: Kind, left: Value, scope: Scope, depth: number, clean: boolean): Value {
  const query = draft.withoutWindows(() => select(draft, scope, depth - 1, clean, [kind]))
  return built(
    [left, query],
    `(${left.sql})::text ${draft.choices.pick(['IN', 'NOT IN', '= ANY', '> ALL'])} (${query.sql})`,
  )
}

/** A query with WITH before it and LIMIT behind it. */
export function wholeQuery(draft: Draft, depth: number): Query {
  const { choices } = draft
  const parts: string[] = []
  const phi: boolean[] = []
  let recurs = false
  for (
    let count = choices.weighted([
      [7, () => 0],
      [2, () => 1],
      [1, () => 2],
    ]);
    count > 0;
    count--
  ) {
    const name = choices.pick(['w1', 'w2', 'patient', 'kept', 'visit'])
    if (draft.named.some(({ alias }) => alias === name)) continue
    const rounds = choices.chance(20)
    recurs ||= rounds
    const query = rounds ? recursive(draft, name, depth) : select(draft, undefined, depth - 1, draft.clean)
    phi.push(query.phi)
    parts.push(`${name} AS ${choices.pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])}(${query.sql})`)
    const relation: Relation = { alias: name, columns: query.columns, phi: query.phi, stable: query.stable }
    draft.named.push(relation)
  }
  const main = select(draft, undefined, depth, draft.clean)
  const limit =
    main.stable && choices.chance(15) ? ` LIMIT ${1 + choices.next(5)}${choices.pick(['', ' OFFSET 1'])}` : ''
  const before = parts.length === 0 ? '' : `WITH ${recurs ? 'RECURSIVE ' : ''}${parts.join(', ')} `
  return { ...main, sql: `${before}${main.sql}${limit}`, phi: main.phi || phi.includes(true) }
}

/** Counts to three beside a value that goes round. */
function recursive(draft: Draft, name: string, depth: number): Query {
  const start = select(draft, undefined, depth - 1, draft.clean, ['text'])
  const [first] = start.columns
  const column = first?.name ?? 'x'
  return {
    sql: `SELECT (s.${column})::text AS v, 1 AS n FROM (${start.sql}) AS s UNION ALL SELECT r.v, r.n + 1 FROM ${name} AS r WHERE r.n < 3`,
    columns: [
      { name: 'v', kind: 'text', phi: first?.phi === true },
      { name: 'n', kind: 'int', phi: false },
    ],
    phi: start.phi,
    stable: start.stable,
  }
}
