import { describe, expect, it } from 'vitest'
import type { DetectorSource } from '../detect/detector-source.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Span } from '../phi/detect/span.ts'
import type { TokenRequest } from '../phi/tokens/stand-ins.ts'
import type { TokenScope } from '../vault/token-scope.ts'
import { SessionStandIns } from './stand-ins.ts'

const tokenOf = ({ phiClass, form, value }: TokenRequest) => `${phiClass}/${form}/${value}`

const spanOf = (text: string): Span => ({ start: 0, end: text.length, class: 'name', detector: 'test' })

/** A vault whose cache holds what the test says, and a detector that remembers nothing. */
function setUp(cached: ReadonlySet<string> = new Set()) {
  const issued: (readonly string[])[] = []
  const asked: (readonly string[])[] = []
  const state = { now: 0, fails: false, without: '' }
  const scope: TokenScope = {
    find: (request) => (cached.has(request.value) ? tokenOf(request) : undefined),
    finder: (phiClass, form) => (value) => scope.find({ phiClass, form, value }),
    issue: (wanted) => {
      if (state.fails) return Promise.reject(new ChaperoneError('CHP-VAULT-UNAVAILABLE'))
      issued.push(wanted.map(tokenOf))
      return Promise.resolve(wanted.map((one) => (one.value === state.without ? undefined : tokenOf(one))))
    },
    resolve: () => [],
  }
  const detector: DetectorSource = {
    find: () => undefined,
    fetch: (texts) => {
      asked.push(texts)
      return Promise.resolve(texts.filter((text) => text !== 'left out').map((text) => [spanOf(text)]))
    },
  }
  return {
    issued,
    asked,
    state,
    standIns: new SessionStandIns({ scope, detector, clock: () => state.now }),
    spanOf,
    scope,
  }
}

describe('tokens of a session', () => {
  it('are there at once when the vault has them', () => {
    const { standIns } = setUp(new Set(['Ann']))
    expect(standIns.tokensOf('name', 'text')('Ann')).toBe('name/text/Ann')
    expect(standIns.isLacking).toBe(false)
  })

  it('are fetched together, each once, and found though the vault has no room for them', async () => {
    const { standIns, issued } = setUp()
    const names = standIns.tokensOf('name', 'text')
    const numbers = standIns.tokensOf('mrn', 'integer')
    expect(standIns.tokensOf('name', 'text')).toBe(names)
    for (let i = 0; i < 3; i++) {
      expect([names('Ann'), numbers('42'), names('Bob')]).toEqual([undefined, undefined, undefined])
    }
    expect(standIns.isLacking).toBe(true)
    expect(standIns.lackingBytes).toBe(3 * 64 + 2 * 8)
    await standIns.settle()
    expect(standIns.isLacking).toBe(false)
    expect(standIns.lackingBytes).toBe(0)
    expect(issued).toEqual([['name/text/Ann', 'name/text/Bob', 'mrn/integer/42']])
    expect([names('Ann'), numbers('42'), names('Bob')]).toEqual(['name/text/Ann', 'mrn/integer/42', 'name/text/Bob'])
    expect(standIns.isLacking).toBe(false)
    // What is another class or form is another token.
    expect(standIns.tokensOf('name', 'short')('Ann')).toBeUndefined()
    expect(standIns.isLacking).toBe(true)
  })

  it('are null when there are none left, or no vault', async () => {
    const { standIns, state } = setUp()
    state.without = '42'
    const numbers = standIns.tokensOf('mrn', 'integer')
    expect(numbers('42')).toBeUndefined()
    await standIns.settle()
    expect(numbers('42')).toBeNull()
    expect(standIns.isLacking).toBe(false)
    const without = new SessionStandIns({ scope: undefined, detector: undefined, clock: () => 0 })
    expect(without.tokensOf('name', 'text')('Ann')).toBeNull()
    expect(without.isLacking).toBe(false)
  })

  it('are missing again when the vault has failed', async () => {
    const { standIns, state } = setUp()
    const names = standIns.tokensOf('name', 'text')
    names('Ann')
    state.fails = true
    await expect(standIns.settle()).rejects.toMatchObject({ code: 'CHP-VAULT-UNAVAILABLE' })
    expect(standIns.isLacking).toBe(false)
    expect(names('Ann')).toBeUndefined()
    expect(standIns.isLacking).toBe(true)
    state.fails = false
    await standIns.settle()
    expect(names('Ann')).toBe('name/text/Ann')
  })

  it('of an old batch are asked for again, because they may have been deleted', async () => {
    const { standIns, state } = setUp()
    const names = standIns.tokensOf('name', 'text')
    names('Ann')
    await standIns.settle()
    state.now = 10_000
    expect(names('Ann')).toBeUndefined()
    await standIns.settle()
    expect(names('Ann')).toBe('name/text/Ann')
  })

  it('of an old batch are asked for again, however often they were used since', async () => {
    const { standIns, state, issued } = setUp()
    const names = standIns.tokensOf('name', 'text')
    names('Ann')
    await standIns.settle()
    for (const value of ['Bob', 'Cid', 'Dan']) {
      state.now += 200
      names('Ann')
      names(value)
      await standIns.settle()
    }
    expect(issued.flat().filter((token) => token.endsWith('Ann'))).toHaveLength(2)
  })

  it('that are missed while others are fetched wait for the next time', async () => {
    const { standIns, issued } = setUp()
    const names = standIns.tokensOf('name', 'text')
    names('Ann')
    const settled = standIns.settle()
    names('Bob')
    await settled
    expect(standIns.isLacking).toBe(true)
    await standIns.settle()
    expect(issued).toEqual([['name/text/Ann'], ['name/text/Bob']])
  })

  it('need no fetch when nothing is missing', async () => {
    const { standIns, issued, asked } = setUp()
    await standIns.settle()
    expect([issued, asked]).toEqual([[], []])
  })
})

describe('findings of a detector', () => {
  it('are fetched together with tokens, and both are found in the end', async () => {
    const { standIns, issued, asked } = setUp()
    const names = standIns.tokensOf('name', 'text')
    // A text in which is found what has to be a token.
    const mask = (text: string) => {
      const spans = standIns.spans?.(text)
      return spans === undefined ? undefined : names(text)
    }
    let rounds = 0
    for (const texts of [
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c', 'd'],
    ]) {
      for (; texts.map(mask).includes(undefined); rounds++) await standIns.settle()
    }
    expect(rounds).toBeLessThanOrEqual(6)
    expect(asked.flat()).toEqual(['a', 'b', 'c', 'd'])
    expect(issued.flat()).toHaveLength(4)
    expect(standIns.spans?.('a')).toEqual([spanOf('a')])
  })

  it('are an error when one is left out', async () => {
    const { standIns } = setUp()
    standIns.spans?.('left out')
    await expect(standIns.settle()).rejects.toMatchObject({ code: 'CHP-DETECTOR-UNAVAILABLE' })
    expect(standIns.spans?.('left out')).toBeUndefined()
  })

  it('are nobody’s without one, so that the text is masked whole', () => {
    expect(new SessionStandIns({ scope: undefined, detector: undefined, clock: () => 0 }).spans).toBeUndefined()
  })
})
