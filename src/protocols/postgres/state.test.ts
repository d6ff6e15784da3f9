import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolViolation } from './framing.ts'
import { BACKEND, FRONTEND } from './messages.ts'
import { type ReplyKind, ReplyQueue } from './state.ts'

const KINDS: Readonly<Record<string, ReplyKind>> = {
  Q: 'query',
  F: 'function-call',
  P: 'parse',
  B: 'bind',
  S: 'describe-statement',
  D: 'describe-portal',
  E: 'execute',
  C: 'close',
  Y: 'sync',
}

/**
 * Pushes one message a letter (above) with its position as payload, then accepts one reply a letter (type bytes). A reply
 * is noted as payload and `.` (continues) or `!` (completes), `~` when it is nobody's, and what it drops in brackets.
 */
function play(messages: string, replies: string, queue = new ReplyQueue<number>()): string {
  for (const [index, letter] of messages.split('').entries()) queue.push(KINDS[letter] ?? 'sync', index)
  return answers(queue, replies)
}

function answers(queue: ReplyQueue<number>, replies: string): string {
  const notes: string[] = []
  for (const letter of replies) {
    const reply = queue.accept(letter.charCodeAt(0))
    const dropped = reply.dropped.length > 0 ? `[${reply.dropped.join(',')}]` : ''
    if (reply.kind === 'asynchronous') notes.push('~')
    else notes.push(`${reply.payload}${reply.kind === 'completes' ? '!' : '.'}${dropped}`)
  }
  return notes.join(' ')
}

const violates = (act: () => unknown): ProtocolViolation => {
  try {
    act()
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
  throw new Error('no violation')
}

describe('ReplyQueue', () => {
  it.each([
    // simple query
    ['a query with rows', 'Q', 'TDDCZ', '0. 0. 0. 0. 0!'],
    ['a query without rows', 'Q', 'CZ', '0. 0!'],
    ['several statements', 'Q', 'CTDCCTCZ', '0. 0. 0. 0. 0. 0. 0. 0!'],
    ['a statement to which rules add results', 'Q', 'TDTDDCZ', '0. 0. 0. 0. 0. 0. 0!'],
    ['an empty query', 'Q', 'IZ', '0. 0!'],
    ['a query that fails', 'Q', 'EZ', '0. 0!'],
    ['a query that fails among its rows', 'Q', 'TDDEZ', '0. 0. 0. 0. 0!'],
    ['the second statement fails', 'Q', 'CEZ', '0. 0. 0!'],
    ['queries one behind the other', 'QQ', 'CZTDCZ', '0. 0! 1. 1. 1. 1!'],
    ['COPY to the client', 'Q', 'HdddcCZ', '0. 0. 0. 0. 0. 0. 0!'],
    ['COPY to the client that fails', 'Q', 'HddEZ', '0. 0. 0. 0. 0!'],
    ['a function call', 'F', 'VZ', '0. 0!'],
    ['a function call that fails', 'F', 'EZ', '0. 0!'],
    // extended query
    ['the usual batch', 'PBDEY', '12TDDCZ', '0! 1! 2! 3. 3. 3! 4!'],
    ['a statement described', 'PSY', '1tTZ', '0! 1. 1! 2!'],
    ['a statement without rows described', 'PSY', '1tnZ', '0! 1. 1! 2!'],
    ['a portal without rows', 'BDEY', '2nCZ', '0! 1! 2! 3!'],
    ['a portal with a row limit', 'EYEY', 'DsZDCZ', '0. 0! 1! 2. 2! 3!'],
    ['an empty statement', 'PBEY', '12IZ', '0! 1! 2! 3!'],
    ['Close', 'CCY', '33Z', '0! 1! 2!'],
    ['COPY to the client', 'EY', 'HddcCZ', '0. 0. 0. 0. 0! 1!'],
    // errors up to Sync
    ['an error in Parse', 'PBEYPBEY', 'EZ12CZ', '0![1,2] 3! 4! 5! 6! 7!'],
    ['an error in Execute', 'PBEPBEY', '12DEZ', '0! 1! 2. 2![3,4,5] 6!'],
    ['an error drops a simple query before Sync as well', 'BQY', 'EZ', '0![1] 2!'],
    ['an error in a statement’s description', 'SDY', 'tEZ', '0. 0![1] 2!'],
    ['an error in the last message before Sync', 'EY', 'EZ', '0! 1!'],
    ['Sync itself fails: a deferred constraint', 'EYE', 'CEZD', '0! 1. 1! 2.'],
    ['Sync without anything', 'YY', 'ZZ', '0! 1!'],
    // messages that belong to nobody
    ['notices, settings and notifications anywhere', 'QE', 'NTSDANCNZSDA', '~ 0. ~ 0. ~ ~ 0. ~ 0! ~ 1. ~'],
    ['notices while idle', '', 'NSA', '~ ~ ~'],
    ['the server goes away while idle', '', 'E', '~'],
    ['the server goes away after an error', 'Q', 'EE', '0. ~'],
    ['the server goes away while it waits for Sync', 'P', 'EE', '0! ~'],
  ])('%s', (_what, messages, replies, expected) => {
    expect(play(messages, replies)).toBe(expected)
  })

  it.each([
    ['', 'Z'],
    ['', 'D'],
    ['', 'C'],
    ['', 'T'],
    ['', '1'],
    ['', 'G'],
    ['Q', 'D'],
    ['Q', 'Z'],
    ['Q', '1'],
    ['Q', 's'],
    ['Q', 'TZ'],
    ['Q', 'TI'],
    ['Q', 'IC'],
    ['Q', 'EC'],
    ['Q', 'ED'],
    ['Q', 'd'],
    ['Q', 'HC'],
    ['Q', 'HD'],
    ['Q', 'HcC1'],
    ['Q', 'GC'],
    ['Q', 'Gd'],
    ['P', '2'],
    ['P', 'Z'],
    ['B', '1'],
    ['S', 'T'],
    ['S', 'n'],
    ['S', 'tt'],
    ['D', 't'],
    ['E', 'T'],
    ['E', 'DI'],
    ['E', 'DH'],
    ['E', 'W'],
    ['E', 'Z'],
    ['E', 'GC'],
    ['C', '2'],
    ['Y', 'C'],
    ['PBY', '1E2'],
    ['P', 'EZ'],
    ['Q', 'R'],
    ['Q', 'K'],
    ['Q', 'v'],
    ['Q', '>'],
    ['Q', 'G>'],
    ['Q', '\x00'],
    ['Q', '\xff'],
  ])('after %j the replies %j are a violation of the server', (messages, replies) => {
    const violation = violates(() => play(messages, replies))
    expect(violation.peer).toBe('backend')
  })

  it('passes over what is pushed after an error until Sync', () => {
    const queue = new ReplyQueue<number>()
    expect(play('PB', 'E', queue)).toBe('0![1]')
    expect(queue.skipping).toBe(true)
    expect(queue.push('execute', 2)).toBe('ignored')
    expect(queue.push('query', 3)).toBe('ignored')
    expect(queue.length).toBe(0)
    expect(queue.push('sync', 4)).toBe('expected')
    expect(queue.skipping).toBe(false)
    expect(queue.push('query', 5)).toBe('expected')
    expect(answers(queue, 'ZCZ')).toBe('4! 5. 5!')
  })

  it('expects nothing for Flush', () => {
    const queue = new ReplyQueue<number>()
    queue.push('parse', 0)
    expect(queue.push('flush', 1)).toBe('ignored')
    expect(queue.length).toBe(1)
  })

  it('bounds how many messages wait', () => {
    const queue = new ReplyQueue<number>({ maxPipelined: 2 })
    queue.push('parse', 0)
    queue.push('sync', 1)
    const violation = violates(() => queue.push('sync', 2))
    expect(violation.peer).toBe('frontend')
    expect(violation.limit).toBe(true)
    queue.accept(BACKEND.ParseComplete)
    expect(queue.push('sync', 2)).toBe('expected')
    expect(queue.payloads()).toEqual([1, 2])
    expect(queue.head).toMatchObject({ kind: 'sync', payload: 1 })
  })

  it('stays right over thousands of messages that are never all answered at once', () => {
    const queue = new ReplyQueue<number>()
    queue.push('sync', 0)
    for (let i = 1; i < 10_000; i++) {
      queue.push('sync', i)
      expect(queue.accept(BACKEND.ReadyForQuery).payload).toBe(i - 1)
    }
    expect(queue.length).toBe(1)
  })
})

/** A queue whose only message has got its CopyInResponse. */
const copyIn = (kind: 'query' | 'execute'): ReplyQueue<number> => {
  const queue = new ReplyQueue<number>()
  queue.push(kind, 0, true)
  expect(queue.held).toBe(true)
  expect(queue.copying).toBe(false)
  expect(queue.clientCopy(FRONTEND.CopyData)).toBe('discard')
  expect(answers(queue, 'G')).toBe('0.')
  expect(queue.held).toBe(false)
  expect(queue.copying).toBe(true)
  expect(queue.clientCopy(FRONTEND.CopyData)).toBe('forward')
  return queue
}

describe('ReplyQueue in COPY from the client', () => {
  it('a simple query', () => {
    const queue = copyIn('query')
    expect(queue.clientCopy(FRONTEND.CopyDone)).toBe('forward')
    expect(queue.copying).toBe(false)
    // Another COPY may follow in the same query.
    expect(queue.held).toBe(true)
    expect(answers(queue, 'CG')).toBe('0. 0.')
    expect(queue.clientCopy(FRONTEND.CopyDone)).toBe('forward')
    expect(answers(queue, 'CZ')).toBe('0. 0!')
    expect(queue.held).toBe(false)
  })

  it('an Execute: Sync and Flush before the end are passed over', () => {
    const queue = copyIn('execute')
    expect(queue.push('sync', 1)).toBe('ignored')
    expect(queue.push('flush', 2)).toBe('ignored')
    expect(queue.clientCopy(FRONTEND.CopyDone)).toBe('forward')
    expect(queue.push('sync', 3)).toBe('expected')
    expect(answers(queue, 'CZ')).toBe('0! 3!')
  })

  it.each([FRONTEND.CopyFail, FRONTEND.CopyDone])('an error after the end (%i)', (end) => {
    const simple = copyIn('query')
    simple.clientCopy(end)
    expect(answers(simple, 'E')).toBe('0.')
    expect(simple.held).toBe(false)
    expect(simple.push('query', 1)).toBe('expected')
    expect(answers(simple, 'ZCZ')).toBe('0! 1. 1!')

    const extended = copyIn('execute')
    extended.clientCopy(end)
    extended.push('parse', 1)
    extended.push('sync', 2)
    expect(answers(extended, 'EZ')).toBe('0![1] 2!')
  })

  it('an error before the end: what the client still sends is discarded', () => {
    const simple = copyIn('query')
    expect(answers(simple, 'E')).toBe('0.')
    expect(simple.clientCopy(FRONTEND.CopyData)).toBe('discard')
    expect(simple.clientCopy(FRONTEND.CopyDone)).toBe('discard')
    expect(answers(simple, 'Z')).toBe('0!')
    expect(simple.clientCopy(FRONTEND.CopyFail)).toBe('discard')

    const extended = copyIn('execute')
    expect(answers(extended, 'E')).toBe('0!')
    expect(extended.skipping).toBe(true)
    expect(extended.clientCopy(FRONTEND.CopyData)).toBe('discard')
    expect(extended.clientCopy(FRONTEND.CopyDone)).toBe('discard')
    expect(extended.push('sync', 1)).toBe('expected')
    expect(answers(extended, 'Z')).toBe('1!')
  })

  it('refuses the client’s other messages, which would break the server’s connection', () => {
    expect(violates(() => copyIn('query').push('query', 1)).peer).toBe('frontend')
    expect(violates(() => copyIn('execute').push('parse', 1)).peer).toBe('frontend')
  })

  it('is not over before the client has ended it', () => {
    violates(() => answers(copyIn('query'), 'C'))
    violates(() => answers(copyIn('execute'), 'C'))
  })

  it('lets nothing be pushed behind a statement that may yet start it', () => {
    const queue = new ReplyQueue<number>()
    queue.push('execute', 0, true)
    expect(() => queue.push('sync', 1)).toThrow('held')
    expect(queue.push('flush', 1)).toBe('ignored')
    expect(answers(queue, 'E')).toBe('0!')
    expect(queue.held).toBe(false)
    expect(queue.push('sync', 2)).toBe('expected')
  })

  it('is held behind other messages too, and no longer once it has answered otherwise', () => {
    const queue = new ReplyQueue<number>()
    queue.push('parse', 0)
    queue.push('query', 1, true)
    expect(queue.held).toBe(true)
    expect(answers(queue, '1CTD')).toBe('0! 1. 1. 1.')
    expect(queue.held).toBe(true)
    expect(answers(queue, 'CZ')).toBe('1. 1!')
    expect(queue.held).toBe(false)
    queue.push('query', 2, true)
    expect(answers(queue, 'I')).toBe('2.')
    expect(queue.held).toBe(false)
  })

  it('cannot follow when it was not foreseen and something is pipelined behind it', () => {
    const alone = new ReplyQueue<number>()
    alone.push('execute', 0)
    expect(answers(alone, 'G')).toBe('0.')
    const pipelined = new ReplyQueue<number>()
    pipelined.push('execute', 0)
    pipelined.push('sync', 1)
    expect(violates(() => answers(pipelined, 'G')).peer).toBe('backend')
  })

  it('CopyBoth ends on both sides, in any order', () => {
    for (const serverFirst of [true, false]) {
      const queue = new ReplyQueue<number>()
      queue.push('query', 0)
      expect(answers(queue, 'Wdd')).toBe('0. 0. 0.')
      expect(queue.copying).toBe(true)
      violates(() => queue.push('sync', 1))
      if (serverFirst) expect(answers(queue, 'c')).toBe('0.')
      expect(queue.clientCopy(FRONTEND.CopyData)).toBe('forward')
      expect(queue.clientCopy(FRONTEND.CopyDone)).toBe('forward')
      if (!serverFirst) expect(answers(queue, 'dc')).toBe('0. 0.')
      expect(answers(queue, 'TDCCZ')).toBe('0. 0. 0. 0. 0!')
    }
  })
})

describe('ReplyQueue under any input', () => {
  it('every reply belongs to the oldest message, or is a violation, never anything else', () => {
    const step = fc.oneof(
      fc.constantFrom(...Object.values(KINDS)).map((kind) => ({ push: kind })),
      fc.constantFrom(...'TDCIGHWE123tnsZNSAdcV'.split('')).map((letter) => ({ accept: letter.charCodeAt(0) })),
      fc.constantFrom(FRONTEND.CopyData, FRONTEND.CopyDone, FRONTEND.CopyFail).map((type) => ({ copy: type })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new ReplyQueue<number>()
        const waiting: number[] = []
        let next = 0
        for (const one of steps) {
          try {
            if ('push' in one) {
              if (queue.push(one.push, next) === 'expected') waiting.push(next)
              next++
            } else if ('copy' in one) queue.clientCopy(one.copy)
            else {
              const reply = queue.accept(one.accept)
              if (reply.kind === 'asynchronous') continue
              expect(reply.payload).toBe(waiting[0])
              if (reply.kind === 'completes') waiting.splice(0, 1 + reply.dropped.length)
            }
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolViolation)
            return
          }
          expect(queue.payloads()).toEqual(waiting)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
