import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { NewToken, StoredScope, StoredToken, TokenRepository } from '../vault/repository.ts'
import type { ScopeStatus, TokenCount } from '../vault/vault-status.ts'
import { listenForDeletions, NOTIFICATION } from './deletion-listener.ts'
import type { Store } from './open-store.ts'
import { StoreFailure } from './store-failure.ts'

/** Rows that one statement deletes, so that none runs into the time-out. */
const DELETE_BATCH = 5000
/** Counting reads every token; nobody waits for it with a result set open. */
const COUNT_TIMEOUT_MS = 60_000
const ATTEMPTS = 4
const RETRY_MS = 10

type Db = Store['db']

const SCOPE_COLUMNS = ['id', 'digest', 'key_id', 'wrapped_key'] as const

interface ScopeRow {
  readonly id: string
  readonly digest: Buffer | null
  readonly key_id: string
  readonly wrapped_key: Buffer | null
}

/** The SQL behind the vault. */
export function tokenRepository({ db, connections }: Pick<Store, 'db' | 'connections'>): TokenRepository {
  return {
    findScope: patiently(async (digest) => {
      const row = await db
        .selectFrom('token_scope')
        .select(SCOPE_COLUMNS)
        .where('digest', '=', digest)
        .executeTakeFirst()
      return row === undefined ? undefined : storedScope(row)[0]
    }),
    addScope: patiently(async (scope, key) => {
      await db
        .insertInto('token_scope')
        .values({
          id: scope.id,
          digest: scope.digest,
          principal_group: key.group,
          purpose: key.purpose,
          target: key.target,
          key_id: scope.keyId,
          wrapped_key: scope.wrappedKey,
        })
        .onConflict((conflict) => conflict.column('digest').doNothing())
        .execute()
    }),
    findByIndex: patiently((scopeId, indexes) => findByIndex(db, scopeId, indexes)),
    findByToken: patiently((scopeId, tokens) => findByToken(db, scopeId, tokens)),
    addTokens: patiently((scopeId, tokens, lifetimeMs) => addTokens(db, scopeId, tokens, lifetimeMs)),
    retire: patiently(async (scopeId, tokens, kept) => {
      const ended = sql`SELECT scope_id, token FROM chaperone.token
        WHERE scope_id = ${scopeId}::uuid AND token = ANY (${arrayLiteral(tokens)}::text[])
          AND sealed IS NOT NULL AND expires <= statement_timestamp()
        ORDER BY token FOR UPDATE`
      await retire(db, ended, kept)
    }),
    retireExpired: async (kept, limit) => {
      await finishDeletions(db)
      // Other gateways do the same at the same time.
      return retire(
        db,
        sql`SELECT scope_id, token FROM chaperone.token WHERE sealed IS NOT NULL AND expires <= statement_timestamp()
          LIMIT ${limit} FOR UPDATE SKIP LOCKED`,
        kept,
      )
    },
    deleteScope: async (digest) => {
      const isDeleted = await shred(db, digest)
      if (isDeleted) await finishDeletions(db)
      return isDeleted
    },
    keyIds: async () => {
      const rows = await db
        .selectFrom('token_scope')
        .select('key_id')
        .distinct()
        .where('digest', 'is not', null)
        .orderBy('key_id')
        .execute()
      return rows.map((row) => row.key_id)
    },
    scopesNotUnder: async (keyId) => {
      const rows = await db
        .selectFrom('token_scope')
        .select(SCOPE_COLUMNS)
        .where('key_id', '!=', keyId)
        .where('digest', 'is not', null)
        .orderBy('id')
        .execute()
      return rows.flatMap(storedScope)
    },
    rewrap: async (scope, keyId, wrappedKey) => {
      const { numUpdatedRows } = await db
        .updateTable('token_scope')
        .set({ key_id: keyId, wrapped_key: wrappedKey })
        .where('id', '=', scope.id)
        .where('wrapped_key', '=', scope.wrappedKey)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
    status: () => status(db),
    listen: (listener) => listenForDeletions(connections, listener),
  }
}

/** Tries again what may pass by itself. Only for what may be done twice: whether the first time took effect is not known. */
function patiently<A extends readonly unknown[], R>(ask: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(...args)
      } catch (error) {
        if (attempt === ATTEMPTS || !(error instanceof StoreFailure && error.mayPass)) throw error
        await delay(attempt * RETRY_MS * (1 + Math.random()))
      }
    }
  }
}

/** None for a scope that is deleted. */
function storedScope(row: ScopeRow): StoredScope[] {
  const { id, digest, key_id: keyId, wrapped_key: wrappedKey } = row
  return digest === null || wrappedKey === null ? [] : [{ id, digest, keyId, wrappedKey }]
}

/** Of texts without a character that the syntax of array literals uses: hexadecimal, tokens, names of classes and forms. */
function arrayLiteral(texts: readonly string[]): string {
  for (const text of texts) {
    if (!/^[\w~+@.-]+$/.test(text)) throw new TypeError('this text cannot stand in an array literal as it is')
  }
  return `{${texts.join(',')}}`
}

const TOKEN_COLUMNS = sql`phi_class AS "phiClass", form, token, value_index AS index, sealed,
  (extract(epoch FROM expires - statement_timestamp()) * 1000)::float8 AS "remainingMs"`

const hexLiteral = (buffers: readonly Buffer[]) => arrayLiteral(buffers.map((buffer) => buffer.toString('hex')))

/** The scope is looked up each time: one that was deleted has no tokens any more, although their rows may still be there. */
const liveScope = (scopeId: string) =>
  sql`SELECT id FROM chaperone.token_scope WHERE id = ${scopeId}::uuid AND digest IS NOT NULL`

// One look-up by a unique index for each of them, whatever the planner thinks of the size of the table: that is what LIMIT is for.

async function findByIndex(db: Db, scopeId: string, indexes: readonly Buffer[]): Promise<readonly StoredToken[]> {
  const { rows } = await sql<StoredToken>`SELECT found.*
    FROM unnest(${hexLiteral(indexes)}::text[]) wanted (value_index)
    CROSS JOIN LATERAL (
      SELECT ${TOKEN_COLUMNS} FROM chaperone.token
      WHERE scope_id = ${scopeId}::uuid AND value_index = decode(wanted.value_index, 'hex') LIMIT 1
    ) found
    WHERE EXISTS (${liveScope(scopeId)})`.execute(db)
  return rows
}

async function findByToken(db: Db, scopeId: string, tokens: readonly string[]): Promise<readonly StoredToken[]> {
  const { rows } = await sql<StoredToken>`SELECT found.*
    FROM unnest(${arrayLiteral(tokens)}::text[]) wanted (token)
    CROSS JOIN LATERAL (
      SELECT ${TOKEN_COLUMNS} FROM chaperone.token
      WHERE scope_id = ${scopeId}::uuid AND token = wanted.token
        AND sealed IS NOT NULL AND expires > statement_timestamp() LIMIT 1
    ) found
    WHERE EXISTS (${liveScope(scopeId)})`.execute(db)
  return rows
}

async function addTokens(
  db: Db,
  scopeId: string,
  tokens: readonly NewToken[],
  lifetimeMs: number,
): Promise<ReadonlySet<string> | 'deleted'> {
  const texts = (field: 'token' | 'phiClass' | 'form') => arrayLiteral(tokens.map((one) => one[field]))
  const bytes = (field: 'index' | 'sealed') => hexLiteral(tokens.map((one) => one[field]))
  // The lock keeps the scope from being deleted between the look and the insertion. In one order, so that two who store the
  // same values wait for each other one way only.
  const { rows } = await sql<{ live: boolean; added: string[] }>`WITH
    live AS MATERIALIZED (${liveScope(scopeId)} FOR KEY SHARE),
    added AS (
      INSERT INTO chaperone.token (scope_id, token, phi_class, form, value_index, sealed, issued, expires)
      SELECT live.id, w.token, w.phi_class, w.form, decode(w.value_index, 'hex'), decode(w.sealed, 'hex'),
        statement_timestamp(), statement_timestamp() + ${lifetimeMs}::float8 * interval '1 millisecond'
      FROM live, unnest(${texts('token')}::text[], ${texts('phiClass')}::text[], ${texts('form')}::text[],
        ${bytes('index')}::text[], ${bytes('sealed')}::text[]) w (token, phi_class, form, value_index, sealed)
      ORDER BY w.value_index
      ON CONFLICT DO NOTHING
      RETURNING token
    )
    SELECT EXISTS (SELECT FROM live) AS live, ARRAY(SELECT token FROM added) AS added`.execute(db)
  const result = rows[0]
  return result?.live === true ? new Set(result.added) : 'deleted'
}

/** `ended` selects scope and token of what is over, and locks it. */
async function retire(db: Db, ended: ReturnType<typeof sql>, kept: readonly string[]): Promise<number> {
  const { rows } = await sql<{ retired: number }>`WITH
    ended AS MATERIALIZED (${ended}),
    emptied AS (
      UPDATE chaperone.token t SET value_index = NULL, sealed = NULL FROM ended
      WHERE t.scope_id = ended.scope_id AND t.token = ended.token AND t.form = ANY (${arrayLiteral(kept)}::text[])
    ),
    deleted AS (
      DELETE FROM chaperone.token t USING ended
      WHERE t.scope_id = ended.scope_id AND t.token = ended.token AND t.form <> ALL (${arrayLiteral(kept)}::text[])
    )
    SELECT count(*)::int AS retired FROM ended`.execute(db)
  return rows[0]?.retired ?? 0
}

/** The key goes, and every gateway is told; tokens whose key is gone can wait. */
function shred(db: Db, digest: Buffer): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    // Waits for insertions under way, and makes those that follow find the scope deleted.
    const scope = await transaction
      .selectFrom('token_scope')
      .select('id')
      .where('digest', '=', digest)
      .forUpdate()
      .executeTakeFirst()
    if (scope === undefined) return false
    await transaction
      .updateTable('token_scope')
      .set({ digest: null, wrapped_key: null })
      .where('id', '=', scope.id)
      .execute()
    await sql`SELECT pg_notify(${NOTIFICATION}, ${digest.toString('hex')})`.execute(transaction)
    return true
  })
}

/** Deletes the tokens of deleted scopes, and then the scopes. Goes on where a process that was killed has stopped. */
async function finishDeletions(db: Db): Promise<void> {
  const scopes = await db.selectFrom('token_scope').select('id').where('digest', 'is', null).execute()
  for (const { id } of scopes) {
    for (;;) {
      const { rows } = await sql<{ deleted: number }>`WITH
        doomed AS MATERIALIZED (
          SELECT token FROM chaperone.token WHERE scope_id = ${id}::uuid LIMIT ${DELETE_BATCH} FOR UPDATE SKIP LOCKED
        ),
        deleted AS (
          DELETE FROM chaperone.token t USING doomed WHERE t.scope_id = ${id}::uuid AND t.token = doomed.token RETURNING 1
        )
        SELECT count(*)::int AS deleted FROM deleted`.execute(db)
      if ((rows[0]?.deleted ?? 0) === 0) break
    }
    await sql`DELETE FROM chaperone.token_scope s
      WHERE s.id = ${id}::uuid AND NOT EXISTS (SELECT FROM chaperone.token t WHERE t.scope_id = s.id)`.execute(db)
  }
}

function status(db: Db): Promise<readonly ScopeStatus[]> {
  return db.transaction().execute(async (transaction) => {
    await sql`SELECT set_config('statement_timeout', ${String(COUNT_TIMEOUT_MS)}, true)`.execute(transaction)
    const scopes = await transaction
      .selectFrom('token_scope')
      .select(['id', 'principal_group', 'purpose', 'target', 'key_id', 'created'])
      .where('digest', 'is not', null)
      .orderBy('target')
      .orderBy('principal_group')
      .orderBy('purpose')
      .execute()
    const { rows } = await sql<TokenCount & { scope: string }>`SELECT scope_id AS scope, phi_class AS "phiClass", form,
        count(*) FILTER (WHERE expires > statement_timestamp())::float8 AS live,
        count(*) FILTER (WHERE expires <= statement_timestamp())::float8 AS expired
      FROM chaperone.token WHERE sealed IS NOT NULL
      GROUP BY scope_id, phi_class, form ORDER BY phi_class, form`.execute(transaction)
    const counts = Map.groupBy(rows, (row) => row.scope)
    return scopes.map((scope) => ({
      group: scope.principal_group,
      purpose: scope.purpose,
      target: scope.target,
      key: scope.key_id,
      created: scope.created,
      tokens: (counts.get(scope.id) ?? []).map(({ phiClass, form, live, expired }) => ({
        phiClass,
        form,
        live,
        expired,
      })),
    }))
  })
}
