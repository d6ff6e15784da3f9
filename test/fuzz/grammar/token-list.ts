import type { Choices } from '../choices.ts'
import type { Statement, Way } from './statement.ts'
import {
  CHARTED,
  COLUMNS,
  type Constant,
  isText,
  type Place,
  type TokenColumn,
  type TokenDraft,
} from './token-constant.ts'

const FROM = ['patient', 'clinic.patient', 'everything'] as const

/** Constants as a column of their own: something that FROM names `v`, with `x` for the constants and `n` for their number. */
interface Listed {
  readonly from: string
  /** For WITH, if it is named there. */
  readonly named: string
  readonly genuine: boolean
}

/** A query of constants that meet a protected column, and of what else can be made of them. */
export function listing(draft: TokenDraft, way: Way): Statement {
  const { choices } = draft
  const column = draft.column()
  const c = `t.${column.name}`
  const { from, named, genuine } = listed(draft, column, { values: true })
  const table = choices.pick(FROM)
  const join = choices.pick(['JOIN', 'JOIN', 'LEFT JOIN', 'FULL JOIN'])
  const met = choices.pick([
    `${c} = v.x`,
    `${c} = v.x`,
    `v.x = ${c}`,
    `(${c}, 1) = (v.x, 1)`,
    `${c} IS NOT DISTINCT FROM v.x`,
  ])
  const also = choices.chance(35) ? ` AND ${another(choices, column)}` : ''
  const shown = choices.chance(35) ? something(choices, column) : undefined
  const made = (sql: string, isExact: boolean, stable = true): Statement => ({
    texts: [named + sql],
    way,
    phi: true,
    stable,
    parameters: draft.parameters,
    exact: genuine && isExact && also === '' && shown === undefined && way !== 'binary' && way !== 'again',
  })
  const out = shown === undefined ? `v.n, t.id, ${c}` : `v.n, t.id, ${shown} AS x`
  return choices.weighted<Statement>([
    [5, () => made(`SELECT ${out} FROM ${table} AS t ${join} ${from} ON ${met}${also} ORDER BY v.n, t.id`, true)],
    [2, () => made(`SELECT ${out} FROM ${from} ${join} ${table} AS t ON ${met}${also} ORDER BY v.n, t.id`, true)],
    [2, () => made(`SELECT ${out} FROM ${table} AS t, ${from} WHERE ${met}${also} ORDER BY v.n, t.id`, true)],
    [1, () => made(`SELECT t.id FROM ${table} AS t WHERE ${c} IN (SELECT v.x FROM ${from}) ORDER BY t.id`, true)],
    [1, () => made(`SELECT t.id FROM ${table} AS t WHERE ${c} NOT IN (SELECT v.x FROM ${from}) ORDER BY t.id`, true)],
    [
      1,
      () =>
        made(`SELECT v.n, (SELECT count(*) FROM ${table} AS t WHERE ${met}${also}) FROM ${from} ORDER BY v.n`, true),
    ],
    [
      1,
      () =>
        made(
          `SELECT v.n FROM ${from} WHERE EXISTS (SELECT 1 FROM ${table} AS t WHERE ${met}${also}) ORDER BY v.n`,
          true,
        ),
    ],
    [1, () => made(`SELECT v.x, count(t.id) FROM ${from} ${join} ${table} AS t ON ${met} GROUP BY v.x`, false, false)],
    [1, () => made(`SELECT count(DISTINCT v.x), count(*) FROM ${from} ${join} ${table} AS t ON ${met}`, false)],
    [1, () => made(`SELECT v.x, t.id FROM ${from} ${join} ${table} AS t ON ${met} ORDER BY v.x, t.id`, false)],
    [1, () => made(`SELECT DISTINCT v.x FROM ${from} ${join} ${table} AS t ON ${met}`, false, false)],
    [1, () => made(`SELECT v.x FROM ${from} UNION ALL SELECT ${c} FROM ${table} AS t`, false, false)],
    [
      1,
      () =>
        made(
          `SELECT ${c} FROM ${table} AS t ${choices.pick(['UNION', 'EXCEPT', 'INTERSECT'])} SELECT v.x FROM ${from}`,
          false,
          false,
        ),
    ],
    [
      1,
      () =>
        made(
          `SELECT s.x FROM (SELECT v.x, v.n FROM ${from}) AS s JOIN ${table} AS t ON ${c} = s.x ORDER BY s.n, t.id`,
          false,
        ),
    ],
    [1, () => made(`SELECT v.n, v.x FROM ${from} WHERE v.x IN (SELECT ${c} FROM ${table} AS t) ORDER BY v.n`, false)],
  ])
}

/** A change of the chart that takes its constants from such a column. */
export function listedChange(draft: TokenDraft, way: Way): Statement {
  const { choices } = draft
  const column = draft.column(CHARTED)
  const c = column.name
  const { from, named, genuine } = listed(draft, column, { values: false })
  const note = choices.pick([`'n'`, `'n'`, 'v.x::text', `concat(v.x, '')`, 'v.n::text'])
  const value = choices.pick([
    'v.x',
    'v.x',
    'v.x',
    `coalesce(v.x, NULL)`,
    ...(isText(column) ? [`v.x || ''`, 'max(v.x) OVER ()'] : []),
  ])
  const returning = choices.pick(['', ` RETURNING c.id, c.${c}, c.note`])
  const [sql, isExact] = choices.pick<readonly [string, boolean]>([
    [
      `INSERT INTO clinic.chart AS c (id, ${c}, note) SELECT 90 + v.n, ${value}, ${note} FROM ${from}${returning}`,
      true,
    ],
    [
      `INSERT INTO clinic.chart AS c (id, ${c}, note) SELECT 90 + v.n, ${value}, ${note} FROM ${from} ORDER BY v.n${returning}`,
      true,
    ],
    [`UPDATE clinic.chart AS c SET ${c} = ${value}, note = ${note} FROM ${from} WHERE c.id = v.n${returning}`, true],
    [`UPDATE clinic.chart AS c SET ${c} = v.x FROM ${from} WHERE c.${c} = v.x${returning}`, false],
    [`UPDATE clinic.chart AS c SET note = 'n' FROM ${from} WHERE c.${c} = v.x${returning}`, false],
    [`UPDATE clinic.chart AS c SET note = v.x::text FROM ${from} WHERE c.${c} = v.x`, false],
    [`DELETE FROM clinic.chart AS c USING ${from} WHERE c.${c} = v.x RETURNING c.id, v.n`, false],
    [`MERGE INTO clinic.chart AS c USING ${from} ON c.id = v.n WHEN MATCHED THEN UPDATE SET ${c} = v.x`, false],
  ])
  const simple = value === 'v.x' && (note === `'n'` || note === 'v.n::text')
  return {
    texts: ['BEGIN', named + sql],
    way,
    phi: true,
    stable: false,
    parameters: draft.parameters,
    exact: genuine && isExact && simple && way !== 'binary' && way !== 'again',
  }
}

function listed(draft: TokenDraft, column: TokenColumn, place: Place): Listed {
  const { choices } = draft
  const one = (): Constant => {
    const { genuine, sql } = draft.constant(column, place)
    return { genuine, sql: column.type === 'uuid' ? `(${sql})::uuid` : sql }
  }
  const all = Array.from({ length: 1 + choices.next(3) }, one)
  const genuine = all.every((constant) => constant.genuine)
  const rows = all.map(({ sql }, index) => `(${sql}, ${index + 1})`).join(', ')
  const array = `ARRAY[${all.map(({ sql }) => sql).join(', ')}]`
  const type = column.type === 'varchar' ? 'text' : column.type
  return choices.weighted<Listed>([
    [4, () => ({ named: '', from: `(VALUES ${rows}) AS v(x, n)`, genuine })],
    [2, () => ({ named: `WITH w(x, n) AS (VALUES ${rows}) `, from: 'w AS v', genuine })],
    [1, () => ({ named: `WITH w(x, n) AS MATERIALIZED (VALUES ${rows}) `, from: 'w AS v', genuine })],
    [1, () => ({ named: '', from: `(SELECT s.x, s.n FROM (VALUES ${rows}) AS s(x, n)) AS v`, genuine })],
    [1, () => ({ named: '', from: `(SELECT ${all[0]?.sql ?? 'NULL'} AS x, 1 AS n) AS v`, genuine: false })],
    [2, () => ({ named: '', from: `unnest(${array}) WITH ORDINALITY AS v(x, n)`, genuine })],
    [1, () => ({ named: '', from: `(SELECT u.x, 1 AS n FROM unnest(${array}) AS u(x)) AS v`, genuine: false })],
    [
      draft.parameters.length > 0 ? 0 : 2,
      () => {
        const { genuine: isGenuine, sql } = draft.list(column, place)
        return { named: '', from: `unnest(${sql}::${type}[]) WITH ORDINALITY AS v(x, n)`, genuine: isGenuine }
      },
    ],
  ])
}

/** What is asked about the constants besides. */
function another(choices: Choices, column: TokenColumn): string {
  const texts = isText(column)
  const kin = COLUMNS.find((one) => one !== column && one.class === column.class && isText(one) === texts)
  const other = COLUMNS.find((one) => one.class !== column.class && one.type === column.type)
  return choices.pick([
    'v.n < 3',
    'v.x IS NOT NULL',
    `v.x <> ${texts ? 't.ward' : `t.${column.name}`}`,
    `v.x IN (SELECT t2.${(kin ?? column).name} FROM patient AS t2)`,
    `t.${(kin ?? column).name} = v.x`,
    `t.${(other ?? column).name} = v.x`,
    `t.${column.name} >= v.x`,
    ...(texts
      ? [
          `v.x <> 'q'`,
          `v.x LIKE 'tok%'`,
          'length(v.x) > 3',
          `v.x = t.ward`,
          `v.x || '' <> 'q'`,
          `lower(t.${column.name}) = v.x`,
        ]
      : ['v.x IS DISTINCT FROM NULL']),
  ])
}

/** What is shown of them. */
function something(choices: Choices, column: TokenColumn): string {
  const c = `t.${column.name}`
  return choices.pick([
    'v.x',
    'v',
    'row_to_json(v)',
    'v.x::text',
    `coalesce(v.x, ${c})`,
    `coalesce(${c}, v.x)`,
    `ARRAY[v.x, ${c}]`,
    `CASE WHEN t.id < 5 THEN v.x ELSE ${c} END`,
    `v.x = ${c}`,
    'length(v.x::text)',
    `concat(v.x, '')`,
    'lag(v.x) OVER (ORDER BY v.n, t.id)',
    'max(v.x::text) OVER ()',
    `(SELECT s.id FROM patient AS s WHERE s.${column.name} = v.x LIMIT 1)`,
    'nullif(v.x, v.x)',
  ])
}
