import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type IntrospectionBed, startIntrospectionBed } from './bed.ts'

/** What the names and texts of gallery.person are made of. */
const CANARY = /Canary\d|Quux/
const REFUSED = '42501'

/** Catalogs with values of columns, texts of statements, or credentials; and functions that give the same. */
const CLOSED = [
  'pg_stats',
  'pg_statistic',
  'pg_stats_ext',
  'pg_stats_ext_exprs',
  'pg_statistic_ext_data',
  'pg_stat_activity',
  'pg_stat_replication',
  'pg_stat_ssl',
  'pg_stat_progress_copy',
  'pg_prepared_statements',
  'pg_cursors',
  'pg_largeobject',
  'pg_authid',
  'pg_shadow',
  'pg_user_mapping',
  'pg_user_mappings',
  'pg_subscription',
  'pg_hba_file_rules',
  'pg_file_settings',
  'pg_ident_file_mappings',
  'pg_seclabels',
  'pg_backend_memory_contexts',
  'pg_stat_get_activity(NULL)',
  'pg_stat_get_backend_idset()',
  'pg_prepared_statement()',
  'pg_cursor()',
  'pg_show_all_file_settings()',
  'pg_ls_dir($$.$$)',
] as const

/** Ways to read the statistics, each of which shows names of people when nobody is in between. */
const HIDDEN: Readonly<Record<string, string>> = {
  plain: `SELECT histogram_bounds FROM pg_stats WHERE tablename = 'person'`,
  qualified: `SELECT histogram_bounds FROM pg_catalog.pg_stats WHERE tablename = 'person'`,
  quoted: `SELECT "histogram_bounds" FROM "pg_catalog"."pg_stats" WHERE "tablename" = 'person'`,
  'in a join': `SELECT a.attname, s.histogram_bounds FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_stats s ON s.tablename = c.relname AND s.attname = a.attname WHERE c.relname = 'person'`,
  'in a lateral join': `SELECT s.* FROM gallery.clinic c, LATERAL (SELECT histogram_bounds AS b, c.id FROM pg_stats
    WHERE tablename = 'person') s`,
  'in a subquery': `SELECT (SELECT string_agg(histogram_bounds::text, ',') FROM pg_stats WHERE tablename = 'person')`,
  'in WITH': `WITH s AS (SELECT * FROM pg_stats) SELECT histogram_bounds FROM s WHERE tablename = 'person'`,
  'in a union': `SELECT relname::text FROM pg_class UNION ALL SELECT histogram_bounds::text FROM pg_stats`,
  'as a row': `SELECT row_to_json(s) FROM pg_stats s WHERE tablename = 'person'`,
  'in a view': `SELECT * FROM gallery.remembered`,
  'in a view, as a row': `SELECT to_jsonb(r) FROM gallery.remembered r`,
  'in a view of a view': `SELECT * FROM gallery.remembered_again`,
  'in a materialised view': `SELECT * FROM gallery.kept_in_mind`,
  'by TABLE': `TABLE gallery.remembered`,
  'of other sessions, in a view': `SELECT query FROM gallery.watched /* Quux */`,
}

describe('catalogs that hold more than definitions', () => {
  let bed: IntrospectionBed
  let agent: Client
  let app: Client
  beforeAll(async () => {
    bed = await startIntrospectionBed()
    const admin = await bed.testbed.direct()
    await admin.query(`
      CREATE VIEW gallery.remembered AS SELECT attname, histogram_bounds::text AS bounds FROM pg_stats WHERE tablename = 'person';
      CREATE VIEW gallery.remembered_again AS SELECT upper(bounds) || bounds AS bounds FROM gallery.remembered;
      CREATE MATERIALIZED VIEW gallery.kept_in_mind AS SELECT bounds FROM gallery.remembered;
      CREATE VIEW gallery.watched AS SELECT query FROM pg_stat_activity;
      GRANT SELECT ON gallery.watched, gallery.remembered, gallery.remembered_again, gallery.kept_in_mind TO chaperone_app`)
    app = await connect(bed.direct)
    agent = await connect(await bed.gateway())
  })
  afterAll(async () => {
    await app?.end()
    await agent?.end()
    await bed?.testbed.stop()
  })

  it.each(CLOSED)('%s is refused', async (name) => {
    expect((await answer(agent, `SELECT * FROM ${name}`)).code).toBe(REFUSED)
    expect((await answer(agent, `SELECT count(*) FROM ${name}`)).code).toBe(REFUSED)
  })

  it.each(Object.entries(HIDDEN))('statistics %s are refused or masked', async (_, sql) => {
    expect((await answer(app, sql)).text).toMatch(CANARY)
    const { code, text } = await answer(agent, sql)
    expect(text).not.toMatch(CANARY)
    if (code !== '') expect(code).toBe(REFUSED)
    expect((await answer(agent, 'SELECT 1 AS one')).text).toBe('[{"one":1}]')
  })

  it('statistics do not leave through COPY, a cursor or a prepared statement', async () => {
    const sql = HIDDEN['plain'] ?? ''
    for (const way of [
      `COPY (${sql}) TO STDOUT`,
      `PREPARE p AS ${sql}`,
      `EXPLAIN ANALYZE ${sql}`,
      `DO $$ BEGIN PERFORM * FROM pg_stats; END $$`,
    ]) {
      expect((await answer(agent, way)).code, way).toBe(REFUSED)
    }
    await agent.query('BEGIN')
    expect((await answer(agent, `DECLARE c CURSOR FOR ${sql}`)).code).toBe(REFUSED)
    await agent.query('ROLLBACK')
  })

  it('what a catalog relation holds is the same, or refused', async () => {
    const { rows } = await app.query<{ name: string }>(`
      SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') ORDER BY 1`)
    const open: string[] = []
    for (const { name } of rows) {
      const sql = `SELECT * FROM ${name} LIMIT 0`
      const [one, two] = [await answer(app, sql), await answer(agent, sql)]
      if (two.code === '') open.push(name)
      else expect(two.code, name).toBe(REFUSED)
      if (two.code === '') expect(one.code, name).toBe('')
    }
    expect(rows.length).toBeGreaterThan(180)
    expect(open.length).toBeGreaterThan(120)
    expect(open).toEqual(expect.arrayContaining(['pg_catalog.pg_class', 'information_schema.columns']))
    for (const name of CLOSED) expect(open).not.toContain(`pg_catalog.${name}`)
  })
})

/** SQLSTATE and message of an error, or the rows. */
async function answer(client: Client, sql: string): Promise<{ readonly code: string; readonly text: string }> {
  try {
    return { code: '', text: JSON.stringify((await client.query(sql)).rows) }
  } catch (error) {
    const { code = '', message = '' } = error instanceof Error ? (error as Error & { code?: string }) : {}
    return { code, text: message }
  }
}
