import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PasskeyRepository, StoredPasskey } from '../approve/passkey-repository.ts'
import type { Outbox } from '../notify/outbox.ts'
import { openStore, type Store, type StoreLocation } from './open-store.ts'
import { passkeyRepository } from './passkey-repository.ts'
import { StoreServer } from './store-server-test-support.ts'
import { webhookOutbox } from './webhook-outbox.ts'

const NOW = 1_800_000_000_123
/** A busy machine is no reason to fail. */
const PATIENT = { timeoutMs: 25_000 }

const passkey = (more: Partial<StoredPasskey> = {}): StoredPasskey => ({
  id: randomBytes(16).toString('base64url'),
  owner: 'clinic/ann',
  sealed: randomBytes(80),
  counter: 0,
  createdAt: NOW,
  lastUsedAt: undefined,
  ...more,
})

const message = (id: string, webhook = 'pager') => ({ id, webhook, body: `{"id":"${id}"}` })

let server: StoreServer
let location: StoreLocation & { kind: 'server' }
let store: Store

beforeAll(async () => {
  server = await StoreServer.start()
  location = await server.database()
  store = openStore({ location, ...PATIENT })
  await store.ready()
})
afterAll(async () => {
  await store.close()
  await server.stop()
})

describe('passkeyRepository', () => {
  let repository: PasskeyRepository
  beforeAll(() => {
    repository = passkeyRepository(store)
  })

  it('keeps passkeys by their owner, and none twice', async () => {
    const [one, other] = [passkey(), passkey({ createdAt: NOW - 1 })]
    expect(await repository.addPasskey(one)).toBe(true)
    expect(await repository.addPasskey(other)).toBe(true)
    expect(await repository.addPasskey(passkey({ id: one.id, owner: 'clinic/bob' }))).toBe(false)
    expect(await repository.passkeysOf('clinic/ann')).toEqual([other, one])
    expect(await repository.passkeysOf('clinic/bob')).toEqual([])
    expect(await repository.removePasskey(other.id, 'clinic/bob')).toBe(false)
    expect(await repository.removePasskey(other.id, 'clinic/ann')).toBe(true)
    expect(await repository.passkeysOf('clinic/ann')).toEqual([one])
  })

  it('counts upwards only, and each count once', async () => {
    const one = passkey({ owner: 'clinic/cy' })
    await repository.addPasskey(one)
    expect(await repository.countPasskey(one.id, 0, NOW)).toBe(true)
    const both = await Promise.all(Array.from({ length: 8 }, () => repository.countPasskey(one.id, 5, NOW + 1)))
    expect(both.filter(Boolean)).toHaveLength(1)
    for (const counter of [5, 4, 0]) expect(await repository.countPasskey(one.id, counter, NOW)).toBe(false)
    expect(await repository.countPasskey('none', 9, NOW)).toBe(false)
    expect(await repository.passkeysOf('clinic/cy')).toEqual([{ ...one, counter: 5, lastUsedAt: NOW + 1 }])
    expect(await repository.countPasskey(one.id, 2 ** 32 - 1, NOW)).toBe(true)
  })

  it('gives a challenge once, and forgets old ones', async () => {
    const begun = { challenge: 'c1', owner: 'clinic/ann', purpose: 'decision', nonce: 'n', expiresAt: Date.now() }
    await repository.addChallenge(begun)
    await repository.addChallenge({ ...begun, challenge: 'c2', expiresAt: begun.expiresAt - 7_200_000 })
    const taken = await Promise.all(Array.from({ length: 8 }, () => repository.takeChallenge('c1')))
    expect(taken.filter((one) => one !== undefined)).toEqual([begun])
    expect(await repository.takeChallenge('c2')).toBeUndefined()
  })
})

describe('webhookOutbox', () => {
  let outbox: Outbox
  beforeAll(() => {
    outbox = webhookOutbox(store)
  })

  it('gives a message to one gateway at a time, with how often it was tried', async () => {
    await outbox.add(Array.from({ length: 20 }, (_, i) => message(`msg_${i}`)))
    const claims = await Promise.all(Array.from({ length: 8 }, () => outbox.claim('pager', 4, 60_000)))
    const claimed = claims.flat()
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(claimed.length)
    expect(claimed.length).toBe(20)
    expect(claimed[0]).toMatchObject({ webhook: 'pager', attempts: 0, body: expect.stringContaining('msg_') })
    expect(await outbox.claim('pager', 4, 60_000)).toEqual([])
    await outbox.retry('msg_3', 0)
    await outbox.delivered('msg_4')
    await outbox.retry('msg_4', 0)
    await outbox.giveUp('msg_5')
    await outbox.retry('msg_5', 0)
    expect(await outbox.claim('pager', 4, 0)).toMatchObject([{ id: 'msg_3', attempts: 1 }])
    // Whoever had it did not say how it went.
    expect(await outbox.claim('pager', 4, 60_000)).toMatchObject([{ id: 'msg_3', attempts: 2 }])
    expect(await outbox.claim('other', 4, 60_000)).toEqual([])
  })

  it('forgets what nobody delivers', async () => {
    await outbox.add([message('msg_old', 'gone'), message('msg_new', 'gone')])
    const old = `UPDATE chaperone.webhook_outbox SET created = created - interval '3 days' WHERE id = 'msg_old'`
    await server.query(location.database, old)
    await outbox.forgetOld()
    expect((await outbox.claim('gone', 4, 0)).map(({ id }) => id)).toEqual(['msg_new'])
  })
})
