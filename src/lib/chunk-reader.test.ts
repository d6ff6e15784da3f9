import { duplexPair } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { ChunkReader } from './chunk-reader.ts'

function pair() {
  const [near, far] = duplexPair()
  near.on('error', () => undefined)
  return { near, far, reader: new ChunkReader(near) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('ChunkReader', () => {
  it('gives what has come, whether it was there before or comes later', async () => {
    const { far, reader } = pair()
    far.write('one')
    await turn()
    expect((await reader.read())?.toString()).toBe('one')
    const later = reader.read()
    await turn()
    far.write('two')
    expect((await later)?.toString()).toBe('two')
  })

  it('gives null at the end, again and again', async () => {
    const { far, reader } = pair()
    far.end('last')
    expect((await reader.read())?.toString()).toBe('last')
    expect(await reader.read()).toBeNull()
    expect(await reader.read()).toBeNull()
  })

  it('gives null when the stream was closed while or before it waits', async () => {
    const { near, reader } = pair()
    const waiting = reader.read()
    near.destroy()
    expect(await waiting).toBeNull()
    expect(await reader.read()).toBeNull()
  })

  it('rejects when the connection breaks while it waits', async () => {
    const { near, reader } = pair()
    const waiting = reader.read()
    near.destroy(new Error('broken'))
    await expect(waiting).rejects.toThrow('broken')
  })

  it('gives the stream back: no listener stays, and what follows is not lost', async () => {
    const { near, far, reader } = pair()
    const before = near.eventNames().map((name) => [name, near.listenerCount(name)])
    for (let round = 0; round < 30; round++) {
      far.write('x')
      await reader.read()
    }
    expect(near.eventNames().map((name) => [name, near.listenerCount(name)])).toEqual(before)
    far.write('rest')
    await turn()
    const got = new Promise((resolve) => near.once('data', resolve))
    expect(String(await got)).toBe('rest')
  })
})
