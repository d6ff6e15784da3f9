import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { makeCertificates } from '../../demo/certificates.ts'
import { SyslogSender } from './syslog-sender.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Frames of RFC 6587, section 3.4.1, as a receiver splits them. */
function frames(text: string): readonly string[] {
  const found: string[] = []
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const space = rest.indexOf(0x20)
    const length = Number(rest.subarray(0, space).toString())
    expect(Number.isInteger(length) && rest.length >= space + 1 + length).toBe(true)
    found.push(rest.subarray(space + 1, space + 1 + length).toString())
    rest = rest.subarray(space + 1 + length)
  }
  return found
}

function receiver(server: Server) {
  const received: string[] = []
  const sockets = new Set<Socket>()
  const take = (socket: Socket) => {
    sockets.add(socket)
    const at = received.push('') - 1
    socket.on('data', (data) => {
      received[at] += data.toString()
    })
    socket.on('error', () => undefined)
  }
  server.on('connection', take)
  return { received, sockets }
}

async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : expect.fail('no port')
}

function sender(transport: 'udp' | 'tcp' | 'tls', port: number, ca?: string, host = '127.0.0.1') {
  const failures: string[] = []
  const made = new SyslogSender({
    target: { transport, host, port, ca },
    onFailure: (reason) => failures.push(reason),
    firstRetryMs: 20,
  })
  cleanups.push(() => made.close())
  return { made, failures }
}

describe('syslog', () => {
  it('goes over UDP, one message a datagram', async () => {
    const socket = createSocket('udp4')
    const received: string[] = []
    socket.on('message', (message) => received.push(message.toString()))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    cleanups.push(() => socket.close())
    const { made } = sender('udp', socket.address().port)
    for (const text of ['one', 'zwei ü']) made.send(Buffer.from(text))
    await vi.waitFor(() => expect(received.toSorted()).toEqual(['one', 'zwei ü']))
  })

  it('goes over TCP with octet counting, also what came before there was a receiver', async () => {
    const port = await listening(createServer())
    for (const cleanup of cleanups.splice(0)) cleanup()
    const { made, failures } = sender('tcp', port)
    for (let index = 0; index < 50; index++) made.send(Buffer.from(`before ${index}`))
    await vi.waitFor(() => expect(failures).toEqual(['ECONNREFUSED']))
    const server = createServer()
    const { received } = receiver(server)
    await listening(server, port)
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 5000 })
    made.send(Buffer.from('after ü'))
    await vi.waitFor(() => expect(frames(received[0] ?? '').at(-1)).toBe('after ü'))
    expect(frames(received[0] ?? '').slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, index) => `before ${index}`))
  })

  it('connects again when the receiver has gone', async () => {
    const server = createServer()
    const { received, sockets } = receiver(server)
    const { made } = sender('tcp', await listening(server))
    made.send(Buffer.from('one'))
    await vi.waitFor(() => expect(received.join('')).toBe('3 one'))
    for (const socket of sockets) socket.destroy()
    await vi.waitFor(() => {
      made.send(Buffer.from('two'))
      expect(received.slice(1).join('')).toContain('3 two')
    })
  })

  it('keeps a bounded number of messages, the newest', async () => {
    const port = await listening(createServer())
    for (const cleanup of cleanups.splice(0)) cleanup()
    const { made } = sender('tcp', port)
    for (let index = 0; index < 1500; index++) made.send(Buffer.from(`m${index}`))
    const server = createServer()
    const { received } = receiver(server)
    await listening(server, port)
    await vi.waitFor(() => expect(frames(received.join('')).at(-1)).toBe('m1499'), { timeout: 5000 })
    expect(frames(received.join(''))).toHaveLength(1000)
  })

  it('goes over TLS to a receiver whose certificate is right, and to no other', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'chaperone-syslog-'))
    cleanups.push(() => rmSync(directory, { recursive: true }))
    const certificates = await makeCertificates(directory)
    const server = createTlsServer({
      cert: readFileSync(certificates.serverCertFile),
      key: readFileSync(certificates.serverKeyFile),
    })
    const received: string[] = []
    server.on('secureConnection', (socket) => socket.on('data', (data) => received.push(data.toString())))
    server.on('tlsClientError', () => undefined)
    const port = await listening(server)
    const untrusting = sender('tls', port, undefined, 'localhost')
    untrusting.made.send(Buffer.from('secret'))
    await vi.waitFor(() => expect(untrusting.failures).toHaveLength(1))
    expect(received).toEqual([])
    const trusting = sender('tls', port, readFileSync(certificates.caFile, 'utf8'), 'localhost')
    trusting.made.send(Buffer.from('one'))
    await vi.waitFor(() => expect(received.join('')).toBe('3 one'))
  })
})
