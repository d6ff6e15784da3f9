import {
  codeVersion,
  functionVersion,
  isPlain,
  NEVER_OUTDATED,
  operatorVersion,
  relationVersion,
} from './catalog-version.ts'

/**
 * What analysis needs of a target's catalog, in one statement and one snapshot: JSON from the server, so that no value is
 * taken apart by hand. Catalogs and the information schema are left out: they are known by name. Texts of views and functions
 * are printed by the server and can fail when somebody drops what they speak of in this very moment, so they can be left out.
 */
export function catalogQuery(texts: 'with-texts' | 'without-texts'): string {
  const text = (expression: string): string => (texts === 'with-texts' ? expression : 'null::text')
  return `
with user_space as (
  select oid, nspname from pg_catalog.pg_namespace
  where nspname <> 'pg_catalog' and nspname <> 'information_schema' and nspname !~ '^pg_toast'
), rel as (
  select c.oid, n.nspname, c.relname, c.relkind, c.reltype, c.relhasrules, c.relhassubclass, c.relispartition from pg_catalog.pg_class c join user_space n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), composite as (
  select c.oid, c.reltype from pg_catalog.pg_class c join user_space n on n.oid = c.relnamespace where c.relkind = 'c'
), rule as not materialized (
  -- Looked up by the relation, of which there can be thousands.
  select r.oid, r.ev_class, r.ev_action::text ~ ':varattno 0 ' as whole_rows
  from pg_catalog.pg_rewrite r where r.rulename = '_RETURN'
), field as (
  select a.attrelid, json_agg(json_build_object('name', a.attname, 'typeOid', a.atttypid::bigint) order by a.attnum) as fields
  from pg_catalog.pg_attribute a join composite c on c.oid = a.attrelid where a.attnum > 0 and not a.attisdropped group by a.attrelid
), read_column as (
  -- PostgreSQL 14 makes the generated column itself depend on what its expression reads, later releases its default.
  select d.objid as relid, d.objsubid as attnum, d.refobjsubid as reads from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass and d.objid = d.refobjid
      and d.objsubid <> 0 and d.refobjsubid <> 0 and d.objsubid <> d.refobjsubid
  union
  select d.refobjid, f.adnum, d.refobjsubid from pg_catalog.pg_attrdef f
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
    where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = f.adrelid and d.refobjsubid not in (0, f.adnum)
), generated as (
  select a.attrelid, a.attnum, json_agg(r.reads order by r.reads) as reads from pg_catalog.pg_attribute a
    join rel on rel.oid = a.attrelid join read_column r on r.relid = a.attrelid and r.attnum = a.attnum
    where a.attgenerated <> '' group by a.attrelid, a.attnum
), columns as (
  select a.attrelid, json_agg(case when g.reads is null and a.attgenerated = ''
      then json_build_object('attnum', a.attnum, 'name', a.attname, 'typeOid', a.atttypid::bigint)
      else json_build_object('attnum', a.attnum, 'name', a.attname, 'typeOid', a.atttypid::bigint, 'generatedFrom', coalesce(g.reads, '[]'::json))
    end order by a.attnum) as columns
  from pg_catalog.pg_attribute a join rel on rel.oid = a.attrelid
    left join generated g on g.attrelid = a.attrelid and g.attnum = a.attnum
  where a.attnum > 0 and not a.attisdropped group by a.attrelid
)
select json_build_object(
  'version', current_setting('server_version_num')::int,
  'code', ${codeVersion("select oid from user_space where nspname !~ '^pg_temp_'")}::text,
  'relations', coalesce((select json_agg(json_build_object(
    'oid', rel.oid::bigint, 'schema', rel.nspname, 'name', rel.relname, 'kind', rel.relkind, 'rowTypeOid', rel.reltype::bigint,
    'isPlain', ${isPlain('rel')},
    'version', case when ${isPlain('rel')} then ${relationVersion('rel.oid', NEVER_OUTDATED, 'plain')}
      else ${relationVersion('rel.oid', NEVER_OUTDATED)} end::text, 'columns', coalesce(columns.columns, '[]'::json),
    'definition', case when rel.relkind in ('v', 'm') then ${text('pg_catalog.pg_get_viewdef(rel.oid)')} end,
    'dependsOn', coalesce((select json_agg(distinct jsonb_build_object('oid', d.refobjid::bigint, 'attnum', d.refobjsubid))
      from rule join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = rule.oid
      where rule.ev_class = rel.oid and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> rel.oid), '[]'::json),
    'usesWholeRows', coalesce((select bool_or(rule.whole_rows) from rule where rule.ev_class = rel.oid), false),
    'hasRules', exists (select from pg_catalog.pg_rewrite r where r.ev_class = rel.oid and r.rulename <> '_RETURN'),
    'callsUserFunctions', exists (select from rule join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = rule.oid
      where rule.ev_class = rel.oid and d.refclassid = 'pg_catalog.pg_proc'::regclass),
    'parents', coalesce((select json_agg(i.inhparent::bigint order by i.inhseqno) from pg_catalog.pg_inherits i where i.inhrelid = rel.oid), '[]'::json)
  ) order by rel.oid) from rel left join columns on columns.attrelid = rel.oid), '[]'::json),
  'constraints', coalesce((select json_agg(distinct name order by name) from (
    select conname as name from pg_catalog.pg_constraint c join user_space n on n.oid = c.connamespace
    union all
    select c.relname from pg_catalog.pg_class c join user_space n on n.oid = c.relnamespace where c.relkind in ('i', 'I')
  ) named), '[]'::json),
  'unusableSchemas', coalesce((select json_agg(nspname order by nspname) from user_space
    where not pg_catalog.has_schema_privilege(oid, 'usage') and nspname !~ '^pg_temp_'), '[]'::json),
  'userFunctions', coalesce((select json_agg(json_build_object(
    'schema', n.nspname, 'name', p.proname, 'extension', e.extname,
    'version', ${functionVersion('r.oid = p.oid', NEVER_OUTDATED)}::text,
    'builtInNamesake', exists (select from pg_catalog.pg_proc b where b.proname = p.proname and b.pronamespace = 'pg_catalog'::regnamespace),
    'sql', case when p.prokind = 'f' and l.lanname = 'sql' then json_build_object(
      'body', ${text('coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)')}, 'parsed', p.prosqlbody is not null,
      'modes', to_json(p.proargmodes), 'names', to_json(p.proargnames), 'types', array_to_json(p.proargtypes::bigint[]),
      'allTypes', array_to_json(p.proallargtypes::bigint[]), 'defaults', p.pronargdefaults,
      'defaultValues', ${text('pg_catalog.pg_get_expr(p.proargdefaults, 0)')}, 'variadic', p.provariadic <> 0,
      'returnType', p.prorettype::bigint, 'returnsSet', p.proretset, 'volatility', p.provolatile,
      'settings', coalesce(to_json(p.proconfig), '[]'::json)) end) order by p.oid)
    from pg_catalog.pg_proc p join user_space n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    left join pg_catalog.pg_extension e on e.oid = d.refobjid), '[]'::json),
  'userOperators', coalesce((select json_agg(json_build_object(
    'schema', n.nspname, 'name', o.oprname, 'extension', e.extname,
    'version', ${operatorVersion('r.oid = o.oid', NEVER_OUTDATED)}::text) order by o.oid)
    from pg_catalog.pg_operator o join user_space n on n.oid = o.oprnamespace
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_operator'::regclass and d.objid = o.oid and d.deptype = 'e'
    left join pg_catalog.pg_extension e on e.oid = d.refobjid), '[]'::json),
  'userTypes', coalesce((select json_agg(json_build_object('oid', t.oid::bigint, 'schema', n.nspname, 'name', t.typname, 'kind', t.typtype,
      'baseOid', case when t.typtype = 'd' then t.typbasetype when t.typelem <> 0 and t.typlen = -1 then t.typelem else 0 end::bigint,
      'relationOid', t.typrelid::bigint, 'fields', field.fields,
      'version', case when composite.oid is not null then ${relationVersion('t.typrelid', NEVER_OUTDATED, 'plain')}::text end) order by t.oid)
    from pg_catalog.pg_type t join user_space n on n.oid = t.typnamespace
    left join field on field.attrelid = t.typrelid left join composite on composite.oid = t.typrelid), '[]'::json)
)::text`
}
