import { sql, type Transaction } from 'kysely'
import type { PolicyRepository } from '../policy/policy-repository.ts'
import type { Store } from './open-store.ts'
import type { StoreSchema } from './schema.ts'

/** The SQL behind versions of the policy and grants given on request. */
export function policyRepository({ db }: Pick<Store, 'db'>): PolicyRepository {
  return {
    add: async ({ version, document, createdBy, note }) => {
      await db
        .insertInto('policy_version')
        .values({ version, document, created_by: createdBy, note })
        .onConflict((conflict) => conflict.column('version').doNothing())
        .execute()
    },
    get: async (version) => {
      const row = await db.selectFrom('policy_version').selectAll().where('version', '=', version).executeTakeFirst()
      if (row === undefined) return undefined
      const { document, created, created_by: createdBy, note } = row
      return { version, document, createdAt: created.getTime(), createdBy, note }
    },
    list: async (limit) => {
      const rows = await db
        .selectFrom('policy_version')
        .select(['version', 'created', 'created_by', 'note'])
        .orderBy('created', 'desc')
        .limit(limit)
        .execute()
      return rows.map(({ version, created, created_by: createdBy, note }) => {
        return { version, createdAt: created.getTime(), createdBy, note }
      })
    },
    activations: async (limit) => {
      const rows = await db.selectFrom('policy_activation').selectAll().orderBy('seq', 'desc').limit(limit).execute()
      return rows.map(({ version, activated, activated_by: by, request }) => {
        return { version, at: activated.getTime(), by, request: request ?? undefined }
      })
    },
    activate: ({ version, from, by, request }) =>
      db.transaction().execute(async (transaction) => {
        await lockChanges(transaction)
        if (request !== undefined) {
          const done = await transaction
            .selectFrom('policy_activation')
            .select('seq')
            .where('request', '=', request)
            .executeTakeFirst()
          if (done !== undefined) return true
        }
        const last = await transaction
          .selectFrom('policy_activation')
          .select('version')
          .orderBy('seq', 'desc')
          .limit(1)
          .executeTakeFirst()
        if (last?.version !== from) return false
        await transaction
          .insertInto('policy_activation')
          .values({ version, activated_by: by, request: request ?? null })
          .execute()
        await noteChange(transaction)
        return true
      }),
    give: ({ request, chain, grant, digest, until }) =>
      db.transaction().execute(async (transaction) => {
        await lockChanges(transaction)
        const { numInsertedOrUpdatedRows = 0n } = await transaction
          .insertInto('activated_grant')
          .values({ request, chain, grant_name: grant, digest, until: new Date(until) })
          .onConflict((conflict) => conflict.column('request').doNothing())
          .executeTakeFirst()
        if (numInsertedOrUpdatedRows > 0n) await noteChange(transaction)
      }),
    given: async () => {
      const rows = await db
        .selectFrom('activated_grant')
        .select(['chain', 'grant_name', 'digest', 'until'])
        .where('until', '>', sql<Date>`statement_timestamp()`)
        .orderBy('request')
        .execute()
      return rows.map(({ chain, grant_name: grant, digest, until }) => ({
        chain,
        grant,
        digest,
        until: until.getTime(),
      }))
    },
    forgetGiven: async (endedForMs) => {
      await db
        .deleteFrom('activated_grant')
        .where('until', '<', sql<Date>`statement_timestamp() - ${endedForMs}::float8 * interval '1 millisecond'`)
        .execute()
    },
    change: async () => {
      const { version } = await db.selectFrom('policy_change').select('version').executeTakeFirstOrThrow()
      return version
    },
  }
}

async function lockChanges(transaction: Transaction<StoreSchema>): Promise<void> {
  await transaction.selectFrom('policy_change').select('version').forUpdate().executeTakeFirstOrThrow()
}

async function noteChange(transaction: Transaction<StoreSchema>): Promise<void> {
  await transaction.updateTable('policy_change').set({ version: sql`version + 1` }).execute()
}
