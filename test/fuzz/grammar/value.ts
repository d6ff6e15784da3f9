import { assertNever } from '../../../src/lib/assert-never.ts'
import type { Kind } from '../schema.ts'
import { condition } from './condition.ts'
import { plainConstant } from './constant.ts'
import { columnsOf, type Draft, isStable, type Scope, type Value } from './draft.ts'
import { jsonValue } from './json-value.ts'
import { scalarQuery } from './query.ts'

type Make = readonly [weight: number, make: () => Value]

/** An expression of a kind. `clean`: without PHI. */
export function value(draft: Draft, kind: Kind, scope: Scope, depth: number, clean = draft.clean): Value {
  const plain: Make = [4, () => leaf(draft, kind, scope, clean)]
  if (!draft.room(depth)) return plain[1]()
  return draft.choices.weighted([
    plain,
    ...SHARED.map((form) => shared(draft, form, kind, scope, depth, clean)),
    ...ofKind(draft, kind, scope, depth, clean),
  ])
}

/** A column, mostly one that is PHI if there is any, or a constant. */
export function leaf(draft: Draft, kind: Kind, scope: Scope, clean = draft.clean): Value {
  const { choices } = draft
  const columns = columnsOf(scope, kind, clean)
  const sensitive = columns.filter(({ phi }) => phi)
  if (sensitive.length > 0 && !choices.chance(35)) return choices.pick(sensitive)
  if (columns.length > 0 && !choices.chance(20)) return choices.pick(columns)
  return { sql: plainConstant(choices, kind), phi: false }
}

/** One value made of others: it is PHI if one of them is. */
export function built(parts: readonly Value[], sql: string): Value {
  return { sql, phi: parts.some(({ phi }) => phi) }
}

/** What there is of every kind. */
const SHARED = ['coalesce', 'case', 'subquery', 'nullif', 'greatest'] as const

type Shared = (typeof SHARED)[number]

function shared(draft: Draft, form: Shared, kind: Kind, scope: Scope, depth: number, clean: boolean): Make {
  const part = () => value(draft, kind, scope, depth - 1, clean)
  const compares = draft.dares('computation') && kind !== 'json'
  switch (form) {
    case 'coalesce':
      return [1, () => of([nullOr(draft, kind, part), part()], ([a, b]) => `coalesce(${a}, ${b})`)]
    case 'case':
      return [draft.dares('case') ? 5 : 1, () => caseOf(draft, kind, scope, depth, clean)]
    case 'subquery':
      return [1, () => scalarQuery(draft, kind, scope, depth - 1, clean) ?? part()]
    case 'nullif':
      return [compares ? 1 : 0, () => of([part(), part()], ([a, b]) => `nullif(${a}, ${b})`)]
    case 'greatest':
      return [
        compares ? 1 : 0,
        () => of([part(), part()], ([a, b]) => `${draft.choices.pick(['greatest', 'least'])}(${a}, ${b})`),
      ]
    default:
      return assertNever(form)
  }
}

/** Sometimes NULL, so that what comes next is what is seen. */
function nullOr(draft: Draft, kind: Kind, part: () => Value): Value {
  if (!draft.choices.chance(30)) return part()
  const constant = plainConstant(draft.choices, kind)
  return { sql: `nullif(${constant}, ${constant})`, phi: false }
}

function caseOf(draft: Draft, kind: Kind, scope: Scope, depth: number, clean: boolean): Value {
  const when = condition(draft, scope, depth - 1, clean || !draft.dares('case'))
  const [then, otherwise] = [value(draft, kind, scope, depth - 1, clean), value(draft, kind, scope, depth - 1, clean)]
  if (draft.choices.chance(25)) return built([when, then], `CASE WHEN ${when.sql} THEN ${then.sql} END`)
  return built([when, then, otherwise], `CASE WHEN ${when.sql} THEN ${then.sql} ELSE ${otherwise.sql} END`)
}

const of = (parts: readonly Value[], sql: (parts: readonly string[]) => string): Value =>
  built(parts, sql(parts.map((part) => part.sql)))

function ofKind(draft: Draft, kind: Kind, scope: Scope, depth: number, clean: boolean): readonly Make[] {
  const { choices } = draft
  const a = (inner: Kind, only = clean): Value => value(draft, inner, scope, depth - 1, only)
  /** Of what can fail or be slow: about PHI only in statements that dare. */
  const risky = clean || !draft.dares('computation')
  const small = () => String(1 + choices.next(6))
  const one = (inner: Kind, sql: (x: string) => string, only = clean): Value =>
    of([a(inner, only)], ([x = '']) => sql(x))
  const both = (left: Kind, right: Kind, sql: (x: string, y: string) => string, only = clean): Value =>
    of([a(left, only), a(right, only)], ([x = '', y = '']) => sql(x, y))
  switch (kind) {
    case 'text':
      return [
        [3, () => both('text', 'text', (x, y) => `${x} || ${y}`)],
        [
          2,
          () =>
            one(
              'text',
              (x) => `${choices.pick(['upper', 'lower', 'initcap', 'reverse', 'btrim', 'md5', 'quote_literal'])}(${x})`,
            ),
        ],
        [2, () => one('text', (x) => `substr(${x}, ${small()}, ${small()})`)],
        [
          1,
          () => one('text', (x) => `${choices.pick(['left', 'right'])}(${x}, ${choices.pick(['3', '1', '-2', '8'])})`),
        ],
        [
          2,
          () =>
            one(
              choices.pick(['int', 'date', 'num', 'uuid', 'json', 'ts', 'texts', 'bytea', 'bool', 'contact']),
              (x) => `(${x})::text`,
            ),
        ],
        [1, () => one('text', (x) => `(${x})::${choices.pick(['varchar(6)', 'char(5)', 'name'])}::text`)],
        [2, () => both('text', choices.pick(['text', 'int', 'date']), (x, y) => `concat(${x}, '-', ${y})`)],
        [1, () => both('text', 'text', (x, y) => `format('%s/%s', ${x}, ${y})`)],
        [
          1,
          () =>
            one(
              'text',
              (x) => `encode(convert_to(${x}, 'UTF8'), '${choices.pick(['hex', 'base64', 'escape'])}')`,
              risky,
            ),
        ],
        [1, () => one('bytea', (x) => `encode(${x}, '${choices.pick(['hex', 'base64'])}')`)],
        [1, () => one('date', (x) => `to_char(${x}, '${choices.pick(['YYYY-MM-DD', 'YYYY', 'MM/DD'])}')`)],
        [2, () => one('json', (x) => `(${x})::jsonb ->> '${choices.pick(['who', 'code', 'home', 'none'])}'`, risky)],
        [1, () => one('texts', (x) => `(${x})[${small()}]`)],
        [1, () => one('texts', (x) => `array_to_string(${x}, ',')`)],
        [1, () => one('text', (x) => `translate(${x}, 'aeiou', '12345')`)],
        [1, () => one('text', (x) => `replace(${x}, 'q', '#')`)],
        [1, () => one('text', (x) => `chr(ascii(${x}) + 1)`, risky)],
        [1, () => one('text', (x) => `regexp_replace(${x}, '(.)', '\\1 ', 'g')`, risky)],
        [1, () => one('contact', (x) => `(${x}).label`)],
        [clean ? 0 : 1, () => ({ ...one('int', (x) => `clinic.name_of(${x})`, true), phi: true })],
        [1, () => one('text', (x) => `clinic.loud(${x})`)],
        ...window(draft, kind, scope, depth, clean),
      ]
    case 'int':
      return [
        [2, () => both('int', 'int', (x, y) => `(${x} ${choices.pick(['+', '-', '*'])} ${y})`, risky)],
        [2, () => one('text', (x) => `${choices.pick(['length', 'ascii', 'octet_length'])}(${x})`)],
        [1, () => one('text', (x) => `strpos(${x}, 'q')`)],
        [
          1,
          () =>
            one(
              'date',
              (x) => `extract(${choices.pick(['year', 'month', 'day', 'doy', 'epoch'])} FROM ${x})::int`,
              risky,
            ),
        ],
        [1, () => one('text', (x) => `(${x})::int`, risky)],
        [1, () => both('int', 'int', (x, y) => `${x} / ${y}`, risky)],
        [1, () => one('texts', (x) => `cardinality(${x})`)],
        [1, () => one('int', (x) => `clinic.twice(${x})`, risky)],
        [1, () => one('json', (x) => `((${x})::jsonb ->> 'visits')::int`, risky)],
        [1, () => one('date', (x) => `(${x} - date '2000-01-01')`)],
        ...window(draft, kind, scope, depth, clean),
      ]
    case 'num':
      return [
        [2, () => both('num', 'num', (x, y) => `(${x} ${choices.pick(['+', '*', '-'])} ${y})`, risky)],
        [1, () => one('int', (x) => `(${x})::numeric`)],
        [1, () => one('num', (x) => `round(${x}, 1)`, risky)],
        [1, () => one('ts', (x) => `extract(epoch FROM ${x})`)],
        [1, () => one('date', (x) => `extract(${choices.pick(['year', 'month', 'day'])} FROM ${x})`)],
        [1, () => both('num', 'num', (x, y) => `(${x} / ${y})`, risky)],
        [1, () => one('text', (x) => `(${x})::numeric`, risky)],
      ]
    case 'date':
      return [
        [2, () => one('date', (x) => `(${x} + ${small()})`, risky)],
        [1, () => one('date', (x) => `date_trunc('${choices.pick(['year', 'month', 'week', 'decade'])}', ${x})::date`)],
        [1, () => one('ts', (x) => `(${x})::date`)],
        [1, () => one('text', (x) => `(${x})::date`, risky)],
        ...window(draft, kind, scope, depth, clean),
      ]
    case 'ts':
      return [
        [1, () => one('date', (x) => `(${x})::timestamptz`)],
        [1, () => one('ts', (x) => `date_trunc('${choices.pick(['year', 'day', 'hour', 'decade'])}', ${x})`)],
      ]
    case 'bool':
      return [[1, () => condition(draft, scope, depth - 1, risky)]]
    case 'json':
      return [[6, () => jsonValue(draft, scope, depth, clean)]]
    case 'texts':
      return [
        [2, () => both('text', 'text', (x, y) => `ARRAY[(${x})::text, (${y})::text]`)],
        [1, () => one('text', (x) => `string_to_array(${x}, ${choices.pick(["'q'", 'NULL', "' '"])})`)],
        [1, () => one('text', (x) => `regexp_split_to_array(${x}, '')`, risky)],
        [1, () => both('texts', 'texts', (x, y) => `(${x} || ${y})`)],
        [1, () => both('texts', 'text', (x, y) => `array_append(${x}, (${y})::text)`)],
        [1, () => one('texts', (x) => `(${x})[1:1]`)],
      ]
    case 'contact':
      return [[1, () => both('text', 'text', (x, y) => `ROW(${x}, ${y})::clinic.contact`)]]
    case 'uuid':
    case 'bytea':
      return []
    default:
      return assertNever(kind)
  }
}

/** Where the order of rows is known, a window may look at it; over PHI it shows the value of another row. */
function window(draft: Draft, kind: Kind, scope: Scope, depth: number, clean: boolean): readonly Make[] {
  if (!draft.windows || !isStable(scope) || scope.relations.length === 0) return []
  const key = () => columnsOf({ ...scope, outer: undefined }, 'int', true)[0]?.sql ?? '1'
  const make = (): Value => {
    const inner = draft.withoutWindows(() => value(draft, kind, scope, depth - 1, clean))
    const name = draft.choices.pick(['lag', 'first_value', 'last_value', 'lead'])
    return built([inner], `${name}(${inner.sql}) OVER (ORDER BY ${key()})`)
  }
  return [[4, make]]
}
