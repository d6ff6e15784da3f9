import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BudgetStore, SharedAccount } from '../budget/budget-store.ts'
import { budgetRepository } from './budget-repository.ts'
import { openStore, type Store, type StoreLocation } from './open-store.ts'
import { StoreServer } from './store-server-test-support.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
let accounts = 0
const account = (isWindow = false): SharedAccount => ({ account: digest(`account ${accounts++}`), isWindow })

describe('budgetRepository', () => {
  let server: StoreServer
  let location: StoreLocation & { kind: 'server' }
  let stores: readonly Store[]
  let budgets: BudgetStore

  beforeAll(async () => {
    server = await StoreServer.start()
    location = await server.database()
    stores = [1, 2].map(() => openStore({ location, timeoutMs: 25_000 }))
    for (const store of stores) await store.ready()
    budgets = budgetRepository(stores[0]!)
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
    await server.stop()
  })

  const query = (sql: string) => server.query(location.database, sql)

  it.each([false, true])('takes what is left and no more (window: %s)', async (isWindow) => {
    const one = account(isWindow)
    expect((await budgets.take(one, 7, 10)).amount).toBe(7)
    expect((await budgets.take(one, 7, 10)).amount).toBe(3)
    expect((await budgets.take(one, 7, 10)).amount).toBe(0)
    // Another grant allows more.
    expect((await budgets.take(one, 7, 12)).amount).toBe(2)
    // And this one less than was used.
    expect((await budgets.take(one, 7, 5)).amount).toBe(0)
  })

  it('takes back what was not used, once', async () => {
    const one = account()
    const taken = await budgets.take(one, 10, 10)
    await budgets.giveBack(one, { ...taken, amount: 4 })
    expect((await budgets.take(one, 9, 10)).amount).toBe(4)
    await budgets.giveBack(one, { ...taken, amount: 1000 })
    expect((await budgets.take(one, 1000, 10)).amount).toBe(10)
  })

  it('is exact for many who take at once from two gateways', async () => {
    const one = account(true)
    const both = stores.map((store) => budgetRepository(store))
    const taken = await Promise.all(Array.from({ length: 60 }, (_, i) => both[i % 2]!.take(one, 1 + (i % 7), 100)))
    expect(taken.reduce((sum, { amount }) => sum + amount, 0)).toBe(100)
  })

  it('counts a patient once, in order, and rows that name none', async () => {
    const one = account(true)
    const a = digest('a')
    const b = digest('b')
    const c = digest('c')
    expect(await budgets.takePatients(one, [a, b], 0, 3)).toEqual({ accepted: 2, unnamed: 0 })
    expect(await budgets.takePatients(one, [b, a], 1, 3)).toEqual({ accepted: 2, unnamed: 1 })
    expect(await budgets.takePatients(one, [a, c, b], 1, 3)).toEqual({ accepted: 1, unnamed: 0 })
    expect(await budgets.takePatients(one, [a, b], 5, 4)).toEqual({ accepted: 2, unnamed: 1 })
  })

  it('counts exactly as many patients as there is room for when two gateways name the same ones', async () => {
    const one = account(true)
    const both = stores.map((store) => budgetRepository(store))
    const named = Array.from({ length: 40 }, (_, i) => digest(`patient ${i}`))
    await Promise.all(
      named.flatMap((patient, i) => both.map((each) => each.takePatients(one, [patient], 0, 25 + (i % 2)))),
    )
    const hex = one.account.toString('hex')
    const counted = `SELECT count(*)::int FROM chaperone.budget_patient WHERE account = decode('${hex}', 'hex')`
    expect(await query(counted)).toEqual([[26]])
  })

  it('forgets what is older than an hour, by its own clock, and never goes back with it', async () => {
    const one = account(true)
    const hex = one.account.toString('hex')
    await budgets.take(one, 10, 10)
    await budgets.takePatients(one, [digest('a')], 0, 1)
    await query(`UPDATE chaperone.budget_use SET minute = minute - 60 WHERE account = decode('${hex}', 'hex')`)
    expect((await budgets.take(one, 10, 10)).amount).toBe(0)
    await query(`UPDATE chaperone.budget_use SET minute = minute - 2 WHERE account = decode('${hex}', 'hex')`)
    await query(`UPDATE chaperone.budget_patient SET minute = minute - 62 WHERE account = decode('${hex}', 'hex')`)
    expect((await budgets.take(one, 10, 10)).amount).toBe(10)
    expect(await budgets.takePatients(one, [digest('b')], 0, 11)).toEqual({ accepted: 1, unnamed: 0 })
    // The clock was set back by a day: what is counted now stays counted as now.
    await query(`UPDATE chaperone.budget_account SET minute = minute + 1440 WHERE account = decode('${hex}', 'hex')`)
    const later = await budgets.take(one, 5, 10)
    expect(later.amount).toBe(5)
    expect((await budgets.take(one, 10, 10)).amount).toBe(5)
  })

  it('keeps runs for good, and deletes what counts no more', async () => {
    const run = account(false)
    const hour = account(true)
    await budgets.take(run, 10, 10)
    await budgets.take(hour, 10, 10)
    await query(
      `UPDATE chaperone.budget_use SET minute = 1 WHERE account = decode('${hour.account.toString('hex')}', 'hex')`,
    )
    await budgets.sweep()
    expect((await budgets.take(run, 1, 10)).amount).toBe(0)
    expect(await query('SELECT FROM chaperone.budget_use WHERE minute = 1')).toEqual([])
    await query(`UPDATE chaperone.budget_account SET touched = touched - interval '31 days'`)
    await budgets.sweep()
    expect(await query('SELECT FROM chaperone.budget_account')).toEqual([])
  })

  it('makes one key for all gateways', async () => {
    const keys = await Promise.all(stores.map((store) => budgetRepository(store).digestKey()))
    expect(keys[0]).toHaveLength(32)
    expect(keys[0]).toEqual(keys[1])
  })
})
