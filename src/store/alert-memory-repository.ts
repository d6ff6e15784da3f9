import { sql } from 'kysely'
import type { AlertMemory } from '../alert/alert-memory.ts'
import type { Store } from './open-store.ts'

/** Days that an hour is compared with. */
const DAYS = 14
/** A use is a first one again after so long: chains come and go, and what they used is not kept for ever. */
const FIRST_USE_DAYS = 400

/** The SQL behind what alerts remember. */
export function alertMemoryRepository({ db }: Pick<Store, 'db'>): AlertMemory {
  return {
    firstUses: async ({ chain, target }, relations) => {
      const added = await db
        .insertInto('alert_first_use')
        .values(relations.map((relation) => ({ chain, target, relation })))
        .onConflict((conflict) => conflict.columns(['chain', 'target', 'relation']).doNothing())
        .returning('relation')
        .execute()
      return added.map(({ relation }) => relation).toSorted()
    },
    addRows: async ({ chain, target }, rows, at) => {
      const hour = new Date(Math.floor(at / 3_600_000) * 3_600_000)
      const { rows: total } = await db
        .insertInto('alert_volume')
        .values({ chain, target, hour, rows: String(rows) })
        .onConflict((conflict) =>
          conflict.columns(['chain', 'target', 'hour']).doUpdateSet({ rows: sql`alert_volume.rows + excluded.rows` }),
        )
        .returning('rows')
        .executeTakeFirstOrThrow()
      const { mean } = await db
        .selectFrom('alert_volume')
        .select(sql<string | null>`avg(rows)`.as('mean'))
        .where('chain', '=', chain)
        .where('target', '=', target)
        .where('hour', '<', new Date(dayOf(at)))
        .where('hour', '>=', new Date(dayOf(at) - DAYS * 86_400_000))
        .executeTakeFirstOrThrow()
      return { thisHour: Number(total), mean: mean === null ? undefined : Number(mean) }
    },
    forget: async (at) => {
      await db
        .deleteFrom('alert_volume')
        .where('hour', '<', new Date(dayOf(at) - DAYS * 86_400_000))
        .execute()
      await db
        .deleteFrom('alert_first_use')
        .where('first', '<', new Date(dayOf(at) - FIRST_USE_DAYS * 86_400_000))
        .execute()
    },
  }
}

const dayOf = (at: number): number => Math.floor(at / 86_400_000) * 86_400_000
