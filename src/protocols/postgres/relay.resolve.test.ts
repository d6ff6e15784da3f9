import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type {
  AllowedVerdict,
  BoundValue,
  Leave,
  Permit,
  Request,
  Resolved,
  ResolvedText,
  Verdict,
} from '../protocol.ts'
import {
  encodeBind,
  encodeDescribe,
  encodeEmptyBackend,
  encodeErrorResponse,
  encodeExecute,
  encodeNoticeResponse,
  encodeParameterDescription,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeSync,
} from './encode.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'
import { servedRelay } from './served-relay-test-support.ts'

/** Resolves `tok1` to `tok9`, and refuses what has `bad` in it. */
class ResolvingGate extends FakeGate {
  readonly values = new Map([
    ['tok1', 'Ann'],
    ['tok2', 'a-much-longer-name'],
    ['tok3', '😀'],
  ])
  /** Whether answers come later. */
  late = false
  readonly requests: Request[] = []
  readonly bound: (readonly BoundValue[])[] = []
  /** Verdicts are others from now on, as when labels have changed. */
  generation = 0

  override request(leave: Leave, request: Request): Permit {
    this.requests.push(request)
    return super.request(leave, request)
  }

  override renew(...[sql, verdict, names]: Parameters<FakeGate['renew']>): Verdict | Promise<Verdict> {
    const renewed = super.renew(sql, verdict, names)
    return this.generation === 0 || renewed instanceof Promise ? renewed : { ...renewed }
  }

  override resolveText(
    _verdict: AllowedVerdict,
    sql: string,
  ): Resolved<ResolvedText> | Promise<Resolved<ResolvedText>> {
    return this.#soon(this.#resolve(sql))
  }

  override resolveParameters(
    _facts: SqlFacts | undefined,
    parameters: readonly BoundValue[],
  ): Resolved<ReadonlyMap<number, Buffer>> | Promise<Resolved<ReadonlyMap<number, Buffer>>> {
    this.bound.push(parameters)
    const values = new Map<number, Buffer>()
    for (const [index, { value }] of parameters.entries()) {
      const text = value?.toString() ?? ''
      if (text === 'bad') return this.#soon(new ChaperoneError('CHP-MASK-PREDICATE'))
      const resolved = this.values.get(text)
      if (resolved !== undefined) values.set(index, Buffer.from(resolved))
    }
    return this.#soon(values.size === 0 ? 'as-is' : values)
  }

  #resolve(sql: string): Resolved<ResolvedText> {
    if (sql.includes('bad')) return new ChaperoneError('CHP-MASK-PREDICATE')
    const replaced = []
    let text = ''
    let end = 0
    for (const { index, 0: token } of sql.matchAll(/tok[1-9]/g)) {
      const value = this.values.get(token)
      if (value === undefined) continue
      replaced.push({ start: index, length: token.length, newLength: value.length })
      text += sql.slice(end, index) + value
      end = index + token.length
    }
    return replaced.length === 0 ? 'as-is' : { sql: text + sql.slice(end), replaced }
  }

  #soon<T>(value: T): T | Promise<T> {
    return this.late ? settle(2).then(() => value) : value
  }
}

const types = (frames: readonly string[]): string => frames.map(([letter]) => letter).join('')

/** A session whose server answers whenever it has been sent something. */
function session(gate: ResolvingGate) {
  const served = servedRelay(gate, 20)
  return { ...served, gate, sent: () => describeFrames('frontend', served.received()) }
}

const bind = (portal: string, statement: string): Buffer => encodeBind({ portal, statement })
const run = (sql: string) => [encodeParse('', sql), bind('', ''), encodeExecute('')]

describe.each([
  ['at once', false],
  ['later', true],
])('a stand-in in a text, resolved %s', (_, late) => {
  const gateFor = (settings: ConstructorParameters<typeof FakeGate>[0] = {}) => {
    const gate = new ResolvingGate(settings)
    gate.late = late
    return gate
  }

  it('is sent as its value, and recorded as it was', async () => {
    const { send, server, gate } = session(gateFor())
    expect(types(await send(encodeQuery('SELECT phi tok1; SELECT clean tok2')))).toBe('TDDCTDDCZ')
    expect(server.executed).toEqual(['SELECT phi Ann', 'SELECT clean a-much-longer-name'])
    expect(gate.intents).toEqual(['SELECT phi tok1; SELECT clean tok2'])
  })

  it('is sent as its value where the catalog is asked first', async () => {
    const { send, server, gate, sent } = session(gateFor({ check: true }))
    await send(encodeQuery('SELECT phi tok1'), encodeQuery('SELECT phi tok2; SELECT clean'))
    expect(server.executed).toEqual(['SELECT phi Ann', 'SELECT phi a-much-longer-name', 'SELECT clean'])
    expect(gate.intents).toEqual(['SELECT phi tok1', 'SELECT phi tok2; SELECT clean'])
    expect(sent().join()).not.toContain('tok')
  })

  it('is sent as its value in Parse, and the statement is known by what the client wrote', async () => {
    const { send, server, gate } = session(gateFor())
    await send(encodeParse('s', 'SELECT phi tok1'), encodeSync())
    expect(types(await send(bind('', 's'), encodeExecute(''), encodeSync()))).toBe('2DDCZ')
    expect(types(await send(encodeQuery('EXECUTE s')))).toBe('TDDCZ')
    expect(server.executed).toEqual(['SELECT phi Ann', 'SELECT phi Ann'])
    expect(gate.intents).toEqual(['SELECT phi tok1', 'EXECUTE s'])
  })

  it('is sent as its value in PREPARE and DECLARE', async () => {
    const { send, server } = session(gateFor())
    await send(encodeQuery('PREPARE q AS SELECT phi tok1'), encodeQuery('EXECUTE q'))
    await send(bind('', 'q'), encodeExecute(''), encodeSync())
    await send(encodeQuery('BEGIN'), encodeQuery('DECLARE c CURSOR FOR SELECT phi tok2'), encodeQuery('FETCH c'))
    expect(server.executed).toEqual(['SELECT phi Ann', 'SELECT phi Ann', 'SELECT phi a-much-longer-name'])
  })

  it('that may not be where it is refuses the query', async () => {
    const { send, server, gate } = session(gateFor())
    const frames = await send(encodeQuery('SELECT phi bad'), encodeQuery('SELECT clean'))
    expect(types(frames)).toBe('EZTDDCZ')
    expect(frames[0]).toContain('CHP-MASK-PREDICATE')
    expect(server.executed).toEqual(['SELECT clean'])
    expect(gate.events[0]).toMatchObject({ kind: 'refused', detail: 'CHP-MASK-PREDICATE SELECT phi bad' })
    await send(encodeQuery('BEGIN'))
    expect((await send(encodeQuery('INSERT bad'))).at(-1)).toBe('Z:E')
  })

  it('that may not be where it is refuses the batch', async () => {
    const { send, server, gate } = session(gateFor())
    const frames = await send(...run('INSERT'), ...run('SELECT phi bad'), ...run('INSERT'), encodeSync())
    expect(types(frames)).toBe('12CEZ')
    expect(server.executed).toEqual(['INSERT'])
    expect(gate.open).toEqual([])
  })

  it('does not let anything overtake it', async () => {
    const { send, server } = session(gateFor())
    const frames = await send(
      encodeQuery('SELECT clean 1'),
      encodeQuery('SELECT phi tok1'),
      ...run('SELECT clean tok2'),
      encodeSync(),
      encodeQuery('SELECT clean 4'),
    )
    expect(types(frames)).toBe('TDDCZTDDCZ12DDCZTDDCZ')
    expect(server.executed).toEqual([
      'SELECT clean 1',
      'SELECT phi Ann',
      'SELECT clean a-much-longer-name',
      'SELECT clean 4',
    ])
  })

  describe('in a statement that was prepared', () => {
    const prepared = [
      ['by Parse', [encodeParse('s', 'SELECT phi tok1'), encodeSync()]],
      ['by PREPARE', [encodeQuery('PREPARE s AS SELECT phi tok1')]],
    ] as const
    const uses = [
      ['Bind', [bind('', 's'), encodeExecute(''), encodeSync()]],
      ['EXECUTE', [encodeQuery('EXECUTE s')]],
      ['an EXECUTE that is bound', [...run('EXECUTE s'), encodeSync()]],
    ] as const

    it.each(prepared.flatMap(([how, make]) => uses.map(([by, use]) => [how, by, make, use] as const)))(
      '%s, is looked at again by %s under another verdict',
      async (_how, _by, make, use) => {
        const { send, server, gate } = session(gateFor())
        await send(...make)
        gate.generation++
        await send(...use)
        expect(server.executed).toEqual(['SELECT phi Ann'])
        gate.values.set('tok1', 'Bob')
        const other = await send(...use)
        expect(other.find((frame) => frame.startsWith('E'))).toContain('CHP-CATALOG-CHANGED')
        gate.values.delete('tok1')
        expect((await send(...use)).join()).toContain('CHP-CATALOG-CHANGED')
        expect(server.executed).toEqual(['SELECT phi Ann'])
      },
    )

    it.each(uses)('is refused by %s when it may not be there any more', async (_by, use) => {
      const gate = gateFor()
      const { send, server } = session(gate)
      await send(encodeParse('s', 'SELECT phi tok9'), encodeSync())
      gate.generation++
      gate.resolveText = () => new ChaperoneError('CHP-MASK-PREDICATE')
      expect((await send(...use)).join()).toContain('CHP-MASK-PREDICATE')
      expect(server.executed).toEqual([])
    })

    it('is looked at again by FETCH and by Execute of a cursor', async () => {
      const { send, gate, server } = session(gateFor())
      await send(encodeQuery('BEGIN'), encodeQuery('DECLARE c CURSOR FOR SELECT phi tok1'))
      gate.generation++
      expect(types(await send(encodeExecute('c', 1), encodeSync()))).toBe('DsZ')
      expect(types(await send(encodeQuery('FETCH c')))).toBe('TDCZ')
      gate.values.set('tok1', 'Bob')
      expect((await send(encodeQuery('SAVEPOINT a'), encodeQuery('FETCH c'))).join()).toContain('CHP-CATALOG-CHANGED')
      await send(encodeQuery('ROLLBACK TO a'))
      expect((await send(encodeExecute('c', 1), encodeSync())).join()).toContain('CHP-CATALOG-CHANGED')
      expect(server.executed).toEqual(['SELECT phi Ann'])
    })
  })
})

it('a text whose stand-ins are being looked up is forgotten with its session', async () => {
  const gate = new ResolvingGate()
  gate.late = true
  const { client, ended, sent } = session(gate)
  client.push(encodeQuery('SELECT phi tok1'))
  client.destroy()
  await ended
  await settle(6)
  expect(gate.intents).toEqual([])
  expect(sent()).toEqual([])
})

describe('a session that sees everything', () => {
  it('has nothing resolved', async () => {
    const gate = new ResolvingGate({ masked: false })
    const { send, server } = session(gate)
    await send(encodeQuery('SELECT phi tok1'), ...run('SELECT phi bad'), encodeSync())
    expect(server.executed).toEqual(['SELECT phi tok1', 'SELECT phi bad'])
  })
})

/** The messages that the target was sent, as they are. */
function framesOf(bytes: Buffer): readonly { readonly type: string; readonly frame: Buffer }[] {
  const cursor = new FrameCursor('frontend', DEFAULT_FRAME_LIMITS)
  cursor.feed(bytes)
  const frames = []
  while (cursor.next()) {
    const frame = Buffer.from(cursor.buffer.subarray(cursor.start, cursor.end))
    frames.push({ type: String.fromCharCode(cursor.type), frame })
  }
  return frames
}

describe('a stand-in in a parameter', () => {
  const parameter = fc.option(fc.constantFrom('tok1', 'tok2', 'tok3', 'x', ''))

  it('is sent as its value in any combination of formats, and everything else stays', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(parameter, { maxLength: 5 }),
        fc.constantFrom('none', 'one', 'each'),
        fc.array(fc.constantFrom(0, 1), { minLength: 5, maxLength: 5 }),
        fc.array(fc.constantFrom(0, 1), { maxLength: 3 }),
        fc.boolean(),
        async (parameters, style, formats, resultFormats, late) => {
          const parameterFormats =
            style === 'none' ? [] : style === 'one' ? formats.slice(0, 1) : formats.slice(0, parameters.length)
          const gate = new ResolvingGate()
          gate.late = late
          const { relay, client, target } = relayInMemory(gate)
          const ended = relay.run()
          const values = { portal: 'p', statement: 's', parameterFormats, resultFormats }
          client.push(Buffer.concat([encodeParse('s', 'SELECT phi', [23]), encodeBind({ ...values, parameters })]))
          await settle(6)
          const { frame } = framesOf(target.output)[1]!
          const sent = parameters.map((one) => (one === null ? null : (gate.values.get(one) ?? one)))
          expect(frame.equals(encodeBind({ ...values, parameters: sent }))).toBe(true)
          const formatAt = (index: number) => (style === 'none' ? 0 : formats[style === 'one' ? 0 : index])
          if (parameters.length > 0)
            expect(gate.bound).toEqual([
              parameters.map((one, index) => ({
                typeOid: index === 0 ? 23 : 0,
                format: formatAt(index),
                value: one === null ? null : Buffer.from(one),
              })),
            ])
          // As the client sent them.
          expect(gate.requests[0]?.parameters).toEqual(
            parameters.map((one, index) =>
              one === null ? null : formatAt(index) === 1 ? `\\x${Buffer.from(one).toString('hex')}` : one,
            ),
          )
          client.destroy()
          await ended
        },
      ),
      { numRuns: 100 },
    )
  })

  it.each([false, true])('that may not be there refuses the batch (later: %s)', async (late) => {
    const gate = new ResolvingGate()
    gate.late = late
    const { send, server } = session(gate)
    await send(encodeParse('s', 'SELECT phi'), encodeSync())
    const frames = await send(encodeBind({ statement: 's', parameters: ['bad'] }), encodeExecute(''), encodeSync())
    expect(types(frames)).toBe('EZ')
    expect(frames[0]).toContain('CHP-MASK-PREDICATE')
    expect(server.executed).toEqual([])
    expect(types(await send(encodeBind({ statement: 's', parameters: ['tok1'] }), encodeSync()))).toBe('2Z')
  })

  it('has the type that the server has described, where Parse declared none', async () => {
    const gate = new ResolvingGate()
    const { relay, client, target } = relayInMemory(gate)
    const ended = relay.run()
    client.push(Buffer.concat([encodeParse('s', 'SELECT phi', [0, 25]), encodeDescribe('S', 's'), encodeSync()]))
    await settle()
    const described = [encodeParameterDescription([1082, 25]), encodeEmptyBackend('NoData'), encodeReadyForQuery('I')]
    target.push(Buffer.concat([encodeEmptyBackend('ParseComplete'), ...described]))
    await settle()
    client.push(encodeBind({ statement: 's', parameters: ['x', 'y'] }))
    await settle()
    expect(gate.bound[0]?.map(({ typeOid }) => typeOid)).toEqual([1082, 25])
    client.destroy()
    await ended
  })
})

const error = (position: number) =>
  encodeErrorResponse({ severity: 'ERROR', sqlstate: '42703', message: 'x', position: String(position) })
const positionsIn = (bytes: Buffer) =>
  describeFrames('backend', bytes).flatMap((frame) => (/^[EN]:/.test(frame) ? [/\|P(\d+)/.exec(frame)?.[1]] : []))

/** What the client is told of positions in `answer`. */
async function told(question: readonly Buffer[], answer: readonly Buffer[], gate = new ResolvingGate()) {
  const { relay, client, target } = relayInMemory(gate)
  const ended = relay.run()
  client.push(Buffer.concat(question))
  await settle()
  target.push(Buffer.concat(answer))
  await settle()
  client.destroy()
  await ended
  return positionsIn(client.output)
}

describe('positions in errors', () => {
  const READY = encodeReadyForQuery('I')
  // SELECT phi a-much-longer-name x
  const text = 'SELECT phi tok2 x'

  it.each([
    [8, '8'],
    [12, '12'],
    [20, '12'],
    [31, '17'],
  ])('of what was sent (%i) are told as those of what was asked (%s)', async (position, expected) => {
    const notice = encodeNoticeResponse({
      severity: 'NOTICE',
      sqlstate: '00000',
      message: 'x',
      position: String(position),
    })
    expect(await told([encodeQuery(text)], [notice, error(position), READY])).toEqual([expected, expected])
    expect(await told([encodeParse('', text), encodeSync()], [error(position), READY])).toEqual([expected])
    const parsed = encodeEmptyBackend('ParseComplete')
    expect(await told([...run(text), encodeSync()], [parsed, error(position), READY])).toEqual([expected])
    expect(
      await told([encodeParse('s', text), encodeDescribe('S', 's'), encodeSync()], [parsed, error(position), READY]),
    ).toEqual([expected])
  })

  it('are told behind a question about the catalog', async () => {
    const gate = new ResolvingGate({ check: true })
    const { relay, client, target } = relayInMemory(gate)
    const ended = relay.run()
    client.push(encodeQuery(`${text}; SELECT clean`))
    await settle()
    const query = describeFrames('frontend', target.output).find((frame) => frame.startsWith('Q:'))
    const prefix = query?.indexOf('SELECT') ?? 0
    const rows = encodeRowDescription([])
    const asked = [rows, Buffer.from('C\0\0\0\rSELECT 0\0')]
    const closed = Buffer.concat(
      framesOf(target.output).flatMap(({ type }) =>
        type === 'C'
          ? [encodeEmptyBackend('CloseComplete')]
          : type === 'P'
            ? [encodeEmptyBackend('ParseComplete')]
            : [],
      ),
    )
    target.push(Buffer.concat([closed, ...asked, error(prefix - 2 + 31), READY, READY]))
    await settle()
    expect(positionsIn(client.output)).toEqual(['17'])
    client.destroy()
    await ended
  })

  it('are not told where they may be those of a statement that was sent otherwise', async () => {
    const { send, server, target } = session(new ResolvingGate())
    await send(encodeParse('s', text), encodeSync())
    target.onBytes = () => setImmediate(() => target.push(Buffer.concat([error(31), READY])))
    expect((await send(encodeQuery('EXECUTE s'))).join()).not.toMatch(/\|P\d/)
    expect(server.executed).toEqual([])
  })
})
