import { assertNever } from '../../../src/lib/assert-never.ts'
import type { Kind } from '../schema.ts'
import { condition } from './condition.ts'
import { plainConstant } from './constant.ts'
import { columnsOf, type Draft, isStable, type Scope, type Value } from './draft.ts'
import { built, value } from './value.ts'

/** A value made of all rows of a group. */
export function aggregate(draft: Draft, kind: Kind, scope: Scope, depth: number, clean: boolean): Value {
  const { choices } = draft
  const parts: Value[] = []
  const over = (inner: Kind, only = clean): string => {
    const part = value(draft, inner, scope, depth - 1, only)
    parts.push(part)
    return part.sql
  }
  const risky = clean || !draft.dares('computation')
  const order = inOrder(draft, scope)
  const sql = call()
  if (!choices.chance(draft.dares('filter') ? 60 : 10) || !/^\w+\((?!.*\)\[1\]$)/.test(sql))
    return built(parts, casted(sql))
  const filter = condition(draft, scope, depth - 1, clean || !draft.dares('filter'))
  return built([...parts, filter], casted(`${sql} FILTER (WHERE ${filter.sql})`))

  function call(): string {
    switch (kind) {
      case 'int':
        return choices.weighted([
          [3, () => 'count(*)'],
          [2, () => `count(${choices.pick(['', 'DISTINCT '])}${over(choices.pick(['text', 'int', 'date']))})`],
          [1, () => `sum(${over('int', risky)})`],
        ])
      case 'num':
        return choices.weighted([
          [2, () => `avg(${over('num', risky)})`],
          [1, () => `sum(${over('num', risky)})`],
          [1, () => `percentile_disc(0.5) WITHIN GROUP (ORDER BY ${over('num', risky)})`],
        ])
      case 'bool':
        return `${choices.pick(['bool_and', 'bool_or', 'every'])}(${over('bool')})`
      case 'json':
        if (order === undefined) return `to_jsonb(${choices.pick(['min', 'max'])}(${over('text')}))`
        return choices.weighted([
          [
            3,
            () =>
              `${choices.pick(['jsonb_agg', 'json_agg'])}(${over(choices.pick(['text', 'json', 'int', 'date', 'texts']))}${order})`,
          ],
          [1, () => `json_object_agg(${choices.pick(["'k'", over('int', true)])}, ${over('text')}${order})`],
          [1, () => `json_agg(json_build_object('ward', ${over('text')}, 'who', ${over('text')})${order})`],
          [1, () => `jsonb_agg(DISTINCT to_jsonb(${over('text')}))`],
        ])
      case 'texts':
        if (order === undefined) return `ARRAY[${choices.pick(['min', 'max'])}(${over('text')})]`
        return `array_agg((${over('text')})::text${order})`
      case 'text':
        return choices.weighted([
          [2, () => `${choices.pick(['min', 'max'])}(${over('text')})`],
          [
            order === undefined ? 0 : 2,
            () => `string_agg(${over(choices.pick(['text', 'text'] as const))}, ','${order})`,
          ],
          [1, () => `mode() WITHIN GROUP (ORDER BY ${over('text', risky)})`],
        ])
      case 'date':
      case 'ts':
        return `${choices.pick(['min', 'max'])}(${over(kind)})`
      case 'uuid':
      case 'bytea':
      case 'contact':
        return `(array_agg(${order === undefined ? plainConstant(choices, kind) : `${over(kind)}${order}`}))[1]`
      default:
        return assertNever(kind)
    }
  }

  function casted(text: string): string {
    if (kind === 'json') return `(${text})::jsonb`
    return kind === 'int' ? `(${text})::int` : text
  }
}

/**
 * What makes the order of the rows that of something that is no PHI; undefined when that cannot be said. Rows that tie stay in
 * the order that they came in, so that only keys that leave no ties help where that order may be one of PHI.
 */
function inOrder(draft: Draft, scope: Scope): string | undefined {
  if (!isStable(scope)) return byKeys(scope)
  const columns = columnsOf({ relations: scope.relations, outer: undefined }, 'int', true)
  if (columns.length === 0 || draft.choices.chance(50)) return ''
  return ` ORDER BY ${draft.choices.pick(columns).sql}`
}

function byKeys({ relations }: Scope): string | undefined {
  const keys = relations.flatMap(({ alias, key }) => (key === undefined ? [] : [`${alias}.${key}`]))
  return keys.length < relations.length ? undefined : ` ORDER BY ${keys.join(', ')}`
}
