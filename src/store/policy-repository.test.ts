import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PolicyRepository } from '../policy/policy-repository.ts'
import { openStore, type Store } from './open-store.ts'
import { policyRepository } from './policy-repository.ts'
import { StoreServer } from './store-server-test-support.ts'

/** A busy machine is no reason to fail. */
const PATIENT = { timeoutMs: 25_000 }
const hash = (digit: string): string => `sha256:${digit.repeat(64)}`
const written = (digit: string) => ({ version: hash(digit), document: `{"${digit}":1}`, createdBy: 'x', note: 'n' })

describe('policyRepository', () => {
  let server: StoreServer
  let store: Store
  let database: string
  let repository: PolicyRepository

  beforeAll(async () => {
    server = await StoreServer.start()
    const location = await server.database()
    database = location.database
    store = openStore({ location, ...PATIENT })
    repository = policyRepository(store)
  })
  afterAll(async () => {
    await store.close()
    await server.stop()
  })
  beforeEach(async () => {
    await store.ready()
    await server.query(
      database,
      'TRUNCATE chaperone.policy_version, chaperone.policy_activation, chaperone.activated_grant',
    )
    for (const digit of ['a', 'b', 'c']) await repository.add(written(digit))
  })

  it('keeps versions as they were written first', async () => {
    await repository.add({ ...written('a'), document: '{}', note: 'other' })
    expect(await repository.get(hash('a'))).toMatchObject(written('a'))
    expect(await repository.get(hash('f'))).toBeUndefined()
    expect((await repository.list(2)).map(({ version }) => version)).toEqual([hash('c'), hash('b')])
    await expect(repository.add({ ...written('a'), version: 'sha256:x' })).rejects.toThrow()
  })

  it('puts one version after another into force, and only from where it was asked', async () => {
    expect(await repository.activations(1)).toEqual([])
    expect(await repository.activate({ version: hash('a'), from: hash('b'), by: 'x', request: undefined })).toBe(false)
    expect(await repository.activate({ version: hash('a'), from: undefined, by: 'x', request: undefined })).toBe(true)
    expect(await repository.activate({ version: hash('b'), from: undefined, by: 'x', request: undefined })).toBe(false)
    const change = await repository.change()
    const again = { version: hash('b'), from: hash('a'), by: 'y', request: 'apr-1' }
    expect(await repository.activate(again)).toBe(true)
    expect(await repository.change()).not.toBe(change)
    expect(await repository.activate({ version: hash('c'), from: hash('b'), by: 'y', request: 'apr-2' })).toBe(true)
    // Told once more after something else came: it was done, and is not done again.
    expect(await repository.activate(again)).toBe(true)
    expect(await repository.activations(9)).toMatchObject([
      { version: hash('c'), request: 'apr-2' },
      { version: hash('b'), by: 'y', request: 'apr-1' },
      { version: hash('a'), request: undefined },
    ])
    await expect(
      repository.activate({ version: hash('f'), from: hash('c'), by: 'x', request: 'apr-3' }),
    ).rejects.toThrow()
  })

  it('lets one of many gateways be first', async () => {
    const done = await Promise.all(
      ['a', 'b', 'c', 'a', 'b'].map((digit) =>
        repository.activate({ version: hash(digit), from: undefined, by: 'x', request: undefined }),
      ),
    )
    expect(done.filter(Boolean)).toHaveLength(1)
    expect(await repository.activations(9)).toHaveLength(1)
  })

  it('gives a grant once a request, until its end', async () => {
    const until = Date.now() + 60_000
    const given = { chain: '["corp/a"]', grant: 'g', digest: 'd', until }
    const change = await repository.change()
    await repository.give({ ...given, request: 'apr-1' })
    await repository.give({ ...given, request: 'apr-1', until: until + 60_000 })
    await repository.give({ ...given, request: 'apr-2', until: Date.now() - 1 })
    expect(await repository.given()).toEqual([given])
    expect(Number(await repository.change())).toBe(Number(change) + 2)
  })

  it('forgets grants that ended long ago, and no others', async () => {
    const day = 86_400_000
    const ends = { 'apr-1': -31, 'apr-2': -29, 'apr-3': 1 }
    for (const [request, days] of Object.entries(ends)) {
      await repository.give({ chain: '["corp/a"]', grant: 'g', digest: 'd', request, until: Date.now() + days * day })
    }
    const change = await repository.change()
    await repository.forgetGiven(30 * day)
    const left = await server.query(database, 'SELECT request FROM chaperone.activated_grant ORDER BY request')
    expect(JSON.stringify(left)).not.toContain('apr-1')
    for (const kept of ['apr-2', 'apr-3']) expect(JSON.stringify(left)).toContain(kept)
    // Nobody has to read the rest again for it.
    expect(await repository.change()).toBe(change)
  })
})
