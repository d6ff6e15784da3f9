import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { CopyInRows } from '../protocol.ts'
import {
  encodeBind,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeErrorResponse,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
} from './encode.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { FRONTEND } from './messages.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'
import { servedRelay } from './served-relay-test-support.ts'

/** Passes whole lines on in capital letters, and refuses one with `bad` in it. */
class Lines implements CopyInRows {
  #rest = ''
  readonly #answer: <T>(value: T) => T | Promise<T>

  constructor(answer: <T>(value: T) => T | Promise<T>) {
    this.#answer = answer
  }

  feed(data: Buffer): ReturnType<CopyInRows['feed']> {
    const text = this.#rest + data.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    this.#rest = text.slice(end)
    return this.#lines(text.slice(0, end))
  }

  end(): ReturnType<CopyInRows['end']> {
    return this.#lines(this.#rest)
  }

  #lines(text: string): ReturnType<CopyInRows['feed']> {
    const isBad = text.includes('bad')
    return this.#answer(isBad ? new ChaperoneError('CHP-MASK-WRITE-BACK') : Buffer.from(text.toUpperCase(), 'latin1'))
  }
}

class CopyInGate extends FakeGate {
  /** How long an answer takes; undefined when it is there at once. */
  delay: number | undefined
  readonly asked: (SqlFacts | undefined)[] = []
  rows: () => CopyInRows | ChaperoneError | undefined = () =>
    new Lines((value) => (this.delay === undefined ? value : settle(this.delay).then(() => value)))

  override copyIn(facts: SqlFacts | undefined): CopyInRows | ChaperoneError | undefined {
    this.asked.push(facts)
    return this.rows()
  }
}

const types = (frames: readonly string[]): string => frames.map(([letter]) => letter).join('')

/** The bytes of COPY that the target got. */
function dataIn(bytes: Buffer): string {
  const cursor = new FrameCursor('frontend', DEFAULT_FRAME_LIMITS)
  cursor.feed(bytes)
  let data = ''
  while (cursor.next()) {
    if (cursor.type === FRONTEND.CopyData) data += cursor.buffer.toString('latin1', cursor.body, cursor.end)
  }
  return data
}

function session(gate: CopyInGate) {
  const served = servedRelay(gate, 30)
  return {
    ...served,
    gate,
    outcomes: () => gate.events.filter(({ kind }) => kind === 'outcome').map(({ detail }) => detail),
    sent: () => types(describeFrames('frontend', served.received())),
    data: () => dataIn(served.received()),
  }
}

const data = (text: string): Buffer => encodeCopyData(Buffer.from(text))
const DONE = encodeCopyDone()
const extended = [encodeParse('', 'COPY'), encodeBind(), encodeExecute('')]

describe.each([
  ['at once', undefined],
  ['later', 2],
])('rows that a client sends, looked at %s', (_, delay) => {
  const gateFor = () => {
    const gate = new CopyInGate()
    gate.delay = delay
    return gate
  }

  it('are passed on as they may be, before the end of the COPY', async () => {
    const { send, data: copied, sent, gate, outcomes } = session(gateFor())
    const frames = await send(encodeQuery('COPY'), data('one\ntw'), data('o\nthr'), data('ee'), DONE)
    expect(types(frames)).toBe('GCZ')
    expect(copied()).toBe('ONE\nTWO\nTHREE')
    expect(sent()).toBe('Qdddc')
    expect(gate.asked.map((facts) => facts?.command)).toEqual(['COPY FROM'])
    expect(outcomes()).toEqual(['ok COPY 1 committed'])
  })

  it('are passed on in the extended protocol', async () => {
    const { send, data: copied } = session(gateFor())
    const frames = await send(...extended, data('one\ntw'), encodeSync(), data('o\n'), DONE, encodeSync())
    expect(types(frames)).toBe('12GCZ')
    expect(copied()).toBe('ONE\nTWO\n')
  })

  it('do not let anything overtake them', async () => {
    const { send, server } = session(gateFor())
    const frames = await send(
      encodeQuery('COPY'),
      data('one\n'),
      DONE,
      encodeQuery('SELECT clean'),
      encodeQuery('COPY'),
    )
    expect(types(frames)).toBe('GCZTDDCZG')
    expect(server.executed).toEqual(['COPY', 'SELECT clean', 'COPY'])
    expect(types(await send(data('two'), DONE))).toBe('CZ')
  })

  it('that may not be stored end the COPY with our error, and the session goes on', async () => {
    const { send, data: copied, sent, outcomes, gate } = session(gateFor())
    const frames = await send(encodeQuery('COPY'), data('one\n'), data('bad\n'), data('three\n'), DONE)
    expect(types(frames)).toBe('GEZ')
    expect(frames[1]).toContain('CHP-MASK-WRITE-BACK')
    expect(frames[1]).toContain('C22000')
    expect(copied()).toBe('ONE\n')
    expect(sent()).toBe('Qdf')
    expect(outcomes()).toEqual(['error  0 rolled-back'])
    expect(types(await send(data('late'), DONE, encodeQuery('SELECT clean')))).toBe('TDDCZ')
    expect(gate.open).toEqual([])
  })

  it('that may not be stored fail the transaction, also when they come last', async () => {
    const { send } = session(gateFor())
    await send(encodeQuery('BEGIN'))
    const frames = await send(encodeQuery('COPY'), data('bad'), DONE)
    expect(types(frames)).toBe('GEZ')
    expect(frames.at(-1)).toBe('Z:E')
    expect((await send(encodeQuery('ROLLBACK'))).at(-1)).toBe('Z:I')
  })

  it('that may not be stored end the batch of the extended protocol', async () => {
    const { send, server } = session(gateFor())
    const insert = [encodeParse('', 'INSERT'), encodeBind(), encodeExecute('')]
    const frames = await send(...extended, data('bad\n'), DONE, ...insert, encodeSync())
    expect(types(frames)).toBe('12GEZ')
    expect(frames[3]).toContain('CHP-MASK-WRITE-BACK')
    expect(server.executed).toEqual(['COPY'])
    expect(types(await send(...insert, encodeSync()))).toBe('12CZ')
  })

  it('are given up by the client', async () => {
    const { send, sent, data: copied } = session(gateFor())
    const frames = await send(encodeQuery('COPY'), data('one\ntw'), encodeCopyFail('enough'))
    expect(types(frames)).toBe('GEZ')
    expect(frames[1]).toContain('57014')
    expect(sent()).toBe('Qdf')
    expect(copied()).toBe('ONE\n')
  })

  it('are the same wherever they are cut', async () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'ad', '\n', 'x'), { maxLength: 20 }).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 30 }),
        async (whole, pieceSize, chunkSize) => {
          const parts = session(gateFor())
          await parts.send(encodeQuery('COPY'))
          const pieces = whole.match(new RegExp(`[^]{1,${pieceSize}}`, 'g')) ?? []
          const bytes = Buffer.concat([...pieces.map(data), DONE])
          for (let at = 0; at < bytes.length; at += chunkSize) {
            parts.client.push(bytes.subarray(at, at + chunkSize))
            await settle(1)
          }
          await parts.send(encodeQuery('SELECT clean'))
          const isBad = whole.includes('bad')
          expect(types(describeFrames('backend', parts.client.output))).toBe(isBad ? 'GEZTDDCZ' : 'GCZTDDCZ')
          if (!isBad) expect(parts.data()).toBe(whole.toUpperCase())
          expect(parts.gate.open).toEqual([])
          parts.client.destroy()
          await parts.ended
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('COPY from a client', () => {
  it('passes untouched when nobody looks at it, and in a session that sees everything', async () => {
    const gate = new CopyInGate()
    gate.rows = () => undefined
    const { send, data: copied } = session(gate)
    expect(types(await send(encodeQuery('COPY'), data('bad'), DONE))).toBe('GCZ')
    expect(copied()).toBe('bad')
    const all = new CopyInGate({ masked: false })
    const other = session(all)
    expect(types(await other.send(encodeQuery('COPY'), data('bad'), DONE))).toBe('GCZ')
    expect(all.asked).toEqual([])
  })

  it('that may not be at all is ended at its first message', async () => {
    for (const first of [data('one'), DONE]) {
      const gate = new CopyInGate()
      gate.rows = () => new ChaperoneError('CHP-MASK-UNPROVEN')
      const { send, sent } = session(gate)
      const frames = await send(encodeQuery('COPY'), first, data('two'), DONE)
      expect(types(frames)).toBe('GEZ')
      expect(frames[1]).toContain('CHP-MASK-UNPROVEN')
      expect(sent()).toBe('Qf')
    }
  })

  it('is looked at anew for every statement of a text', async () => {
    const gate = new CopyInGate()
    const { relay, client, target } = relayInMemory(gate)
    const ended = relay.run()
    client.push(encodeQuery('COPY; COPY'))
    await settle()
    const copyIn = Buffer.from([0x47, 0, 0, 0, 7, 0, 0, 0])
    const complete = Buffer.from('C\0\0\0\x0bCOPY 1\0', 'latin1')
    target.push(copyIn)
    await settle()
    client.push(Buffer.concat([data('on'), DONE]))
    await settle()
    target.push(Buffer.concat([complete, copyIn]))
    await settle()
    client.push(Buffer.concat([data('two'), DONE]))
    await settle()
    expect(gate.asked).toHaveLength(2)
    expect(dataIn(target.output)).toBe('ONTWO')
    client.destroy()
    await ended
  })

  it('that the target has ended meanwhile gets nothing more', async () => {
    const gate = new CopyInGate()
    gate.delay = 6
    const { send, target, client, sent } = session(gate)
    await send(encodeQuery('COPY'))
    client.push(data('one\n'))
    await settle(1)
    const error = encodeErrorResponse({ severity: 'ERROR', sqlstate: '57014', message: 'x' })
    target.push(Buffer.concat([error, encodeReadyForQuery('I')]))
    await settle(10)
    expect(sent()).toBe('Q')
    expect(types(describeFrames('backend', client.output))).toBe('GEZ')
    await send(data('late'), DONE)
    expect(sent()).toBe('Q')
  })

  it('whose client goes while its rows are looked at leaves nothing behind', async () => {
    const gate = new CopyInGate()
    gate.delay = 6
    const { send, client, ended, sent } = session(gate)
    await send(encodeQuery('COPY'))
    client.push(Buffer.concat([data('one\n'), DONE]))
    await settle(1)
    client.destroy()
    expect((await ended).reason).toBe('client-closed')
    await settle(10)
    expect(sent()).toBe('Q')
    expect(gate.open).toEqual([])
  })

  it('ends the session when looking at its rows is a defect', async () => {
    const gate = new CopyInGate()
    gate.rows = () => ({ feed: () => Promise.reject(new TypeError('secret')), end: () => Buffer.alloc(0) })
    const { send, ended, client } = session(gate)
    await send(encodeQuery('COPY'), data('one\n'))
    expect((await ended).error?.code).toBe('CHP-INTERNAL')
    expect(client.output.toString()).not.toContain('secret')
  })

  it('waits for a target that does not read', async () => {
    const gate = new CopyInGate()
    gate.delay = 0
    const { client, target, send } = session(gate)
    await send(encodeQuery('COPY'))
    target.stalled = true
    const piece = data(`${'x'.repeat(60_000)}\n`)
    for (let pushed = 0; pushed < 100; pushed++) {
      client.push(piece)
      await settle(2)
    }
    expect(client.isPaused()).toBe(true)
    expect(target.writableLength).toBeLessThan(2 * 1024 * 1024)
    target.unstall()
    for (let round = 0; round < 400; round++) {
      target.unstall()
      await settle(1)
    }
    expect(types(await send(DONE))).toBe('CZ')
  })
})
