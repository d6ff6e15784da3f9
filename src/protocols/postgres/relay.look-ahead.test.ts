import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { encodeDataRow, encodeQuery } from './encode.ts'
import {
  asked,
  answered,
  description,
  Fetched,
  LackingGate,
  READY,
  result,
  rowsOf,
  types,
} from './lacking-test-support.ts'
import { relayInMemory, settle } from './relay-test-support.ts'

/** The same for many values, none of which is looked for twice. */
class Replacements extends Fetched {
  readonly #there = new Set<string>()
  readonly #missing = new Set<string>()
  #bytes = 0
  waits = 0

  override get isLacking(): boolean {
    return this.#missing.size > 0
  }

  override get lackingBytes(): number {
    return this.#bytes
  }

  override readonly replace = (value: string): string | null => {
    if (this.#there.has(value)) return `<${value}>`
    this.#missing.add(value)
    this.#bytes += value.length + 16
    return null
  }

  override async settle(): Promise<void> {
    this.waits++
    await new Promise((resolve) => setTimeout(resolve, 2))
    for (const value of this.#missing) this.#there.add(value)
    this.#missing.clear()
    this.#bytes = 0
  }
}

describe('how far is looked ahead', () => {
  it('is bounded by the bytes of rows, and the target waits', async () => {
    const gate = new LackingGate()
    const session = await asked(gate, encodeQuery('SELECT phi'))
    const { promise, resolve } = Promise.withResolvers<void>()
    gate.pending.until = () => promise
    session.target.push(Buffer.concat([description, ...rowsOf(['a'])]))
    const chunk = Buffer.concat(Array.from({ length: 16 }, () => encodeDataRow([`A${'a'.repeat(60_000)}`])))
    let pushed = 0
    for (; pushed < 40 && !session.target.isPaused(); pushed++) {
      session.target.push(chunk)
      session.target.read(0)
    }
    await settle()
    expect(gate.pending.fetches).toEqual([['a']])
    expect(session.target.isPaused()).toBe(true)
    resolve()
    await settle(20)
    session.client.destroy()
    await session.ended
  })

  it('is bounded by what is missing', async () => {
    const gate = new LackingGate()
    const values = Array.from({ length: 24 }, (_, at) => `${String.fromCharCode(97 + at)}${'x'.repeat(100_000)}`)
    const session = await answered([encodeQuery('SELECT phi')], [...result(...values), READY], undefined, gate)
    expect(gate.pending.fetches.map(({ length }) => length)).toEqual([11, 11, 2])
    expect(types(session.frames)).toBe(`T${'D'.repeat(24)}CZ`)
  })

  it('makes a long result of new values wait few times', async () => {
    const count = 100_000
    const values = Array.from({ length: count }, (_, at) => `value-${at}`)
    const answer = Buffer.concat([...result(...values), READY])
    const server = createServer((socket) => socket.once('data', () => socket.write(answer)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const target = connect(address.port, '127.0.0.1')
    await once(target, 'connect')
    const pending = new Replacements()
    const gate = new LackingGate(pending)
    const { relay, client } = relayInMemory(gate, { target })
    let received = 0
    client.onBytes = (bytes) => {
      received += bytes.length
    }
    const ended = relay.run()
    client.push(encodeQuery('SELECT phi'))
    await new Promise((resolve) => setTimeout(resolve, 1))
    while (relay.state === 'active') await new Promise((resolve) => setTimeout(resolve, 5))
    expect(received).toBe(answer.length + 2 * count)
    expect(pending.waits).toBeLessThanOrEqual(50)
    client.destroy()
    await ended
    target.destroy()
    server.close()
  })
})
