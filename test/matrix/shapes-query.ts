import { has } from './columns.ts'
import { any, few, maskedQuery, only, query, type Shape } from './shape.ts'

const sorted = has('sorted')
const P = 'matrix.person'
const DML = 'where id = 1'

/** Whole queries: how a column gets from a table to the result. */
export const QUERY_SHAPES: readonly Shape[] = [
  // ---- names
  maskedQuery('plain', any, (c) => `select ${c} from ${P} order by id`),
  maskedQuery('swapped-alias', any, (c) => `select ${c} as id, id as ${c} from ${P}`),
  maskedQuery('qualified', any, (c) => `select matrix.person.${c} from ${P}`),
  maskedQuery('quoted', any, (c) => `select "matrix"."person"."${c}" as "Select; --" from "matrix"."person"`),
  maskedQuery('upper-case', any, (c) => `SELECT PERSON.${c.toUpperCase()} FROM Matrix.PERSON`),
  maskedQuery('database-qualified', any, (c) => `select ${c} from hospital.matrix.person`),
  maskedQuery('star', any, () => `select * from ${P}`),
  maskedQuery('star-of-alias', any, () => `select p.*, 1 as one from ${P} p`),
  maskedQuery('table-command', any, () => `table ${P}`),
  maskedQuery('column-aliases', any, (c) => `select d.x from (select ${c} from ${P}) as d(x)`),
  maskedQuery('only', any, (c) => `select ${c} from only ${P}`),
  maskedQuery('unicode-name', only('text', 'int4'), (c) => `select U&"${c.replace('_', '\\005F')}" from ${P}`),
  // ---- queries in queries
  maskedQuery('subselect', any, (c) => `select (select ${c} from ${P} where id = 1) as x`),
  maskedQuery('derived', any, (c) => `select d.x from (select ${c} as x from ${P} limit 2) d`),
  maskedQuery('cte', any, (c) => `with w as (select ${c} as x, id from ${P}) select x from w order by id`),
  maskedQuery('cte-materialized', any, (c) => `with w(x) as materialized (select ${c} from ${P}) select w.* from w`),
  maskedQuery(
    'cte-of-cte',
    any,
    (c) => `with a as (table ${P}), b as (select * from a), person as (select ${c} as x from b) select x from person`,
  ),
  maskedQuery(
    'cte-recursive',
    any,
    (c) =>
      `with recursive r(n, x) as (select 1, ${c} from ${P} where id = 1 union all select n + 1, x from r where n < 3) select x from r`,
  ),
  query(
    'cte-recursive-swap',
    only('text', 'unlabelled'),
    (c) =>
      `with recursive r(n, a, b) as (select 1, 'clean'::text, ${c} from ${P} where id = 1 union all select n + 1, b, a from r where n < 3) select a from r`,
  ),
  maskedQuery('lateral', any, (c) => `select l.x from ${P} p cross join lateral (select p.${c} as x) l`),
  maskedQuery('lateral-values', any, (c) => `select v.x from ${P} p, lateral (values (p.${c}), (null)) as v(x)`),
  query('lateral-srf', few, (c) => `select s.x from ${P} p, lateral string_to_table(p.${c}::text, '%') as s(x)`),
  maskedQuery('values', any, (c) => `values ((select ${c} from ${P} where id = 1)), (null)`),
  maskedQuery('subselect-in-subselect', any, (c) => `select (select (select p.${c})) as x from ${P} p`),
  // ---- set operations
  maskedQuery('union-all', any, (c) => `select ${c} from ${P} union all select null`),
  maskedQuery('union-all-renamed', any, (c) => `select null as harmless union all select ${c} from ${P}`),
  maskedQuery('union', sorted, (c) => `select ${c} from ${P} union select ${c} from ${P}`),
  maskedQuery('intersect', sorted, (c) => `select ${c} from ${P} intersect select ${c} from ${P}`),
  maskedQuery('except', sorted, (c) => `select ${c} from ${P} except select ${c} from ${P} where false`),
  // ---- joins
  maskedQuery('values-join', any, (c) => `select v.k, p.${c} from (values (1), (2)) v(k) join ${P} p on p.id = v.k`),
  maskedQuery('self-join', any, (c) => `select b.${c} from ${P} a left join ${P} b on a.id = b.id`),
  maskedQuery('join-using', any, (c) => `select a.${c}, id from ${P} a full join matrix.sink s using (id)`),
  query('join-using-phi', sorted, (c) => `select ${c} from ${P} a join matrix.v_plain b using (${c})`),
  query(
    'natural-join',
    only('text'),
    (c) => `select ${c} from (select ${c}, id from ${P}) a natural join (select ${c}, id from ${P}) b`,
  ),
  maskedQuery('join-alias', any, (c) => `select j.${c} from (${P} a(aid) cross join (select 1 as one) o) as j`),
  // ---- rows: windows, aggregates, groups
  maskedQuery('distinct-on', any, (c) => `select distinct on (id) ${c} from ${P} order by id`),
  maskedQuery('distinct', sorted, (c) => `select distinct ${c} from ${P}`),
  maskedQuery('group-by', sorted, (c) => `select ${c}, count(*) from ${P} group by ${c}`),
  query('grouping-sets', sorted, (c) => `select ${c}, count(*) from ${P} group by grouping sets ((${c}), (grp), ())`),
  query('rollup', sorted, (c) => `select ${c} as x, grp from ${P} group by rollup (1, 2)`),
  query('cube', sorted, (c) => `select grouping(${c}), ${c} from ${P} group by cube (${c}, grp)`),
  maskedQuery('group-by-key', any, (c) => `select ${c} from ${P} group by id`),
  maskedQuery('tablesample', any, (c) => `select ${c} from ${P} tablesample bernoulli (100) repeatable (1)`),
  maskedQuery('for-share', any, (c) => `select ${c} from ${P} where id = 1 for share`),
  maskedQuery('limit-offset', any, (c) => `select ${c} from ${P} order by id limit 1 offset 1`),
  maskedQuery('with-ties', any, (c) => `select ${c} from ${P} order by id fetch first 1 row with ties`),
  maskedQuery('array-agg', any, (c) => `select array_agg(${c}) from ${P} where id < 3`),
  maskedQuery(
    'array-agg-filter',
    any,
    (c) => `select array_agg(${c} order by id desc) filter (where id = 1) from ${P}`,
  ),
  maskedQuery('array-subselect', any, (c) => `select array(select ${c} from ${P} where id < 3 order by id)`),
  maskedQuery('json-agg', any, (c) => `select json_agg(${c}) from ${P}`),
  maskedQuery('jsonb-agg-row', any, (c) => `select jsonb_agg(d) from (select ${c} as x, id from ${P}) d`),
  maskedQuery('json-object-agg', any, (c) => `select json_object_agg(id, ${c}) from ${P}`),
  query('json-object-agg-key', few, (c) => `select json_object_agg(${c}::text, id) from ${P} where id < 3`),
  query('string-agg', any, (c) => `select string_agg(${c}::text, '~' order by id) from ${P}`),
  query('any-value', any, (c) => `select any_value(${c}) from ${P}`),
  query('min', has('minmax'), (c) => `select min(${c}) from ${P}`),
  query('max-filter', has('minmax'), (c) => `select max(${c}) filter (where id = 1) from ${P}`),
  query('mode', sorted, (c) => `select mode() within group (order by ${c}) from ${P}`),
  query('percentile-disc', sorted, (c) => `select percentile_disc(0.1) within group (order by ${c}) from ${P}`),
  query('xml-agg', few, (c) => `select xmlagg(xmlelement(name a, ${c})) from ${P}`),
  query('range-agg', has('range'), (c) => `select range_agg(${c}) from ${P}`),
  query('user-aggregate', only('text'), (c) => `select matrix.gather(${c}) from ${P} where id = 1`),
  // ---- characters
  query(
    'per-character',
    few,
    (c) => `select substr(${c}::text, g, 1) from ${P}, generate_series(1, 60) g where id = 1 order by g`,
  ),
  query(
    'per-character-code',
    only('text', 'char', 'uuid'),
    (c) =>
      `select ascii(substr(${c}::text, g, 1)) from ${P}, generate_series(1, length((select ${c} from ${P} where id = 1)::text)) g where id = 1 order by g`,
    { textOnly: true },
  ),
  query('per-character-table', few, (c) => `select string_to_table(${c}::text, null) from ${P} where id = 1`),
  query('per-character-regexp', few, (c) => `select (regexp_matches(${c}::text, '.', 'g'))[1] from ${P} where id = 1`),
  query('per-character-split', few, (c) => `select regexp_split_to_table(${c}::text, '') from ${P} where id = 1`),
  query(
    'per-byte',
    few,
    (c) =>
      `select to_hex(get_byte(convert_to(${c}::text, 'UTF8'), g)) from ${P}, generate_series(0, octet_length((select ${c} from ${P} where id = 1)::text) - 1) g where id = 1 order by g`,
    { textOnly: true },
  ),
  // ---- definitions
  maskedQuery('view', any, (c) => `select ${c} from matrix.v_plain`),
  maskedQuery('view-nested', any, (c) => `select ${c} from matrix.v_nested`),
  maskedQuery('view-quoted', any, (c) => `select ${c} from matrix."V ""odd"" Name"`),
  maskedQuery('view-renamed', any, (c) => `select harmless_${c} from matrix.v_renamed`),
  maskedQuery('view-concat', any, (c) => `select ${c} from matrix.v_concat`),
  maskedQuery('view-union', any, (c) => `select ${c} from matrix.v_union`),
  query('view-row', any, () => `select document from matrix.v_row`),
  maskedQuery('view-barrier', any, (c) => `select ${c} from matrix.v_barrier`),
  query('view-function', any, (c) => `select ${c} from matrix.v_function`),
  query('view-recursive', any, (c) => `select ${c} from matrix.v_recursive`),
  maskedQuery('view-star', any, () => `select * from matrix.v_nested`),
  maskedQuery('materialised-view', any, (c) => `select ${c} from matrix.m_plain`),
  maskedQuery('materialised-view-of-view', any, (c) => `select ${c} from matrix.m_nested`),
  query('sql-function', any, (c) => `select matrix.f_${c}(1)`),
  query('sql-function-atomic', any, (c) => `select matrix.b_${c}(n => 1)`),
  query('sql-function-set', any, (c) => `select * from matrix.s_${c}()`),
  query('sql-function-set-in-select', any, (c) => `select matrix.s_${c}()`),
  query('sql-function-table', any, (c) => `select t.* from matrix.t_${c}() t`),
  query('sql-function-rows', any, (c) => `select ${c} from matrix.people()`),
  query(
    'sql-function-rows-from',
    any,
    (c) => `select r.* from rows from (matrix.s_${c}(), generate_series(1, 2)) as r(a, b)`,
  ),
  query('sql-function-row', any, (c) => `select (matrix.person_of(1)).${c}`),
  query('sql-function-whole-row', any, () => `select matrix.person_of(1)`),
  query('plpgsql-function', any, (c) => `select matrix.g_${c}(1)`),
  query('plpgsql-function-in-from', any, (c) => `select * from matrix.g_${c}(1) as harmless`),
  // ---- where rows live
  maskedQuery('generated-stored', any, (c) => `select g_${c} from matrix.generated`),
  maskedQuery('generated-virtual', only('text'), () => `select virtual from matrix.generated`),
  maskedQuery('partition-parent', any, (c) => `select ${c} from matrix.part`),
  maskedQuery('partition-child', any, (c) => `select ${c} from matrix.part_one`),
  maskedQuery('inheritance-parent', any, (c) => `select ${c} from matrix.ancestor`),
  maskedQuery('inheritance-child', any, (c) => `select ${c} from matrix.heir`),
  query('inheritance-child-as-parent', any, (c) => `select (h::matrix.ancestor).${c} from matrix.heir h`),
  // ---- data-modifying CTEs
  query('cte-update', any, (c) => `with u as (update ${P} set grp = grp ${DML} returning *) select ${c} from u`),
  query('cte-delete', any, (c) => `with d as (delete from ${P} ${DML} returning ${c} as x) select x from d`),
  query(
    'cte-insert',
    only('text', 'unlabelled', 'name'),
    (c) => `with i as (insert into matrix.sink select id, ${c} from ${P} returning v) select v from i`,
  ),
]
