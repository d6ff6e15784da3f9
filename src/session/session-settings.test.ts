import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { SessionSettings } from './session-settings.ts'
import { buildPhiView } from '../inspect/sql/flow/phi-view.ts'
import type { OpenedTarget } from '../protocols/protocol.ts'

const inspector = new SqlInspector()
const SCOPE = Object.freeze({ target: 't', searchPath: Object.freeze(['public']) })
const OPENED: OpenedTarget = {
  backendPid: 1,
  serverVersion: '18',
  searchPath: ['public'],
  searchPathSetting: 'public',
  role: 'app',
  settings: 'a',
}

beforeAll(async () => {
  await inspector.warm()
  const catalog = { epoch: '1', serverMajor: 18, relations: [], userFunctions: [], userOperators: [], userTypes: [] }
  inspector.setCatalog('t', catalog, buildPhiView(catalog, { labelOf: () => 'none', trustedFunctions: new Set() }))
})
afterAll(() => inspector.close())

async function run(settings: SessionSettings, sql: string): Promise<void> {
  const inspection = await inspector.inspect(sql, SCOPE)
  if (!inspection.ok) throw new Error(inspection.message)
  settings.ran(inspection.statements, sql)
}

/** Whether somebody else's settings are equal to those of a session that has run this. */
async function isNamed(...texts: readonly string[]): Promise<boolean> {
  const settings = new SessionSettings('one')
  for (const sql of texts) await run(settings, sql)
  return JSON.stringify(settings.describe(OPENED)) === JSON.stringify(new SessionSettings('other').describe(OPENED))
}

describe('settings of a session', () => {
  it.each([
    'SELECT 1',
    'SET application_name = $$x$$',
    "set Statement_Timeout to '5s'",
    'SET LOCAL lock_timeout = 100',
    'SET extra_float_digits = 3;',
    'PREPARE q AS SELECT 1',
    'DECLARE c CURSOR FOR SELECT 1',
    'LISTEN news',
    'BEGIN',
    'COMMIT',
  ])('can be named after: %s', async (sql) => {
    expect(await isNamed(sql)).toBe(true)
  })

  it.each([
    'SET search_path = evil',
    'SET extra_float_digits = -15',
    'SET bytea_output = escape',
    'SET ROLE other',
    'SET SESSION AUTHORIZATION other',
    "SET DateStyle = 'SQL, DMY'",
    "SET app.tenant = 'b'",
    'SET application_name = DEFAULT; SET search_path = evil',
    "SELECT set_config('search_path', 'evil', false)",
    "SELECT pg_catalog.set_config('app.tenant', 'b', false)",
    'RESET ALL',
    'RESET search_path',
    'DISCARD ALL',
    "DO $$ BEGIN PERFORM set_config('app.tenant', 'b', false); END $$",
    'CALL whatever()',
    'SELECT unheard_of(1)',
  ])('are those of the session after: %s', async (sql) => {
    // What is no statement changes nothing.
    if (!(await inspector.inspect(sql, SCOPE)).ok) return
    expect(await isNamed(sql)).toBe(false)
  })

  it('are others after each change, and never those of before', async () => {
    const settings = new SessionSettings('one')
    const seen = new Set([JSON.stringify(settings.describe(OPENED))])
    for (const sql of ["SET app.tenant = 'a'", "SET app.tenant = 'b'", "SET app.tenant = 'a'"]) {
      await run(settings, sql)
      seen.add(JSON.stringify(settings.describe(OPENED)))
    }
    expect(seen.size).toBe(4)
  })

  it.each([
    ['rolled back', 'ROLLBACK'],
    ['committed, which ends SET LOCAL', 'COMMIT'],
    ['rolled back to a savepoint', 'ROLLBACK TO s'],
  ])('are others when the transaction of a change was %s', async (_, sql) => {
    const settings = new SessionSettings('one')
    await run(settings, "SET LOCAL app.tenant = 'a'")
    const { mark } = settings
    await run(settings, sql)
    expect(settings.mark).not.toBe(mark)
  })

  it('are others when a change may have failed, unless it is known to be settled', async () => {
    const settings = new SessionSettings('one')
    await run(settings, "SET app.tenant = 'a'")
    const { mark } = settings
    settings.takenBack()
    expect(settings.mark).not.toBe(mark)
    settings.outsideTransaction()
    const settled = settings.mark
    settings.takenBack()
    await run(settings, 'ROLLBACK')
    expect(settings.mark).toBe(settled)
  })
})
