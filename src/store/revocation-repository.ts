import { sql } from 'kysely'
import type { Revocation, RevocationRepository, RevokedThing } from '../identity/revocations.ts'
import { assertNever } from '../lib/assert-never.ts'
import type { Store } from './open-store.ts'
import type { RevocationTable } from './schema.ts'

/** What tells a gateway that another one has changed the list. */
export interface SharedRevocations extends RevocationRepository {
  /** Another one after every change. */
  version(): Promise<string>
}

const bump = (transaction: Store['db']) =>
  transaction.updateTable('revocation_version').set({ version: sql`version + 1` }).execute()

/** The SQL behind revocations. */
export function revocationRepository({ db }: Pick<Store, 'db'>): SharedRevocations {
  return {
    load: async () => {
      const rows = await db
        .selectFrom('revocation')
        .selectAll()
        .where((where) => where.or([where('until', 'is', null), where('until', '>', sql<Date>`statement_timestamp()`)]))
        .orderBy('created')
        .execute()
      return rows.map(revocationOf)
    },
    add: (revocation) =>
      db.transaction().execute(async (transaction) => {
        const added = await transaction
          .insertInto('revocation')
          .values(rowOf(revocation))
          // The same one again: its answer was lost.
          .onConflict((conflict) => conflict.column('id').doNothing())
          .executeTakeFirst()
        if ((added.numInsertedOrUpdatedRows ?? 0n) > 0n) await bump(transaction)
      }),
    lift: (id) =>
      db.transaction().execute(async (transaction) => {
        const { numDeletedRows } = await transaction.deleteFrom('revocation').where('id', '=', id).executeTakeFirst()
        if (numDeletedRows > 0n) await bump(transaction)
        return numDeletedRows > 0n
      }),
    version: async () => {
      const { version } = await db.selectFrom('revocation_version').select('version').executeTakeFirstOrThrow()
      return version
    },
  }
}

const time = (at: number | undefined) => (at === undefined ? null : new Date(at))

function rowOf({ id, thing, issuedBefore, until, reason, createdAt }: Revocation) {
  const [issuer, value] = valueOf(thing)
  return {
    id,
    kind: thing.kind,
    issuer,
    value,
    issued_before: time(issuedBefore),
    until: time(until),
    reason,
    created: new Date(createdAt),
  }
}

function valueOf(thing: RevokedThing): readonly [string | null, string] {
  switch (thing.kind) {
    case 'token':
      return [null, thing.digest]
    case 'tokenId':
      return [thing.issuer, thing.id]
    case 'member':
      return [null, thing.member]
    case 'run':
      return [null, thing.run]
    default:
      return assertNever(thing)
  }
}

function revocationOf(row: RevocationTable): Revocation {
  return {
    id: row.id,
    thing: thingOf(row),
    issuedBefore: row.issued_before?.getTime(),
    until: row.until?.getTime(),
    reason: row.reason,
    createdAt: row.created.getTime(),
  }
}

function thingOf({ kind, issuer, value }: RevocationTable): RevokedThing {
  switch (kind) {
    case 'token':
      return { kind, digest: value }
    case 'tokenId':
      return { kind, issuer: issuer ?? '', id: value }
    case 'member':
      return { kind, member: value }
    case 'run':
      return { kind, run: value }
    default:
      return assertNever(kind)
  }
}
