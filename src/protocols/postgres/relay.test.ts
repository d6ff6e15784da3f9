import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { SessionEnd } from '../protocol.ts'
import {
  encodeBind,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeCopyResponse,
  encodeDataRow,
  encodeDescribe,
  encodeEmptyBackend,
  encodeErrorResponse,
  encodeExecute,
  encodeFlush,
  encodeFunctionCall,
  encodeNoticeResponse,
  encodeParse,
  encodePassword,
  encodeQuery,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeSync,
  encodeTerminate,
} from './encode.ts'
import { ModelServer } from './model-server-test-support.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'

const bind = (portal: string, statement: string): Buffer => encodeBind({ portal, statement })
const types = (frames: readonly string[]): string => frames.map(([letter]) => letter).join('')

/** A session whose server answers whenever it has been sent something. */
function session(gate = new FakeGate(), options: Parameters<typeof relayInMemory>[1] = {}) {
  const parts = relayInMemory(gate, options)
  const { relay, client, target } = parts
  const server = new ModelServer()
  let end: SessionEnd | undefined
  const ended = relay.run().then((reason) => {
    end = reason
    return reason
  })
  const answer = (bytes: Buffer): void => {
    const reply = server.take(bytes)
    if (reply.length > 0) setImmediate(() => target.push(reply))
  }
  target.onBytes = answer
  const send = async (...messages: Buffer[]): Promise<readonly string[]> => {
    const from = client.output.length
    client.push(Buffer.concat(messages))
    await settle(6)
    return describeFrames('backend', client.output.subarray(from))
  }
  return { ...parts, gate, server, answer, send, ended, end: () => end }
}

const refusing = () => new FakeGate({ refuse: (sql) => sql === 'DROP' })

describe('a refusal', () => {
  it('takes the place of the error of a statement that the server cannot parse', async () => {
    const { send, server, gate } = session(refusing())
    const frames = await send(encodeQuery('DROP'))
    expect(types(frames)).toBe('EZ')
    expect(frames[0]).toContain('CHP-POLICY-REFUSED')
    expect(frames[0]).toContain('C42501')
    expect(server.executed).toEqual([])
    expect(gate.events.map(({ kind }) => kind)).toEqual(['refused'])
  })

  it('in a pipeline drops what follows up to Sync, and what went before is not committed', async () => {
    const { send, server } = session(refusing())
    const frames = await send(
      encodeParse('', 'INSERT'),
      bind('', ''),
      encodeExecute(''),
      encodeParse('', 'DROP'),
      bind('', ''),
      encodeExecute(''),
      encodeQuery('INSERT'),
      encodeSync(),
      encodeParse('', 'SELECT clean'),
      bind('', ''),
      encodeExecute(''),
      encodeSync(),
    )
    expect(types(frames)).toBe('12CEZ12DDCZ')
    expect(server.executed).toEqual(['INSERT', 'SELECT clean'])
  })

  it('in a transaction fails the transaction on the server', async () => {
    const { send } = session(refusing())
    expect((await send(encodeQuery('BEGIN'))).at(-1)).toBe('Z:T')
    expect((await send(encodeQuery('DROP'))).at(-1)).toBe('Z:E')
    expect((await send(encodeQuery('SELECT clean')))[0]).toContain('25P02')
    expect((await send(encodeQuery('ROLLBACK'))).at(-1)).toBe('Z:I')
  })

  it('of a fast-path call leaves the session usable', async () => {
    const { send } = session()
    const call = encodeFunctionCall({ functionOid: 1, argumentFormats: [], arguments: [], resultFormat: 0 })
    const frames = await send(call, encodeQuery('SELECT clean'))
    expect(types(frames)).toBe('EZTDDCZ')
    expect(frames[0]).toContain('CHP-PROTOCOL-UNSUPPORTED')
  })
})

describe('masking', () => {
  it('describes a portal that the client did not, and shows nothing of it', async () => {
    const { send } = session()
    const frames = await send(encodeParse('', 'SELECT phi'), bind('', ''), encodeExecute(''), encodeSync())
    expect(types(frames)).toBe('12DDCZ')
    expect(frames[2]).toContain('***')
  })

  it('keeps the plan of a portal that is executed in pieces', async () => {
    const { send } = session()
    const first = await send(encodeParse('', 'SELECT phi'), bind('', ''), encodeExecute('', 1), encodeFlush())
    expect(types(first)).toBe('12Ds')
    const rest = await send(encodeExecute('', 1), encodeExecute('', 1), encodeSync())
    expect(types(rest)).toBe('DsCZ')
    expect(`${first.join()}${rest.join()}`).not.toContain('SECRET')
  })

  it('does not describe twice, nor at all for a principal who sees everything', async () => {
    const gate = new FakeGate({ masked: false })
    const { relay, client, target } = relayInMemory(gate)
    const done = relay.run()
    client.push(Buffer.concat([encodeParse('', 'SELECT clean'), bind('', ''), encodeExecute(''), encodeSync()]))
    await settle()
    expect(types(describeFrames('frontend', target.output))).toBe('PBES')
    client.destroy()
    await done
  })

  it('ends the session when a row comes that was not described', async () => {
    const { relay, client, target } = relayInMemory(new FakeGate())
    const done = relay.run()
    client.push(Buffer.concat([encodeParse('', 'SELECT phi'), bind('', ''), encodeExecute(''), encodeSync()]))
    await settle()
    const [parsed, bound] = [encodeEmptyBackend('ParseComplete'), encodeEmptyBackend('BindComplete')]
    target.push(Buffer.concat([parsed, bound, encodeEmptyBackend('NoData'), encodeDataRow(['SECRET'])]))
    await settle()
    // NoData says that there are no rows; a server that sends some all the same is not followed.
    expect((await done).reason).toBe('failed')
    expect(client.output.toString()).not.toContain('SECRET')
  })

  it('ends the session when a row has more or fewer cells than its description', async () => {
    for (const cells of [[], ['SECRET', 'SECRET']]) {
      const { relay, client, target } = relayInMemory(new FakeGate())
      const done = relay.run()
      client.push(encodeQuery('SELECT phi'))
      await settle()
      const column = { name: 'x', tableOid: 0, attnum: 0, typeOid: 25, typmod: -1, format: 0 }
      target.push(Buffer.concat([encodeRowDescription([column]), encodeDataRow(cells)]))
      const { reason } = await done
      expect(reason).toBe('protocol-violation')
      await settle()
      expect(client.output.toString()).not.toContain('SECRET')
      expect(client.output.toString()).toContain('CHP-TARGET-LOST')
    }
  })

  it('withholds the texts of errors and notices, also of those that nobody asked for', async () => {
    const { relay, client, target } = relayInMemory(new FakeGate())
    const done = relay.run()
    const report = {
      severity: 'NOTICE',
      sqlstate: '00000',
      message: 'SECRET',
      detail: 'SECRET',
      hint: 'SECRET',
      where: 'SECRET',
    }
    target.push(encodeNoticeResponse(report))
    await settle()
    target.push(encodeErrorResponse({ ...report, severity: 'FATAL', sqlstate: '57P01' }))
    await done
    await settle()
    const frames = describeFrames('backend', client.output)
    expect(types(frames)).toBe('NE')
    expect(frames[1]).toContain('57P01')
    expect(frames.join()).not.toContain('SECRET')
  })
})

const copy = async (masked: boolean) => {
  const { relay, client, target } = relayInMemory(new FakeGate({ masked }))
  const done = relay.run()
  client.push(encodeQuery('SELECT phi'))
  await settle()
  target.push(Buffer.concat([encodeCopyResponse('CopyOutResponse', 0, [0]), encodeCopyData(Buffer.from('SECRET\n'))]))
  await settle()
  client.destroy()
  await done
  return client.output.toString()
}

describe('COPY to the client', () => {
  it('passes no protected data to a masked client, even if it was not refused', async () => {
    expect(await copy(true)).not.toContain('SECRET')
    expect(await copy(false)).toContain('SECRET')
  })
})

describe('COPY from the client', () => {
  it('does not lose data that is sent before the server has answered', async () => {
    const { send, server, target, answer } = session()
    const sent: Buffer[] = []
    target.onBytes = (bytes) => {
      sent.push(bytes)
      answer(bytes)
    }
    const frames = await send(
      encodeQuery('COPY'),
      encodeCopyData(Buffer.from('row\n')),
      encodeCopyDone(),
      encodeQuery('SELECT clean'),
    )
    expect(types(frames)).toBe('GCZTDDCZ')
    expect(types(describeFrames('frontend', Buffer.concat(sent)))).toBe('QdcQ')
    expect(server.executed).toEqual(['COPY', 'SELECT clean'])
  })

  it('by the extended protocol passes over Sync until it has ended', async () => {
    const { send } = session()
    const frames = await send(encodeParse('', 'COPY'), bind('', ''), encodeExecute(''), encodeSync())
    expect(types(frames)).toBe('12G')
    expect(types(await send(encodeCopyData(Buffer.from('row\n')), encodeSync(), encodeCopyDone(), encodeSync()))).toBe(
      'CZ',
    )
    expect(types(await send(encodeQuery('SELECT clean')))).toBe('TDDCZ')
  })

  it('that fails leaves the session usable', async () => {
    const { send } = session()
    await send(encodeQuery('COPY'))
    expect(types(await send(encodeCopyData(Buffer.from('x')), encodeCopyFail('enough')))).toBe('EZ')
    expect(types(await send(encodeCopyData(Buffer.from('late')), encodeCopyDone(), encodeQuery('SELECT clean')))).toBe(
      'TDDCZ',
    )
  })
})

const run = (sql: string) => [encodeParse('', sql), bind('', ''), encodeExecute('')]

describe('the journal', () => {
  it('has the intent before anything is forwarded, durable before an effect, and the response before it is released', async () => {
    const gate = new FakeGate()
    gate.marks.automatic = false
    const { relay, client, target, waiting } = relayInMemory(gate)
    const release = () => {
      for (const writer of waiting) writer.release()
    }
    const done = relay.run()
    client.push(encodeQuery('SELECT clean'))
    await settle()
    expect(target.output).toHaveLength(0)
    gate.marks.written = gate.marks.appended
    release()
    expect(types(describeFrames('frontend', target.output))).toBe('Q')
    target.push(new ModelServer().take(encodeQuery('SELECT clean')))
    await settle()
    gate.marks.written = gate.marks.appended
    release()
    // Written, but the intent is not durable.
    expect(client.output).toHaveLength(0)
    gate.marks.durable = 1
    release()
    expect(types(describeFrames('backend', client.output))).toBe('TDDCZ')

    client.push(encodeQuery('INSERT'))
    await settle()
    gate.marks.written = gate.marks.appended
    release()
    expect(types(describeFrames('frontend', target.output))).toBe('Q')
    gate.marks.durable = gate.marks.appended
    release()
    expect(types(describeFrames('frontend', target.output))).toBe('QQ')
    client.destroy()
    await done
  })

  it('that fails ends the session with its error, and what waited for it never leaves', async () => {
    const gate = new FakeGate()
    gate.marks.automatic = false
    const { relay, client, target, waiting } = relayInMemory(gate)
    const done = relay.run()
    client.push(encodeQuery('INSERT'))
    await settle()
    relay.terminate(new ChaperoneError('CHP-RECORD-FAILED'))
    expect((await done).reason).toBe('terminated')
    gate.marks.catchUp()
    for (const writer of waiting) writer.release()
    await settle()
    expect(target.output).toHaveLength(0)
    expect(describeFrames('backend', client.output)).toHaveLength(1)
    expect(client.output.toString()).toContain('CHP-RECORD-FAILED')
  })

  it('says how transactions of the extended protocol ended', async () => {
    const { send, gate } = session()
    const results = () =>
      gate.events.filter(({ kind }) => kind === 'transaction').map(({ detail }) => detail.split(' ')[0])
    await send(...run('BEGIN'), encodeSync(), ...run('INSERT'), encodeSync(), ...run('ROLLBACK'), encodeSync())
    expect(results().at(-1)).toBe('rolled-back')
    await send(...run('BEGIN'), ...run('INSERT'), ...run('COMMIT'), encodeSync())
    expect(results().at(-1)).toBe('committed')
    await send(...run('INSERT'), encodeSync())
    expect(results().at(-1)).toBe('committed')
    await send(...run('INSERT'), ...run('FAIL'), encodeSync())
    expect(results().at(-1)).toBe('rolled-back')
    await send(...run('BEGIN'), ...run('INSERT'), ...run('ROLLBACK'), ...run('SELECT clean'), encodeSync())
    expect(results().at(-1)).toBe('rolled-back')
    await send(...run('BEGIN'), ...run('INSERT'), encodeQuery('ROLLBACK'))
    expect(results().at(-1)).toBe('rolled-back')
    expect(gate.open).toEqual([])
  })

  it('says how each transaction of one text ended', async () => {
    const { send, gate } = session()
    const seen = () =>
      gate.events.filter(({ kind }) => kind === 'transaction' || kind === 'outcome').map(({ detail }) => detail)
    await send(encodeQuery('BEGIN; INSERT; COMMIT; FAIL'))
    expect(seen()).toEqual(['committed from 1', 'error COMMIT 1 rolled-back'])
    await send(encodeQuery('BEGIN; INSERT; ROLLBACK; SELECT clean'))
    expect(seen().slice(2)).toEqual(['rolled-back from 2', 'ok SELECT 3 committed'])
    await send(encodeQuery('BEGIN'), encodeQuery('ROLLBACK'))
    expect(seen().slice(4)).toEqual(['ok BEGIN 0 open', 'ok ROLLBACK 0 rolled-back'])
  })

  it('takes nothing from a target into its headers that servers do not say', async () => {
    const gate = new FakeGate()
    const { relay, client, target } = relayInMemory(gate)
    const done = relay.run()
    client.push(Buffer.concat([encodeQuery('INSERT'), encodeQuery('INSERT')]))
    await settle()
    target.push(Buffer.concat([encodeCommandComplete('Jane Doe 1'), encodeReadyForQuery('I')]))
    target.push(
      Buffer.concat([
        encodeErrorResponse({ severity: 'ERROR', sqlstate: 'Jane Doe', message: 'x' }),
        encodeReadyForQuery('I'),
      ]),
    )
    await settle()
    expect(gate.events.filter(({ kind }) => kind === 'outcome').map(({ detail }) => detail)).toEqual([
      'ok  1 committed',
      'error  0 rolled-back',
    ])
    client.destroy()
    await done
  })

  it('knows an outcome for everything when the connection ends', async () => {
    const { send, gate, client, ended } = session()
    await send(encodeQuery('BEGIN'), encodeParse('', 'SELECT clean'), bind('kept', ''), encodeFlush())
    client.destroy()
    await ended
    expect(gate.open).toEqual([])
  })
})

describe('an end', () => {
  it('is noticed when the client went away before the session began', async () => {
    const gate = new FakeGate()
    const { relay, client, target } = relayInMemory(gate)
    client.destroy()
    await settle()
    expect((await relay.run()).reason).toBe('client-closed')
    await settle()
    expect(target.writableEnded).toBe(true)
  })

  it('is noticed when the target went away before the session began', async () => {
    const { relay, client, target } = relayInMemory(new FakeGate())
    target.destroy()
    await settle()
    expect((await relay.run()).reason).toBe('target-closed')
    await settle()
    expect(client.output.toString()).toContain('CHP-TARGET-LOST')
  })

  it('by the target waits for the journal, and its last words arrive', async () => {
    const gate = new FakeGate()
    gate.marks.automatic = false
    const { relay, client, target, commit } = relayInMemory(gate)
    let over = false
    const done = relay.run()
    const said = relay.lastWords.then(() => {
      over = true
    })
    client.push(encodeQuery('SELECT clean'))
    await settle()
    commit()
    target.push(encodeErrorResponse({ severity: 'FATAL', sqlstate: '57P01', message: 'bye' }))
    await settle()
    // Whoever closes the socket when the session is over must not do so before this.
    expect(over).toBe(false)
    expect((await done).reason).toBe('target-closed')
    commit()
    await said
    expect(client.output.toString()).toContain('57P01')
    expect(client.writableFinished).toBe(true)
  })

  it('comes for a client that does not read its last words', async () => {
    const { relay, client } = relayInMemory(new FakeGate(), { lastWordsMs: 20 })
    client.stalled = true
    const done = relay.run()
    relay.terminate(new ChaperoneError('CHP-TIMEOUT-IDLE'))
    expect((await done).reason).toBe('terminated')
    await relay.lastWords
    expect(client.destroyed).toBe(true)
  })

  it('by Terminate lets what was sent before it run', async () => {
    const gate = new FakeGate()
    gate.marks.automatic = false
    const { relay, client, target, commit, cancels } = relayInMemory(gate)
    const done = relay.run()
    client.push(Buffer.concat([encodeQuery('INSERT'), encodeTerminate()]))
    await settle()
    expect(target.output).toHaveLength(0)
    commit()
    await done
    expect(types(describeFrames('frontend', target.output))).toBe('QX')
    expect(cancels).toEqual([])
  })

  it('of the client cancels what runs', async () => {
    const { relay, client, cancels } = relayInMemory(new FakeGate())
    const done = relay.run()
    client.push(encodeQuery('SELECT clean'))
    await settle()
    client.push(null)
    expect((await done).reason).toBe('client-closed')
    expect(cancels).toHaveLength(1)
  })

  it('forgets a statement that was being judged', async () => {
    const gate = new FakeGate({ late: (sql) => sql === 'SELECT clean' })
    const { relay, client, target } = relayInMemory(gate)
    const done = relay.run()
    client.push(encodeQuery('SELECT clean'))
    await settle()
    client.destroy()
    await done
    gate.release()
    await settle()
    expect(gate.intents).toEqual([])
    expect(target.output).toHaveLength(0)
  })

  it.each([
    ['a message of no type', Buffer.from([0xff, 0, 0, 0, 4]), 'CHP-PROTOCOL-VIOLATION'],
    ['a password in the middle of a session', encodePassword('x'), 'CHP-PROTOCOL-VIOLATION'],
    ['a length below 4', Buffer.from([0x51, 0, 0, 0, 3]), 'CHP-PROTOCOL-VIOLATION'],
    ['a message that is too long', Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff]), 'CHP-LIMIT-EXCEEDED'],
    ['a statement that is not UTF-8', Buffer.from([0x51, 0, 0, 0, 6, 0xff, 0]), 'CHP-SQL-ENCODING'],
    ['a NUL within a statement', Buffer.from([0x51, 0, 0, 0, 8, 0x41, 0, 0x42, 0]), 'CHP-SQL-ENCODING'],
  ])('comes after %s', async (_, bytes, code) => {
    const { relay, client } = relayInMemory(new FakeGate())
    const done = relay.run()
    client.push(bytes)
    expect((await done).error?.code).toBe(code)
    await settle()
    expect(client.output.toString()).toContain(code)
  })
})

describe('backpressure', () => {
  it('stops reading from a target whose client does not read, and from a client whose target does not', async () => {
    const { relay, client, target } = relayInMemory(new FakeGate({ masked: false }))
    const done = relay.run()
    client.stalled = true
    client.push(encodeQuery('SELECT clean'))
    await settle()
    const row = encodeDataRow([Buffer.alloc(60_000, 0x41)])
    const column = { name: 'x', tableOid: 0, attnum: 0, typeOid: 25, typmod: -1, format: 0 }
    target.push(encodeRowDescription([column]))
    for (let pushed = 0; pushed < 200; pushed++) {
      target.push(row)
      await settle(1)
    }
    expect(target.isPaused()).toBe(true)
    expect(client.writableLength).toBeLessThan(2 * 1024 * 1024)
    client.unstall()
    await settle(20)
    while (client.writableLength > 0) {
      client.unstall()
      await settle(1)
    }
    expect(target.isPaused()).toBe(false)
    client.destroy()
    await done
  })

  it('stops reading from a client that pipelines more than the bound, and ends nobody for it', async () => {
    const { client, ended, end, target, answer } = session(new FakeGate(), { maxPipelined: 100 })
    target.onBytes = undefined
    const many = 30_000
    client.push(Buffer.concat(Array.from({ length: many }, encodeSync)))
    await settle()
    expect(end()).toBeUndefined()
    expect(client.isPaused()).toBe(true)
    for (let round = 0; round < 2000 && describeFrames('backend', client.output).length < many; round++) {
      for (const bytes of target.written.splice(0)) answer(bytes)
      await settle(1)
    }
    expect(describeFrames('backend', client.output)).toHaveLength(many)
    client.destroy()
    await ended
  })
})

async function play(script: readonly Buffer[], cut: (bytes: Buffer) => readonly Buffer[]) {
  const gate = new FakeGate()
  const { relay, client, target } = relayInMemory(gate)
  const server = new ModelServer()
  const done = relay.run()
  target.onBytes = (bytes) => {
    const answer = server.take(bytes)
    for (const piece of cut(answer)) setImmediate(() => target.push(piece))
  }
  for (const message of script) {
    for (const piece of cut(message)) {
      client.push(piece)
      await settle(1)
    }
    await settle(60)
  }
  client.destroy()
  await done
  // How many pieces a response is recorded in depends on the cut; what is recorded of it does not.
  return {
    frames: describeFrames('backend', client.output),
    events: gate.events.filter(({ kind }) => kind !== 'response'),
  }
}

describe('how bytes are cut', () => {
  const scripts: readonly (readonly Buffer[])[] = [
    [encodeQuery('SELECT phi; SELECT clean'), encodeQuery('FAIL'), encodeQuery('')],
    [
      encodeParse('s', 'SELECT phi'),
      bind('', 's'),
      encodeDescribe('P', ''),
      encodeExecute('', 1),
      encodeExecute('', 0),
      encodeSync(),
    ],
    [
      encodeParse('', 'FAIL'),
      bind('', ''),
      encodeExecute(''),
      encodeParse('', 'SELECT phi'),
      encodeSync(),
      encodeQuery('SELECT phi'),
    ],
    [encodeQuery('COPY'), encodeCopyData(Buffer.from('row\n')), encodeCopyDone(), encodeQuery('SELECT clean')],
    [
      encodeQuery('PREPARE q AS SELECT phi'),
      encodeQuery('EXECUTE q; EXECUTE q'),
      encodeQuery('DEALLOCATE q'),
      encodeQuery('EXECUTE q'),
    ],
  ]

  it.each(scripts.map((script, index) => [index, script] as const))('changes nothing (%i)', async (_, script) => {
    const whole = await play(script, (bytes) => [bytes])
    expect(whole.frames.join()).not.toContain('SECRET')
    const single = await play(script, (bytes) => Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)))
    expect(single).toEqual(whole)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 40 }), async (size) => {
        const cut = (bytes: Buffer) =>
          Array.from({ length: Math.ceil(bytes.length / size) }, (_piece, at) =>
            bytes.subarray(at * size, (at + 1) * size),
          )
        expect(await play(script, cut)).toEqual(whole)
      }),
      { numRuns: 5 },
    )
  })
})

describe('replies that no server gives', () => {
  it.each([
    ['CommandComplete for nothing', encodeCommandComplete('SELECT 1')],
    ['ReadyForQuery for nothing', encodeReadyForQuery('I')],
    ['a row for nothing', encodeDataRow(['SECRET'])],
    ['a message of no type', Buffer.from([0xff, 0, 0, 0, 4])],
  ])('end the session: %s', async (_, bytes) => {
    const { relay, client, target } = relayInMemory(new FakeGate())
    const done = relay.run()
    target.push(bytes)
    expect((await done).reason).toBe('protocol-violation')
    await settle()
    expect(client.output.toString()).not.toContain('SECRET')
    expect(client.output.toString()).toContain('CHP-TARGET-LOST')
  })
})
