import { words } from '../words.ts'

/**
 * Types of pg_catalog that a cast may name.
 *
 * Criterion: their input, output and cast functions compute from the value, or (reg*) look up the name of an object. So
 * not here: types of the internal representation of statistics (pg_mcv_list, pg_ndistinct, pg_dependencies) and pseudo-types.
 */
export const SAFE_TYPES: ReadonlySet<string> = new Set(
  words(`aclitem bit bool box bpchar bytea char cid cidr circle date datemultirange daterange float4 float8 inet int2
  int2vector int4 int4multirange int4range int8 int8multirange int8range interval json jsonb jsonpath line lseg macaddr
  macaddr8 money name numeric nummultirange numrange oid oidvector path pg_lsn pg_snapshot point polygon record refcursor
  regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype text
  tid time timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot
  unknown uuid varbit varchar xid xid8 xml pg_node_tree void`),
)

/** Types of information_schema: domains over text, varchar, int4 and timestamptz. */
export const SAFE_INFORMATION_SCHEMA_TYPES: ReadonlySet<string> = new Set(
  words('cardinal_number character_data sql_identifier time_stamp yes_or_no'),
)
