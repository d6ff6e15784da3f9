import { hash } from 'node:crypto'
import type { Catalog, CatalogRelation, CatalogRoutine, CatalogType } from '../../inspect/sql/catalog.ts'
import type { TargetClient } from './target-client.ts'

/**
 * What analysis needs of a target's catalog, in one round trip and one snapshot: JSON from the server, so that no value is
 * taken apart by hand. Catalogs and the information schema are left out: they are known by name.
 */
const CATALOG = `
with user_space as (
  select oid, nspname from pg_catalog.pg_namespace
  where nspname <> 'pg_catalog' and nspname <> 'information_schema' and nspname !~ '^pg_toast'
), rel as (
  select c.oid, n.nspname, c.relname, c.relkind, c.reltype from pg_catalog.pg_class c join user_space n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
), rule as (
  select r.oid, r.ev_class, r.ev_action::text ~ ':varattno 0 ' as whole_rows
  from pg_catalog.pg_rewrite r join rel on rel.oid = r.ev_class where r.rulename = '_RETURN'
)
select json_build_object(
  'version', current_setting('server_version_num')::int,
  'relations', coalesce((select json_agg(json_build_object(
    'oid', rel.oid::bigint, 'schema', rel.nspname, 'name', rel.relname, 'kind', rel.relkind,
    'columns', coalesce((select json_agg(json_build_object('attnum', a.attnum, 'name', a.attname, 'typeOid', a.atttypid::bigint) order by a.attnum)
      from pg_catalog.pg_attribute a where a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped), '[]'::json),
    'dependsOn', coalesce((select json_agg(distinct jsonb_build_object('oid', d.refobjid::bigint, 'attnum', d.refobjsubid))
      from rule join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = rule.oid
      where rule.ev_class = rel.oid and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> rel.oid), '[]'::json),
    'usesWholeRows', coalesce((select bool_or(rule.whole_rows) from rule where rule.ev_class = rel.oid), false),
    'hasRules', exists (select from pg_catalog.pg_rewrite r where r.ev_class = rel.oid and r.rulename <> '_RETURN'),
    'callsUserFunctions', exists (select from rule join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = rule.oid
      where rule.ev_class = rel.oid and d.refclassid = 'pg_catalog.pg_proc'::regclass),
    'parents', coalesce((select json_agg(i.inhparent::bigint order by i.inhseqno) from pg_catalog.pg_inherits i where i.inhrelid = rel.oid), '[]'::json)
  ) order by rel.oid) from rel), '[]'::json),
  'constraints', coalesce((select json_agg(distinct name order by name) from (
    select conname as name from pg_catalog.pg_constraint c join user_space n on n.oid = c.connamespace
    union all
    select c.relname from pg_catalog.pg_class c join user_space n on n.oid = c.relnamespace where c.relkind in ('i', 'I')
  ) named), '[]'::json),
  'unusableSchemas', coalesce((select json_agg(nspname order by nspname) from user_space
    where not pg_catalog.has_schema_privilege(oid, 'usage') and nspname !~ '^pg_temp_'), '[]'::json),
  'userFunctions', coalesce((select json_agg(distinct jsonb_build_object('schema', n.nspname, 'name', p.proname, 'extension', e.extname))
    from pg_catalog.pg_proc p join user_space n on n.oid = p.pronamespace
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    left join pg_catalog.pg_extension e on e.oid = d.refobjid), '[]'::json),
  'userOperators', coalesce((select json_agg(distinct jsonb_build_object('schema', n.nspname, 'name', o.oprname, 'extension', e.extname))
    from pg_catalog.pg_operator o join user_space n on n.oid = o.oprnamespace
    left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_operator'::regclass and d.objid = o.oid and d.deptype = 'e'
    left join pg_catalog.pg_extension e on e.oid = d.refobjid), '[]'::json),
  'userTypes', coalesce((select json_agg(json_build_object('oid', t.oid::bigint, 'schema', n.nspname, 'name', t.typname, 'kind', t.typtype,
      'baseOid', case when t.typtype = 'd' then t.typbasetype when t.typelem <> 0 and t.typlen = -1 then t.typelem else 0 end::bigint) order by t.oid)
    from pg_catalog.pg_type t join user_space n on n.oid = t.typnamespace), '[]'::json)
)::text`

interface CatalogDocument {
  readonly version: number
  readonly relations: readonly CatalogRelation[]
  readonly constraints: readonly string[]
  readonly unusableSchemas: readonly string[]
  readonly userFunctions: readonly CatalogRoutine[]
  readonly userOperators: readonly CatalogRoutine[]
  readonly userTypes: readonly CatalogType[]
}

/** Reads the catalog over a connection of the gateway's own. */
export async function loadCatalog(client: TargetClient): Promise<Catalog> {
  const rows = await client.query(CATALOG)
  const text = rows[0]?.[0] ?? '{}'
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query above makes exactly this document
  const document = JSON.parse(text) as CatalogDocument
  return Object.freeze({
    epoch: hash('sha256', text, 'hex'),
    serverMajor: Math.floor(document.version / 10_000),
    relations: document.relations,
    constraints: document.constraints,
    unusableSchemas: document.unusableSchemas,
    userFunctions: document.userFunctions,
    userOperators: document.userOperators,
    userTypes: document.userTypes,
  })
}
