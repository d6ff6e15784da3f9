import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { BudgetStore } from '../budget/budget-store.ts'
import type { Store } from './open-store.ts'

/** Accounts that nobody has used for so long are deleted; a run is over by then. */
const KEPT_DAYS = 30
/** Minutes that count, and one more. */
const WINDOW_MINUTES = 62

/** The SQL behind budgets: see migrations/0003-budgets.ts. */
export function budgetRepository({ db }: Pick<Store, 'db'>): BudgetStore {
  return {
    take: async ({ account, isWindow }, amount, limit) => {
      const { rows } = await sql<{ granted: number; minute: number }>`
        SELECT granted::float8 AS granted, at_minute::float8 AS minute
        FROM chaperone.budget_take(${account}::bytea, ${isWindow}::boolean, ${amount}::bigint, ${limit}::bigint)
      `.execute(db)
      const [row] = rows
      return { amount: row?.granted ?? 0, minute: row?.minute ?? 0 }
    },
    giveBack: async ({ account }, { amount, minute }) => {
      await sql`UPDATE chaperone.budget_use SET used = greatest(0, used - ${amount}::bigint)
        WHERE account = ${account}::bytea AND minute = ${minute}::bigint`.execute(db)
    },
    takePatients: async ({ account, isWindow }, patients, unnamed, limit) => {
      const list = `{${patients.map((patient) => patient.toString('hex')).join(',')}}`
      const { rows } = await sql<{ accepted: number; unnamed: number }>`
        SELECT accepted::float8 AS accepted, granted::float8 AS unnamed
        FROM chaperone.budget_take_patients(${account}::bytea, ${isWindow}::boolean,
          ARRAY(SELECT decode(hex, 'hex') FROM unnest(${list}::text[]) WITH ORDINALITY w (hex, n) ORDER BY n),
          ${unnamed}::bigint, ${limit}::bigint)`.execute(db)
      const [row] = rows
      return { accepted: row?.accepted ?? 0, unnamed: row?.unnamed ?? 0 }
    },
    digestKey: async () => {
      await sql`INSERT INTO chaperone.budget_key (id, key) VALUES (1, ${randomBytes(32)}::bytea)
        ON CONFLICT DO NOTHING`.execute(db)
      const { rows } = await sql<{ key: Buffer }>`SELECT key FROM chaperone.budget_key WHERE id = 1`.execute(db)
      const [row] = rows
      if (row === undefined) throw new Error('the store keeps no key for patients')
      return row.key
    },
    sweep: async () => {
      await sql`DELETE FROM chaperone.budget_account
        WHERE touched < statement_timestamp() - ${KEPT_DAYS}::integer * interval '1 day'`.execute(db)
      await sql`DELETE FROM chaperone.budget_use u USING chaperone.budget_account a
        WHERE u.account = a.account AND u.minute > 0 AND u.minute < a.minute - ${WINDOW_MINUTES}::bigint`.execute(db)
      await sql`DELETE FROM chaperone.budget_patient p USING chaperone.budget_account a
        WHERE p.account = a.account AND p.minute > 0 AND p.minute < a.minute - ${WINDOW_MINUTES}::bigint`.execute(db)
    },
  }
}
