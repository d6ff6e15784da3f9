import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ChaperoneError } from '../../src/lib/errors.ts'
import type { TokenRequest } from '../../src/phi/tokens/stand-ins.ts'
import { openStore, type StoreLocation } from '../../src/store/open-store.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { tokenRepository } from '../../src/store/token-repository.ts'
import { openVault, type TokenVault, type VaultOptions } from '../../src/vault/open-vault.ts'

const KEY = randomBytes(32)
const HERE = { group: 'agents', purpose: 'treatment', target: 'hospital' }
/** A busy machine is no reason to fail. */
const PATIENT = { timeoutMs: 25_000 }

const name = (value: string): TokenRequest => ({ phiClass: 'name', form: 'text', value })
const reference = (token: string | undefined) => ({ phiClass: 'name' as const, token: token ?? '' })

/** Only what is heard of is remembered, and hearing takes a moment. */
async function remembering(vault: TokenVault, value: string): Promise<string> {
  const scope = vault.scope(HERE)
  await vi.waitFor(async () => {
    await scope.issue([name(value)])
    expect(scope.find(name(value))).toBeDefined()
  }, 10_000)
  return scope.find(name(value)) ?? ''
}

describe('vaults on one store', () => {
  let directory: string
  let server: StoreServer
  const open: (() => Promise<void>)[] = []

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaperone-vault-'))
    server = await StoreServer.start({}, directory)
  })
  afterEach(async () => {
    for (const close of open.splice(0)) await close()
  })
  afterAll(async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /** As two gateways have: nothing is shared but the database. */
  function vaultAt(location: StoreLocation, options: Partial<VaultOptions> = {}): TokenVault {
    const store = openStore({ location, ...PATIENT })
    const vault = openVault({
      repository: tokenRepository(store),
      key: KEY,
      lifetimeMs: 86_400_000,
      ...PATIENT,
      ...options,
    })
    open.push(async () => {
      await vault.close()
      await store.close()
    })
    return vault
  }

  it('agree on the tokens of values that all want at once', async () => {
    const location = await server.database()
    const vaults = Array.from({ length: 4 }, () => vaultAt(location))
    const values = Array.from({ length: 5000 }, (_, i) => name(`value ${i}`))
    const all = await Promise.all(
      vaults.map((vault, i) => vault.scope(HERE).issue(i % 2 === 0 ? values : values.toReversed())),
    )
    for (const [i, tokens] of all.entries()) expect(i % 2 === 0 ? tokens : tokens.toReversed()).toEqual(all[0])
    expect(new Set(all[0]).size).toBe(5000)
    const [status] = (await vaultAt(location).status()).scopes
    expect(status).toMatchObject({ ...HERE, tokens: [{ phiClass: 'name', form: 'text', live: 5000, expired: 0 }] })
  })

  it('forget within a second what one of them deletes', async () => {
    const location = await server.database()
    const [one, two] = [vaultAt(location), vaultAt(location)]
    const ann = await remembering(two, 'Ann')
    expect(await one.scope(HERE).resolve([reference(ann)])).toEqual(['Ann'])
    expect(await one.deleteScope(HERE)).toBe(true)
    await vi.waitFor(() => expect(two.scope(HERE).find(name('Ann'))).toBeUndefined(), { timeout: 1000, interval: 10 })
    expect(await one.scope(HERE).resolve([reference(ann)])).toEqual([undefined])
    expect(await two.scope(HERE).resolve([reference(ann)])).toEqual([undefined])
    expect(await remembering(two, 'Ann')).not.toBe(ann)
  })

  it('fail while the store is gone, remember nothing meanwhile, and work again by themselves', async () => {
    const location = await server.database()
    const errors: ChaperoneError[] = []
    const vault = vaultAt(location, { onBackgroundError: (error) => errors.push(error) })
    const ann = await remembering(vault, 'Ann')
    await server.server.kill9()
    await vi.waitFor(() => expect(errors.map(({ code }) => code)).toEqual(['CHP-VAULT-UNAVAILABLE']), 5000)
    expect(vault.scope(HERE).find(name('Ann'))).toBeUndefined()
    await expect(vault.scope(HERE).issue([name('Ann')])).rejects.toMatchObject({ code: 'CHP-VAULT-UNAVAILABLE' })
    await expect(vault.scope(HERE).resolve([reference(ann)])).rejects.toMatchObject({ code: 'CHP-VAULT-UNAVAILABLE' })
    await server.crash()
    expect(await remembering(vault, 'Ann')).toBe(ann)
  })

  it('give a value another token when the first is over, and delete that', async () => {
    const location = await server.database()
    const vault = vaultAt(location, { lifetimeMs: 200 })
    const scope = vault.scope(HERE)
    const [first] = await scope.issue([name('Ann'), name('Bob')])
    await delay(250)
    expect(await scope.resolve([reference(first)])).toEqual([undefined])
    const [second] = await scope.issue([name('Ann')])
    expect(second).not.toBe(first)
    await delay(250)
    expect(await vault.expire()).toBe(2)
    expect(await server.query(location.database, 'SELECT count(*)::int FROM chaperone.token')).toEqual([[0]])
  })

  it('know after the return of an older copy what was issued before it, and nothing of what came after', async () => {
    const location = await server.database()
    const first = vaultAt(location)
    const [ann] = await first.scope(HERE).issue([name('Ann')])
    for (const close of open.splice(0)) await close()
    await server.query('postgres', `CREATE DATABASE ${location.database}_copy TEMPLATE ${location.database}`)
    const [bob] = await vaultAt(location)
      .scope(HERE)
      .issue([name('Bob')])
    const restored = vaultAt({ ...location, database: `${location.database}_copy` }).scope(HERE)
    expect(await restored.resolve([reference(ann), reference(bob)])).toEqual(['Ann', undefined])
    expect(await restored.issue([name('Ann')])).toEqual([ann])
    expect(await restored.issue([name('Bob')])).not.toEqual([bob])
  })

  it('rotate the key while both are at work', async () => {
    const location = await server.database()
    const next = randomBytes(32)
    const [old, rotating] = [vaultAt(location), vaultAt(location, { key: next, previousKeys: [KEY] })]
    const [ann] = await old.scope(HERE).issue([name('Ann')])
    expect(await rotating.scope(HERE).issue([name('Ann')])).toEqual([ann])
    expect(await rotating.rewrap()).toBe(1)
    // It has the key of the scope already; one that starts now has to know the next key.
    expect(
      await vaultAt(location, { key: next })
        .scope(HERE)
        .resolve([reference(ann)]),
    ).toEqual(['Ann'])
    await expect(
      vaultAt(location)
        .scope(HERE)
        .issue([name('Ann')]),
    ).rejects.toMatchObject({
      code: 'CHP-VAULT-UNAVAILABLE',
      reason: expect.stringContaining('is not configured'),
    })
  })

  it('leave no value and no key in the database', async () => {
    const location = await server.database()
    const vault = vaultAt(location)
    await vault.scope(HERE).issue([name('Annabelle Unmistakable')])
    const rows = await server.query(
      location.database,
      'SELECT t::text, s::text FROM chaperone.token t, chaperone.token_scope s',
    )
    const text = rows.flat().join('\n')
    expect(text).toContain('agents')
    for (const secret of ['Annabelle Unmistakable', KEY.toString('latin1')]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(Buffer.from(secret, 'latin1').toString('hex'))
    }
  })
})
