import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { ChaperoneError } from '../lib/errors.ts'
import type { TokenForm, TokenRequest } from '../phi/tokens/stand-ins.ts'
import { MemoryRepository } from './memory-repository-test-support.ts'
import { openVault, type TokenVault, type VaultOptions } from './open-vault.ts'
import type { TokenScope } from './token-scope.ts'

const KEY = randomBytes(32)
const HERE = { group: 'agents', purpose: 'treatment', target: 'hospital' }
const DAY = 86_400_000

const name = (value: string, form: TokenForm = 'text'): TokenRequest => ({ phiClass: 'name', form, value })
const reference = (token: string | undefined) => ({ phiClass: 'name' as const, token: token ?? '' })

function vaultOn(repository: MemoryRepository, options: Partial<VaultOptions> = {}): TokenVault {
  return openVault({ repository, key: KEY, lifetimeMs: 90 * DAY, clock: () => repository.now, ...options })
}

async function tokenOf(scope: TokenScope, value: string, form: TokenForm = 'text'): Promise<string> {
  const [token] = await scope.issue([name(value, form)])
  if (token === undefined) throw new Error('there is no token')
  return token
}

describe('tokens of a scope', () => {
  it('are one for a value, and another for another class, form and scope', async () => {
    const vault = vaultOn(new MemoryRepository())
    const scope = vault.scope(HERE)
    const [ann, again, bob] = await scope.issue([name('Ann'), name('Ann'), name('Bob')])
    expect(ann).toMatch(/^tok_/)
    expect(again).toBe(ann)
    expect(bob).not.toBe(ann)
    const others = await scope.issue([
      { phiClass: 'mrn', form: 'text', value: 'Ann' },
      name('Ann', 'uuid'),
      name('Ann'),
    ])
    expect(others[0]).not.toBe(ann)
    expect(others[1]).not.toBe(ann)
    expect(others[2]).toBe(ann)
    for (const other of [{ group: 'x' }, { purpose: '' }, { target: 'x' }]) {
      expect(await tokenOf(vault.scope({ ...HERE, ...other }), 'Ann')).not.toBe(ann)
    }
  })

  it('are the same for all vaults on one store, and after a restart', async () => {
    const repository = new MemoryRepository()
    const first = vaultOn(repository).scope(HERE)
    const second = vaultOn(repository).scope(HERE)
    const values = Array.from({ length: 50 }, (_, i) => name(`value ${i}`))
    const [one, two] = await Promise.all([first.issue(values), second.issue(values.toReversed())])
    expect(one).toEqual(two.toReversed())
    expect(await vaultOn(repository).scope(HERE).issue(values)).toEqual(one)
    expect(new Set(one).size).toBe(50)
  })

  it('resolve to their value, in their class and scope only', async () => {
    const repository = new MemoryRepository()
    const vault = vaultOn(repository)
    const scope = vault.scope(HERE)
    const ann = await tokenOf(scope, 'Ann')
    const number = await tokenOf(scope, '42', 'integer')
    expect(await scope.resolve([reference(number), reference('tok_forged'), reference(ann)])).toEqual([
      '42',
      undefined,
      'Ann',
    ])
    // All of that is known now, so nothing is waited for.
    expect(scope.resolve([reference(ann), reference('tok_forged'), { phiClass: 'mrn', token: ann }])).toEqual([
      'Ann',
      undefined,
      undefined,
    ])
    expect(
      await vaultOn(repository)
        .scope(HERE)
        .resolve([{ phiClass: 'mrn', token: ann }]),
    ).toEqual([undefined])
    expect(await vault.scope({ ...HERE, purpose: 'research' }).resolve([reference(ann)])).toEqual([undefined])
    expect(repository.scopes.size).toBe(1)
  })

  it('are found without the store once they were issued', async () => {
    const repository = new MemoryRepository()
    const scope = vaultOn(repository).scope(HERE)
    const find = scope.finder('name', 'text')
    expect(find('Ann')).toBeUndefined()
    const ann = await tokenOf(scope, 'Ann')
    expect(find('Ann')).toBe(ann)
    expect(scope.find(name('Ann'))).toBe(ann)
    expect(scope.find(name('Ann', 'short'))).toBeUndefined()
    const asked = repository.asked.length
    expect(await scope.issue([name('Ann')])).toEqual([ann])
    expect(repository.asked.length).toBe(asked)
  })

  it('are asked for once when several sessions want them at the same moment', async () => {
    const repository = new MemoryRepository()
    const scope = vaultOn(repository).scope(HERE)
    const values = Array.from({ length: 20 }, (_, i) => name(`value ${i}`))
    const all = await Promise.all(Array.from({ length: 10 }, () => scope.issue(values)))
    for (const tokens of all) expect(tokens).toEqual(all[0])
    expect(repository.asked.filter((what) => what === 'addTokens')).toHaveLength(1)
  })

  it('stay consistent in batches, whatever is asked for in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(30), { maxLength: 40 }), { maxLength: 8 }), async (calls) => {
        const repository = new MemoryRepository()
        const scopes = [vaultOn(repository).scope(HERE), vaultOn(repository).scope(HERE)] as const
        const known = new Map<number, string>()
        const answers = await Promise.all(
          calls.map((call, i) => scopes[i % 2 === 0 ? 0 : 1].issue(call.map((value) => name(`${value}`)))),
        )
        for (const [i, call] of calls.entries()) {
          for (const [j, value] of call.entries()) {
            const token = answers[i]?.[j] ?? ''
            expect(known.get(value) ?? token).toBe(token)
            known.set(value, token)
          }
        }
        expect(new Set(known.values()).size).toBe(known.size)
      }),
      { numRuns: 30 },
    )
  })

  it('do not exist for a text that is not Unicode: as bytes it could not be told from another', async () => {
    const repository = new MemoryRepository()
    expect(
      await vaultOn(repository)
        .scope(HERE)
        .issue([name('\ud800'), name('\ufffd')]),
    ).toEqual([undefined, expect.stringMatching(/^tok_/)])
  })
})

describe('the end of a token', () => {
  it('comes a lifetime after its issue, not after its last use', async () => {
    const repository = new MemoryRepository()
    const scope = vaultOn(repository).scope(HERE)
    const ann = await tokenOf(scope, 'Ann')
    repository.now += 90 * DAY - 1
    expect(await scope.resolve([reference(ann)])).toEqual(['Ann'])
    expect(await tokenOf(scope, 'Ann')).toBe(ann)
    repository.now += 1
    expect(scope.find(name('Ann'))).toBeUndefined()
    expect(await scope.resolve([reference(ann)])).toEqual([undefined])
    const next = await tokenOf(scope, 'Ann')
    expect(next).not.toBe(ann)
    expect(await scope.resolve([reference(ann), reference(next)])).toEqual([undefined, 'Ann'])
  })

  it('is seen by a vault that has learnt of the token late', async () => {
    const repository = new MemoryRepository()
    const ann = await tokenOf(vaultOn(repository).scope(HERE), 'Ann')
    repository.now += 89 * DAY
    const late = vaultOn(repository).scope(HERE)
    expect(await tokenOf(late, 'Ann')).toBe(ann)
    repository.now += DAY
    expect(late.find(name('Ann'))).toBeUndefined()
  })

  it('does not free a number: it would stand for somebody else', async () => {
    const repository = new MemoryRepository()
    let drawn = 0
    const scope = vaultOn(repository, { mint: () => `-${1 + (drawn++ % 3)}` }).scope(HERE)
    const first = await scope.issue([name('1', 'integer'), name('2', 'integer')])
    repository.now += 90 * DAY
    const third = await tokenOf(scope, '1', 'integer')
    expect(first).not.toContain(third)
    // All three were given once.
    expect(await scope.issue([name('2', 'integer')])).toEqual([undefined])
    expect(await scope.issue([name('1', 'integer')])).toEqual([third])
  })

  it('is followed by deletion, however many there are', async () => {
    const repository = new MemoryRepository()
    const vault = vaultOn(repository, { lifetimeMs: DAY })
    await vault.scope(HERE).issue([name('Ann'), name('7', 'integer')])
    expect(await vault.expire()).toBe(0)
    repository.now += DAY
    expect(await vault.expire()).toBe(2)
    const [rows] = repository.tokens.values()
    expect([...(rows?.values() ?? [])].map(({ row, isRetired }) => [row.form, isRetired])).toEqual([['integer', true]])
  })
})

describe('tokens with few spellings', () => {
  it('are drawn again when one is taken', async () => {
    const drawn = ['-1', '-1', '-1', '-2']
    const scope = vaultOn(new MemoryRepository(), { mint: () => drawn.shift() ?? '-3' }).scope(HERE)
    expect(await scope.issue([name('a', 'integer')])).toEqual(['-1'])
    expect(await scope.issue([name('b', 'integer')])).toEqual(['-2'])
  })

  it('run out, and never stand for two values of one batch', async () => {
    let drawn = 0
    const scope = vaultOn(new MemoryRepository(), { mint: () => `-${1 + (drawn++ % 4)}` }).scope(HERE)
    const tokens = await scope.issue(['a', 'b', 'c', 'd', 'e', 'f'].map((value) => name(value, 'integer')))
    const given = tokens.filter((token) => token !== undefined)
    expect(given.toSorted()).toEqual(['-1', '-2', '-3', '-4'])
    expect(await scope.resolve(given.map(reference))).not.toContain(undefined)
  })

  it('of a form that has enough are a failure when none can be stored', async () => {
    const scope = vaultOn(new MemoryRepository(), { mint: () => 'tok_same' }).scope(HERE)
    await scope.issue([name('Ann')])
    await expect(scope.issue([name('Bob')])).rejects.toMatchObject({ code: 'CHP-VAULT-UNAVAILABLE' })
  })
})

describe('deleting a scope', () => {
  it('makes its tokens worthless everywhere, and new ones different', async () => {
    const repository = new MemoryRepository()
    const [one, two] = [vaultOn(repository), vaultOn(repository)]
    const ann = await tokenOf(one.scope(HERE), 'Ann')
    expect(await two.scope(HERE).resolve([reference(ann)])).toEqual(['Ann'])
    expect(await tokenOf(two.scope(HERE), 'Ann')).toBe(ann)
    expect(await one.deleteScope(HERE)).toBe(true)
    expect(await one.deleteScope(HERE)).toBe(false)
    expect(two.scope(HERE).find(name('Ann'))).toBeUndefined()
    expect(await two.scope(HERE).resolve([reference(ann)])).toEqual([undefined])
    const next = await tokenOf(two.scope(HERE), 'Ann')
    expect(next).not.toBe(ann)
    expect(await tokenOf(one.scope(HERE), 'Ann')).toBe(next)
  })

  it('is noticed by who issues, even before the news has come', async () => {
    const repository = new MemoryRepository()
    repository.hearsDeletions = false
    const [one, two] = [vaultOn(repository), vaultOn(repository)]
    await tokenOf(two.scope(HERE), 'Ann')
    await one.deleteScope(HERE)
    const bob = await tokenOf(two.scope(HERE), 'Bob')
    expect(await one.scope(HERE).resolve([reference(bob)])).toEqual(['Bob'])
  })

  it('is not undone by an answer that was under way', async () => {
    const repository = new MemoryRepository()
    const [one, two] = [vaultOn(repository), vaultOn(repository)]
    const ann = await tokenOf(one.scope(HERE), 'Ann')
    const slow = two.scope(HERE)
    const gate = Promise.withResolvers<void>()
    const find = repository.findByToken.bind(repository)
    vi.spyOn(repository, 'findByToken').mockImplementation(async (...args) => {
      const answer = await find(...args)
      await gate.promise
      return answer
    })
    const resolved = slow.resolve([reference(ann)])
    await new Promise((resolve) => setTimeout(resolve, 5))
    await one.deleteScope(HERE)
    gate.resolve()
    expect(await resolved).toEqual(['Ann'])
    expect(await slow.resolve([reference(ann)])).toEqual([undefined])
  })
})

describe('a vault that hears nothing of the others', () => {
  it('remembers nothing until it does', async () => {
    const repository = new MemoryRepository()
    const errors: ChaperoneError[] = []
    const scope = vaultOn(repository, { onBackgroundError: (error) => errors.push(error) }).scope(HERE)
    const ann = await tokenOf(scope, 'Ann')
    for (const listener of repository.listeners) {
      listener.onDeaf(new Error('lost'))
      listener.onDeaf(new Error('still lost'))
    }
    expect(errors.map(({ code, reason }) => [code, reason])).toEqual([['CHP-VAULT-UNAVAILABLE', 'lost']])
    expect(scope.find(name('Ann'))).toBeUndefined()
    expect(await tokenOf(scope, 'Ann')).toBe(ann)
    expect(scope.find(name('Ann'))).toBeUndefined()
    for (const listener of repository.listeners) listener.onHearing()
    expect(await tokenOf(scope, 'Ann')).toBe(ann)
    expect(scope.find(name('Ann'))).toBe(ann)
  })
})

describe('a store that fails', () => {
  it('gives no token, and the next one when it is back', async () => {
    const repository = new MemoryRepository()
    const vault = vaultOn(repository)
    const scope = vault.scope(HERE)
    repository.failure = new Error('SQLSTATE 57P01')
    const failed = { code: 'CHP-VAULT-UNAVAILABLE', reason: 'SQLSTATE 57P01' }
    await expect(scope.issue([name('Ann')])).rejects.toMatchObject(failed)
    await expect(scope.resolve([reference('tok_x')])).rejects.toMatchObject(failed)
    for (const order of [vault.status(), vault.lackedKeys(), vault.deleteScope(HERE), vault.expire(), vault.rewrap()]) {
      await expect(order).rejects.toMatchObject(failed)
    }
    repository.failure = undefined
    expect(await scope.issue([name('Ann')])).toEqual([expect.stringMatching(/^tok_/)])
  })

  it('is not waited for longer than said', async () => {
    const repository = new MemoryRepository()
    repository.delay = new Promise(() => undefined)
    const scope = vaultOn(repository, { timeoutMs: 20 }).scope(HERE)
    const late = { code: 'CHP-VAULT-UNAVAILABLE', reason: 'no answer within 20 ms' }
    await expect(scope.issue([name('Ann')])).rejects.toMatchObject(late)
    await expect(scope.resolve([reference('tok_x')])).rejects.toMatchObject(late)
  })

  it('cannot exchange tokens, values or scopes without being noticed', async () => {
    const repository = new MemoryRepository()
    const writer = vaultOn(repository).scope(HERE)
    const [ann, bob] = await writer.issue([name('Ann'), name('Bob')])
    const [rows] = repository.tokens.values()
    const first = rows?.get(ann ?? '')
    const second = rows?.get(bob ?? '')
    if (first === undefined || second === undefined) throw new Error('they were not stored')
    const [one, two] = [first.row, second.row]
    const noticed = { code: 'CHP-VAULT-UNAVAILABLE' }

    first.row = { ...one, index: two.index }
    second.row = { ...two, index: one.index }
    await expect(
      vaultOn(repository)
        .scope(HERE)
        .issue([name('Ann')]),
    ).rejects.toMatchObject(noticed)

    first.row = { ...one, sealed: two.sealed }
    second.row = two
    await expect(
      vaultOn(repository)
        .scope(HERE)
        .resolve([reference(ann)]),
    ).rejects.toMatchObject(noticed)
    first.row = { ...one, phiClass: 'mrn' }
    await expect(
      vaultOn(repository)
        .scope(HERE)
        .resolve([{ phiClass: 'mrn', token: ann ?? '' }]),
    ).rejects.toMatchObject(noticed)

    const elsewhere = { ...HERE, group: 'others' }
    await vaultOn(repository)
      .scope(elsewhere)
      .issue([name('Ann')])
    const [here, there] = [...repository.scopes.keys()]
    const mine = repository.scopes.get(here ?? '')
    if (mine === undefined || there === undefined) throw new Error('they were not stored')
    repository.scopes.set(there, mine)
    first.row = one
    await expect(
      vaultOn(repository)
        .scope(elsewhere)
        .resolve([reference(ann)]),
    ).rejects.toMatchObject(noticed)
  })
})

describe('unknown tokens', () => {
  it('do not reach the store again for a while, and push nothing out of memory', async () => {
    const repository = new MemoryRepository()
    const scope = vaultOn(repository).scope(HERE)
    const ann = await tokenOf(scope, 'Ann')
    await scope.resolve([reference(ann)])
    for (let i = 0; i < 20; i++) {
      await scope.resolve(Array.from({ length: 1000 }, (_, j) => reference(`tok_${i}_${j}`)))
    }
    const asked = repository.asked.length
    expect(scope.resolve([reference('tok_19_999'), reference(ann)])).toEqual([undefined, 'Ann'])
    expect(scope.find(name('Ann'))).toBe(ann)
    expect(repository.asked.length).toBe(asked)
    repository.now += 60_000
    await scope.resolve([reference('tok_19_999')])
    expect(repository.asked.length).toBe(asked + 1)
  })
})

describe('memory', () => {
  it('is bounded, and what does not fit is asked for again', async () => {
    const repository = new MemoryRepository()
    const scope = vaultOn(repository, { cacheBytes: 20_000 }).scope(HERE)
    const values = Array.from({ length: 500 }, (_, i) => name(`value ${i}`))
    const tokens = await scope.issue(values)
    const known = values.filter((value) => scope.find(value) !== undefined)
    expect(known.length).toBeGreaterThan(10)
    expect(known.length).toBeLessThan(150)
    expect(await scope.issue(values)).toEqual(tokens)
    expect(await scope.resolve(tokens.map(reference))).toEqual(values.map(({ value }) => value))
  })

  it('is bounded for scopes: one of many works on, remembers nothing, and so misses no deletion', async () => {
    const repository = new MemoryRepository()
    const vault = vaultOn(repository)
    const scope = vault.scope(HERE)
    const ann = await tokenOf(scope, 'Ann')
    const kept = vault.scope({ ...HERE, purpose: 'kept' })
    await tokenOf(kept, 'Ann')
    const find = scope.finder('name', 'text')
    for (let i = 0; i < 5000; i++) {
      vault.scope({ ...HERE, purpose: `purpose ${i}` })
      expect(vault.scope({ ...HERE, purpose: 'kept' })).toBe(kept)
    }
    expect(kept.find(name('Ann'))).toBeDefined()
    expect(vault.scope(HERE)).not.toBe(scope)
    expect(find('Ann')).toBeUndefined()
    expect(await tokenOf(scope, 'Ann')).toBe(ann)
    expect(find('Ann')).toBeUndefined()
    expect(await scope.resolve([reference(ann)])).toEqual(['Ann'])
    await vaultOn(repository).deleteScope(HERE)
    expect(await scope.resolve([reference(ann)])).toEqual([undefined])
  })
})

describe('key rotation', () => {
  const next = randomBytes(32)

  it('goes by previous keys, then wraps all scopes anew, and needs the old key no more', async () => {
    const repository = new MemoryRepository()
    const ann = await tokenOf(vaultOn(repository).scope(HERE), 'Ann')
    const rotating = vaultOn(repository, { key: next, previousKeys: [KEY] })
    expect(await tokenOf(rotating.scope(HERE), 'Ann')).toBe(ann)
    const { currentKey, scopes } = await rotating.status()
    expect(scopes.map(({ key }) => key === currentKey)).toEqual([false])
    expect(await rotating.rewrap()).toBe(1)
    expect(await rotating.rewrap()).toBe(0)
    expect((await rotating.status()).scopes.map(({ key }) => key)).toEqual([currentKey])
    expect(
      await vaultOn(repository, { key: next })
        .scope(HERE)
        .resolve([reference(ann)]),
    ).toEqual(['Ann'])
    await expect(
      vaultOn(repository)
        .scope(HERE)
        .resolve([reference(ann)]),
    ).rejects.toMatchObject({
      code: 'CHP-VAULT-UNAVAILABLE',
    })
  })

  it('is impossible without the old key: no scope is made a second time', async () => {
    const repository = new MemoryRepository()
    await tokenOf(vaultOn(repository).scope(HERE), 'Ann')
    const wrong = vaultOn(repository, { key: next })
    const missing = { code: 'CHP-VAULT-UNAVAILABLE', reason: expect.stringMatching(/key \w{16} is not configured/) }
    await expect(wrong.scope(HERE).issue([name('Ann')])).rejects.toMatchObject(missing)
    await expect(wrong.scope(HERE).resolve([reference('tok_x')])).rejects.toMatchObject(missing)
    await expect(wrong.rewrap()).rejects.toMatchObject(missing)
    expect(repository.scopes.size).toBe(1)
  })
})

describe('keys that are not there', () => {
  const other = randomBytes(32)

  it('are named, and it is said when they open nothing', async () => {
    const repository = new MemoryRepository()
    const vault = vaultOn(repository)
    expect(await vaultOn(repository, { key: other }).lackedKeys()).toEqual({ ids: [], all: false })
    await tokenOf(vault.scope(HERE), 'Ann')
    const { currentKey } = await vault.status()
    expect(await vault.lackedKeys()).toEqual({ ids: [], all: false })
    expect(await vaultOn(repository, { key: other }).lackedKeys()).toEqual({ ids: [currentKey], all: true })
    expect(await vaultOn(repository, { key: other, previousKeys: [KEY] }).lackedKeys()).toEqual({ ids: [], all: false })
    const both = vaultOn(repository, { key: other, previousKeys: [KEY] })
    await tokenOf(both.scope({ ...HERE, purpose: '' }), 'Ann')
    expect(await vaultOn(repository, { key: other }).lackedKeys()).toEqual({ ids: [currentKey], all: false })
  })
})

describe('what the store gets to see', () => {
  it('is no value, and nothing that can be computed from one without the key', async () => {
    const repository = new MemoryRepository()
    await vaultOn(repository)
      .scope(HERE)
      .issue([name('Annabelle Unmistakable'), name('20012345', 'integer')])
    const seen = JSON.stringify(
      [...repository.tokens.values()].flatMap((rows) =>
        [...rows.values()].map(({ row }) => ({
          ...row,
          index: row.index.toString('latin1'),
          sealed: row.sealed.toString('latin1'),
        })),
      ),
    )
    expect(seen).not.toContain('Annabelle')
    expect(seen).not.toContain('20012345')
    const other = new MemoryRepository()
    await vaultOn(other)
      .scope(HERE)
      .issue([name('Annabelle Unmistakable')])
    const indexes = [repository, other].map((one) =>
      [...one.tokens.values()].map((rows) => [...rows.values()][0]?.row.index),
    )
    expect(indexes[0]).not.toEqual(indexes[1])
  })
})
