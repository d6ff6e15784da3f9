import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NewToken, StoredScope, TokenRepository } from '../vault/repository.ts'
import { openStore, type Store, type StoreLocation } from './open-store.ts'
import { StoreServer } from './store-server-test-support.ts'
import { tokenRepository } from './token-repository.ts'

const DAY = 86_400_000
const KEY = { group: 'agents', purpose: '', target: 'hospital' }

const scope = (digest: Buffer = randomBytes(32)): StoredScope => ({
  id: randomUUID(),
  digest,
  keyId: 'one',
  wrappedKey: randomBytes(60),
})

const token = (text: string, more: Partial<NewToken> = {}): NewToken => ({
  phiClass: 'name',
  form: 'text',
  token: text,
  index: randomBytes(32),
  sealed: randomBytes(40),
  ...more,
})

/** A busy machine is no reason to fail. */
const PATIENT = { timeoutMs: 25_000 }

describe('tokenRepository', () => {
  let server: StoreServer
  let location: StoreLocation & { kind: 'server' }
  let store: Store
  let repository: TokenRepository
  let here: StoredScope

  beforeAll(async () => {
    server = await StoreServer.start()
    location = await server.database()
    store = openStore({ location, ...PATIENT })
    repository = tokenRepository(store)
  })
  afterAll(async () => {
    await store.close()
    await server.stop()
  })
  beforeEach(async () => {
    await store.ready()
    await server.query(location.database, 'TRUNCATE chaperone.token, chaperone.token_scope')
    here = scope()
    await repository.addScope(here, KEY)
  })

  const all = () =>
    server.query(location.database, 'SELECT token, form, sealed IS NULL FROM chaperone.token ORDER BY token')

  it('has one scope a digest', async () => {
    await repository.addScope(scope(here.digest), KEY)
    expect(await repository.findScope(here.digest)).toEqual(here)
    expect(await repository.findScope(randomBytes(32))).toBeUndefined()
  })

  it('gives back what was stored, by index and by token', async () => {
    const tokens = [
      token('tok_a'),
      token('-1073741825', { form: 'integer', phiClass: 'mrn' }),
      token('tok-x@token.invalid'),
    ]
    expect(await repository.addTokens(here.id, tokens, DAY)).toEqual(new Set(tokens.map((one) => one.token)))
    const remainingMs = expect.closeTo(DAY, -5)
    const expected = tokens.map((one) => ({ ...one, remainingMs }))
    const unknown = randomBytes(32)
    expect(await repository.findByIndex(here.id, [...tokens.map(({ index }) => index), unknown])).toEqual(expected)
    expect(await repository.findByToken(here.id, [...tokens.map((one) => one.token), 'tok_b'])).toEqual(expected)
    expect(await repository.findByToken(randomUUID(), ['tok_a'])).toEqual([])
    expect(await repository.findByIndex(here.id, [])).toEqual([])
  })

  it('stores neither a token nor an index a second time, and says so', async () => {
    const first = token('tok_a')
    await repository.addTokens(here.id, [first], DAY)
    const rest = [token('tok_a'), token('tok_b', { index: first.index }), token('tok_c')]
    expect(await repository.addTokens(here.id, rest, DAY)).toEqual(new Set(['tok_c']))
    const elsewhere = scope()
    await repository.addScope(elsewhere, KEY)
    expect(await repository.addTokens(elsewhere.id, [first], DAY)).toEqual(new Set(['tok_a']))
  })

  it('stores nothing in a scope that is deleted or was never there', async () => {
    await repository.addTokens(here.id, [token('tok_a')], DAY)
    expect(await repository.deleteScope(here.digest)).toBe(true)
    expect(await repository.deleteScope(here.digest)).toBe(false)
    expect(await repository.addTokens(here.id, [token('tok_b')], DAY)).toBe('deleted')
    expect(await repository.addTokens(randomUUID(), [token('tok_b')], DAY)).toBe('deleted')
    expect(await repository.findScope(here.digest)).toBeUndefined()
    expect(await all()).toEqual([])
    expect(await server.query(location.database, 'SELECT id FROM chaperone.token_scope')).toEqual([])
  })

  it('waits with a deletion for insertions under way, and leaves no token behind', async () => {
    for (let round = 0; round < 10; round++) {
      const doomed = scope()
      await repository.addScope(doomed, KEY)
      const added = Array.from({ length: 6 }, (_, i) =>
        repository.addTokens(doomed.id, [token(`tok_${round}_${i}`)], DAY),
      )
      await repository.deleteScope(doomed.digest)
      await Promise.all(added)
    }
    expect(await all()).toEqual([])
  })

  it('finishes a deletion that a crash has interrupted; its tokens are gone before', async () => {
    const tokens = Array.from({ length: 12_000 }, (_, i) => token(`tok_${i}`))
    await repository.addTokens(here.id, tokens, DAY)
    await server.query(location.database, 'UPDATE chaperone.token_scope SET digest = NULL, wrapped_key = NULL')
    expect(await repository.findByToken(here.id, ['tok_1'])).toEqual([])
    expect(
      await repository.findByIndex(
        here.id,
        tokens.slice(0, 2).map(({ index }) => index),
      ),
    ).toEqual([])
    expect(await repository.status()).toEqual([])
    await repository.retireExpired([], 10)
    expect(await all()).toEqual([])
    expect(await server.query(location.database, 'SELECT id FROM chaperone.token_scope')).toEqual([])
  })

  it('ends tokens by its own clock', async () => {
    const old = token('tok_old')
    await repository.addTokens(here.id, [old], 1)
    await delay(5)
    expect(await repository.findByToken(here.id, ['tok_old'])).toEqual([])
    const [found] = await repository.findByIndex(here.id, [old.index])
    expect(found?.remainingMs).toBeLessThanOrEqual(0)
  })

  it('retires what is over and was asked for, and nothing else', async () => {
    const over = [token('tok_a'), token('-1', { form: 'integer' }), token('tok_c')]
    await repository.addTokens(here.id, over, 1)
    await repository.addTokens(here.id, [token('tok_live')], DAY)
    await delay(5)
    await repository.retire(here.id, ['tok_a', '-1', 'tok_live', 'tok_none'], ['integer'])
    expect(await all()).toEqual([
      ['-1', 'integer', true],
      ['tok_c', 'text', false],
      ['tok_live', 'text', false],
    ])
    // The value is free, the number is not.
    const again = [
      token('-1', { form: 'integer' }),
      token('-2', { form: 'integer', index: over[1]?.index ?? randomBytes(32) }),
    ]
    expect(await repository.addTokens(here.id, again, DAY)).toEqual(new Set(['-2']))
    await repository.retire(here.id, ['-1'], ['integer'])
  })

  it('retires everything that is over in portions, several gateways at a time', async () => {
    const over = Array.from({ length: 500 }, (_, i) => token(`tok_${i}`))
    await repository.addTokens(here.id, over, 1)
    await repository.addTokens(here.id, [token('tok_live')], DAY)
    await delay(5)
    expect(await repository.retireExpired(['integer'], 100)).toBe(100)
    const rest = await Promise.all(Array.from({ length: 4 }, () => repository.retireExpired(['integer'], 1000)))
    expect(rest.reduce((sum, one) => sum + one, 0)).toBe(400)
    expect(await all()).toEqual([['tok_live', 'text', false]])
  })

  it('does not run into itself when many store the same in any order', async () => {
    const tokens = Array.from({ length: 300 }, (_, i) => token(`tok_${i}`))
    const orders = Array.from({ length: 6 }, () => tokens.toSorted(() => Math.random() - 0.5))
    const added = await Promise.all(orders.map((order) => repository.addTokens(here.id, order, DAY)))
    const counts = added.map((one) => (one === 'deleted' ? 0 : one.size))
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(300)
  })

  it('wraps a key anew only if it is still the one that was read', async () => {
    const wrappedKey = randomBytes(60)
    expect(await repository.scopesNotUnder('two')).toEqual([here])
    expect(await repository.rewrap(here, 'two', wrappedKey)).toBe(true)
    expect(await repository.rewrap(here, 'two', randomBytes(60))).toBe(false)
    expect(await repository.scopesNotUnder('two')).toEqual([])
    expect(await repository.findScope(here.digest)).toEqual({ ...here, keyId: 'two', wrappedKey })
  })

  it('counts', async () => {
    await repository.addTokens(here.id, [token('tok_a'), token('tok_b', { phiClass: 'mrn' })], DAY)
    await repository.addTokens(here.id, [token('tok_c'), token('-1', { form: 'integer' })], 1)
    await delay(5)
    await repository.retire(here.id, ['-1'], ['integer'])
    expect(await repository.status()).toEqual([
      {
        ...KEY,
        key: 'one',
        created: expect.any(Date),
        tokens: [
          { phiClass: 'mrn', form: 'text', live: 1, expired: 0 },
          { phiClass: 'name', form: 'text', live: 1, expired: 1 },
        ],
      },
    ])
  })

  it('takes no text that means something in an array', async () => {
    for (const text of ['a,b', '{', '"', 'a b', 'a\\b', '', 'NULL ']) {
      await expect(repository.findByToken(here.id, [text])).rejects.toThrow(TypeError)
    }
    expect(await repository.findByToken(here.id, ['null', 'NULL'])).toEqual([])
  })

  describe('listening', () => {
    it('hears of deletions by others, and that it does not hear', async () => {
      const other = openStore({ location, ...PATIENT })
      const heard: string[] = []
      const listening = tokenRepository(other).listen({
        onHearing: () => heard.push('hearing'),
        onDeaf: () => heard.push('deaf'),
        onDeleted: (digest) => heard.push(digest),
      })
      await vi.waitFor(() => expect(heard).toEqual(['hearing']), 5000)
      await repository.deleteScope(here.digest)
      await vi.waitFor(() => expect(heard).toEqual(['hearing', here.digest.toString('hex')]), 1000)
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query = 'SELECT'`.execute(
        store.db,
      )
      await vi.waitFor(() => expect(heard.slice(2)).toEqual(['deaf', 'hearing']), 5000)
      await listening.close()
      await other.close()
    })
  })
})
