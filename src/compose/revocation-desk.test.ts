import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Revocations } from '../identity/revocations.ts'
import { VerifiedIdentity } from '../identity/verified-identity.ts'
import { openStore, type Store } from '../store/open-store.ts'
import { revocationRepository, type SharedRevocations } from '../store/revocation-repository.ts'
import { StoreServer } from '../store/store-server-test-support.ts'
import { RevocationDesk } from './revocation-desk.ts'
import { RevocationFile } from './revocation-file.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const identity = VerifiedIdentity.ofVerifiedToken({
  principal: { issuer: 'corp', subject: 'ann', kind: 'human', groups: [], name: undefined, run: 'r1' },
  issuerUrl: 'https://login.example.org',
  audience: 'chaperone',
  issuedAt: 1000,
  expiresAt: Number.MAX_SAFE_INTEGER,
  tokenDigest: '0123456789abcdef',
})
const ORDER = {
  thing: { kind: 'member', member: 'corp/ann' },
  issuedBefore: undefined,
  until: undefined,
  reason: 'gone',
} as const

let directory = ''
const desks: RevocationDesk[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-revocations-'))
})
afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.close()
  rmSync(directory, { recursive: true })
})

function open(name: string, shared?: SharedRevocations, clock = Date.now) {
  const revocations = new Revocations(clock)
  const onChange = vi.fn<() => void>()
  const file = new RevocationFile(join(directory, name))
  const desk = new RevocationDesk({ revocations, file, shared, clock, log, onChange })
  desks.push(desk)
  return { desk, onChange, isRevoked: () => revocations.of(identity) !== undefined }
}

describe('without a store', () => {
  it('a revocation survives a restart, and is over when its time is', async () => {
    let now = 5000
    const first = open('a', undefined, () => now)
    expect(first.isRevoked()).toBe(false)
    expect(await first.desk.revoke({ ...ORDER, until: 9000 })).toMatchObject({ isShared: false, isKept: true })
    expect(first.isRevoked()).toBe(true)
    expect(first.onChange).toHaveBeenCalledTimes(1)
    const second = open('a', undefined, () => now)
    expect(second.isRevoked()).toBe(true)
    now = 9000
    expect(second.isRevoked()).toBe(false)
    expect(second.desk.list()).toEqual([])
  })

  it('says when it could not be written down, and is in force all the same', async () => {
    const { desk, isRevoked, onChange } = open('taken')
    // A directory in its place takes no file.
    mkdirSync(join(directory, 'taken'))
    expect(await desk.revoke(ORDER)).toMatchObject({ isShared: false, isKept: false })
    expect(isRevoked()).toBe(true)
    expect(onChange).toHaveBeenCalledTimes(1)
  })

  it.each(['{', '{"version":1,"revocations":[{"id":"x"}]}', '[]'])(
    'a list that cannot be read stops the start: %s',
    (text) => {
      writeFileSync(join(directory, 'b'), text)
      expect(() => open('b')).toThrow('cannot be read')
      expect(readFileSync(join(directory, 'b'), 'utf8')).toBe(text)
    },
  )

  it('one that is lifted does not come back', async () => {
    const { desk, isRevoked } = open('c')
    const { revocation } = await desk.revoke(ORDER)
    expect(await desk.lift(revocation.id)).toBe(true)
    expect(await desk.lift(revocation.id)).toBe(false)
    expect(isRevoked()).toBe(false)
    expect(open('c').isRevoked()).toBe(false)
  })
})

describe('with a store', () => {
  let server: StoreServer
  const stores: Store[] = []
  beforeAll(async () => {
    server = await StoreServer.start()
  }, 60_000)
  afterAll(async () => {
    for (const store of stores) await store.close()
    await server.stop()
  })

  async function repository() {
    const store = openStore({ location: await server.database() })
    stores.push(store)
    await store.ready()
    return revocationRepository(store)
  }

  it('gateways obey each other within a second, and know what was before they started', async () => {
    const shared = await repository()
    const [one, two] = [open('one', shared), open('two', shared)]
    await Promise.all([one.desk.start(), two.desk.start()])
    const { revocation, isShared } = await one.desk.revoke({ ...ORDER, issuedBefore: 2000 })
    expect(isShared).toBe(true)
    await vi.waitFor(() => expect(two.isRevoked()).toBe(true), { timeout: 1000 })
    expect(two.onChange).toHaveBeenCalled()
    expect(two.desk.list()).toEqual(one.desk.list())
    const three = open('three', shared)
    await three.desk.start()
    expect(three.isRevoked()).toBe(true)
    expect(await two.desk.lift(revocation.id)).toBe(true)
    await vi.waitFor(() => expect(one.isRevoked()).toBe(false), { timeout: 1000 })
  })

  it('every kind comes back as it was', async () => {
    const shared = await repository()
    const { desk } = open('kinds', shared)
    await desk.start()
    const things = [
      { kind: 'token', digest: '0123456789abcdef' },
      { kind: 'tokenId', issuer: 'https://a.example.org', id: 'j' },
      { kind: 'member', member: 'corp/bob' },
      { kind: 'run', run: 'r' },
    ] as const
    for (const thing of things) await desk.revoke({ thing, issuedBefore: 1, until: Date.now() + 60_000, reason: 'r' })
    const other = open('other', shared)
    await other.desk.start()
    expect(other.desk.list()).toEqual(desk.list())
    expect(other.desk.list().map(({ thing }) => thing)).toEqual(things)
  })

  it('while it is down, what is ordered counts here, and reaches the others when it is back', async () => {
    const shared = await repository()
    let isDown = true
    const failing: SharedRevocations = {
      load: () => (isDown ? Promise.reject(new Error('down')) : shared.load()),
      add: (revocation) => (isDown ? Promise.reject(new Error('down')) : shared.add(revocation)),
      lift: (id) => (isDown ? Promise.reject(new Error('down')) : shared.lift(id)),
      version: () => (isDown ? Promise.reject(new Error('down')) : shared.version()),
    }
    const [here, there] = [open('here', failing), open('there', shared)]
    await Promise.all([here.desk.start(), there.desk.start()])
    const { isShared, revocation } = await here.desk.revoke(ORDER)
    expect([isShared, here.isRevoked(), there.isRevoked()]).toEqual([false, true, false])
    // A restart meanwhile forgets nothing.
    const again = open('here', failing)
    expect(again.isRevoked()).toBe(true)
    isDown = false
    await vi.waitFor(() => expect(there.isRevoked()).toBe(true), { timeout: 2000 })
    isDown = true
    await expect(here.desk.lift(revocation.id)).rejects.toMatchObject({ code: 'CHP-STORE-UNAVAILABLE' })
    expect(here.isRevoked()).toBe(true)
  })
})
