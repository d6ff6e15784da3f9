import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from './encode.ts'
import { ModelServer, SECRET } from './model-server-test-support.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'

const bind = (portal: string, statement: string): Buffer => encodeBind({ portal, statement })

/** Runs flights of client bytes: the server answers a flight only after all of it has been sent. */
async function attack(flights: readonly (readonly Buffer[])[], gate = new FakeGate()) {
  const { relay, client, target } = relayInMemory(gate)
  const server = new ModelServer()
  const ended = relay.run()
  for (const flight of flights) {
    client.push(Buffer.concat(flight))
    await settle(2)
    // What the gateway holds back until the server has answered comes in later rounds.
    for (let round = 0; round < 100; round++) {
      gate.release()
      const sent = Buffer.concat(target.written.splice(0))
      if (sent.length > 0) target.push(server.take(sent))
      await settle(2)
      if (target.written.length === 0 && !gate.release()) break
    }
  }
  const frames = describeFrames('backend', client.output)
  client.destroy()
  await ended
  return { frames, server, gate, text: client.output.toString('latin1') }
}

describe('what a name stands for', () => {
  it('is not taken from a Parse that the server refuses because the name is taken', async () => {
    const { text, frames } = await attack([
      [encodeParse('s', 'SELECT phi'), encodeSync()],
      [encodeParse('s', 'SELECT clean'), encodeSync(), bind('', 's'), encodeExecute(''), encodeSync()],
    ])
    expect(text).not.toContain(SECRET)
    expect(frames).toContain('D:|***')
  })

  it('is not taken from a chain of refused definitions', async () => {
    const { text } = await attack([
      [encodeParse('s', 'SELECT phi'), encodeSync()],
      [encodeParse('s', 'SELECT clean'), encodeSync(), encodeParse('s', 'SELECT clean'), encodeSync()],
      [bind('', 's'), encodeExecute(''), encodeSync()],
    ])
    expect(text).not.toContain(SECRET)
  })

  it('is not taken from a message that the server passes over after an error', async () => {
    const { text } = await attack([
      [encodeParse('s', 'SELECT phi'), encodeSync()],
      [
        encodeParse('', 'FAIL'),
        bind('', ''),
        encodeExecute(''),
        encodeClose('S', 's'),
        encodeParse('s', 'SELECT clean'),
        encodeSync(),
        bind('', 's'),
        encodeExecute(''),
        encodeSync(),
      ],
    ])
    expect(text).not.toContain(SECRET)
  })

  it('is not taken from a message that was judged while the server reported an error', async () => {
    const gate = new FakeGate({ late: (sql) => sql === 'SELECT clean' })
    const { relay, client, target } = relayInMemory(gate)
    const server = new ModelServer()
    const ended = relay.run()
    const answer = async () => {
      target.push(server.take(Buffer.concat(target.written.splice(0))))
      await settle(2)
    }
    client.push(Buffer.concat([encodeParse('s', 'SELECT phi'), encodeSync()]))
    await settle(2)
    await answer()
    client.push(
      Buffer.concat([encodeParse('', 'FAIL'), bind('', ''), encodeExecute(''), encodeParse('s', 'SELECT clean')]),
    )
    await settle(2)
    await answer()
    gate.release()
    await settle(2)
    client.push(Buffer.concat([encodeSync(), bind('', 's'), encodeExecute(''), encodeSync()]))
    for (let round = 0; round < 4; round++) {
      await settle(2)
      await answer()
    }
    expect(client.output.toString('latin1')).not.toContain(SECRET)
    expect(describeFrames('backend', client.output)).toContain('D:|***')
    client.destroy()
    await ended
  })

  it('is not taken from a PREPARE or DECLARE that was bound and not executed', async () => {
    const { text } = await attack([
      [encodeQuery('PREPARE q AS SELECT phi')],
      [encodeParse('p', 'PREPARE q AS SELECT clean'), bind('never', 'p'), encodeSync()],
      [encodeQuery('EXECUTE q')],
      [encodeQuery('BEGIN'), encodeQuery('DECLARE c CURSOR FOR SELECT phi')],
      [encodeParse('d', 'DECLARE c CURSOR FOR SELECT clean'), bind('never', 'd'), encodeSync()],
      [encodeQuery('FETCH c')],
    ])
    expect(text).not.toContain(SECRET)
  })

  it('is what it was when the portal was bound, or the portal is refused', async () => {
    const { text } = await attack([
      [encodeQuery('PREPARE q AS SELECT clean'), encodeQuery('BEGIN')],
      [encodeParse('e', 'EXECUTE q'), bind('p', 'e'), encodeDescribe('P', 'p'), encodeSync()],
      [encodeQuery('DEALLOCATE q'), encodeQuery('PREPARE q AS SELECT phi')],
      [encodeExecute('p'), encodeSync()],
    ])
    expect(text).not.toContain(SECRET)
  })

  it('is not taken from a simple query that failed, while the next one is on its way', async () => {
    const { text } = await attack([
      [encodeQuery('PREPARE q AS SELECT phi')],
      [encodeQuery('PREPARE q AS SELECT clean'), encodeQuery('EXECUTE q'), encodeQuery('FETCH q')],
    ])
    expect(text).not.toContain(SECRET)
  })

  it('is the same for the server beyond 63 bytes of the name', async () => {
    const long = 'n'.repeat(63)
    const { text } = await attack([
      [encodeParse(`${long}X`, 'SELECT clean'), encodeSync()],
      [encodeClose('S', `${long}Y`), encodeSync()],
      [encodeParse(`${long}Z`, 'SELECT phi'), encodeSync()],
      [bind('', `${long}X`), encodeExecute(''), encodeSync()],
    ])
    expect(text).not.toContain(SECRET)
  })

  it('is that of the portal which is executed, not of the one described last', async () => {
    const { text } = await attack([
      [encodeParse('a', 'SELECT phi'), encodeParse('b', 'SELECT clean'), encodeSync()],
      [
        bind('p1', 'a'),
        encodeDescribe('P', 'p1'),
        bind('p2', 'b'),
        encodeDescribe('P', 'p2'),
        encodeExecute('p1'),
        encodeExecute('p2'),
        encodeSync(),
      ],
    ])
    expect(text).not.toContain(SECRET)
    expect(text).toContain('clean-1')
  })

  it('stays with a name whose redefinition failed', async () => {
    const { frames } = await attack([
      [encodeQuery('PREPARE q AS SELECT clean')],
      [encodeQuery('PREPARE q AS SELECT phi')],
      [encodeQuery('EXECUTE q')],
    ])
    expect(frames.some((frame) => frame.includes('clean-1'))).toBe(true)
  })

  it('is known again when DEALLOCATE and a new definition are pipelined', async () => {
    const { frames } = await attack([
      [encodeQuery('PREPARE q AS SELECT phi')],
      [encodeQuery('DEALLOCATE q'), encodeQuery('PREPARE q AS SELECT clean'), encodeQuery('EXECUTE q')],
      [
        encodeQuery('DISCARD ALL'),
        encodeParse('s', 'SELECT clean'),
        encodeSync(),
        bind('', 's'),
        encodeExecute(''),
        encodeSync(),
      ],
    ])
    expect(frames.filter((frame) => frame.includes('clean-1'))).toHaveLength(2)
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
    fc.constantFrom(
      'EXECUTE s',
      'EXECUTE t',
      'FETCH s',
      'FETCH p',
      'DEALLOCATE s',
      'DEALLOCATE ALL',
      'CLOSE p',
      'CLOSE ALL',
      'DISCARD ALL',
    ),
    fc.constantFrom('BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT x', 'ROLLBACK TO x'),
  )
  const message = fc.oneof(
    {
      weight: 2,
      arbitrary: fc.array(text, { minLength: 1, maxLength: 3 }).map((parts) => encodeQuery(parts.join('; '))),
    },
    { weight: 3, arbitrary: fc.tuple(statement, text).map(([name, sql]) => encodeParse(name, sql)) },
    { weight: 4, arbitrary: fc.tuple(portal, statement).map(([to, from]) => bind(to, from)) },
    { weight: 1, arbitrary: portal.map((name) => encodeDescribe('P', name)) },
    { weight: 1, arbitrary: statement.map((name) => encodeDescribe('S', name)) },
    { weight: 4, arbitrary: fc.tuple(portal, fc.constantFrom(0, 1)).map(([name, rows]) => encodeExecute(name, rows)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('S' as const, 'P' as const), portal)
        .map(([target, name]) => encodeClose(target, name)),
    },
    { weight: 3, arbitrary: fc.constant(encodeSync()) },
  )
  const flights = fc.array(fc.array(message, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 })

  it('shows no secret, answers everything, and leaves an intent for every statement that ran', async () => {
    await fc.assert(
      fc.asyncProperty(flights, fc.boolean(), async (messages, late) => {
        const gate = new FakeGate({
          late: (sql) => late && sql.length % 2 === 0,
          refuse: (sql) => sql === 'INSERT; INSERT',
        })
        const {
          text: seen,
          server,
          frames,
        } = await attack([...messages, [encodeSync()], [encodeQuery('ROLLBACK'), encodeSync()]], gate)
        expect(seen).not.toContain(SECRET)
        expect(frames.at(-1)).toBe('Z:I')
        // A statement that EXECUTE or FETCH runs has its intent under their text.
        const intents = gate.intents.join('\n')
        for (const ran of server.executed) expect(intents.includes(ran) || /EXECUTE|FETCH/.test(intents)).toBe(true)
        expect(gate.open).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

const run = (sql: string, portal: string) => [encodeParse('', sql), bind(portal, ''), encodeExecute(portal)]

describe('names that nobody gives back', () => {
  it('do not fill the session up', async () => {
    const flights = Array.from({ length: 150 }, (_, round) => [
      encodeQuery('BEGIN'),
      encodeQuery(`DECLARE c${round} CURSOR FOR SELECT clean`),
      encodeQuery('COMMIT'),
      ...run('SELECT clean', `p${round}`),
      encodeSync(),
    ])
    for (const masked of [true, false]) {
      const { text } = await attack(flights, new FakeGate({ masked }))
      expect(text).not.toContain('CHP-LIMIT-EXCEEDED')
    }
  })

  it('are bounded where they stay', async () => {
    const { text, frames } = await attack(
      Array.from({ length: 101 }, (_, round) => [encodeParse(`s${round}`, 'SELECT clean'), encodeSync()]),
    )
    expect(text).toContain('CHP-LIMIT-EXCEEDED')
    expect(frames.filter((frame) => frame.startsWith('1'))).toHaveLength(100)
  })
})
