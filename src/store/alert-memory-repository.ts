import { sql } from 'kysely'
import type { AlertMemory } from '../alert/alert-memory.ts'
import type { Store } from './open-store.ts'

/** Days that an hour is compared with. */
const DAYS = 14
/** A use is a first one again after so long: chains come and go, and what they used is not kept for ever. */
const FIRST_USE_DAYS = 400
/** Patients are kept beside relations, whose names have a full stop. */
const PATIENT = 'patient:'
/** Hexadecimal digits of a digest that are kept: 128 bits tell patients apart. */
const DIGEST_LENGTH = 32

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
    firstPatients: async ({ chain, target }, digests) => {
      const list = `{${digests.map((digest) => PATIENT + digest.slice(0, DIGEST_LENGTH)).join(',')}}`
      // In order, so that two gateways do not wait for each other. What was there before is read as of the same moment.
      const { rows } = await sql<{ first: number; hadAny: boolean }>`
        WITH added AS (
          INSERT INTO chaperone.alert_first_use (chain, target, relation)
          SELECT ${chain}::bytea, ${target}::text, patient FROM unnest(${list}::text[]) patient ORDER BY patient
          ON CONFLICT DO NOTHING RETURNING relation)
        SELECT (SELECT count(*) FROM added)::float8 AS first, EXISTS (
          SELECT FROM chaperone.alert_first_use WHERE chain = ${chain}::bytea AND target = ${target}::text
            AND starts_with(relation, ${PATIENT}::text)) AS "hadAny"`.execute(db)
      const [row] = rows
      return { first: row?.first ?? 0, hadAny: row?.hadAny ?? false }
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
