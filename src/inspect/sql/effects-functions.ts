import type { Effect } from './facts.ts'

/** Built-in and contrib functions whose call does more than compute a value (PostgreSQL documentation, chapter 9). */
const EFFECTS_BY_NAME: ReadonlyMap<string, readonly Effect[]> = new Map<string, readonly Effect[]>([
  ['nextval', ['write']],
  ['setval', ['write']],
  ['set_config', ['session']],
  ['setseed', ['session']],
  ['pg_notify', ['session']],
  ['lo_get', ['read']],
  ['loread', ['read']],
  ['lo_unlink', ['delete']],
  ['lo_import', ['server', 'write']],
  ['lo_export', ['server', 'read']],
  ['lowrite', ['write']],
  ['pg_stat_file', ['server']],
  ['pg_reload_conf', ['server']],
  ['pg_rotate_logfile', ['server']],
  ['pg_rotate_logfile_old', ['server']],
  ['pg_current_logfile', ['server']],
  ['pg_promote', ['server']],
  ['pg_switch_wal', ['server']],
  ['pg_switch_xlog', ['server']],
  ['pg_export_snapshot', ['server']],
  ['pg_start_backup', ['server']],
  ['pg_stop_backup', ['server']],
  ['pg_prewarm', ['server']],
  ['pg_stat_statements_reset', ['server']],
  ['pg_import_system_collations', ['server']],
  ['pg_sync_replication_slots', ['server']],
  ['pg_extension_config_dump', ['server']],
  ['gin_clean_pending_list', ['server']],
  // These run a text as SQL.
  ['query_to_xml', ['code']],
  ['query_to_xmlschema', ['code']],
  ['query_to_xml_and_xmlschema', ['code']],
  ['table_to_xml', ['code']],
  ['table_to_xml_and_xmlschema', ['code']],
  ['schema_to_xml', ['code']],
  ['schema_to_xml_and_xmlschema', ['code']],
  ['database_to_xml', ['code']],
  ['database_to_xml_and_xmlschema', ['code']],
  ['cursor_to_xml', ['code']],
  ['cursor_to_xmlschema', ['code']],
  ['ts_stat', ['code']],
  ['ts_rewrite', ['code']],
  ['crosstab', ['code']],
  ['crosstabn', ['code']],
  ['connectby', ['code']],
  ['xpath_table', ['code']],
])

/** Families, so that a member added by a later release is covered. Exact names above come first. */
const EFFECTS_BY_PREFIX: readonly (readonly [string, readonly Effect[]])[] = [
  ['pg_advisory_', ['lock']],
  ['pg_try_advisory_', ['lock']],
  ['pg_terminate_', ['server']],
  ['pg_cancel_', ['server']],
  ['pg_read_', ['server']],
  ['pg_ls_', ['server']],
  ['pg_file_', ['server']],
  ['pg_logdir_', ['server']],
  ['pg_log_', ['server']],
  ['pg_logical_', ['server']],
  ['pg_replication_', ['server']],
  ['pg_create_', ['server']],
  ['pg_drop_', ['server']],
  ['pg_copy_', ['server']],
  ['pg_backup_', ['server']],
  ['pg_wal_', ['server']],
  ['pg_stat_reset', ['server']],
  ['pg_restore_', ['server']],
  ['pg_clear_', ['server']],
  ['pg_truncate_', ['server']],
  ['pg_buffercache_evict', ['server']],
  ['binary_upgrade_', ['server']],
  ['brin_', ['server']],
  ['dblink', ['server', 'code']],
  ['lo_', ['write']],
]

/** What calling a function of this name does, judged by its last part alone: a name that looks dangerous counts. */
export function functionEffects(name: string): readonly Effect[] {
  const exact = EFFECTS_BY_NAME.get(name)
  if (exact !== undefined) return exact
  for (const [prefix, effects] of EFFECTS_BY_PREFIX) if (name.startsWith(prefix)) return effects
  return []
}
