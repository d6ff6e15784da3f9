import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { COLUMNS, type Column, has } from './columns.ts'
import type { Step } from './ways.ts'

/** Two statements of the same form whose answers differ because of one value: by them it could be guessed. */
export interface Oracle {
  readonly id: string
  readonly way: string
  readonly ask: readonly [readonly Step[], readonly Step[]]
}

const P = 'matrix.person'
const say = (sql: string): Step => [encodeQuery(sql)]
const undone = (...statements: readonly string[]): Step[] => ['begin', ...statements, 'rollback'].map(say)
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** By a guess of the value of row 1: `g` is it as a literal. */
type Guess = (c: string, g: string) => string | readonly string[]

const GUESSES: Readonly<Record<string, Guess>> = {
  where: (c, g) => `select id from ${P} where ${c} = ${g}`,
  'where, not distinct': (c, g) => `select id from ${P} where ${c} is not distinct from ${g}`,
  'where, count': (c, g) => `select count(*) from ${P} where ${c} = ${g}`,
  'where, in': (c, g) => `select id from ${P} where ${c} in (${g}, null)`,
  'where, any': (c, g) => `select id from ${P} where ${c} = any (values (${g}))`,
  'where, between': (c, g) => `select id from ${P} where ${c} between ${g} and ${g}`,
  'where, row': (c, g) => `select id from ${P} where (id, ${c}) = (1, ${g})`,
  'where, text': (c, g) => `select id from ${P} where ${c}::text = ${g}::text`,
  'where, digest': (c, g) => `select id from ${P} where md5(${c}::text) = md5(${g}::text)`,
  'where, like': (c, g) => `select id from ${P} where ${c}::text like replace(${g}::text, '\\', '_')`,
  'where, regular expression': (c, g) => `select id from ${P} where starts_with(${c}::text, ${g}::text)`,
  'where, json': (c, g) => `select id from ${P} where to_jsonb(${c}) = to_jsonb(${g})`,
  'where, contained': (c, g) =>
    `select id from ${P} where to_jsonb(${P.split('.')[1]}) @> jsonb_build_object('${c}', ${g})`,
  'where, subselect': (c, g) => `select id from ${P} where id = (select id from ${P} where ${c} = ${g})`,
  'where, exists': (c, g) => `select v.k from (values (1)) v(k) where exists (select 1 from ${P} where ${c} = ${g})`,
  'where, in subselect': (c, g) => `select 1 as one where ${g} in (select ${c} from ${P})`,
  'value, boolean': (c, g) => `select ${c} = ${g} from ${P} where id = 1`,
  'value, case': (c, g) => `select case when ${c} = ${g} then 'yes' else 'no' end from ${P}`,
  'value, case of': (c, g) => `select case ${c} when ${g} then 1 end from ${P}`,
  'value, nullif': (c, g) => `select nullif(${c}, ${g}) is null from ${P} where id = 1`,
  'value, exists': (c, g) => `select exists (select from ${P} where ${c} = ${g})`,
  'value, array': (c, g) => `select array(select ${c} from ${P} where id = 1) = array[${g}]`,
  'value, subselect': (c, g) => `select (select id from ${P} where ${c} = ${g})`,
  'value, strpos': (c, g) => `select strpos(${c}::text, ${g}::text) from ${P} where id = 1`,
  'value, text of a comparison': (c, g) => `select (${c} = ${g})::int::text from ${P} where id = 1`,
  'aggregate, filter': (c, g) => `select count(*) filter (where ${c} = ${g}) from ${P}`,
  'aggregate, bool_or': (c, g) => `select bool_or(${c} = ${g}) from ${P}`,
  'aggregate, sum of case': (c, g) => `select sum(case when ${c} = ${g} then 1 else 0 end) from ${P}`,
  having: (c, g) => `select grp from ${P} group by grp having bool_or(${c} = ${g})`,
  'group by': (c, g) => `select count(*) from ${P} group by ${c} = ${g} order by 1`,
  'group by, together': (c, g) =>
    `select count(*) from (select ${c} as x from ${P} where id = 1 union all select ${g}) u group by x`,
  distinct: (c, g) => `select count(distinct x) from (select ${c} as x from ${P} where id = 1 union all select ${g}) u`,
  union: (c, g) => `select count(*) from (select ${c} from ${P} where id = 1 union select ${g}) u`,
  intersect: (c, g) => `select count(*) from (select ${c} from ${P} intersect select ${g}) u`,
  except: (c, g) => `select count(*) from (select ${c} from ${P} except select ${g}) u`,
  'order by': (c, g) => `select id from ${P} where id < 3 order by ${c} = ${g}, id`,
  'order by, case': (c, g) => `select id from ${P} where id < 3 order by case when ${c} = ${g} then 9 else id end`,
  'window, partition': (c, g) =>
    `select id, count(*) over (partition by ${c} = ${g}) from ${P} where id < 3 order by id`,
  limit: (c, g) => `select id from ${P} order by id limit (select count(*) from ${P} where ${c} = ${g})`,
  offset: (c, g) => `select id from ${P} order by id offset (select count(*) from ${P} where ${c} = ${g})`,
  'join, on': (c, g) => `select v.k from (values (1), (2)) v(k) join ${P} p on p.id = v.k and p.${c} = ${g}`,
  'join, outer': (c, g) => `select p.id from (values (1)) v(k) left join ${P} p on p.${c} = ${g}`,
  'join, values': (c, g) => `select p.id from ${P} p join (values (${g})) v(x) on v.x = p.${c}`,
  'join, using': (c, g) => `select p.id from ${P} p join (values (${g})) v(${c}) using (${c})`,
  'join, lateral': (c, g) => `select p.id from ${P} p, lateral (select 1 as one where p.${c} = ${g}) l`,
  'rows of a function': (c, g) => `select * from generate_series(1, (select id from ${P} where ${c} = ${g}))`,
  recursion: (c, g) =>
    `with recursive r(n) as (select 1 union all select n + 1 from r, ${P} p where n < 3 and p.${c} = ${g}) select n from r`,
  'error, division': (c, g) => `select 1 / (select count(*) from ${P} where ${c} = ${g})`,
  'error, cast': (c, g) => `select (case when ${c} = ${g} then 'x' else '1' end)::integer from ${P}`,
  'error, more than one row': (c, g) => `select (select v.k from (values (1), (2)) v(k), ${P} p where p.${c} = ${g})`,
  'error, constraint': (c, g) => [
    `insert into matrix.keyed (v, n) select 'v', case when ${c} = ${g} then 9 else 1 end from ${P} where id = 1`,
  ],
  'tag, update': (c, g) => [`update ${P} set grp = grp where ${c} = ${g}`],
  'tag, delete': (c, g) => [`delete from ${P} where ${c} = ${g}`],
  'tag, insert': (c, g) => [`insert into matrix.sink select id from ${P} where ${c} = ${g}`],
  'tag, merge': (c, g) => [
    `merge into matrix.sink s using ${P} p on p.${c} = ${g} and s.id = p.id when not matched and p.${c} = ${g} then insert values (p.id)`,
  ],
  'tag, move': (c, g) => [`declare m_c cursor for select id from ${P} where ${c} = ${g}`, 'move all in m_c'],
  'tag, copy': (c, g) => `copy (select id from ${P} where ${c} = ${g}) to stdout`,
  'tag, create table as': (c, g) => [`create temp table m_t as select id from ${P} where ${c} = ${g}`],
  'explain analyze': (c, g) =>
    `explain (analyze, costs off, timing off, summary off, buffers off) select id from ${P} where ${c} = ${g}`.replace(
      ' id ',
      ' 1 ',
    ),
  prepared: (c, g) => [`prepare m_p as select id from ${P} where ${c} = $1`, `execute m_p(${g})`, 'deallocate m_p'],
  view: (c, g) => `select id from matrix.v_nested where ${c} = ${g}`,
  'view, renamed': (c, g) => `select id from matrix.v_renamed where harmless_${c} = ${g}`,
  'materialised view': (c, g) => `select id from matrix.m_plain where ${c} = ${g}`,
  'sql function': (c, g) => `select 1 as one where matrix.f_${c}(1) = ${g}`,
  'plpgsql function': (c, g) => `select matrix.g_${c}(1) = ${g}`,
  'generated column': (c, g) => `select id from matrix.generated where g_${c} = ${g}`,
  partition: (c, g) => `select id from matrix.part_one where ${c} = ${g}`,
  inheritance: (c, g) => `select id from matrix.heir where ${c} = ${g}`,
  cte: (c, g) => `with w as materialized (select id, ${c} as x from ${P}) select id from w where x = ${g}`,
  'whole row': (c, g) => `select p.id from ${P} p where (p).${c} = ${g}`,
}

/** By one order and the other. */
const ORDERS: Readonly<Record<string, (c: string, direction: string) => string>> = {
  'order by a column': (c, d) => `select id from ${P} where id < 3 order by ${c} ${d}`,
  'order by position': (c, d) => `select ${c}, id from ${P} where id < 3 order by 1 ${d}`,
  'order by an alias': (c, d) => `select id, ${c} as x from ${P} where id < 3 order by x ${d}`,
  'window order': (c, d) => `select id, row_number() over (order by ${c} ${d}) from ${P} where id < 3 order by id`,
  'order in an aggregate': (c, d) => `select array_agg(id order by ${c} ${d}) from ${P} where id < 3`,
  'order below a limit': (c, d) => `select id from (select id from ${P} where id < 3 order by ${c} ${d} limit 1) q`,
  'order of a cursor': (c, d) => `copy (select id from ${P} where id < 3 order by ${c} ${d}) to stdout`,
  'distinct on': (c, d) => `select distinct on (code) id from ${P} where id < 3 order by code, ${c} ${d}`,
  'less than': (c, d) =>
    `select a.id, b.id from ${P} a, ${P} b where ${d === 'asc' ? `a.${c} < b.${c}` : `a.${c} > b.${c}`}`,
}

function guesses({ name, type, values, otherGuess }: Column): Oracle[] {
  const [right, wrong] = [values[0], otherGuess].map((guess) => `${literal(guess)}::${type}`)
  if (right === undefined || wrong === undefined) return []
  const steps = (form: Guess, guess: string): readonly Step[] => {
    const sql = form(name, guess)
    return typeof sql === 'string' ? [say(sql)] : undone(...sql)
  }
  const bound = (guess: string): Step[] => [
    [
      encodeParse('', `select id from ${P} where ${name} = $1::${type}`),
      encodeBind({ parameters: [guess] }),
      encodeExecute(''),
      encodeSync(),
    ],
  ]
  return [
    ...Object.entries(GUESSES).map(
      ([way, form]): Oracle => ({
        id: `${way} × ${name}`,
        way,
        ask: [steps(form, right), steps(form, wrong)],
      }),
    ),
    { id: `parameter × ${name}`, way: 'parameter', ask: [bound(values[0]), bound(otherGuess)] },
  ]
}

const orders = ({ name }: Column): Oracle[] =>
  Object.entries(ORDERS).map(([way, form]) => ({
    id: `${way} × ${name}`,
    way,
    ask: [[say(form(name, 'asc'))], [say(form(name, 'desc'))]],
  }))

const ESTIMATE: Oracle = {
  id: 'explain, estimate × counted',
  way: 'explain, estimate',
  ask: [
    [say(`explain select 1 from matrix.counted where v = 'Qvorblaxx Zyndrimm'`)],
    [say(`explain select 1 from matrix.counted where v = 'Qvorblaxy Zyndrimm'`)],
  ],
}

/** All of them, for every column of a type that can be compared. */
export const oracles = (): Oracle[] => [
  ...COLUMNS.filter(has('sorted')).flatMap((column) => [...guesses(column), ...orders(column)]),
  ESTIMATE,
]
