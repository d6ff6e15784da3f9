import { describe, expect, it } from 'vitest'
import {
  AGGREGATES,
  CLEAN_ARGUMENTS,
  FUNCTION_COLUMNS,
  NULL_PRESERVING,
  OPEN_COLUMNS,
  SAFE_FUNCTIONS,
  SAFE_INFORMATION_SCHEMA_FUNCTIONS,
  SET_RETURNING,
} from './safe-functions.ts'
import { REFUSED_RELATIONS, SAFE_CATALOG_RELATIONS } from './safe-relations.ts'
import { HARMLESS_SETTINGS, SETTABLE_SETTINGS } from './safe-settings.ts'

describe('the allow-lists', () => {
  it('hold no function that reads or keeps data beside its arguments', () => {
    const unsafe =
      /^(?:pg_read|pg_ls_|pg_stat_|pg_logical|pg_replication|pg_create|pg_drop|pg_file|lo_|.*_to_xml|binary_upgrade|dblink|pg_terminate|pg_cancel|pg_reload|pg_rotate|pg_promote|pg_switch|pg_backup|pg_wal_replay_(?:pause|resume)|pg_hba|pg_ident_file|pg_show|pg_mcv|pg_get_replication|pg_export)/
    expect([...SAFE_FUNCTIONS].filter((name) => unsafe.test(name))).toEqual([])
    for (const name of [
      'setval',
      'set_config',
      'current_setting',
      'pg_notify',
      'ts_stat',
      'ts_rewrite',
      'current_query',
      'pg_cursor',
      'pg_prepared_statement',
      'setseed',
      'query_to_xml',
    ]) {
      expect(SAFE_FUNCTIONS.has(name)).toBe(false)
    }
  })

  it('speak of safe functions only', () => {
    const special = [
      ...CLEAN_ARGUMENTS,
      ...SET_RETURNING,
      ...OPEN_COLUMNS,
      ...AGGREGATES,
      ...NULL_PRESERVING,
      ...FUNCTION_COLUMNS.keys(),
    ]
    const known = new Set([...SAFE_FUNCTIONS, ...SAFE_INFORMATION_SCHEMA_FUNCTIONS, 'set_config'])
    expect(special.filter((name) => !known.has(name))).toEqual([])
  })

  it('do not contradict each other', () => {
    expect([...SAFE_CATALOG_RELATIONS].filter((name) => REFUSED_RELATIONS.has(name))).toEqual([])
    expect([...SETTABLE_SETTINGS].filter((name) => !HARMLESS_SETTINGS.has(name))).toEqual([])
    for (const name of [
      'pg_statistic',
      'pg_stats',
      'pg_stats_ext',
      'pg_stat_activity',
      'pg_authid',
      'pg_shadow',
      'pg_user_mapping',
      'pg_largeobject',
      'pg_subscription',
    ]) {
      expect(REFUSED_RELATIONS.has(name)).toBe(true)
    }
  })

  it('name no setting that may hold text', () => {
    expect(
      [...HARMLESS_SETTINGS].filter((name) => /application_name|conninfo|command|file|directory|\./.test(name)),
    ).toEqual([])
  })
})
