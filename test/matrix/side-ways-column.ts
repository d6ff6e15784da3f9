import { type Column, columnNamed } from './columns.ts'
import { type SideCase, sideCases } from './side-case.ts'

const P = 'matrix.person'

const value = (column: Column): string => `(select ${column.name}::text from ${P} where id = 1)`

/** What takes the text of any value, for several columns each. */
export const COLUMN_SIDE_CASES: readonly SideCase[] = [
  'c_text',
  'c_int4',
  'c_date',
  'c_uuid',
  'c_unlabelled',
  'c_jsonb',
  'c_texts',
  'c_enum',
].flatMap((name) => {
  const column = columnNamed(name)
  const v = value(column)
  const about = (way: string, statements: Readonly<Record<string, readonly string[] | string>>) =>
    sideCases(way, statements, column).map((one) => ({ ...one, id: `${one.id}, ${name}` }))
  return [
    ...about('error', {
      'cast to boolean': `select ${v}::boolean`,
      'cast to inet': `select ${v}::inet`,
      'cast to xid': `select ${v}::xid8`,
      'cast to regclass': `select ('"' || replace(${v}, '"', '') || '"')::regclass`,
      'cast to regtype': `select ('"' || replace(${v}, '"', '') || '"')::regtype`,
      'cast to enum': `select ${v}::text::matrix.colour, ('x' || ${v})::matrix.colour`,
      'cast to interval': `select ('x' || ${v})::interval`,
      'json parser': `select ('{"a":"' || replace(${v}, '"', ''))::json`,
      'array parser': `select ('x{' || ${v})::int[]`,
      assignment: `update ${P} set grp = ('x' || c.v)::integer from (select ${v} as v) c where id = 1`,
      'in where': `select 1 from ${P} where ('x' || ${column.name}::text)::integer = 1`,
      'in order by': `select 1 from ${P} order by ('x' || ${column.name}::text)::integer`,
      'in limit': `select 1 limit ('x' || ${v})::bigint`,
      current_setting: `select current_setting('x.' || replace(${v}, '"', ''))`,
      set_config: `select set_config('work_mem', ${v}, false)`,
      'unique key': `insert into matrix.keyed (v) select ${v} from generate_series(1, 2)`,
      'check constraint': `insert into matrix.keyed (v, n) select ${v}, 9`,
      'not null': `insert into matrix.keyed (v, w) select null, ${v}`,
      'foreign key': `insert into matrix.referring select ${v}`,
      partition: `insert into matrix.listed select ${v}`,
      plpgsql: `select matrix.fail(${v})`,
      has_table_privilege: `select has_table_privilege('"' || replace(${v}, '"', '') || '"', 'select')`,
      nextval: `select nextval('"' || replace(${v}, '"', '') || '"')`,
      encode: `select encode('x', ${v})`,
      extract: `select date_part(${v}, now())`,
      'time zone': `select now() at time zone ${v}`,
    }),
    ...about('notice', {
      function: `select matrix.notice(${v})`,
      'in where': `select 1 from ${P} where matrix.notice(${column.name}::text) = 1`,
      do: `do $$ begin raise notice '%', ${v}; end $$`,
      identifier: [`do $$ begin execute format('drop table if exists %I', ${v}); end $$`],
    }),
    ...about('notification', {
      pg_notify: ['listen m_channel', `select pg_notify('m_channel', ${v})`, 'commit'],
      do: ['listen m_channel', `do $$ begin execute format('notify m_channel, %L', ${v}); end $$`, 'commit'],
    }),
    ...about('setting', {
      set_config: `select set_config('app.x', ${v}, false)`,
      show: [`select set_config('app.x', ${v}, false) is null`, 'show app.x'],
      current_setting: [
        `do $$ begin perform set_config('app.x', ${v}, false); end $$`,
        `select current_setting('app.x')`,
      ],
      reported: [`select set_config('application_name', ${v}, false) is null`],
      pg_settings: [
        `select set_config('application_name', ${v}, true) is null`,
        `select setting from pg_settings where name = 'application_name'`,
      ],
      pg_stat_activity: [
        `select set_config('application_name', ${v}, false) is null`,
        `select application_name from pg_stat_activity where pid = pg_backend_pid()`,
      ],
    }),
    ...about('dynamic SQL', {
      query_to_xml: `select query_to_xml('select ${name} from ${P}', true, false, '')`,
      query_to_xml_and_xmlschema: `select query_to_xml_and_xmlschema('select ${name} from ${P}', true, false, '')`,
      cursor_to_xml: [
        `declare m_c cursor for select ${name} from ${P}`,
        `select cursor_to_xml('m_c', 5, true, false, '')`,
      ],
      function: `select * from matrix.run('select ${name}::text from ${P}')`,
      do: [`do $$ begin execute 'create temp table m_t as select ${name} from ${P}'; end $$`, 'select * from m_t'],
      crosstab: `select * from matrix.crosstab('select id, 1, ${name}::text from ${P} order by 1') as c(id integer, v text)`,
      dblink: `select * from matrix.dblink('mirror', 'select ${name}::text from ${P}') as d(v text)`,
    }),
  ]
})
