import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeErrorFields } from './decode.ts'
import {
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeErrorResponse,
  encodeExecute,
  encodeNotificationResponse,
  encodeParse,
  encodeQuery,
  encodeSync,
} from './encode.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { BACKEND } from './messages.ts'
import { ModelServer, SECRET } from './model-server-test-support.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'

const bind = (portal: string, statement: string): Buffer => encodeBind({ portal, statement })

interface Flight {
  readonly bytes: readonly Buffer[]
  /** Whether the catalog is as the gateway expects it while the server answers. */
  readonly asExpected: boolean
}

/** Runs flights of client bytes; the server answers each only when all of it was sent. */
async function attack(flights: readonly Flight[], gate: FakeGate, atSync: Buffer = Buffer.alloc(0)) {
  const { relay, client, target } = relayInMemory(gate)
  const server = new ModelServer()
  server.atSync = atSync
  const ended = relay.run()
  const ranWhileChanged: string[] = []
  for (const { bytes, asExpected } of flights) {
    server.catalogIsAsExpected = asExpected
    const before = server.executed.length
    client.push(Buffer.concat(bytes))
    await settle(2)
    for (let round = 0; round < 100; round++) {
      const sent = Buffer.concat(target.written.splice(0))
      if (sent.length > 0) target.push(server.take(sent))
      await settle(2)
      if (target.written.length === 0) break
    }
    if (!asExpected) ranWhileChanged.push(...server.executed.slice(before))
  }
  const { output } = client
  client.destroy()
  await ended
  return { frames: describeFrames('backend', output), sqlstates: sqlstatesOf(output), server, ranWhileChanged }
}

function sqlstatesOf(output: Buffer): readonly string[] {
  const cursor = new FrameCursor('backend', DEFAULT_FRAME_LIMITS)
  cursor.feed(output)
  const found: string[] = []
  while (cursor.next()) {
    const { type, buffer, body, end } = cursor
    if (type === BACKEND.ErrorResponse) found.push(decodeErrorFields(buffer, body, end).get('C') ?? '')
  }
  return found
}

const checking = () => new FakeGate({ check: true })
const expected = (...bytes: Buffer[]): Flight => ({ bytes, asExpected: true })
const changed = (...bytes: Buffer[]): Flight => ({ bytes, asExpected: false })
const letters = (frames: readonly string[]): string => frames.map(([letter]) => letter).join('')
const extended = (sql: string): Buffer[] => [encodeParse('', sql), bind('', ''), encodeExecute(''), encodeSync()]

describe('a statement whose catalog has changed', () => {
  const ways: readonly (readonly [string, readonly Buffer[], string])[] = [
    ['a simple query', [encodeQuery('SELECT phi')], 'TEZ'],
    ['a simple query that changes something', [encodeQuery('INSERT')], 'EZ'],
    ['several statements', [encodeQuery('SELECT phi; INSERT')], 'EZ'],
    ['the extended protocol', extended('SELECT phi'), '12EZ'],
    [
      'the extended protocol, described',
      [encodeParse('', 'INSERT'), bind('', ''), encodeDescribe('P', ''), encodeExecute(''), encodeSync()],
      '12nEZ',
    ],
  ]
  it.each(ways)('is not run by %s', async (_, bytes, answer) => {
    const gate = checking()
    const { frames, sqlstates, server } = await attack([changed(...bytes), expected(...bytes)], gate)
    expect(server.executed).toEqual(
      bytes.length > 1 || !answer.startsWith('E') ? [expect.any(String)] : expect.any(Array),
    )
    expect(letters(frames).startsWith(answer)).toBe(true)
    expect(sqlstates).toEqual(['40001'])
    expect(frames.join()).not.toContain(SECRET)
    expect(gate.events.filter(({ kind }) => kind === 'schema-changed')).toHaveLength(1)
    expect(gate.open).toEqual([])
  })

  it('fails the transaction that is open', async () => {
    const { frames, sqlstates } = await attack(
      [
        expected(encodeQuery('BEGIN')),
        changed(encodeQuery('SELECT phi')),
        expected(encodeQuery('SELECT phi'), encodeQuery('ROLLBACK')),
      ],
      checking(),
    )
    expect(sqlstates).toEqual(['40001', '25P02'])
    expect(frames.filter((frame) => frame.startsWith('Z'))).toEqual(['Z:T', 'Z:E', 'Z:E', 'Z:I'])
  })

  it('is asked about again when a portal of before a savepoint goes on behind it', async () => {
    const { server } = await attack(
      [
        expected(
          encodeQuery('BEGIN'),
          encodeParse('', 'SELECT phi'),
          bind('p', ''),
          encodeSync(),
          encodeQuery('SAVEPOINT x'),
        ),
        changed(encodeExecute('p'), encodeSync()),
        expected(encodeQuery('ROLLBACK TO x')),
        changed(encodeExecute('p'), encodeSync()),
      ],
      checking(),
    )
    expect(server.executed).toEqual([])
  })

  it('is asked about with a question of its own, whatever the session threw away', async () => {
    const { sqlstates, server } = await attack(
      ['SELECT phi', 'DEALLOCATE ALL', 'SELECT phi', 'DISCARD ALL', 'SELECT phi; SELECT phi'].map((sql) =>
        expected(encodeQuery(sql)),
      ),
      checking(),
    )
    expect(sqlstates).toEqual([])
    expect(server.executed).toHaveLength(4)
  })

  it('is asked about by nobody else', async () => {
    const { sqlstates } = await attack(
      [
        expected(encodeQuery('SELECT phi')),
        expected(encodeClose('S', '_chaperone_check'), encodeSync()),
        expected(encodeParse('_chaperone_check', 'SELECT clean'), encodeSync()),
        expected(encodeParse('s', 'SELECT clean'), bind('_chaperone_check', 's'), encodeSync()),
        expected(encodeQuery('DEALLOCATE _chaperone_check')),
        expected(encodeQuery('PREPARE _chaperone_check AS SELECT clean')),
      ],
      checking(),
    )
    expect(sqlstates).toEqual(Array.from({ length: 5 }, () => '0A000'))
  })

  it('leaves no statement of the gateway under the unnamed one', async () => {
    const { server, sqlstates } = await attack(
      [
        expected(encodeParse('', 'SELECT clean'), encodeSync()),
        expected(encodeQuery('SELECT phi')),
        expected(bind('', ''), encodeExecute(''), encodeSync()),
      ],
      checking(),
    )
    expect(sqlstates).toEqual(['26000'])
    expect(server.executed).toEqual(['SELECT phi'])
  })

  it('does not end a batch of the extended protocol that has failed', async () => {
    const { frames, server } = await attack(
      [
        expected(
          encodeParse('', 'FAIL'),
          bind('', ''),
          encodeExecute(''),
          encodeQuery('SELECT phi'),
          ...extended('INSERT'),
        ),
      ],
      checking(),
    )
    expect(letters(frames)).toBe('12EZ')
    expect(server.executed).toEqual([])
  })
})

describe('the end of a query that was asked about', () => {
  it('is not told when a deferred constraint fails behind it', async () => {
    const gate = checking()
    const fails = encodeErrorResponse({ severity: 'ERROR', sqlstate: '23503', message: SECRET })
    const { frames } = await attack([expected(encodeQuery('INSERT'))], gate, fails)
    expect(letters(frames)).toBe('EZ')
    const told = gate.events.filter(({ kind }) => kind !== 'intent')
    expect(told.map(({ kind, detail }) => `${kind}: ${detail}`)).toEqual(['outcome: error  0 rolled-back'])
  })

  it('is told before what comes behind the commit', async () => {
    const notification = encodeNotificationResponse({ processId: 1, channel: 'channel', payload: '' })
    const { frames } = await attack([expected(encodeQuery('INSERT'))], checking(), notification)
    expect(letters(frames)).toBe('CAZ')
  })

  it('counts the rows of each statement of a text', async () => {
    const gate = checking()
    await attack([expected(encodeQuery('INSERT; SELECT clean; INSERT'))], gate)
    expect(gate.events.at(-1)?.detail).toBe('ok INSERT 4 committed')
  })
})

describe('any order of messages', () => {
  const statement = fc.constantFrom('', 's', 't')
  const portal = fc.constantFrom('', 's', 'p')
  const plain = fc.constantFrom('SELECT phi', 'SELECT clean', 'FAIL', 'INSERT')
  const text = fc.oneof(
    { weight: 3, arbitrary: plain },
    fc
      .tuple(fc.constantFrom('PREPARE s AS ', 'PREPARE t AS ', 'DECLARE s CURSOR FOR ', 'DECLARE p CURSOR FOR '), plain)
      .map((parts) => parts.join('')),
    fc.constantFrom('EXECUTE s', 'EXECUTE t', 'FETCH s', 'FETCH p', 'DEALLOCATE ALL', 'CLOSE ALL', 'DISCARD ALL'),
    fc.constantFrom('BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT x', 'ROLLBACK TO x'),
  )
  const texts = fc.array(text, { minLength: 1, maxLength: 3 })
  // Behind the end of a transaction, or a savepoint that takes locks away, nothing is asked about: that is refused.
  const coveredTexts = texts.filter((parts) => !parts.slice(0, -1).some((part) => /^(COMMIT|ROLLBACK)/.test(part)))
  const messageOf = (query: fc.Arbitrary<readonly string[]>) =>
    fc.oneof(
      { weight: 4, arbitrary: query.map((parts) => encodeQuery(parts.join('; '))) },
      { weight: 3, arbitrary: fc.tuple(statement, text).map(([name, sql]) => encodeParse(name, sql)) },
      { weight: 4, arbitrary: fc.tuple(portal, statement).map(([to, from]) => bind(to, from)) },
      { weight: 1, arbitrary: portal.map((name) => encodeDescribe('P', name)) },
      { weight: 1, arbitrary: statement.map((name) => encodeDescribe('S', name)) },
      {
        weight: 4,
        arbitrary: fc.tuple(portal, fc.constantFrom(0, 1)).map(([name, rows]) => encodeExecute(name, rows)),
      },
      { weight: 3, arbitrary: fc.constant(encodeSync()) },
    )
  const flightsOf = (query: fc.Arbitrary<readonly string[]>) =>
    fc.array(fc.tuple(fc.array(messageOf(query), { minLength: 1, maxLength: 8 }), fc.boolean()), {
      minLength: 1,
      maxLength: 5,
    })
  const END = [expected(encodeSync()), expected(encodeQuery('ROLLBACK'), encodeSync())]

  it('is answered as if nobody had asked, while the catalog is as expected', async () => {
    await fc.assert(
      fc.asyncProperty(flightsOf(coveredTexts), async (messages) => {
        const all = [...messages.map(([bytes]) => expected(...bytes)), ...END]
        const asked = await attack(all, checking())
        const plainly = await attack(all, new FakeGate())
        expect(letters(asked.frames)).toBe(letters(plainly.frames))
        expect(asked.frames.filter((frame) => !frame.startsWith('E'))).toEqual(
          plainly.frames.filter((frame) => !frame.startsWith('E')),
        )
        expect(asked.server.executed).toEqual(plainly.server.executed)
      }),
      { numRuns: 300 },
    )
  })

  it('runs nothing while it is not', async () => {
    await fc.assert(
      fc.asyncProperty(flightsOf(texts), async (messages) => {
        const gate = checking()
        const all = messages.map(([bytes, asExpected]) => ({ bytes, asExpected }))
        const { frames, ranWhileChanged } = await attack([...all, ...END], gate)
        expect(ranWhileChanged).toEqual([])
        expect(frames.join()).not.toContain(SECRET)
        expect(frames.at(-1)).toBe('Z:I')
        expect(gate.open).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})
