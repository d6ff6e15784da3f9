import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { Admitted, Execution, HoldEnd, Permit } from '../protocol.ts'
import {
  encodeBind,
  encodeCopyData,
  encodeCopyDone,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  encodeSync,
  encodeTerminate,
} from './encode.ts'
import { FakeGate, settle } from './relay-test-support.ts'
import { servedRelay } from './served-relay-test-support.ts'

const ROUNDS = 12
const types = (frames: readonly string[]): string => frames.map(([letter]) => letter).join('')
const errorIn = (frames: readonly string[]): string => frames.find((frame) => frame.startsWith('E')) ?? ''

interface Waiting {
  readonly execution: Execution
  readonly decide: (admitted: Admitted) => void
}

/** Holds what says `INSERT` or `COPY` until the test decides. */
class HoldingGate extends FakeGate {
  readonly waiting: Waiting[] = []
  readonly ends: HoldEnd[] = []
  /** Of every execution that was asked about: how often it was asked about before, and whether in a transaction. */
  readonly asked: string[] = []
  passedOver = 0
  lapsed = false

  override admit(execution: Execution): Admitted | Promise<Admitted> {
    const { verdict, sql } = execution
    if (!/INSERT|COPY/.test(sql)) return { verdict }
    return this.#hold(execution)
  }

  override stillAdmitted(_permit: Permit): ChaperoneError | undefined {
    return this.lapsed ? new ChaperoneError('CHP-APPROVAL-PENDING') : undefined
  }

  async #hold(execution: Execution): Promise<Admitted> {
    if (!(await execution.hold())) {
      this.passedOver++
      return execution.attempt > 3 ? new ChaperoneError('CHP-CATALOG-CHANGED') : 'renew'
    }
    this.asked.push(`${execution.sql} ${execution.attempt} ${execution.inTransaction() ? 'inside' : 'outside'}`)
    execution.say({ message: 'waiting', hint: 'here' })
    return new Promise((resolve) => {
      this.waiting.push({ execution, decide: resolve })
      execution.signal.addEventListener('abort', () => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the protocol says
        this.ends.push(execution.signal.reason as HoldEnd)
        resolve(new ChaperoneError('CHP-APPROVAL-WITHDRAWN'))
      })
    })
  }

  approve(): void {
    const next = this.waiting.shift()
    next?.decide({ verdict: next.execution.verdict })
  }

  decide(admitted: Admitted): void {
    this.waiting.shift()?.decide(admitted)
  }
}

const served = (settings: ConstructorParameters<typeof FakeGate>[0] = {}) => {
  const gate = new HoldingGate(settings)
  const session = servedRelay(gate, ROUNDS)
  return {
    ...session,
    gate,
    /** What the client gets while `act` and what follows from it happens. */
    after: async (act: () => void): Promise<string> => {
      const from = session.client.output.length
      act()
      await settle(ROUNDS)
      return session.client.output.subarray(from).toString('latin1')
    },
  }
}

const run = (sql: string): readonly Buffer[] => [encodeParse('', sql), encodeBind(), encodeExecute('')]

describe('an operation that is held', () => {
  it.each([
    ['a simple query', [encodeQuery('INSERT')], 'N'],
    ['one that is bound', [...run('INSERT'), encodeSync()], '1N'],
  ])('tells the client at once, is not run before it may be, and answers then: %s', async (_, messages, told) => {
    const { send, server, gate, relay, after } = served()
    const frames = await send(...messages)
    expect(types(frames)).toBe(told)
    expect(frames.at(-1)).toMatch(/C01000.*Mwaiting.*Hhere/)
    expect(server.executed).toEqual([])
    expect(gate.intents).toEqual([])
    expect(relay.state).toBe('held')
    expect(await after(() => gate.approve())).toContain('INSERT 0 1')
    expect(server.executed).toEqual(['INSERT'])
    expect(gate.intents).toEqual(['INSERT'])
    expect(relay.state).toBe('idle')
  })

  it('gives the client the answers to everything before it first', async () => {
    const { send, server } = served()
    // A server keeps its answers until Sync or Flush.
    const frames = await send(...run('SELECT clean'), ...run('INSERT'), encodeSync())
    expect(types(frames)).toBe('12DDC1N')
    expect(server.executed).toEqual(['SELECT clean'])
  })

  it('keeps what comes behind it in order', async () => {
    const { send, server, gate, after } = served()
    await send(...run('INSERT'), encodeSync(), encodeQuery('SELECT clean'), encodeQuery('INSERT'))
    expect(server.executed).toEqual([])
    await after(() => gate.approve())
    expect(server.executed).toEqual(['INSERT', 'SELECT clean'])
    expect(gate.waiting).toHaveLength(1)
    // It arrives while the client waits.
    await send(encodeQuery('SELECT phi'))
    expect(server.executed).toEqual(['INSERT', 'SELECT clean'])
    await after(() => gate.approve())
    expect(server.executed).toEqual(['INSERT', 'SELECT clean', 'INSERT', 'SELECT phi'])
  })

  it('is judged again from the beginning when time has passed', async () => {
    const { send, server, gate, after } = served()
    await send(...run('INSERT'), encodeSync())
    await after(() => gate.decide('renew'))
    await after(() => gate.decide('renew'))
    expect(gate.asked).toEqual(['INSERT 0 outside', 'INSERT 1 outside', 'INSERT 2 outside'])
    await after(() => gate.approve())
    expect(server.executed).toEqual(['INSERT'])
    expect(gate.intents).toEqual(['INSERT'])
  })

  it.each([
    ['a simple query', [encodeQuery('INSERT')]],
    ['one that is bound', [...run('INSERT'), encodeSync()]],
  ])('that is refused at last fails as an error of the server does: %s', async (_, messages) => {
    const { send, server, gate, after } = served()
    expect((await send(encodeQuery('BEGIN'))).at(-1)).toBe('Z:T')
    await send(...messages)
    expect(gate.asked).toEqual(['INSERT 0 inside'])
    const answer = await after(() => gate.decide(new ChaperoneError('CHP-APPROVAL-REFUSED')))
    expect(answer).toContain('CHP-APPROVAL-REFUSED')
    expect((await send(encodeQuery('SELECT clean')))[0]).toContain('25P02')
    expect((await send(encodeQuery('COMMIT'))).at(-1)).toBe('Z:I')
    expect(server.executed.filter((one) => one === 'INSERT')).toEqual([])
  })

  it('drops the rest of its pipeline when it is refused', async () => {
    const { send, server, gate, after } = served()
    await send(
      ...run('SELECT clean'),
      ...run('INSERT'),
      ...run('SELECT phi'),
      encodeSync(),
      encodeQuery('SELECT clean'),
    )
    const answer = await after(() => gate.decide(new ChaperoneError('CHP-APPROVAL-PENDING')))
    expect(answer).toContain('CHP-APPROVAL-PENDING')
    expect(server.executed).toEqual(['SELECT clean', 'SELECT clean'])
  })

  it('is not asked about when the server passes over it', async () => {
    const { send, server, gate } = served()
    const frames = await send(...run('FAIL'), ...run('INSERT'), encodeSync(), encodeQuery('SELECT clean'))
    expect(types(frames)).toBe('12EZTDDCZ')
    expect(gate.asked).toEqual([])
    expect(server.executed).not.toContain('INSERT')
  })

  it('is known to be inside what its own pipeline has begun', async () => {
    const { send, gate } = served()
    await send(...run('BEGIN'), ...run('INSERT'), encodeSync())
    expect(gate.asked).toEqual(['INSERT 0 inside'])
  })

  it('holds a COPY before the client is asked for rows', async () => {
    const { send, server, gate, after } = served()
    const frames = await send(encodeQuery('COPY'))
    expect(types(frames)).toBe('N')
    expect(await after(() => gate.approve())).toMatch(/^G/)
    await send(encodeCopyData(Buffer.from('x\n')), encodeCopyDone())
    expect(server.executed).toEqual(['COPY'])
  })

  it('ends the session when it comes during a COPY, as any query does', async () => {
    const { send, gate, ended } = served()
    const { waiting } = gate
    await send(encodeQuery('COPY'))
    gate.approve()
    await settle(ROUNDS)
    await send(encodeQuery('INSERT'))
    expect(await ended).toMatchObject({ reason: 'protocol-violation' })
    expect(waiting).toEqual([])
  })

  it('refuses at Execute what was admitted for other settings', async () => {
    const { send, server, gate, after } = served()
    await send(encodeParse('', 'INSERT'), encodeBind(), encodeFlush())
    await after(() => gate.approve())
    gate.lapsed = true
    const frames = await send(encodeExecute(''), encodeSync())
    expect(errorIn(frames)).toContain('CHP-APPROVAL-PENDING')
    expect(server.executed).toEqual([])
  })
})

describe('a client that waits', () => {
  it('withdraws by a cancel request, which the target never sees', async () => {
    const { send, server, gate, relay, cancels, after } = served()
    await send(encodeQuery('INSERT'))
    const answer = await after(() => expect(relay.withdraw()).toBe(true))
    expect(answer).toContain('CHP-APPROVAL-WITHDRAWN')
    expect(answer).toContain('C57014')
    expect(gate.ends).toEqual(['cancelled'])
    expect(cancels).toEqual([])
    expect(types(await send(encodeQuery('SELECT clean')))).toBe('TDDCZ')
    expect(server.executed).toEqual(['SELECT clean'])
  })

  it('withdraws nothing when it does not wait', async () => {
    const { send, relay, cancels } = served()
    await send(encodeQuery('SELECT clean'))
    expect(relay.withdraw()).toBe(false)
    relay.cancel()
    expect(cancels).toHaveLength(1)
  })

  it.each([
    ['closes its connection', (client: { push: (bytes: null) => void }) => client.push(null), 'gone'],
    ['breaks it', (client: { destroy: () => void }) => client.destroy(), 'gone'],
  ] as const)('withdraws when it %s', async (_, go, expected) => {
    const { send, server, gate, client, ended, cancels } = served()
    await send(encodeQuery('INSERT'))
    go(client)
    expect(await ended).toMatchObject({ reason: 'client-closed' })
    expect(gate.ends).toEqual([expected])
    expect(cancels).toEqual([])
    await settle(ROUNDS)
    expect(server.executed).toEqual([])
    expect(gate.intents).toEqual([])
  })

  it('withdraws when it says good-bye and closes', async () => {
    const { send, gate, client, ended } = served()
    await send(encodeQuery('INSERT'), encodeTerminate())
    client.push(null)
    await ended
    expect(gate.ends).toEqual(['gone'])
  })

  it('leaves its request when the session is ended by others, or the target goes', async () => {
    const one = served()
    await one.send(encodeQuery('INSERT'))
    one.relay.terminate(new ChaperoneError('CHP-SESSION-TERMINATED'))
    expect(await one.ended).toMatchObject({ reason: 'terminated' })
    expect(one.gate.ends).toEqual(['ended'])
    expect(one.client.output.toString('latin1')).toContain('CHP-SESSION-TERMINATED')

    const other = served()
    await other.send(encodeQuery('INSERT'))
    other.target.destroy()
    expect(await other.ended).toMatchObject({ reason: 'target-closed' })
    expect(other.gate.ends).toEqual(['ended'])
    expect(other.client.output.toString('latin1')).toContain('CHP-TARGET-LOST')
    expect(other.server.executed).toEqual([])
  })

  it('is read on only so far', async () => {
    const { send, client } = served()
    await send(encodeQuery('INSERT'))
    expect(client.isPaused()).toBe(false)
    for (let piece = 0; piece < 30; piece++) {
      client.push(encodeQuery(`SELECT ${'x'.repeat(100_000)}`))
      await settle(1)
    }
    expect(client.isPaused()).toBe(true)
  })

  it('counts the time of its statement from when it runs', async () => {
    const { send, gate, relay, tick, after } = served()
    await send(encodeQuery('INSERT'))
    tick(60_000)
    await after(() => gate.approve())
    expect(relay.since).toBe(60_000)
  })
})
