import { condition } from './condition.ts'
import { plainConstant, tellingConstant } from './constant.ts'
import { columnsOf, type Draft, type Query, type Scope } from './draft.ts'
import type { Kind } from '../schema.ts'

const FROM = ['patient', 'clinic.patient', 'everything', 'people()'] as const

/**
 * A short statement with one construct over PHI and nothing else that could be refused: what the grammar at large makes of many
 * parts is refused for one of them, and then says nothing of the others.
 */
export function focusedQuery(draft: Draft, scopeOf: (relation: string) => Scope): Query {
  const { choices } = draft
  const scope = scopeOf('t')
  const phi = (kind: Kind): string => {
    const columns = columnsOf(scope, kind, false).filter((column) => column.phi)
    return columns.length === 0 ? plainConstant(choices, kind) : choices.pick(columns).sql
  }
  const from = (alias = 't'): string => `${choices.pick(FROM)} AS ${alias}`
  const asked = (): string => condition(draft, scope, choices.pick([0, 0, 1]), false).sql
  const constant = (kind: Kind): string => tellingConstant(choices, kind)
  const compare = (): string => choices.pick(['<', '>=', '=', '<>'])
  const any = (): string =>
    phi(choices.pick(['text', 'text', 'date', 'int', 'num', 'json', 'texts', 'contact', 'ts', 'uuid', 'bytea']))
  const one = (sql: string): string => `SELECT t.id, ${sql} AS x FROM ${from()}`
  const key = (): string => choices.pick([`'who'`, `'code'`, `'ward'`, `'k'`])

  return choices.weighted<Query>([
    // ---- values
    [2, () => ordered(one(any()))],
    [1, () => ordered(`SELECT t, t AS again FROM ${from()}`)],
    [
      2,
      () =>
        ordered(
          one(
            choices.pick([
              `jsonb_build_object(${key()}, ${any()})`,
              `JSON_OBJECT(${key()}: ${any()}, 'n': t.id)`,
              `json_build_array(${any()}, t.ward)`,
              `JSON_ARRAY(${any()}, ${any()})`,
              `to_jsonb(t)`,
              `row_to_json(t)`,
              `to_json(${any()})`,
            ]),
          ),
        ),
    ],
    [1, () => ordered(one(`t.doc -> ${choices.pick(["'who'", "'home'", "'code'", "'visits'", "'none'"])}`))],
    [1, () => ordered(one(`(t.contact).${choices.pick(['label', 'number'])}`))],
    [2, () => ordered(`SELECT t.id, u.v FROM ${from()}, unnest(t.tags) AS u(v)`)],
    [1, () => ordered(one(`unnest(t.tags)`))],
    [1, () => ordered(one(`ROW(t.id, ${any()}, ${any()})`))],
    [1, () => ordered(one(`ARRAY[${phi('text')}::text, ${phi('text')}::text]`))],
    [1, () => ordered(one(`(SELECT ${choices.pick(['min', 'max'])}(s.name) FROM ${from('s')} WHERE s.id = t.id)`))],
    [1, () => ordered(one(`${choices.pick(['lag', 'lead', 'first_value'])}(${any()}) OVER (ORDER BY t.id)`))],
    [
      1,
      () =>
        ordered(
          `SELECT t.ward, ${choices.pick([`array_agg(${phi('text')}::text)`, `json_agg(${any()})`, `jsonb_agg(t)`, `json_object_agg(t.id, ${any()})`, `max(${phi('date')})`])} AS x FROM ${from()} GROUP BY t.ward`,
        ),
    ],
    [1, () => ordered(`WITH w AS (SELECT t.id, ${any()} AS x FROM ${from()}) SELECT w.id, w.x FROM w`)],
    [1, () => ordered(`SELECT t.ward AS x FROM ${from()} UNION ALL SELECT ${phi('text')} FROM ${from()}`)],
    // ---- questions
    [3, () => ordered(`SELECT t.id FROM ${from()} WHERE ${asked()}`)],
    [
      2,
      () =>
        ordered(
          `SELECT t.ward FROM ${from()} GROUP BY t.ward HAVING ${choices.pick([`bool_or(${asked()})`, `min(${phi('text')}) ${compare()} ${constant('text')}`, `max(${phi('date')}) ${compare()} ${constant('date')}`])}`,
        ),
    ],
    [2, () => ordered(`SELECT t.ward, count(*) FILTER (WHERE ${asked()}) AS n FROM ${from()} GROUP BY t.ward`)],
    [
      3,
      () =>
        ordered(
          one(`CASE WHEN ${asked()} THEN ${choices.pick(['t.ward', 't.name', 'NULL', '1 / (t.id - t.id)'])} END`),
        ),
    ],
    [1, () => ordered(one(`CASE ${phi('text')} WHEN ${constant('text')} THEN 'yes' END`))],
    [
      2,
      () =>
        ordered(
          `SELECT t.id FROM ${from()} ORDER BY ${choices.pick([phi('text'), phi('date'), phi('int'), `left(${phi('text')}, 3)`, `date_trunc('month', ${phi('date')})`])}, t.id`,
        ),
    ],
    [
      2,
      () =>
        unordered(
          `SELECT count(*) FROM ${from()} GROUP BY ${choices.pick([`left(${phi('text')}, ${choices.pick(['1', '3'])})`, phi('text'), `date_trunc('month', ${phi('date')})`, `length(${phi('text')})`])}`,
        ),
    ],
    [
      2,
      () =>
        unordered(
          `SELECT ${choices.pick([`left(${phi('text')}, 1)`, phi('text'), `length(${phi('text')})::text`])} FROM ${from()} ${choices.pick(['UNION', 'INTERSECT', 'EXCEPT'])} SELECT ${choices.pick([constant('text'), 't.ward', phi('text')])} FROM ${from()}`,
        ),
    ],
    [
      1,
      () =>
        unordered(
          `SELECT DISTINCT ${choices.pick([phi('text'), `left(${phi('text')}, 1)`, `extract(month FROM ${phi('date')})`])} FROM ${from()}`,
        ),
    ],
    [
      2,
      () =>
        unordered(
          `SELECT t.id, v.id AS other FROM ${from()} JOIN visit AS v ON ${choices.pick([`v.referrer = ${phi('text')}`, `${phi('text')} ${compare()} ${constant('text')}`, `v.day < ${phi('date')}`, `v.patient_id = t.id AND v.day > ${constant('date')}`])}`,
        ),
    ],
    [
      2,
      () =>
        unordered(
          `SELECT t.id, s.id AS other FROM ${from()}, ${from('s')} WHERE ${phi('text')} = s.${choices.pick(['name', 'phone', 'digits', 'ssn'])}`,
        ),
    ],
    [
      2,
      () =>
        ordered(
          `SELECT t.id FROM ${from()} WHERE left(t.zip, 3) ${choices.pick(['=', '<>'])} '${choices.pick(['036', '059', '021', '02'])}'`,
        ),
    ],
    [
      1,
      () =>
        ordered(`SELECT t.id FROM ${from()} WHERE t.age ${compare()} ${choices.pick(['40', '89', '90', '95', '100'])}`),
    ],
    [
      1,
      () =>
        unordered(
          `SELECT ${choices.pick(['json_agg(t.id)', 'array_agg(t.id)', 'count(*)'])} FROM ${from()} GROUP BY ROLLUP (${phi('text')})`,
        ),
    ],
    // ---- what can fail
    [3, () => ordered(one(`(${phi('text')})::${choices.pick(['int', 'numeric', 'date', 'bigint', 'uuid', 'json'])}`))],
    [1, () => ordered(one(`(${phi('int')})::${choices.pick(['smallint', 'int'])}`))],
    [
      2,
      () =>
        ordered(
          one(
            choices.pick([
              `100 / (${phi('int')} - 93)`,
              `sqrt(${phi('num')})`,
              `t.id / (${phi('num')} - 8000)`,
              `${phi('int')}::int * 3000000`,
              `${phi('date')} + ${phi('int')}::int`,
            ]),
          ),
        ),
    ],
    [
      2,
      () =>
        ordered(
          one(
            choices.pick([
              `to_date(${phi('text')}, 'YYYYMMDD')`,
              `to_number(${phi('text')}, '99999999999')`,
              `ln(${phi('num')})`,
              `convert_from(${phi('bytea')}, 'UTF8')`,
              `repeat('x', ${phi('int')}::int % 100)`,
              `decode(${phi('text')}, 'hex')`,
              `make_date(2000, ${phi('int')}::int, 1)`,
            ]),
          ),
        ),
    ],
    [1, () => ordered(one(`nullif(${phi('text')}, ${constant('text')})`))],
  ])
}

const unordered = (sql: string): Query => ({ sql, columns: [], phi: true, stable: false })
const ordered = (sql: string): Query => ({ sql, columns: [], phi: true, stable: true })
