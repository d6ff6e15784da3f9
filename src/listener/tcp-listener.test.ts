import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates } from '../../demo/certificates.ts'
import { ChunkReader } from '../lib/chunk-reader.ts'
import type { Wire } from '../lib/wire.ts'
import { type Listener, type ListenerOptions, listen } from './tcp-listener.ts'

let directory: string
let tls: { readonly certificate: string; readonly key: string }
let listener: Listener | undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
  const files = await makeCertificates(directory)
  tls = { certificate: await readFile(files.serverCertFile, 'utf8'), key: await readFile(files.serverKeyFile, 'utf8') }
})
afterAll(() => rm(directory, { recursive: true, force: true }))
afterEach(async () => {
  await listener?.close()
  listener = undefined
})

async function open(
  serve: (wire: Wire) => Promise<void>,
  options: Partial<ListenerOptions> = {},
  turnAway: (wire: Wire) => Promise<void> = async () => undefined,
): Promise<Listener> {
  const all = { host: '127.0.0.1', port: 0, tls, maxConnections: 10, maxConnectionsPerAddress: 10, ...options }
  listener = await listen(all, serve, turnAway)
  return listener
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Reads a first piece and then nothing until the stream has closed, as while a login waits for somebody else. */
const unread = (seen: (wire: Wire) => void) => async (wire: Wire) => {
  const secure = await wire.startTls()
  const closed = new Promise<void>((resolve) => secure.stream.once('close', resolve))
  await new ChunkReader(secure.stream).read()
  seen(secure)
  await closed
}
const secured = async (port: number) => {
  const socket = await dial(port)
  const client = connectTls({ socket, rejectUnauthorized: false })
  client.on('error', () => undefined)
  await once(client, 'secureConnect')
  client.write('first')
  return socket
}
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : expect.fail('no port')
}

describe('a TLS connection', () => {
  it('that is reset while nobody reads from it ends by itself', async () => {
    const wires: Wire[] = []
    const { port } = await open(unread((wire) => wires.push(wire)))
    const socket = await secured(port)
    await until(() => wires.length === 1)
    socket.resetAndDestroy()
    await until(() => wires[0]?.stream.destroyed === true)
    expect(wires[0]?.stream.destroyed).toBe(true)
  })

  it('that turns into garbage while nobody reads from it ends by itself', async () => {
    const wires: Wire[] = []
    const { port } = await open(unread((wire) => wires.push(wire)))
    const upstream = await dial(port)
    const between = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => upstream.write(chunk))
      upstream.on('data', (chunk: Buffer) => socket.write(chunk))
      upstream.on('close', () => socket.destroy())
    })
    between.listen(0, '127.0.0.1')
    await once(between, 'listening')
    await secured(portOf(between))
    await until(() => wires.length === 1)
    // Under the TLS layer: a record that cannot be decrypted.
    upstream.write(Buffer.from([0x17, 0x03, 0x03, 0x00, 0x20, ...Buffer.alloc(32, 0x41)]))
    await until(() => wires[0]?.stream.destroyed === true)
    between.close()
    expect(wires[0]?.stream.destroyed).toBe(true)
  })

  it('that is closed within its handshake is an error for the one who waits', async () => {
    const failures: unknown[] = []
    const { port } = await open(async (wire) => {
      await wire.startTls().catch((error: unknown) => failures.push(error))
    })
    const socket = await dial(port)
    socket.write(Buffer.from([0x16, 0x03, 0x01]))
    socket.end()
    await once(socket, 'close')
    while (failures.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(failures[0]).toBeInstanceOf(Error)
  })

  it('is refused where there is no certificate', async () => {
    const failures: unknown[] = []
    const { port } = await open(
      async (wire) => {
        await wire.startTls().catch((error: unknown) => failures.push(error))
      },
      { tls: undefined },
    )
    const socket = await dial(port)
    await once(socket, 'close')
    expect(failures).toHaveLength(1)
  })

  it('takes bytes that were sent in clear behind the request for a handshake that fails, never for data', async () => {
    const got: Buffer[] = []
    let failure: unknown
    const { port } = await open(async (wire) => {
      await once(wire.stream, 'readable')
      wire.stream.read(8)
      const secure = await wire.startTls().catch((error: unknown) => {
        failure = error
      })
      secure?.stream.on('data', (chunk: Buffer) => got.push(chunk))
    })
    const socket = await dial(port)
    socket.write(Buffer.from('12345678select 1; injected in clear'))
    await once(socket, 'close')
    expect(failure).toBeInstanceOf(Error)
    expect(got).toEqual([])
  })
})

/** As the PostgreSQL protocol begins it (sslnegotiation=direct), and says back what it is told. */
const direct = (failures: unknown[]) => async (wire: Wire) => {
  const received = await new ChunkReader(wire.stream).read()
  const start = { protocol: 'postgresql', mustBeNamed: true, received: received ?? Buffer.alloc(0) }
  try {
    const secure = await wire.startTls(start)
    secure.stream.write((await new ChunkReader(secure.stream).read()) ?? '')
  } catch (error) {
    failures.push(error)
  }
}

describe('TLS whose first bytes were read already', () => {
  it('goes on from them with a client that names the protocol', async () => {
    const failures: unknown[] = []
    const { port } = await open(direct(failures))
    const client = connectTls({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['x', 'postgresql'],
    })
    client.write('hello')
    const [answer] = await once(client, 'data')
    expect([String(answer), client.alpnProtocol]).toEqual(['hello', 'postgresql'])
    expect(failures).toEqual([])
    client.destroy()
  })

  it.each([
    ['names none', undefined],
    ['names another', ['http/1.1']],
  ])('ends with a client that %s', async (_, protocols) => {
    const failures: unknown[] = []
    const { port } = await open(direct(failures))
    const client = connectTls({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(protocols && { ALPNProtocols: protocols }),
    })
    const got: Buffer[] = []
    client.on('data', (chunk: Buffer) => got.push(chunk))
    client.on('error', () => undefined)
    client.write('hello')
    await new Promise((resolve) => client.once('close', resolve))
    await until(() => failures.length > 0)
    expect(failures[0]).toBeInstanceOf(Error)
    expect(got).toEqual([])
  })

  it('has no second handshake, as a server has none: each costs it more than the client', async () => {
    const { port } = await open(direct([]))
    const client = connectTls({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['postgresql'],
      maxVersion: 'TLSv1.2',
    })
    client.on('error', () => undefined).resume()
    await once(client, 'secureConnect')
    const outcome = await new Promise<unknown>((resolve) => {
      client.once('error', resolve)
      client.renegotiate({}, (error) => resolve(error ?? 'renegotiated'))
      setTimeout(() => resolve('no answer'), 2000).unref()
    })
    client.destroy()
    expect(outcome).toBeInstanceOf(Error)
  })

  it('works with a client whose handshake comes byte by byte', async () => {
    const failures: unknown[] = []
    const { port } = await open(direct(failures))
    const between = createServer((socket) => {
      const upstream = connect(port, '127.0.0.1')
      upstream.setNoDelay(true)
      socket.on('data', (chunk: Buffer) => {
        for (const byte of chunk) upstream.write(Buffer.from([byte]))
      })
      upstream.on('data', (chunk: Buffer) => socket.write(chunk))
      upstream.on('close', () => socket.destroy())
      socket.on('close', () => upstream.destroy())
    })
    between.listen(0, '127.0.0.1')
    await once(between, 'listening')
    const client = connectTls({
      port: portOf(between),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['postgresql'],
    })
    client.write('hello')
    const [answer] = await once(client, 'data')
    expect(String(answer)).toMatch(/^h/)
    client.destroy()
    between.close()
  })
})

describe('limits', () => {
  it('turn away what is beyond them, in all and for one address, and count down again', async () => {
    const turned: Wire[] = []
    const finish: (() => void)[] = []
    const opened = await open(
      () => new Promise((resolve) => finish.push(resolve)),
      { maxConnectionsPerAddress: 2 },
      async (wire) => {
        turned.push(wire)
      },
    )
    const sockets = [await dial(opened.port), await dial(opened.port)]
    while (finish.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const third = await dial(opened.port)
    await once(third, 'close')
    expect(turned).toHaveLength(1)
    expect(opened.connections).toBe(2)
    for (const done of finish) done()
    await Promise.all(sockets.map((socket) => once(socket, 'close')))
    while (opened.connections > 0) await new Promise((resolve) => setImmediate(resolve))
    const fourth = await dial(opened.port)
    while (finish.length < 3) await new Promise((resolve) => setImmediate(resolve))
    expect(turned).toHaveLength(1)
    finish[2]?.()
    await once(fourth, 'close')
  })

  it('a serve that rejects closes the connection and nothing else', async () => {
    const { port } = await open(() => Promise.reject(new Error('boom')))
    const socket = await dial(port)
    await once(socket, 'close')
    const again = await dial(port)
    await once(again, 'close')
  })
})
