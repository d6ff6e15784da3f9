import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MIGRATIONS } from '../../src/store/migrate.ts'
import { openStore } from '../../src/store/open-store.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { tokenRepository } from '../../src/store/token-repository.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { ANN, KEY, SCOPE } from './sample.ts'

const SCHEMAS = join(import.meta.dirname, 'schemas')
const released = readdirSync(SCHEMAS).toSorted()

/** Everything that a migration can make, in an order that does not depend on when it was made. */
const DESCRIPTION = `
  SELECT 'column', attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod), attnotnull::text,
    coalesce(attcollation::regcollation::text, ''), coalesce(pg_get_expr(adbin, adrelid), '')
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relnamespace = 'chaperone'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), '', '', ''
  FROM pg_constraint WHERE connamespace = 'chaperone'::regnamespace AND contype <> 'n'
  UNION ALL SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), '', '', ''
  FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'chaperone'::regnamespace
  UNION ALL SELECT 'other', oid::regclass::text, relkind::text, '', '', '', ''
  FROM pg_class WHERE relnamespace = 'chaperone'::regnamespace AND relkind NOT IN ('r', 'i')
  UNION ALL SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid), '', '', '', ''
  FROM pg_proc WHERE pronamespace = 'chaperone'::regnamespace
  ORDER BY 1, 2, 3, 4`
/** A busy machine is no reason to fail. */
const PATIENT = { timeoutMs: 25_000 }

describe('the schema of every released version', () => {
  let server: StoreServer
  let newest: unknown[][]

  beforeAll(async () => {
    server = await StoreServer.start()
    newest = await migrated('')
  })
  afterAll(() => server.stop())

  async function migrated(script: string): Promise<unknown[][]> {
    const location = await server.database()
    if (script !== '') await server.query(location.database, script)
    const store = openStore({ location, ...PATIENT })
    await store.ready()
    await store.close()
    return server.query(location.database, DESCRIPTION)
  }

  it('is kept here', () => {
    expect(released).toEqual(MIGRATIONS.map(({ version }) => `${String(version).padStart(4, '0')}.sql`))
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1))
  })

  it('was written down as it is, for the newest', async () => {
    const { database } = await server.database()
    await server.query(database, readFileSync(join(SCHEMAS, released.at(-1) ?? ''), 'utf8'))
    expect(await server.query(database, DESCRIPTION)).toEqual(newest)
  })

  it.each(released)('%s becomes the newest', async (file) => {
    expect(await migrated(readFileSync(join(SCHEMAS, file), 'utf8'))).toEqual(newest)
  })

  it.each(released)('%s keeps its tokens', async (file) => {
    const location = await server.database()
    await server.query(location.database, readFileSync(join(SCHEMAS, file), 'utf8'))
    const store = openStore({ location, ...PATIENT })
    const vault = openVault({ repository: tokenRepository(store), key: KEY, lifetimeMs: 86_400_000, ...PATIENT })
    const scope = vault.scope(SCOPE)
    expect(await scope.resolve([{ phiClass: 'name', token: ANN.token }])).toEqual([ANN.value])
    expect(await scope.issue([{ phiClass: 'name', form: 'text', value: ANN.value }])).toEqual([ANN.token])
    await vault.close()
    await store.close()
  })
})
