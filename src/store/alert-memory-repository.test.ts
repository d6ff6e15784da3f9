import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alertMemoryRepository } from './alert-memory-repository.ts'
import { openStore, type Store } from './open-store.ts'
import { StoreServer } from './store-server-test-support.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOON = Date.UTC(2026, 5, 15, 12)
const ann = { chain: Buffer.alloc(32, 1), target: 'hospital' }
const bob = { chain: Buffer.alloc(32, 2), target: 'hospital' }

describe('what alerts remember', () => {
  let server: StoreServer
  let store: Store
  beforeAll(async () => {
    server = await StoreServer.start()
    store = openStore({ location: await server.database() })
    await store.ready()
  }, 60_000)
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  it('is which relations each chain has used at each target, once', async () => {
    const memory = alertMemoryRepository(store)
    expect(await memory.firstUses(ann, ['b', 'a'])).toEqual(['a', 'b'])
    expect(await memory.firstUses(ann, ['a', 'c'])).toEqual(['c'])
    expect(await memory.firstUses(bob, ['a'])).toEqual(['a'])
    expect(await memory.firstUses({ ...ann, target: 'other' }, ['a'])).toEqual(['a'])
    const both = await Promise.all([memory.firstUses(ann, ['d']), memory.firstUses(ann, ['d'])])
    expect(both.flat()).toEqual(['d'])
  })

  it('is which patients each chain has seen at each target, beside the relations', async () => {
    const memory = alertMemoryRepository(store)
    const [one, two, three] = ['1'.repeat(64), '2'.repeat(64), '3'.repeat(64)]
    expect(await memory.firstPatients(ann, [two, one])).toEqual({ first: 2, hadAny: false })
    expect(await memory.firstPatients(ann, [one, three])).toEqual({ first: 1, hadAny: true })
    expect(await memory.firstPatients(ann, [one, three])).toEqual({ first: 0, hadAny: true })
    expect(await memory.firstPatients(bob, [one])).toEqual({ first: 1, hadAny: false })
    expect(await memory.firstPatients({ ...ann, target: 'other' }, [one])).toEqual({ first: 1, hadAny: false })
    const many = Array.from({ length: 100_000 }, (_, index) =>
      index.toString(16).padStart(64, '0').split('').toReversed().join(''),
    )
    expect(await memory.firstPatients(bob, many)).toEqual({ first: 100_000, hadAny: true })
  })

  it('is the rows of each hour, and the mean of the hours of the days before', async () => {
    const memory = alertMemoryRepository(store)
    expect(await memory.addRows(ann, 10, NOON)).toEqual({ thisHour: 10, mean: undefined })
    expect(await memory.addRows(ann, 5, NOON + HOUR - 1)).toEqual({ thisHour: 15, mean: undefined })
    // Today does not count, else a slow rise would hide itself.
    expect(await memory.addRows(ann, 1000, NOON + HOUR)).toEqual({ thisHour: 1000, mean: undefined })
    expect(await memory.addRows(bob, 7, NOON + DAY)).toEqual({ thisHour: 7, mean: undefined })
    expect(await memory.addRows(ann, 1, NOON + DAY)).toEqual({ thisHour: 1, mean: 507.5 })
    expect(await memory.addRows(ann, 1, NOON + 40 * DAY)).toEqual({ thisHour: 1, mean: undefined })
  })

  it('is forgotten when it is not compared with any more', async () => {
    const memory = alertMemoryRepository(store)
    await memory.forget(NOON + 40 * DAY)
    const { count } = await store.db
      .selectFrom('alert_volume')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .executeTakeFirstOrThrow()
    expect(count).toBe('1')
  })

  it('forgets first uses after more than a year', async () => {
    const memory = alertMemoryRepository(store)
    await memory.firstUses(bob, ['z'])
    await memory.forget(Date.now() + 390 * DAY)
    expect(await memory.firstUses(bob, ['z'])).toEqual([])
    await memory.forget(Date.now() + 402 * DAY)
    expect(await memory.firstUses(bob, ['z'])).toEqual(['z'])
  })
})
