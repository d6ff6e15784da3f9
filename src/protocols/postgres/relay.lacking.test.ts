import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import {
  encodeBind,
  encodeCommandComplete,
  encodeEmptyBackend,
  encodeErrorResponse,
  encodeExecute,
  encodeNoticeResponse,
  encodeParse,
  encodeQuery,
  encodeSync,
} from './encode.ts'
import {
  asked,
  answered,
  cells,
  copied,
  description,
  extended,
  Fetched,
  LackingGate,
  READY,
  result,
  rowsOf,
  run,
  types,
} from './lacking-test-support.ts'
import { describeFrames, settle } from './relay-test-support.ts'

describe('rows that lack replacements', () => {
  it.each([
    ['the first', ['a', 'B', 'C']],
    ['one in the middle', ['A', 'b', 'C']],
    ['the last', ['A', 'B', 'c']],
    ['every one', ['a', 'b', 'c']],
    ['the same again', ['a', 'a', 'B', 'a']],
    ['the only one', ['a']],
  ])('wait for them: %s', async (_, values) => {
    const session = await answered([encodeQuery('SELECT phi')], [...result(...values), READY])
    expect(types(session.frames)).toBe(`T${'D'.repeat(values.length)}CZ`)
    expect(cells(session.frames)).toEqual(values.map((value) => `<${value.toLowerCase()}>`))
    expect(session.outcomes()).toEqual([`ok SELECT ${values.length} committed`])
    expect(session.gate.pending.fetches).toHaveLength(1)
  })

  it('wait once for everything that has arrived, and not for what is behind another message', async () => {
    const session = await answered(
      [encodeQuery('SELECT phi; SELECT phi')],
      [...result('A', 'b', 'c', 'b'), ...result('d', 'e'), READY],
    )
    expect(session.gate.pending.fetches).toEqual([
      ['b', 'c'],
      ['d', 'e'],
    ])
    expect(types(session.frames)).toBe('TDDDDCTDDCZ')
    expect(session.outcomes()).toEqual(['ok SELECT 6 committed'])
  })

  it('are asked for together with those that the socket has received', async () => {
    const session = await asked(new LackingGate(), encodeQuery('SELECT phi'))
    session.target.push(Buffer.concat([description, ...rowsOf(['a', 'b'])]))
    session.target.push(Buffer.concat(rowsOf(['c', 'd'])))
    await settle()
    expect(session.gate.pending.fetches).toEqual([['a', 'b', 'c', 'd']])
    expect(cells(session.frames())).toEqual(['<a>', '<b>', '<c>', '<d>'])
  })

  it('let pass what is complete before them, and nothing behind them', async () => {
    const session = await asked(new LackingGate(), encodeQuery('SELECT phi'), encodeQuery('SELECT clean'))
    const { promise, resolve } = Promise.withResolvers<void>()
    session.gate.pending.until = () => promise
    session.target.push(Buffer.concat([...result('A', 'B', 'c', 'D'), READY, ...result('E'), READY]))
    await settle()
    expect(types(session.frames())).toBe('TDD')
    expect(session.responses()).toEqual(['2'])
    expect(session.target.isPaused()).toBe(true)
    // What is asked meanwhile goes to the target.
    session.client.push(encodeQuery('INSERT'))
    await settle()
    expect(types(describeFrames('frontend', session.target.output))).toBe('QQQ')
    resolve()
    await settle()
    expect(types(session.frames())).toBe('TDDDDCZTDCZ')
    expect(session.outcomes()).toEqual(['ok SELECT 4 committed', 'ok SELECT 1 committed'])
    expect(session.target.isPaused()).toBe(false)
  })

  it('wait in the extended protocol, in pieces and in pipelines', async () => {
    const suspended = encodeEmptyBackend('PortalSuspended')
    const question = [
      encodeParse('', 'SELECT phi'),
      encodeBind(),
      encodeExecute('', 2),
      encodeExecute('', 2),
      ...run,
      encodeSync(),
    ]
    const answer = [
      ...extended,
      ...rowsOf(['a', 'B']),
      suspended,
      ...rowsOf(['c']),
      encodeCommandComplete('SELECT 1'),
      ...extended,
      ...rowsOf(['d', 'a']),
      encodeCommandComplete('SELECT 2'),
      READY,
    ]
    const session = await answered(question, answer)
    expect(types(session.frames)).toBe('12DDsDC12DDCZ')
    expect(cells(session.frames)).toEqual(['<a>', '<b>', '<c>', '<d>', '<a>'])
    expect(session.outcomes()).toEqual(['suspended  2', 'ok SELECT 3', 'ok SELECT 2'])
  })

  it('wait in COPY', async () => {
    const session = await answered([encodeQuery('SELECT phi')], [...copied('A', 'b', 'c'), ...copied('d'), READY])
    expect(types(session.frames)).toBe('HdddcCHdcCZ')
    expect(cells(session.frames)).toEqual(['<a>', '<b>', '<c>', '<d>'])
    expect(session.outcomes()).toEqual(['ok COPY 4 committed'])
  })

  it('come in order with notices and errors between and behind them', async () => {
    const notice = encodeNoticeResponse({ severity: 'NOTICE', sqlstate: '00000', message: 'x' })
    const error = encodeErrorResponse({ severity: 'ERROR', sqlstate: '57014', message: 'x' })
    const rows = [description, ...rowsOf(['a']), notice, ...rowsOf(['b', 'C']), error, READY]
    const session = await answered([encodeQuery('SELECT phi')], rows)
    expect(types(session.frames)).toBe('TDNDDEZ')
    expect(session.outcomes()).toEqual(['error  3 rolled-back'])
  })

  it('are the same wherever bytes are cut', async () => {
    const question = [encodeQuery('SELECT phi; SELECT phi'), ...run, encodeSync()]
    const answer = [
      ...result('A', 'b', 'c'),
      ...copied('b', 'd', 'E'),
      READY,
      ...extended,
      ...rowsOf(['f', 'A', 'g']),
      encodeCommandComplete('SELECT 3'),
      READY,
    ]
    const whole = await answered(question, answer)
    const expected = { frames: whole.frames, outcomes: whole.outcomes() }
    const single = await answered(question, answer, (bytes) => Array.from(bytes, (byte) => Buffer.from([byte])))
    expect({ frames: single.frames, outcomes: single.outcomes() }).toEqual(expected)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 60 }), async (size) => {
        const cut = (bytes: Buffer) =>
          Array.from({ length: Math.ceil(bytes.length / size) }, (_piece, at) =>
            bytes.subarray(at * size, (at + 1) * size),
          )
        const session = await answered(question, answer, cut)
        expect({ frames: session.frames, outcomes: session.outcomes() }).toEqual(expected)
      }),
      { numRuns: 10 },
    )
  })

  it('are fetched again when what they had was given up for what they lacked', async () => {
    const gate = new LackingGate(new Fetched(1))
    const values = ['a', 'b', 'a', 'c', 'b', 'a', 'd', 'a']
    const session = await answered([encodeQuery('SELECT phi')], [...result(...values), READY], undefined, gate)
    expect(cells(session.frames)).toEqual(values.map((value) => `<${value}>`))
  })
})

describe('order', () => {
  const value = fc.constantFrom('a', 'b', 'c', 'd', 'A', 'B', 'C')
  const part = fc.oneof(
    fc.array(value, { maxLength: 6 }).map((values) => result(...values)),
    fc.array(value, { maxLength: 6 }).map((values) => copied(...values)),
  )

  it('is kept under any delays and cuts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3), { minLength: 1 }),
        fc.integer({ min: 1, max: 200 }),
        async (parts, delays, size) => {
          const gate = new LackingGate(new Fetched(2))
          const session = await asked(gate, ...parts.map(() => encodeQuery('SELECT phi')))
          let fetch = 0
          gate.pending.until = () => settle(delays[fetch++ % delays.length])
          const answer = Buffer.concat(parts.flatMap((one) => [...one, READY]))
          for (let at = 0; at < answer.length; at += size) {
            session.target.push(answer.subarray(at, at + size))
            await settle(delays[at % delays.length])
          }
          for (let round = 0; round < 200 && session.relay.state === 'active'; round++) await settle(1)
          const sent = describeFrames('backend', answer)
          expect(types(session.frames())).toBe(types(sent))
          expect(cells(session.frames())).toEqual(
            sent
              .filter((frame) => /^[Dd]:/.test(frame))
              .map((frame) => `<${/([a-zA-Z])\|?$/.exec(frame)?.[1]?.toLowerCase()}>`),
          )
          expect(gate.open).toEqual([])
          session.client.destroy()
          await session.ended
        },
      ),
      { numRuns: 300 },
    )
  })

  it('does not keep a row waiting that never has what it lacks', async () => {
    const gate = new LackingGate()
    const session = await asked(gate, encodeQuery('SELECT phi'))
    // What is fetched cannot be found.
    gate.pending.settle = async () => {
      gate.pending.fetches.push([])
      await settle(1)
    }
    session.target.push(Buffer.concat([...result('A', 'secret', 'B'), READY]))
    expect((await session.ended).error?.code).toBe('CHP-INTERNAL')
    await settle()
    expect(gate.pending.fetches).toHaveLength(4)
    expect(types(session.frames())).toBe('TDE')
    expect(session.client.output.toString()).not.toContain('secret')
  })
})

/** A session whose second row waits for `fetch`. */
async function waiting() {
  const session = await asked(new LackingGate(), encodeQuery('SELECT phi'))
  const fetch = Promise.withResolvers<void>()
  session.gate.pending.until = () => fetch.promise
  session.target.push(Buffer.concat([...result('A', 'secret', 'B'), READY]))
  await settle()
  expect(types(session.frames())).toBe('TD')
  return { ...session, fetch }
}

const settleAs = (how: 'resolve' | 'reject', fetch: PromiseWithResolvers<void>): void =>
  how === 'resolve' ? fetch.resolve() : fetch.reject(new ChaperoneError('CHP-VAULT-UNAVAILABLE'))

describe('the end of a session whose rows wait', () => {
  it('is a fatal error when what they lack cannot be fetched; how the operation ended is not known', async () => {
    const session = await waiting()
    session.fetch.reject(new ChaperoneError('CHP-VAULT-UNAVAILABLE'))
    expect((await session.ended).error?.code).toBe('CHP-VAULT-UNAVAILABLE')
    await settle()
    expect(types(session.frames())).toBe('TDE')
    expect(session.frames().at(-1)).toMatch(/FATAL.*58000.*CHP-VAULT-UNAVAILABLE/)
    expect(session.client.output.toString()).not.toContain('secret')
    expect(session.outcomes()).toEqual(['lost  1'])
    expect(session.target.destroyed).toBe(true)
  })

  it('is a fatal error when fetching is a defect', async () => {
    const session = await waiting()
    session.fetch.reject(new TypeError('secret'))
    expect((await session.ended).error?.code).toBe('CHP-INTERNAL')
    await settle()
    expect(session.client.output.toString()).not.toContain('secret')
  })

  it.each(['resolve', 'reject'] as const)('by the client leaves nothing behind (%s)', async (how) => {
    const session = await waiting()
    session.client.destroy()
    expect((await session.ended).reason).toBe('client-closed')
    expect(session.cancels).toHaveLength(1)
    settleAs(how, session.fetch)
    await settle()
    expect(session.gate.open).toEqual([])
    expect(session.outcomes()).toEqual(['lost  1'])
  })

  it.each(['resolve', 'reject'] as const)('by an operator says so at once (%s)', async (how) => {
    const session = await waiting()
    session.relay.terminate(new ChaperoneError('CHP-SESSION-TERMINATED'))
    expect((await session.ended).reason).toBe('terminated')
    settleAs(how, session.fetch)
    await settle()
    expect(types(session.frames())).toBe('TDE')
    expect(session.frames().at(-1)).toContain('CHP-SESSION-TERMINATED')
  })

  it('by the target comes behind what it has said', async () => {
    const session = await waiting()
    session.target.destroy()
    await settle()
    expect(types(session.frames())).toBe('TD')
    session.fetch.resolve()
    expect((await session.ended).reason).toBe('target-closed')
    await settle()
    expect(types(session.frames())).toBe('TDDDCZE')
    expect(session.outcomes()).toEqual(['ok SELECT 3 committed'])
  })

  it('by the target is no less an end when nothing more can be fetched', async () => {
    const session = await waiting()
    session.target.destroy()
    await settle()
    session.fetch.reject(new ChaperoneError('CHP-VAULT-UNAVAILABLE'))
    expect((await session.ended).error?.code).toBe('CHP-VAULT-UNAVAILABLE')
    expect(session.gate.open).toEqual([])
  })

  it('by the target in the moment before they are fetched', async () => {
    const session = await asked(new LackingGate(), encodeQuery('SELECT phi'))
    session.target.push(Buffer.concat([description, ...rowsOf(['a'])]))
    session.target.push(null)
    expect((await session.ended).reason).toBe('target-closed')
    await settle()
    expect(types(session.frames())).toBe('TDE')
  })
})
