import type { Statement, Way } from './statement.ts'
import {
  COLUMNS,
  type Constant,
  isText,
  NAME,
  RECORD,
  type Place,
  type TokenColumn,
  type TokenDraft,
} from './token-constant.ts'

const FROM = ['patient', 'clinic.patient', 'everything', 'people()', '(SELECT * FROM clinic.patient)'] as const
/** Compared: a guess has to be refused. */
const COMPARED: Place = { values: true }

/** A condition, and whether the server decides it as the gateway does if it has the values in it. */
type Condition = Constant

/** A query that has a stand-in in a condition. */
export function conditional(draft: TokenDraft, way: Way): Statement {
  const { choices } = draft
  const from = choices.pick(FROM)
  const column = draft.column()
  const met = anyCondition(draft, column)
  const shown = Array.from(
    { length: choices.next(3) },
    () => `, t.${choices.pick([column, draft.column()]).name}`,
  ).join('')
  const made = (sql: string, ordered = true): Statement => {
    const { parameters } = draft
    return {
      texts: [sql],
      way,
      phi: true,
      stable: ordered,
      parameters,
      exact: met.genuine && way !== 'binary' && way !== 'again',
    }
  }
  const c = met.sql
  return choices.weighted<Statement>([
    [6, () => made(`SELECT t.id${shown} FROM ${from} AS t WHERE ${c} ORDER BY t.id`)],
    [1, () => made(`SELECT count(*) FROM ${from} AS t WHERE ${c}`)],
    [1, () => made(`SELECT t.id, CASE WHEN ${c} THEN 'yes' ELSE t.ward END AS x FROM ${from} AS t ORDER BY t.id`)],
    [1, () => made(`SELECT t.id, ${c} AS x${shown} FROM ${from} AS t ORDER BY t.id`)],
    [1, () => made(`SELECT t.ward, count(*) FILTER (WHERE ${c}) FROM ${from} AS t GROUP BY t.ward ORDER BY t.ward`)],
    [1, () => made(`SELECT t.id${shown} FROM ${from} AS t ORDER BY ${c}, t.id`)],
    [1, () => made(`SELECT t.ward FROM ${from} AS t GROUP BY t.ward HAVING bool_or(${c}) ORDER BY t.ward`)],
    [
      1,
      () =>
        made(
          `SELECT t.id, v.id AS other${shown} FROM ${from} AS t JOIN visit AS v ON v.patient_id = t.id AND ${c} ORDER BY v.id`,
        ),
    ],
    [
      1,
      () =>
        made(
          `SELECT t.id, v.id AS other, v.referrer FROM ${from} AS t LEFT JOIN visit AS v ON v.referrer = t.name WHERE ${c}`,
          false,
        ),
    ],
    [1, () => made(`WITH w AS (SELECT * FROM ${from} AS p) SELECT t.id${shown} FROM w AS t WHERE ${c} ORDER BY t.id`)],
    [
      1,
      () =>
        made(
          `SELECT i.id FROM item AS i WHERE EXISTS (SELECT 1 FROM ${from} AS t WHERE t.id = i.id AND ${c}) ORDER BY i.id`,
        ),
    ],
    [
      1,
      () =>
        made(
          `SELECT v.id FROM visit AS v WHERE v.patient_id IN (SELECT t.id FROM ${from} AS t WHERE ${c}) ORDER BY v.id`,
        ),
    ],
    [1, () => made(`SELECT t.id FROM ${from} AS t WHERE ${c} UNION ALL SELECT -1`, false)],
    [1, () => made(`SELECT t.id${shown} FROM ${from} AS t WHERE ${c} ORDER BY t.id LIMIT 2`)],
    [1, () => made(`SELECT t.${column.name}, count(*) FROM ${from} AS t WHERE ${c} GROUP BY t.${column.name}`, false)],
    // ---- what fails behind a stand-in: where it fails would tell how long its value is
    [2, () => made(`SELECT t.id FROM ${from} AS t WHERE ${c} AND ${choices.pick(FAILING)}`)],
    [1, () => made(`SELECT t.id FROM ${from} AS t WHERE ${c} AND /* ä */ ${choices.pick(FAILING)}`)],
  ])
}

/** With a position: found when the statement is parsed, at the constant. */
const FAILING = [
  `t.id = 'x'`,
  `t.admitted = 'x'`,
  `t.id = ANY ('x')`,
  `1 / (t.id - 1) < 0`,
  't.ward = 5',
  't.id',
  't.active > 1.5',
] as const

function anyCondition(draft: TokenDraft, column: TokenColumn): Condition {
  const { choices } = draft
  const inner = (): Condition => comparison(draft, column)
  return choices.weighted<Condition>([
    [8, inner],
    [1, () => both(inner(), choices.pick(['AND', 'OR']), comparison(draft, draft.column()))],
    [1, () => around(inner(), (x) => `NOT (${x})`)],
    [1, () => around(inner(), (x) => `(${x} AND t.id < 9)`)],
    [1, () => around(inner(), (x) => `coalesce(${x}, false)`)],
    [4, () => oracle(draft, column)],
    [5, () => twice(draft, column)],
    [3, () => several(draft, column)],
  ])
}

const around = ({ sql, genuine }: Condition, write: (x: string) => string): Condition => ({ sql: write(sql), genuine })

const both = (left: Condition, word: string, right: Condition): Condition => ({
  sql: `(${left.sql} ${word} ${right.sql})`,
  genuine: left.genuine && right.genuine,
})

/** Where a token may be taken for its value. */
function comparison(draft: TokenDraft, column: TokenColumn): Condition {
  const { choices } = draft
  const c = `t.${column.name}`
  const one = (write: (x: string) => string, of = column): Condition => around(draft.constant(of, COMPARED), write)
  const two = (write: (x: string, y: string) => string): Condition => {
    const [x, y] = [draft.constant(column, COMPARED), draft.constant(column, COMPARED)]
    return { sql: write(x.sql, y.sql), genuine: x.genuine && y.genuine }
  }
  const inDocument = (write: (x: string) => string): Condition => ({
    sql: write(draft.content(RECORD, COMPARED, 'quoted')),
    genuine: false,
  })
  return choices.weighted<Condition>([
    [6, () => one((x) => `${c} = ${x}`)],
    [1, () => one((x) => `${x} = ${c}`)],
    [1, () => one((x) => `${c} <> ${x}`)],
    [2, () => two((x, y) => `${c} IN (${x}, ${y})`)],
    [1, () => two((x, y) => `${c} NOT IN (${x}, ${y})`)],
    [1, () => two((x, y) => `${c} = ANY (ARRAY[${x}, ${y}])`)],
    [2, () => around(draft.list(column, COMPARED), (x) => `${c} = ANY (${x})`)],
    [1, () => around(draft.list(column, COMPARED), (x) => `${c} <> ALL (${x}::${column.type}[])`)],
    [1, () => one((x) => `${c} IS DISTINCT FROM ${x}`)],
    [1, () => one((x) => `${c} IS NOT DISTINCT FROM ${x}`)],
    [1, () => one((x) => `(${c}, t.id) = (${x}, 3)`)],
    [1, () => one((x) => `CASE ${c} WHEN ${x} THEN true ELSE false END`)],
    [1, () => one((x) => `nullif(${c}, ${x}) IS NULL`)],
    [1, () => one((x) => `(SELECT ${c} = ${x})`)],
    [1, () => one((x) => `t.doc ->> 'who' = ${x}`, NAME)],
    [1, () => one((x) => `t.doc #>> '{who}' = ${x}`, NAME)],
    [1, () => inDocument((x) => `t.doc ->> 'record' = '${x}'`)],
    [1, () => inDocument((x) => `t.doc ->> 'record' IN ('${x}', 'x')`)],
    [1, () => ({ ...one((x) => `(t.contact).label = ${x}`, NAME), genuine: false })],
    [1, () => one((x) => `${x} = ANY (t.tags)`, NAME)],
    [1, () => ({ ...one((x) => `t.tags @> ARRAY[${x}::text]`, NAME), genuine: false })],
    [1, () => one((x) => `${x} IN (SELECT s.name FROM patient AS s WHERE s.id = t.id)`, NAME)],
  ])
}

/** Where it must not be: the answer would tell something of the value. */
function oracle(draft: TokenDraft, column: TokenColumn): Condition {
  const { choices } = draft
  const c = `t.${column.name}`
  const x = draft.constant(column, COMPARED).sql
  const texts = isText(column)
  const other = choices.pick(COLUMNS.filter((one) => one.class !== column.class && isText(one) === texts)).name
  const sql = choices.pick([
    `${c} < ${x}`,
    `${c} >= ${x}`,
    `${c} BETWEEN ${x} AND ${x}`,
    `${c}::text = (${x})::text`,
    `t.${other} = ${x}`,
    `${c} > ANY (ARRAY[${x}])`,
    `${c} = t.${other}`,
    ...(texts
      ? [
          `${c} LIKE ${x}`,
          `${c} || '' = ${x}`,
          `left(${c}, 4) = ${x}`,
          `length(${c}) = length(${x})`,
          `position(${x} IN ${c}) > 0`,
          `lower(${c}) = lower(${x})`,
          `${c} = lower(${x})`,
          `${c} ~ ${x}`,
          `starts_with(${c}, ${x})`,
          `${c} = ${x} COLLATE "C"`,
          `t.ward < ${x}`,
          `t.ward = ${x}`,
          `length(${x}) < 30`,
          `${x} LIKE 'tok%'`,
          `left(t.doc ->> 'who', 3) = ${x}`,
          `t.doc ->> 'code' = ${x}`,
          `t.doc @> jsonb_build_object('who', ${x})`,
          `t.digits = ${x}`,
          `t.id IN (SELECT clinic.found(${x}))`,
        ]
      : column.type === 'uuid'
        ? [`${c}::text < (${x})::text`]
        : [
            `${c} + 0 = ${x}`,
            `${c} = ${x} + 0`,
            `abs(${c}) = ${x}`,
            `(t.doc ->> 'record')::int = ${x}`,
            `t.doc -> 'record' = to_jsonb(${x})`,
            `t.doc @> jsonb_build_object('record', ${x})`,
            `${c} % 2 = ${x} % 2`,
            `t.score < ${x}`,
            `t.id = ${x}`,
          ]),
  ])
  return { sql, genuine: false }
}

/** One parameter in two places: both have to be such that it may be resolved. */
function twice(draft: TokenDraft, column: TokenColumn): Condition {
  const c = `t.${column.name}`
  const { sql: x, genuine } = draft.shared(column, COMPARED)
  const kin = COLUMNS.find((one) => one !== column && one.class === column.class && isText(one) === isText(column))
  const other = COLUMNS.find((one) => one.class !== column.class && one.type === column.type) ?? column
  const [sql, same] = draft.choices.pick<readonly [string, boolean]>([
    [`(${c} = ${x} AND ${x} <> t.ward)`, false],
    [`(${c} = ${x} AND length(${x}::text) > 3)`, false],
    [`(${c} = ${x} AND ${x}::text LIKE 'tok%')`, false],
    [`(${c} = ${x} OR t.${(kin ?? column).name} = ${x})`, kin === undefined],
    [`(${c} = ${x} OR t.${other.name} = ${x})`, false],
    [`(${x} IS NULL OR ${c} = ${x})`, false],
    [`(${c} = ${x} AND ${c} >= ${x})`, false],
    [`(${c} = ${x} AND ${c} <> ${x})`, true],
  ])
  return { sql, genuine: genuine && same }
}

/** One constant that is compared with several things at once. */
function several(draft: TokenDraft, column: TokenColumn): Condition {
  const c = `t.${column.name}`
  const x = draft.constant(column, { values: false }).sql
  const guess = draft.guess(column)
  const sql = draft.choices.pick([
    `${x} IN (${c}, ${guess})`,
    `${x} = ANY (ARRAY[${guess}, ${c}])`,
    `(${x}, 1) IN ((${c}, t.id), (${guess}, 1))`,
    `CASE ${x} WHEN ${guess} THEN true WHEN ${c} THEN true ELSE false END`,
    `CASE ${x} WHEN ${c} THEN true ELSE ${x} = ${guess} END`,
    ...(isText(column) ? [`${x} IN (${c}, t.ward)`, `${x} IN (t.alias, t.name)`] : [`${x} NOT IN (${guess}, ${c})`]),
  ])
  return { sql, genuine: false }
}

/** A query that shows a constant, beside protected columns and apart from them. */
export function echoing(draft: TokenDraft, way: Way): Statement {
  const { choices } = draft
  const from = choices.pick(FROM)
  const column = draft.column()
  const c = `t.${column.name}`
  // A value of side a stands here as well: its token would confirm it.
  const x = draft.constant(column, COMPARED).sql
  const text = `(${x})::text`
  const sql = choices.pick([
    `SELECT ${x} AS x`,
    `SELECT ${text} AS x, t.id FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, concat('<', ${x}, '>') AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT json_build_object('k', ${text}), ARRAY[${text}], ROW(${text}, 1)`,
    `SELECT length(${text}), ${text} LIKE 'tok%', nullif(${text}, 'x')`,
    `SELECT t.id, coalesce(${c}, ${x}) AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, coalesce(NULL, ${x}, ${c}) AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, CASE WHEN t.id < 6 THEN ${x} ELSE ${c} END AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT ${c} AS x FROM ${from} AS t UNION ALL SELECT ${x}`,
    `SELECT ${x} AS x UNION ALL SELECT ${c} FROM ${from} AS t`,
    `WITH w AS (SELECT ${c} AS x FROM ${from} AS t UNION ALL SELECT ${x}) SELECT w.x FROM w`,
    `SELECT t.id, ARRAY[${c}, ${x}] AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, (ARRAY[${c}, ${x}])[2] AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, lag(${c}, 1, ${x}) OVER (ORDER BY t.id) AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, json_build_array(${c}, ${x}) AS x FROM ${from} AS t ORDER BY t.id`,
    `SELECT t.id, u.x FROM ${from} AS t, unnest(ARRAY[${c}, ${x}]) AS u(x)`,
    `SELECT v.x FROM (VALUES (${x}), (${x})) AS v(x)`,
    `SELECT v.x, t.id FROM (VALUES (${x})) AS v(x) JOIN ${from} AS t ON ${c} = v.x`,
    `SELECT t.id FROM ${from} AS t, (VALUES (${x})) AS v(x) WHERE ${c} = v.x ORDER BY t.id`,
    `WITH w(x) AS (SELECT ${x}) SELECT t.id, w.x FROM w, ${from} AS t WHERE t.id = 1`,
    `WITH w(x) AS (SELECT ${x}) SELECT t.id FROM ${from} AS t WHERE ${c} IN (SELECT w.x FROM w) ORDER BY t.id`,
    `SELECT string_agg(t.ward, ${text} ORDER BY t.id) FROM ${from} AS t`,
    `SELECT t.id, ${text} AS x FROM ${from} AS t WHERE ${c} = ${x} ORDER BY t.id`,
    `SELECT t.id, ${text} AS x FROM ${from} AS t WHERE ${c} = ${x} ORDER BY t.id`,
    `SELECT t.id, ${text} AS x FROM ${from} AS t WHERE ${c} = ${x} ORDER BY t.id`,
    `SELECT t.id, concat('<', ${x}, '>') AS x FROM ${from} AS t WHERE ${c} IN (${x}, ${x}) ORDER BY t.id`,
    `SELECT current_query() AS x, t.id FROM ${from} AS t WHERE ${c} = ${x} ORDER BY t.id`,
    `SELECT set_config('application_name', left(${text}, 20), true)`,
    `SELECT format('%s %L', ${text}, ${text})`,
    `SELECT f.id FROM clinic.found(${text}) AS f(id)`,
    `SELECT clinic.loud(${text}) AS x, clinic.found(${text}) AS id`,
    `SELECT max(s.x) FROM (SELECT ${c} AS x FROM ${from} AS t UNION ALL SELECT ${x}) AS s`,
  ])
  return { texts: [sql], way, phi: true, stable: / ORDER BY t\.id\)?/.test(sql), parameters: draft.parameters }
}
