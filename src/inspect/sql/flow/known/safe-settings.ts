import { words } from '../words.ts'

/**
 * Settings whose value may be shown (SHOW, current_setting).
 *
 * Criterion: parameters of the server with values of its own kind (a number, a flag, a word of a list, names of schemas and
 * time zones). Not here: what could hold text put there by somebody (application_name, custom `a.b` settings), paths, commands
 * and connection strings.
 */
export const HARMLESS_SETTINGS: ReadonlySet<string> = new Set(
  words(`array_nulls autovacuum backslash_quote block_size bytea_output check_function_bodies client_encoding
  client_min_messages constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
  data_checksums datestyle deadlock_timeout default_statistics_target default_table_access_method default_tablespace default_text_search_config
  default_toast_compression default_transaction_deferrable default_transaction_isolation default_transaction_read_only
  default_with_oids effective_cache_size effective_io_concurrency enable_hashjoin enable_indexscan enable_mergejoin
  enable_nestloop enable_seqscan escape_string_warning extra_float_digits from_collapse_limit gin_fuzzy_search_limit
  hot_standby idle_in_transaction_session_timeout idle_session_timeout in_hot_standby integer_datetimes intervalstyle
  is_superuser jit join_collapse_limit lc_collate lc_ctype lc_messages lc_monetary lc_numeric lc_time lock_timeout
  maintenance_work_mem max_connections max_function_args max_identifier_length max_index_keys max_locks_per_transaction
  max_parallel_workers max_parallel_workers_per_gather max_prepared_transactions max_worker_processes password_encryption
  plan_cache_mode quote_all_identifiers random_page_cost role row_security scram_iterations search_path seq_page_cost
  server_encoding server_version server_version_num session_authorization session_replication_role shared_buffers ssl
  standard_conforming_strings statement_timeout superuser_reserved_connections synchronous_commit temp_buffers
  temp_tablespaces timezone timezone_abbreviations track_activity_query_size transaction_deferrable
  transaction_isolation transaction_read_only transaction_timeout transform_null_equals wal_block_size wal_level work_mem
  xmlbinary xmloption`),
)

/** Settings that set_config may change, with a literal: they hold no text and decide nothing about masking. asyncpg sets jit. */
export const SETTABLE_SETTINGS: ReadonlySet<string> = new Set(
  words('jit statement_timeout lock_timeout idle_in_transaction_session_timeout'),
)
