import type { ClientBase, QueryConfig } from 'pg'
import { checksum, type Migration } from './migrations/migration.ts'
import { tokens } from './migrations/0001-tokens.ts'
import { approvals } from './migrations/0002-approvals.ts'
import { budgets } from './migrations/0003-budgets.ts'
import { policyVersions } from './migrations/0004-policy.ts'
import { alarms } from './migrations/0005-alarms.ts'
import { StoreUnusable } from './store-unusable.ts'

/** All of them, in order. */
export const MIGRATIONS: readonly Migration[] = [tokens, approvals, budgets, policyVersions, alarms]

/** Any number, as long as it stays: gateways that start at once take turns by it. */
const LOCK = 7_302_615_091_552_281n
const LONG_MS = 10 * 60_000

interface Applied {
  readonly version: number
  readonly name: string
  readonly checksum: string
}

/**
 * Brings the schema to the newest version, in one transaction. Costs one query when it is there already.
 * @throws StoreUnusable for a schema that is newer than this gateway, or that another history has led to.
 */
export async function migrate(client: ClientBase, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  if (missing(await applied(client), migrations).length === 0) return
  await client.query('BEGIN')
  try {
    await client.query(`SET LOCAL statement_timeout = ${LONG_MS}`)
    await client.query(`SET LOCAL lock_timeout = ${LONG_MS}`)
    await slowly(client, `SELECT pg_advisory_xact_lock(${LOCK})`)
    if (!(await schemaExists(client))) await client.query('CREATE SCHEMA chaperone')
    await client.query(`CREATE TABLE IF NOT EXISTS chaperone.schema_version (
      version integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied timestamptz NOT NULL DEFAULT statement_timestamp()
    )`)
    for (const step of missing(await applied(client), migrations)) {
      for (const statement of step.statements) await slowly(client, statement)
      await client.query('INSERT INTO chaperone.schema_version (version, name, checksum) VALUES ($1, $2, $3)', [
        step.version,
        step.name,
        checksum(step),
      ])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Not by IF NOT EXISTS, which asks for the right to make one even when there is one. */
async function schemaExists(client: ClientBase): Promise<boolean> {
  const { rowCount } = await client.query("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'chaperone'")
  return rowCount === 1
}

async function applied(client: ClientBase): Promise<readonly Applied[]> {
  const { rows: found } = await client.query<{ there: boolean }>(
    "SELECT to_regclass('chaperone.schema_version') IS NOT NULL AS there",
  )
  if (found[0]?.there !== true) return []
  const { rows } = await client.query<Applied>(
    'SELECT version, name, checksum FROM chaperone.schema_version ORDER BY version',
  )
  return rows
}

function missing(done: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] {
  for (const [index, { version, name, checksum: recorded }] of done.entries()) {
    const known = migrations[index]
    if (known === undefined) {
      throw new StoreUnusable(
        `the schema of the store has version ${done.at(-1)?.version}, and this gateway knows ${migrations.length}: ` +
          'a newer gateway has used it; run that version, or restore a backup from before',
      )
    }
    if (version !== known.version || checksum(known) !== recorded) {
      throw new StoreUnusable(`step ${version} (${name}) of the store's schema is not the one that this gateway knows`)
    }
  }
  return migrations.slice(done.length)
}

/** With the patience of a migration instead of that of a query. */
function slowly(client: ClientBase, text: string) {
  const query: QueryConfig & { readonly query_timeout: number } = { text, query_timeout: LONG_MS }
  return client.query(query)
}
