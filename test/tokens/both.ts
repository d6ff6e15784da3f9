import type { Client } from 'pg'
import { expect } from 'vitest'
import { DEMO_TARGET, type Testbed } from '../support/testbed.ts'
import { rawValue, startWard, TOKEN_COLUMNS } from './ward.ts'

/** Who runs a driver's program: for one every value is a token, for the other it is what is stored. */
export type Reader = 'agent' | 'officer'

/** What a driver's program prints as JSON. It looks values up itself, and then works with what it was given. */
export interface Told {
  /** Ids, counts, kinds: nothing that a value or a token stands in. */
  readonly answers: Readonly<Record<string, unknown>>
  /** Every value that it was given. */
  readonly shown: readonly unknown[]
}

/** A ward of which everything can be set back, and the environment in which programs find it. */
export interface BothWays {
  readonly bed: Testbed
  readonly admin: Client
  environment(who: Reader): Promise<Readonly<Record<string, string>>>
  /**
   * Runs a program as the agent and as the officer, from the same state of the database, and says what both were answered.
   * Fails unless they were answered alike and left the same rows, and the agent was shown nothing that is stored.
   */
  run(program: (who: Reader) => Promise<Told>): Promise<Told>
}

const TABLES = ['person', 'visit', 'scrap']

export async function startBothWays(): Promise<BothWays> {
  // The officer, too, copies protected columns out.
  const bed = await startWard({ disabledGuardrails: ['phi-change', 'bulk-export'], allowsPlaintext: true })
  const admin = await bed.direct()
  await admin.query(
    `create schema kept; ${TABLES.map((table) => `create table kept.${table} as table ward.${table}`).join(';')}`,
  )
  // Rows only: a table that is truncated is another one to whoever has looked at the catalog.
  const restore = () =>
    admin.query(
      TABLES.map((table) => `delete from ward.${table}; insert into ward.${table} table kept.${table};`).join(''),
    )
  const left = () => inTurn(TABLES, async (table) => (await admin.query(`table ward.${table} order by id`)).rows)
  const secrets = await storedValues(admin)
  return {
    bed,
    admin,
    environment: async (who) => ({
      PATH: process.env['PATH'] ?? '',
      LC_ALL: 'C.UTF-8',
      PGHOST: 'localhost',
      PGPORT: String(bed.gateway.port),
      PGDATABASE: DEMO_TARGET,
      PGUSER: who,
      PGPASSWORD: await bed.token(who),
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: bed.environment.caFile,
    }),
    run: async (program) => {
      await restore()
      const officer = await program('officer')
      const truth = await left()
      await restore()
      const agent = await program('agent')
      expect(agent.answers).toEqual(officer.answers)
      expect((await left()).map((rows, index) => isSame(rows, truth[index]))).toEqual(TABLES.map(() => true))
      expect(agent.shown).toHaveLength(officer.shown.length)
      expect(secretsIn(agent.shown, secrets)).toBe(0)
      expect(secretsIn(officer.shown, secrets)).toBeGreaterThan(0)
      return agent
    },
  }
}

/** Compared here, so that a failing test does not print rows. */
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

async function storedValues(admin: Client): Promise<readonly string[]> {
  const values = await inTurn(TOKEN_COLUMNS, (column) =>
    inTurn([2, 3, 6, 7, 8, 9], (id) => rawValue(admin, column, id)),
  )
  return values.flat().flatMap((value) => (value === null ? [] : [value.trimEnd()]))
}

/** One after the other, as a connection works. */
async function inTurn<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (const item of items) done.push(await act(item))
  return done
}

const secretsIn = (shown: readonly unknown[], secrets: readonly string[]): number => {
  const text = shown.map(String).join('\n')
  return secrets.filter((secret) => text.includes(secret)).length
}
