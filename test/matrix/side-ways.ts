import { encodeFunctionCall } from '../../src/protocols/postgres/encode.ts'
import { columnNamed } from './columns.ts'
import { type SideCase, sideCases } from './side-case.ts'

const P = 'matrix.person'
/** Of the schema's large object: pg_proc.oid of lo_get(oid). */
const LO_GET = 3458
const LARGE_OBJECT = 424_242

/** Ways around that are there once. */
export const SIDE_CASES: readonly SideCase[] = [
  ...sideCases('explain', {
    'constant folding': `explain (verbose) select matrix.frozen()`,
    'constant folding in a condition': `explain select 1 from ${P} where code = matrix.frozen()`,
    'generic plan': `explain (analyze, costs off, timing off) select 1 from ${P} where code = matrix.frozen()`,
    json: `explain (verbose, format json) select matrix.frozen(), 1 from ${P}`,
    execute: ['prepare m_e as select matrix.frozen()', 'explain (verbose) execute m_e', 'deallocate m_e'],
    'of create table as': `explain (verbose) create table matrix.m_t as select matrix.frozen() as x`,
    'error when run': `explain analyze select c_text::integer from ${P}`,
  }),
  ...sideCases('statistics', {
    pg_stats: `select most_common_vals from pg_stats where tablename = 'counted'`,
    'pg_stats by star': `select * from pg_stats where schemaname = 'matrix'`,
    'pg_stats qualified': `select s.most_common_vals::text from pg_catalog.pg_stats as s where attname = 'v'`,
    'pg_stats joined': `select to_json(s) from pg_class c join pg_stats s on s.tablename = c.relname where relname = 'counted'`,
    pg_statistic: `select stavalues1::text from pg_statistic where starelid = 'matrix.counted'::regclass`,
    'pg_statistic histogram': `select * from pg_statistic where starelid = 'matrix.counted'::regclass`,
    pg_stats_ext: `select most_common_vals from pg_stats_ext where statistics_name = 'counted_mcv'`,
    pg_stats_ext_exprs: `select e.*, x.most_common_vals from pg_stats_ext_exprs e join pg_stats_ext x using (statistics_name)`,
    pg_statistic_ext_data: `select m.values from pg_statistic_ext_data d, pg_mcv_list_items(d.stxdmcv) m`,
    'copy pg_stats': `copy (select * from pg_stats where tablename = 'counted') to stdout`,
    'table pg_stats': `table pg_stats`,
    'cte of pg_stats': `with s as (table pg_stats) select histogram_bounds::text, most_common_vals::text from s where tablename = 'counted'`,
  }),
  ...sideCases('others', {
    pg_stat_activity: `select query from pg_stat_activity where query like '%witness%'`,
    'pg_stat_activity star': `select * from pg_stat_activity`,
    pg_stat_get_activity: `select * from pg_stat_get_activity(null)`,
    pg_stat_get_backend_activity: `select pg_stat_get_backend_activity(s) from pg_stat_get_backend_idset() s`,
    pg_stat_statements: `select query from matrix.pg_stat_statements where query like '%witness%'`,
    'pg_stat_statements function': `select query from matrix.pg_stat_statements(true)`,
  }),
  ...sideCases('large object', {
    lo_get: `select lo_get(${LARGE_OBJECT})`,
    'lo_get as text': `select convert_from(lo_get(${LARGE_OBJECT}), 'UTF8')`,
    loread: `select loread(lo_open(${LARGE_OBJECT}, 262144), 100)`,
    pg_largeobject: `select data from pg_largeobject where loid = ${LARGE_OBJECT}`,
    'made of a value': [
      `select lo_from_bytea(515151, convert_to((select c_text from ${P} where id = 1), 'UTF8'))`,
      `select lo_get(515151)`,
    ],
  }),
  ...sideCases(
    'sequence',
    {
      setval: `select setval('matrix.counter_1', (select c_int8 from ${P} where id = 1))`,
      last_value: [
        `select setval('matrix.counter_2', c_int8) is null from ${P} where id = 1`,
        'select last_value from matrix.counter_2',
      ],
      nextval: [
        `select setval('matrix.counter_3', c_int8 - 1) is null from ${P} where id = 1`,
        `select nextval('matrix.counter_3')`,
      ],
      currval: [
        `select setval('matrix.counter_4', c_int8) is null from ${P} where id = 1`,
        `select nextval('matrix.counter_4') is null`,
        `select currval('matrix.counter_4') - 1`,
      ],
      pg_sequences: [
        `select setval('matrix.counter_5', c_int8) is null from ${P} where id = 1`,
        'select last_value from pg_sequences',
      ],
    },
    columnNamed('c_int8'),
  ),
  ...sideCases(
    'lock',
    {
      'one key': [
        `select pg_advisory_xact_lock(c_int4) from ${P} where id = 1`,
        `select objid from pg_locks where locktype = 'advisory'`,
      ],
      'two keys': [`select pg_try_advisory_xact_lock(c_int4, 1) from ${P} where id = 1`, `select * from pg_locks`],
      'in where': [
        `select 1 from ${P} where pg_try_advisory_xact_lock_shared(c_int4)`,
        `select objid from pg_lock_status() where locktype = 'advisory'`,
      ],
    },
    columnNamed('c_int4'),
  ),
  ...sideCases('procedural', {
    'do into a table': [
      `do $$ begin insert into matrix.sink select id, c_text from ${P}; end $$`,
      'select v from matrix.sink',
    ],
    'do exception': `do $$ begin raise exception using message = 'x', detail = (select c_text from ${P} where id = 1); end $$`,
    'do hint': `do $$ begin raise exception using message = 'x', hint = (select c_text from ${P} where id = 1); end $$`,
    'do column name': `do $$ begin raise exception using message = 'x', column = (select c_text from ${P} where id = 1); end $$`,
    'do sqlstate': `do $$ begin raise warning using message = 'x', constraint = (select c_text from ${P} where id = 1); end $$`,
    call: `call matrix.tell(null)`,
    'trigger notice': `insert into matrix.telling values (1)`,
    rule: `insert into matrix.ruled values (1, 'x')`,
    'column default': `insert into matrix.defaulted (id) values (1) returning v`,
    'create function': [
      `create function matrix.m_f() returns setof text language sql as 'select c_text from ${P}'`,
      'select * from matrix.m_f()',
    ],
    'create function in pg_temp': [
      `create function pg_temp.m_f() returns text language plpgsql as 'begin return (select c_text from ${P} where id = 1); end'`,
      'select pg_temp.m_f()',
    ],
    'create rule': [
      `create table matrix.m_r (v text)`,
      `create rule tell as on insert to matrix.m_r do instead select c_text from ${P}`,
      `insert into matrix.m_r values ('')`,
    ],
    'create trigger': [
      `create temp table m_t (v text)`,
      `create function pg_temp.m_f() returns trigger language plpgsql as 'begin new.v := (select c_text from ${P} where id = 1); return new; end'`,
      `create trigger t before insert on m_t for each row execute function pg_temp.m_f()`,
      `insert into m_t values ('') returning v`,
    ],
    'create type': [`create temp table m_t as select p from ${P} p`, `select * from m_t`],
    'create domain': [
      `create domain pg_temp.m_d as text check (matrix.notice(value) = 1)`,
      `select c_text::pg_temp.m_d from ${P} where id = 1`,
    ],
    'create policy': [
      `create temp table m_t as select 1 as one`,
      `create policy m on m_t using (matrix.notice(matrix.f_c_text(1)) = 1)`,
      `select matrix.notice(matrix.f_c_text(1))`,
    ],
    'create aggregate': [
      `create aggregate pg_temp.m_a (text) (sfunc = textcat, stype = text, initcond = '')`,
      `select pg_temp.m_a(c_text) from ${P} where id = 1`,
    ],
    'create operator': [
      `create operator matrix.!+! (leftarg = text, rightarg = text, function = textcat)`,
      `select c_text operator(matrix.!+!) '' from ${P}`,
    ],
    'create cast': [
      `create function matrix.m_c(matrix.pair) returns text language sql as 'select $1.label || ''Qvorblaxx Zyndrimm'''`,
      `select matrix.m_c(row(c_text, 1)::matrix.pair) from ${P} where id = 1`,
    ],
    'create statistics': [`create table matrix.m_t as select c_text from ${P}`, `table matrix.m_t`],
    'generated column': [
      `create temp table m_t (a text, b text generated always as (a || '.') stored)`,
      `insert into m_t select c_text from ${P}`,
      'select b from m_t',
    ],
    'select into': [`select c_text into temp m_t from ${P}`, 'select * from m_t'],
    'index name': [
      `do $$ begin execute format('create temp table %I (a int)', matrix.f_c_text(1)); end $$`,
      `select relname from pg_class where relname like 'Qv%'`,
    ],
    'column name': [
      `do $$ begin execute format('create temp table m_t as select 1 as %I', matrix.f_c_text(1)); end $$`,
      `select * from m_t`,
    ],
    comment: [
      `do $$ begin execute format('create temp table m_t (a int); comment on table m_t is %L', matrix.f_c_text(1)); end $$`,
      `select obj_description('m_t'::regclass)`,
    ],
    'enum value': [
      `do $$ begin execute format('create type matrix.m_e as enum (%L)', matrix.f_c_text(1)); end $$`,
      `select enum_range(null::matrix.m_e)`,
    ],
  }),
  ...sideCases('shadowing', {
    'temporary table of the same name': [
      `create temp table person as select id, c_text as harmless from ${P}`,
      `select harmless from person`,
    ],
    search_path: [`set local search_path = matrix`, `select c_text from person`],
    'search_path by function': [`select set_config('search_path', 'matrix', true)`, `select c_text from person`],
    'a function of the user in front': [
      `create function matrix.lower(text) returns text language plpgsql as 'begin return $1 || ''.''; end'`,
      `set local search_path = matrix, pg_catalog`,
      `select lower(c_text) from person`,
    ],
    'set role': [`set role none`, `select c_text from ${P}`],
    'renamed table': [
      `alter table matrix.sink rename to m_sink`,
      `create view matrix.sink as select 1 as id, c_text as v from ${P}`,
      `select v from matrix.sink`,
    ],
    client_encoding: [`set local client_encoding = 'LATIN1'`, `select c_text from ${P}`],
    standard_conforming_strings: [`set local standard_conforming_strings = off`, `select '\\'', c_text from ${P} --'`],
    row_security: [`set local row_security = off`, `select c_text from ${P}`],
  }),
  ...sideCases(
    'bytes',
    {
      bytea_output: [`set local bytea_output = 'escape'`, `select c_bytea from ${P}`],
      'bytea_output in json': [`set local bytea_output = 'escape'`, `select row_to_json(p) from ${P} p`],
      xmlbinary: [`set local xmlbinary = 'base64'`, `select xmlelement(name a, c_bytea) from ${P}`],
    },
    columnNamed('c_bytea'),
  ),
  ...['ISO, DMY', 'SQL, MDY', 'SQL, DMY', 'Postgres, MDY', 'Postgres, DMY', 'German'].flatMap((style) =>
    ['c_date', 'c_timestamp', 'c_timestamptz'].flatMap((name) =>
      sideCases(
        'date style',
        {
          [`${style}, ${name}`]: [`set local datestyle = '${style}'`, `select ${name} from ${P}`],
          [`${style}, ${name}, copy`]: [
            `set local datestyle = '${style}'`,
            `copy (select ${name} from ${P}) to stdout csv`,
          ],
          [`${style}, ${name}, text`]: [
            `set local datestyle = '${style}'`,
            `select ${name}::text, format('%s', ${name}) from ${P}`,
          ],
          [`${style}, ${name}, array`]: [
            `set local datestyle = '${style}'`,
            `select array[${name}], row(${name}), to_json(${name}) from ${P}`,
          ],
        },
        columnNamed(name),
      ),
    ),
  ),
  ...['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'].flatMap((style) =>
    sideCases(
      'interval style',
      { [style]: [`set local intervalstyle = '${style}'`, `select c_interval from ${P}`] },
      columnNamed('c_interval'),
    ),
  ),
  ...sideCases('whole table', {
    table_to_xml: `select table_to_xml('${P}', true, false, '')`,
    schema_to_xml: `select schema_to_xml('matrix', true, false, '')`,
    database_to_xml: `select table_to_xml_and_xmlschema('${P}'::regclass, true, false, '')`,
    copy: `copy ${P} to stdout`,
    'copy columns': `copy ${P} (id, c_text) to stdout (format csv)`,
    'copy binary': `copy ${P} to stdout (format binary)`,
    'copy old syntax': `copy ${P} to stdout with csv header`,
    'copy partition': `copy matrix.part_one to stdout`,
    'copy view': `copy (table matrix.v_concat) to stdout`,
    'copy of returning': `copy (update ${P} set grp = grp where id = 1 returning c_text) to stdout`,
    'foreign table': `select * from matrix.abroad`,
    ts_stat: `select word from ts_stat('select to_tsvector(''simple'', c_text) from ${P}')`,
    xmltable: `select x.v from ${P} p, xmltable('/r' passing xmlelement(name r, p.c_text) columns v text path '.') x where id = 1`,
    json_table: `select j.v from ${P} p, json_table(to_jsonb(p), '$' columns (v text path '$.c_text')) j`,
    'sql function inlined': `select * from (select * from matrix.people()) q where q.id = 1`,
  }),
  ...['0', '1'].map((format): SideCase => {
    const object = Buffer.alloc(4)
    object.writeUInt32BE(LARGE_OBJECT)
    return {
      way: 'fast path',
      id: `lo_get, format ${format}`,
      column: columnNamed('c_text'),
      steps: [
        [
          encodeFunctionCall({
            functionOid: LO_GET,
            argumentFormats: [1],
            arguments: [object],
            resultFormat: Number(format),
          }),
        ],
      ],
    }
  }),
]
