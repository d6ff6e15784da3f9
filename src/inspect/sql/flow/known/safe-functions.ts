import { words } from '../words.ts'

/**
 * Functions of pg_catalog that an expression may call.
 *
 * Criterion: the result depends on nothing but the arguments, or on things that hold no data of tables (the clock, the
 * session's identity, definitions of objects, sizes); and the call changes nothing that another statement could read PHI
 * from. So not here: what runs SQL given as text (query_to_xml, ts_stat, ts_rewrite) or reads relations given by name
 * (table_to_xml, cursor_to_xml), files (pg_read_file, pg_ls_*, lo_*), other sessions' statements (pg_stat_get_activity), column
 * statistics (pg_mcv_list_items), the WAL and replication slots, own statement text (current_query), what sends or keeps
 * values (pg_notify, set_config, setval), and whatever administers the server. All names in all overloads.
 */
const AGGREGATE_NAMES = `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist dense_rank every
  first_value json_agg json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique
  json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
  jsonb_object_agg_unique_strict lag last_value lead max min mode nth_value ntile percent_rank percentile_cont
  percentile_disc range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
  regr_sxx regr_sxy regr_syy row_number stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg`

const GROUPS: readonly string[] = [
  AGGREGATE_NAMES,
  // Numbers
  `abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd degrees div
  erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 min_scale mod num_nonnulls num_nulls pi power pow radians
  random random_normal round scale sign sin sind sinh sqrt tan tand tanh to_bin to_hex to_oct trim_scale trunc
  width_bucket`,
  // Text and bytes
  `ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws convert convert_from
  convert_to crc32 crc32c decode encode format get_bit get_byte initcap is_normalized left length like like_escape lower
  lpad ltrim md5 normalize notlike octet_length overlay parse_ident position quote_ident quote_literal quote_nullable
  regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
  regexp_split_to_table regexp_substr repeat replace reverse right rpad rtrim set_bit set_byte sha224 sha256 sha384 sha512
  similar_escape similar_to_escape split_part starts_with string_to_array string_to_table strpos substr substring to_ascii
  to_char to_number translate unicode_assigned unicode_version icu_unicode_version unistr upper`,
  // Dates and times
  `age clock_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days justify_hours
  justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps pg_sleep pg_sleep_for
  pg_sleep_until statement_timestamp timeofday timezone to_date to_timestamp transaction_timestamp`,
  // JSON
  `array_to_json json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each
  json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record
  json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements
  jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_exists
  jsonb_exists_all jsonb_exists_any jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys
  jsonb_path_exists jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array
  jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
  jsonb_populate_record_valid jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
  jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb`,
  // Arrays, ranges, sets, enumerations
  `array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
  array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_string array_upper
  cardinality daterange datemultirange enum_first enum_last enum_range generate_series generate_subscripts int4multirange
  int4range int8multirange int8range isempty lower_inc lower_inf multirange nummultirange numrange range_merge trim_array
  tsmultirange tsrange tstzmultirange tstzrange unnest upper_inc upper_inf`,
  // Full-text search
  `array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery plainto_tsquery
  querytree setweight strip to_tsquery to_tsvector ts_debug ts_delete ts_filter ts_headline ts_lexize ts_parse ts_rank
  ts_rank_cd ts_token_type tsquery_phrase tsvector_to_array websearch_to_tsquery`,
  // XML
  `xml_is_well_formed xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmlexists xmltext xpath
  xpath_exists`,
  // Network addresses and geometry
  `abbrev area bound_box broadcast center diagonal diameter family height host hostmask inet_merge inet_same_family isclosed
  ishorizontal isopen isparallel isperp isvertical macaddr8_set7bit masklen netmask network npoints pclose popen radius
  set_masklen slope width`,
  // Conversions written as functions
  `bit bool box bpchar bytea char cidr circle date float4 float8 int2 int4 int8 interval line lseg macaddr
  macaddr8 money name numeric oid path pg_lsn point polygon regclass text time timestamp timestamptz timetz varbit varchar
  xml`,
  // Hashes, identifiers, sequences
  `gen_random_uuid hashtext hashtextextended hash_array hash_record hashint4 hashint8 currval lastval nextval
  pg_sequence_last_value pg_sequence_parameters uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7`,
  // The session and the server
  `current_database current_schema current_schemas current_user getdatabaseencoding getpgusername
  inet_client_addr inet_client_port inet_server_addr inet_server_port pg_backend_pid pg_blocking_pids pg_client_encoding
  pg_conf_load_time pg_current_snapshot pg_current_wal_lsn pg_current_xact_id pg_current_xact_id_if_assigned
  pg_is_in_recovery pg_is_other_temp_schema pg_is_wal_replay_paused pg_jit_available pg_last_wal_receive_lsn
  pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_listening_channels pg_my_temp_schema pg_numa_available
  pg_postmaster_start_time pg_snapshot_xip pg_snapshot_xmax pg_snapshot_xmin pg_trigger_depth pg_visible_in_snapshot
  pg_wal_lsn_diff pg_xact_status row_security_active session_user system_user txid_current txid_current_if_assigned
  txid_current_snapshot txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_status txid_visible_in_snapshot
  version`,
  // Advisory locks: only with arguments free of PHI, see CLEAN_ARGUMENTS
  `pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
  pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared`,
  // Sizes and places of objects
  `pg_column_compression pg_column_size pg_database_size pg_indexes_size pg_relation_filenode pg_relation_filepath
  pg_relation_size pg_size_bytes pg_size_pretty pg_table_size pg_tablespace_databases pg_tablespace_location
  pg_tablespace_size pg_total_relation_size`,
  // Definitions of objects, as psql, JDBC, SQLAlchemy, asyncpg and Prisma ask for them
  `acldefault aclexplode col_description format_type has_any_column_privilege has_column_privilege has_database_privilege
  has_foreign_data_wrapper_privilege has_function_privilege has_language_privilege has_largeobject_privilege
  has_parameter_privilege has_schema_privilege has_sequence_privilege has_server_privilege has_table_privilege
  has_tablespace_privilege has_type_privilege makeaclitem mxid_age obj_description oidvectortypes
  pg_available_extension_versions pg_available_extensions pg_basetype pg_char_to_encoding pg_collation_actual_version
  pg_collation_for pg_collation_is_visible pg_column_is_updatable pg_conversion_is_visible
  pg_database_collation_actual_version pg_describe_object pg_encoding_max_length pg_encoding_to_char
  pg_extension_update_paths pg_function_is_visible pg_get_acl pg_get_catalog_foreign_keys pg_get_constraintdef pg_get_expr
  pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
  pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_object_address
  pg_get_partition_constraintdef pg_get_partkeydef pg_get_publication_tables pg_get_replica_identity_index pg_get_ruledef
  pg_get_serial_sequence pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_statisticsobjdef_expressions
  pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role pg_identify_object pg_identify_object_as_address
  pg_index_column_has_property pg_index_has_property pg_indexam_has_property pg_input_error_info pg_input_is_valid
  pg_opclass_is_visible pg_operator_is_visible pg_opfamily_is_visible pg_options_to_table pg_partition_ancestors
  pg_partition_root pg_partition_tree pg_relation_is_publishable pg_relation_is_updatable pg_settings_get_flags
  pg_statistics_obj_is_visible pg_table_is_visible pg_timezone_abbrevs pg_timezone_names pg_ts_config_is_visible
  pg_ts_dict_is_visible pg_ts_parser_is_visible pg_ts_template_is_visible pg_type_is_visible pg_typeof
  shobj_description to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure
  to_regrole to_regtype to_regtypemod`,
]

export const SAFE_FUNCTIONS: ReadonlySet<string> = new Set(GROUPS.flatMap(words))

/** Functions of information_schema that pgjdbc and the views of that schema call; they work on types and arrays. */
export const SAFE_INFORMATION_SCHEMA_FUNCTIONS: ReadonlySet<string> = new Set(
  words(`_pg_char_max_length _pg_char_octet_length _pg_datetime_precision _pg_expandarray _pg_index_position
  _pg_interval_type _pg_numeric_precision _pg_numeric_precision_radix _pg_numeric_scale _pg_truetypid _pg_truetypmod`),
)

/**
 * Safe functions that must not be given PHI: the call would show it by a number of rows, a delay, a lock that other
 * sessions see, a sequence or a setting.
 */
export const CLEAN_ARGUMENTS: ReadonlySet<string> = new Set(
  words(`generate_series set_config pg_sleep pg_sleep_for pg_sleep_until nextval currval pg_advisory_lock pg_advisory_lock_shared
  pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock
  pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared`),
)

/** Safe functions whose number of result rows depends on their arguments. */
export const SET_RETURNING: ReadonlySet<string> = new Set(
  words(`aclexplode generate_series generate_subscripts json_array_elements json_array_elements_text json_each json_each_text
  json_object_keys json_populate_recordset json_to_recordset jsonb_array_elements jsonb_array_elements_text jsonb_each
  jsonb_each_text jsonb_object_keys jsonb_path_query jsonb_path_query_tz jsonb_populate_recordset jsonb_to_recordset
  regexp_matches regexp_split_to_table string_to_table ts_debug ts_parse unnest`),
)

/** Those that return the elements of an array as they are. */
export const JSON_ELEMENTS: ReadonlySet<string> = new Set(['json_array_elements', 'jsonb_array_elements'])

/** Aggregates and window functions: they see how many rows there are. */
export const AGGREGATES: ReadonlySet<string> = new Set(words(AGGREGATE_NAMES))

/** The aggregate that counts rows or values, and so tells nothing of a value itself. */
export const COUNTING: ReadonlySet<string> = new Set(['count'])

/** Functions that return NULL for NULL only, so that counting their results tells no more than counting their arguments. */
export const NULL_PRESERVING: ReadonlySet<string> = new Set(words('btrim date_part date_trunc extract lower upper'))

/** Output columns of safe functions with more than one, or with a named one that an alias does not rename. */
export const FUNCTION_COLUMNS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    _pg_expandarray: ['x', 'n'],
    aclexplode: ['grantor', 'grantee', 'privilege_type', 'is_grantable'],
    json_array_elements: ['value'],
    json_array_elements_text: ['value'],
    json_each: ['key', 'value'],
    json_each_text: ['key', 'value'],
    jsonb_array_elements: ['value'],
    jsonb_array_elements_text: ['value'],
    jsonb_each: ['key', 'value'],
    jsonb_each_text: ['key', 'value'],
    pg_identify_object: ['type', 'schema', 'name', 'identity'],
    pg_options_to_table: ['option_name', 'option_value'],
    pg_partition_ancestors: ['relid'],
    pg_partition_tree: ['relid', 'parentrelid', 'isleaf', 'level'],
    pg_timezone_names: ['name', 'abbrev', 'utc_offset', 'is_dst'],
    ts_debug: ['alias', 'description', 'token', 'dictionaries', 'dictionary', 'lexemes'],
    ts_parse: ['tokid', 'token'],
    ts_token_type: ['tokid', 'alias', 'description'],
  }),
)

/** Safe functions whose columns differ by version or follow from the type of an argument. */
export const OPEN_COLUMNS: ReadonlySet<string> = new Set(
  words(`json_populate_record json_populate_recordset json_to_record json_to_recordset jsonb_populate_record
  jsonb_populate_recordset jsonb_to_record jsonb_to_recordset pg_available_extension_versions pg_available_extensions
  pg_extension_update_paths pg_get_catalog_foreign_keys pg_get_keywords pg_get_object_address pg_get_publication_tables
  pg_identify_object_as_address pg_input_error_info pg_sequence_parameters pg_timezone_abbrevs unnest`),
)
