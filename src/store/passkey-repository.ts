import { sql } from 'kysely'
import type { PasskeyRepository, StoredChallenge, StoredPasskey } from '../approve/passkey-repository.ts'
import { moment } from './moment.ts'
import type { Store } from './open-store.ts'

type Row = Omit<StoredPasskey, 'lastUsedAt'> & { readonly lastUsedAt: number | null }

const milliseconds = (column: string) => sql`(extract(epoch FROM ${sql.ref(column)}) * 1000)::float8`

/** Passkeys, and the challenges of ceremonies that have begun. */
export function passkeyRepository({ db }: Pick<Store, 'db'>): PasskeyRepository {
  return {
    passkeysOf: async (owner) => {
      const { rows } = await sql<Row>`SELECT id, owner, sealed, counter::float8 AS counter,
          ${milliseconds('created')} AS "createdAt", ${milliseconds('last_used')} AS "lastUsedAt"
        FROM chaperone.passkey WHERE md5(owner) = md5(${owner}) AND owner = ${owner} ORDER BY created, id`.execute(db)
      return rows.map((row) => ({ ...row, lastUsedAt: row.lastUsedAt ?? undefined }))
    },
    addPasskey: async ({ id, owner, sealed, counter, createdAt }) => {
      const { numAffectedRows } = await sql`INSERT INTO chaperone.passkey (id, owner, sealed, counter, created)
        VALUES (${id}, ${owner}, ${sealed}, ${counter}, ${moment(createdAt)}) ON CONFLICT (id) DO NOTHING`.execute(db)
      return numAffectedRows === 1n
    },
    countPasskey: async (id, counter, at) => {
      const { numAffectedRows } = await sql`UPDATE chaperone.passkey
        SET counter = ${counter}::bigint, last_used = ${moment(at)}
        WHERE id = ${id} AND (counter < ${counter}::bigint OR (counter = 0 AND ${counter}::bigint = 0))`.execute(db)
      return numAffectedRows === 1n
    },
    removePasskey: async (id, owner) => {
      const { numAffectedRows } =
        await sql`DELETE FROM chaperone.passkey WHERE id = ${id} AND owner = ${owner}`.execute(db)
      return numAffectedRows === 1n
    },
    addChallenge: async ({ challenge, owner, purpose, nonce, expiresAt }) => {
      await sql`INSERT INTO chaperone.passkey_challenge (challenge, owner, purpose, nonce, expires)
        VALUES (${challenge}, ${owner}, ${purpose}, ${nonce}, ${moment(expiresAt)})`.execute(db)
    },
    takeChallenge: async (challenge) => {
      const { rows } = await sql<StoredChallenge>`DELETE FROM chaperone.passkey_challenge WHERE challenge = ${challenge}
        RETURNING challenge, owner, purpose, nonce, ${milliseconds('expires')} AS "expiresAt"`.execute(db)
      await sql`DELETE FROM chaperone.passkey_challenge
        WHERE expires < statement_timestamp() - interval '1 hour'`.execute(db)
      return rows[0]
    },
  }
}
