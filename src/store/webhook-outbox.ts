import { sql } from 'kysely'
import type { ClaimedMessage, Outbox, OutboxMessage } from '../notify/outbox.ts'
import type { Store } from './open-store.ts'

type Db = Store['db']

/** Messages of webhooks that are configured nowhere any more go with the rest. */
const KEEP_MS = 48 * 3_600_000
const KEEP = sql`${KEEP_MS}::float8 * interval '1 millisecond'`

/** The messages that gateways still have to deliver; each is taken on by one of them at a time. */
export function webhookOutbox({ db }: Pick<Store, 'db'>): Outbox {
  const remove = async (id: string): Promise<void> => {
    await sql`DELETE FROM chaperone.webhook_outbox WHERE id = ${id}`.execute(db)
  }
  return {
    add: (messages) => addMessages(db, messages),
    claim: async (webhook, limit, leaseMs) => {
      const { rows } = await sql<ClaimedMessage>`WITH
        due AS MATERIALIZED (
          SELECT id FROM chaperone.webhook_outbox
          WHERE webhook = ${webhook} AND next_attempt <= statement_timestamp()
          ORDER BY next_attempt LIMIT ${limit} FOR UPDATE SKIP LOCKED
        )
        UPDATE chaperone.webhook_outbox o
        SET attempts = attempts + 1, next_attempt = statement_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'
        FROM due WHERE o.id = due.id
        RETURNING o.id, o.webhook, o.body, o.attempts - 1 AS attempts,
          (extract(epoch FROM statement_timestamp() - o.created) * 1000)::float8 AS "ageMs"`.execute(db)
      return rows.toSorted((left, right) => right.ageMs - left.ageMs)
    },
    delivered: remove,
    giveUp: remove,
    retry: async (id, afterMs) => {
      await sql`UPDATE chaperone.webhook_outbox
        SET next_attempt = statement_timestamp() + ${afterMs}::float8 * interval '1 millisecond'
        WHERE id = ${id}`.execute(db)
    },
    forgetOld: async () => {
      await sql`DELETE FROM chaperone.webhook_outbox WHERE created < statement_timestamp() - ${KEEP}`.execute(db)
    },
  }
}

/** In a transaction: they are sent if, and only if, what they tell of has happened. */
export async function addMessages(db: Db, messages: readonly OutboxMessage[]): Promise<void> {
  for (const { id, webhook, body } of messages) {
    await sql`INSERT INTO chaperone.webhook_outbox (id, webhook, body) VALUES (${id}, ${webhook}, ${body})`.execute(db)
  }
}
