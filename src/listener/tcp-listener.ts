import { constants } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { Wire } from '../lib/wire.ts'
import { serverWire } from './server-wire.ts'

export interface ListenerOptions {
  readonly host: string
  readonly port: number
  /** PEM texts; undefined where only a loopback listener without TLS was asked for. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  /** Connections at once, in all and from one address. */
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Told when a connection could not be accepted (out of file descriptors or memory); the listener goes on. */
  readonly onError?: (error: Error) => void
}

export interface Listener {
  readonly port: number
  readonly connections: number
  /** Stops accepting; connections that are open stay. */
  close(): Promise<void>
}

/**
 * Accepts connections and hands each to `serve`. Over the limits it hands them to `turnAway`, which says so in the
 * protocol's own words; the connection is closed after either has settled.
 */
export async function listen(
  options: ListenerOptions,
  serve: (wire: Wire) => Promise<void>,
  turnAway: (wire: Wire) => Promise<void>,
): Promise<Listener> {
  const context =
    options.tls === undefined
      ? undefined
      : createSecureContext({
          cert: options.tls.certificate,
          key: options.tls.key,
          minVersion: 'TLSv1.2',
          // A client could make the server compute for it without ever logging in.
          secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
        })
  const perAddress = new Map<string, number>()
  let total = 0

  const accept = (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const already = perAddress.get(address) ?? 0
    const admitted = total < options.maxConnections && already < options.maxConnectionsPerAddress
    // An error is followed by 'close'; without a listener it would end the process.
    socket.on('error', () => socket.destroy())
    socket.setNoDelay(true)
    total++
    perAddress.set(address, already + 1)
    socket.once('close', () => {
      total--
      const left = (perAddress.get(address) ?? 1) - 1
      if (left === 0) perAddress.delete(address)
      else perAddress.set(address, left)
    })
    const wire = serverWire(socket, context)
    const done = admitted ? serve(wire) : turnAway(wire)
    done.then(
      () => socket.destroySoon(),
      () => socket.destroy(),
    )
  }

  // Turned-away connections need a moment to be told; beyond this many the system refuses without a word.
  const server: Server = createServer({ noDelay: true, allowHalfOpen: false }, accept)
  server.maxConnections = options.maxConnections + 64
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      // Without a listener it would end the process.
      server.on('error', (error) => options.onError?.(error))
      resolve()
    })
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    get connections() {
      return total
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
      }),
  }
}
