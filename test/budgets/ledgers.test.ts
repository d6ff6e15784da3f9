import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Ledger } from '../../src/budget/ledger.ts'
import { NO_USE, type SessionBudgets, type Use } from '../../src/budget/session-budgets.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { budgetRepository } from '../../src/store/budget-repository.ts'
import { openStore, type Store } from '../../src/store/open-store.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'

let server: StoreServer
let stores: readonly Store[]
let runs = 0

beforeAll(async () => {
  server = await StoreServer.start()
  const location = await server.database()
  stores = [1, 2, 3].map(() => openStore({ location, timeoutMs: 25_000 }))
  for (const store of stores) await store.ready()
})
afterAll(async () => {
  for (const store of stores) await store.close()
  await server.stop()
})

const digest = (n: number): string => createHash('sha256').update(`patient ${n}`).digest('hex')

/** As a result does: takes, and asks where it has to. False when there is no room. */
async function released(budgets: SessionBudgets, use: Use): Promise<boolean> {
  try {
    for (let attempt = 0; attempt < 50; attempt++) {
      if (budgets.take(use)) return true
      await budgets.acquire(use)
    }
    throw new Error('never released')
  } catch (error) {
    if (error instanceof ChaperoneError && error.code === 'CHP-BUDGET-EXCEEDED') return false
    throw error
  }
}

const holder = (session: number) => ({ session: `s${session}`, chain: 'chain', run: `run ${runs}`, target: 'clinic' })

function sessionsOf(count: number, span: 'run' | 'hour', unit: 'rows' | 'bytes' | 'patients', limit: number) {
  runs++
  const ledgers = stores.map((store) => new Ledger(budgetRepository(store)))
  const sessions = Array.from({ length: count }, (_, i) => {
    const budgets = ledgers[i % ledgers.length]!.open({ ...holder(i), chain: `chain ${runs}` })
    budgets.limitTo([{ grant: 'g', span, unit, limit }])
    return budgets
  })
  return { ledgers, sessions }
}

describe('sessions of several gateways that share a budget', () => {
  it.each(['run', 'hour'] as const)('release no more than it allows, and all of it (%s)', async (span) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 2, max: 6 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 20, maxLength: 60 }),
        async (limit, count, sizes) => {
          const { ledgers, sessions } = sessionsOf(count, span, 'bytes', limit)
          let sum = 0
          await Promise.all(
            sessions.map(async (budgets, i) => {
              for (const bytes of sizes.slice(i)) if (await released(budgets, { ...NO_USE, bytes })) sum += bytes
            }),
          )
          expect(sum).toBeLessThanOrEqual(limit)
          // What others have taken ahead has come back.
          await Promise.all(ledgers.map((ledger) => ledger.close()))
          while (await released(sessions[0]!, { ...NO_USE, bytes: 1 })) sum += 1
          expect(sum).toBe(limit)
        },
      ),
      { numRuns: 12 },
    )
  })

  it('count a patient once, whoever sees them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 30, maxLength: 60 }),
        async (limit, seen) => {
          const { sessions } = sessionsOf(4, 'hour', 'patients', limit)
          const shown = new Set<number>()
          await Promise.all(
            sessions.map(async (budgets, i) => {
              for (const n of seen.slice(i * 3)) {
                if (await released(budgets, { ...NO_USE, rows: 1, patients: [digest(n)] })) shown.add(n)
              }
            }),
          )
          expect(shown.size).toBe(Math.min(limit, new Set(seen).size))
        },
      ),
      { numRuns: 10 },
    )
  })

  it('lose to a crash what was taken ahead, and no more', async () => {
    const { sessions } = sessionsOf(2, 'run', 'rows', 1000)
    expect(await released(sessions[0]!, { ...NO_USE, rows: 1 })).toBe(true)
    // The gateway of the first is never heard of again.
    let rows = 1
    while (await released(sessions[1]!, { ...NO_USE, rows: 1 })) rows += 1
    expect(rows).toBeLessThanOrEqual(1000)
    expect(rows).toBeGreaterThanOrEqual(980)
  })

  it('are refused what they cannot count, and nothing else', async () => {
    const location = await server.database()
    const gone = openStore({ location: { ...location, port: 1 }, timeoutMs: 500 })
    const ledger = new Ledger(budgetRepository(gone))
    const shared = ledger.open(holder(1))
    shared.limitTo([{ grant: 'g', span: 'hour', unit: 'rows', limit: 5 }])
    await expect(shared.acquire({ ...NO_USE, rows: 1 })).rejects.toMatchObject({ code: 'CHP-BUDGET-UNAVAILABLE' })
    expect(shared.take({ ...NO_USE, statements: 1 })).toBe(true)
    const own = ledger.open(holder(2))
    own.limitTo([{ grant: 'g', span: 'session', unit: 'rows', limit: 5 }])
    expect(own.take({ ...NO_USE, rows: 5 })).toBe(true)
    expect(own.take({ ...NO_USE, rows: 1 })).toBe(false)
    await gone.close()
  })

  it('have no room at all without a store', async () => {
    const budgets = new Ledger().open(holder(1))
    budgets.limitTo([{ grant: 'g', span: 'run', unit: 'rows', limit: 5 }])
    expect(budgets.take({ ...NO_USE, rows: 1 })).toBe(false)
    await expect(budgets.acquire({ ...NO_USE, rows: 1 })).rejects.toMatchObject({ code: 'CHP-BUDGET-UNAVAILABLE' })
  })
})
