import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { isLoopback, type TlsStart, type Wire } from '../lib/wire.ts'

/** The client's side of a connection as the socket accepted it, in clear until the protocol asks for TLS. */
export function serverWire(socket: Socket, secureContext: SecureContext | undefined): Wire {
  const address = socket.remoteAddress ?? ''
  const peer = { address, port: socket.remotePort ?? 0, loopback: isLoopback(address) }
  return {
    stream: socket,
    peer,
    encrypted: false,
    peerCertificate: undefined,
    startTls(start?: TlsStart) {
      if (secureContext === undefined) return Promise.reject(new Error('no TLS certificate is configured'))
      return new Promise((resolve, reject) => {
        // A handshake takes up what was not read of the socket yet.
        if (start !== undefined && start.received.length > 0) socket.unshift(start.received)
        const secure = new TLSSocket(socket, {
          isServer: true,
          secureContext,
          requestCert: false,
          ...(start && { ALPNProtocols: [start.protocol] }),
        })
        const onError = (error: Error) => reject(error)
        secure.once('error', onError)
        socket.once('close', () => reject(new Error('the connection was closed during the TLS handshake')))
        secure.once('secure', () => {
          secure.off('error', onError)
          // A client that names others only has been turned away by the handshake (RFC 7301, section 3.2).
          if (start?.mustBeNamed === true && secure.alpnProtocol !== start.protocol) {
            secure.destroy()
            socket.destroy()
            reject(new Error(`the client has not named the protocol ${start.protocol} (ALPN)`))
            return
          }
          secure.on('error', () => secure.destroy())
          // A TLSSocket that no tls.Server made reports what breaks after the handshake under this name only.
          secure.on('_tlsError', () => secure.destroy())
          resolve({
            stream: secure,
            peer,
            encrypted: true,
            peerCertificate: undefined,
            startTls: () => Promise.reject(new Error('TLS inside TLS is not part of the protocol')),
          })
        })
      })
    },
  }
}
