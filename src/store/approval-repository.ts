import { sql } from 'kysely'
import type { ApprovalRepository, RequestRows, StoredRequest } from '../approve/approval-repository.ts'
import type { RequestFilter } from '../approve/approvals.ts'
import type { Clock } from '../lib/clock.ts'
import { moment } from './moment.ts'
import { listenTo } from './notification-listener.ts'
import type { Store } from './open-store.ts'
import { addMessages } from './webhook-outbox.ts'

/** The channel; payloads are ids of requests. */
const NOTIFICATION = 'chaperone_approval'
/** Keys of advisory locks of one kind share the first half. */
const CHAIN_LOCK = 730_262

type Db = Store['db']

const COLUMNS = sql`id, digest, kind, chain, members, pools, state, is_told AS "isTold", sealed, exact,
  (extract(epoch FROM created) * 1000)::float8 AS "createdAt", (extract(epoch FROM expires) * 1000)::float8 AS "expiresAt"`

/** As the index says it. */
const IS_OPEN = sql`(state IN ('pending', 'approved') OR (state = 'refused' AND NOT is_told))`

type Row = Omit<StoredRequest, 'exact'> & { readonly exact: Buffer | null }

/** @param clock of the gateway, one that never goes back: time is the store's or the gateway's, whichever is later. */
export function approvalRepository(store: Pick<Store, 'db' | 'connections'>, clock: Clock): ApprovalRepository {
  const { db, connections } = store
  // Stable within a statement, so that an index can be used.
  const now = () => sql`greatest(statement_timestamp(), ${moment(clock())})`
  return {
    find: async (id) => (await select(db, sql`WHERE id = ${id}`))[0],
    list: (filter) => select(db, listed(filter)),
    pendingOf: async (ids) => {
      const { rows } = await sql<{ id: string }>`SELECT id FROM chaperone.approval_request
        WHERE id = ANY (${[...ids]}::text[]) AND state = 'pending' AND expires > ${now()}`.execute(db)
      return rows.map(({ id }) => id)
    },
    withRequest: (id, work) =>
      db.transaction().execute(async (transaction) => {
        const [request] = await select(transaction, sql`WHERE id = ${id} FOR UPDATE`)
        return work(await rowsOf(transaction, clock), request)
      }),
    withOpen: (digest, chain, work) =>
      db.transaction().execute(async (transaction) => {
        await sql`SELECT pg_advisory_xact_lock(${CHAIN_LOCK}, hashtext(${chain}))`.execute(transaction)
        const requests = await select(transaction, sql`WHERE digest = ${digest} AND ${IS_OPEN} ORDER BY id FOR UPDATE`)
        const pending = await pendingOfChain(transaction, chain, now())
        return work(await rowsOf(transaction, clock), { requests, pending })
      }),
    due: async (limit) => {
      const { rows } = await sql<{ id: string }>`
        (SELECT id FROM chaperone.approval_request
          WHERE state IN ('pending', 'approved') AND expires <= ${now()} ORDER BY expires LIMIT ${limit})
        UNION
        (SELECT id FROM chaperone.approval_request
          WHERE state = 'approved' AND kind <> 'operation' ORDER BY created LIMIT ${limit})`.execute(db)
      return rows.map(({ id }) => id)
    },
    removeOlderThan: async (ageMs, limit) => {
      // What is open has to be ended first. Other gateways do the same at the same time.
      const { rows } = await sql<{ removed: number }>`WITH
        old AS MATERIALIZED (
          SELECT id FROM chaperone.approval_request
          WHERE created < ${now()} - ${ageMs}::float8 * interval '1 millisecond'
            AND expires < ${now()} - ${ageMs}::float8 * interval '1 millisecond'
            AND state NOT IN ('pending', 'approved')
          ORDER BY created LIMIT ${limit} FOR UPDATE SKIP LOCKED
        ),
        removed AS (DELETE FROM chaperone.approval_request r USING old WHERE r.id = old.id RETURNING 1)
        SELECT count(*)::int AS removed FROM removed`.execute(db)
      return rows[0]?.removed ?? 0
    },
    listen: (onChanged) =>
      listenTo(connections, {
        channel: NOTIFICATION,
        // Whoever waits looks for itself as well.
        onHearing: () => undefined,
        onDeaf: () => undefined,
        onNotification: onChanged,
      }),
  }
}

async function select(db: Db, rest: ReturnType<typeof sql>): Promise<readonly StoredRequest[]> {
  const { rows } = await sql<Row>`SELECT ${COLUMNS} FROM chaperone.approval_request ${rest}`.execute(db)
  return rows.map((row) => ({ ...row, exact: row.exact ?? undefined }))
}

function listed({ state, limit, visibleTo }: RequestFilter): ReturnType<typeof sql> {
  const inState = state === undefined ? sql`true` : sql`state = ${state}`
  const visible =
    visibleTo === undefined
      ? sql`true`
      : sql`(${visibleTo.member} = ANY (members) OR pools && ${[...visibleTo.pools]}::text[])`
  return sql`WHERE ${inState} AND ${visible} ORDER BY created DESC, id LIMIT ${limit}`
}

async function pendingOfChain(db: Db, chain: string, now: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await sql<{ pending: number }>`SELECT count(*)::int AS pending FROM chaperone.approval_request
    WHERE md5(chain) = md5(${chain}) AND chain = ${chain} AND state = 'pending' AND expires > ${now}`.execute(db)
  return rows[0]?.pending ?? 0
}

/** Made after locks were waited for: the time is that of the change. */
async function rowsOf(db: Db, clock: Clock): Promise<RequestRows> {
  const { rows } = await sql<{
    now: number
  }>`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.execute(db)
  const change = async (statement: ReturnType<typeof sql>, id: string): Promise<void> => {
    await statement.execute(db)
    await sql`SELECT pg_notify(${NOTIFICATION}, ${id})`.execute(db)
  }
  return {
    now: Math.floor(Math.max(clock(), rows[0]?.now ?? 0)),
    add: (one) =>
      change(
        sql`INSERT INTO chaperone.approval_request
          (id, digest, kind, chain, members, pools, state, created, expires, is_told, sealed, exact)
          VALUES (${one.id}, ${one.digest}, ${one.kind}, ${one.chain}, ${[...one.members]}::text[],
            ${[...one.pools]}::text[], ${one.state}, ${moment(one.createdAt)}, ${moment(one.expiresAt)}, ${one.isTold},
            ${one.sealed}, ${one.exact ?? null})`,
        one.id,
      ),
    // What a request is for never changes.
    replace: (one) =>
      change(
        sql`UPDATE chaperone.approval_request SET state = ${one.state}, expires = ${moment(one.expiresAt)},
          is_told = ${one.isTold}, sealed = ${one.sealed}, exact = ${one.exact ?? null} WHERE id = ${one.id}`,
        one.id,
      ),
    send: (messages) => addMessages(db, messages),
  }
}
