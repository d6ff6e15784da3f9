import type { Duplex } from 'node:stream'

/** A byte stream to a peer, before or after TLS. */
export interface Wire {
  readonly stream: Duplex
  readonly peer: Peer
  readonly encrypted: boolean
  /** DER of the peer's certificate, for channel binding; undefined without TLS or when the peer sent none. */
  readonly peerCertificate: Buffer | undefined
  /** Continues inside TLS. The stream must hold no unread bytes, or they would have been sent in clear (CVE-2021-23222). */
  startTls(start?: TlsStart): Promise<Wire>
}

/** How a server begins TLS. */
export interface TlsStart {
  /** The application protocol (RFC 7301) that a client has to name if it names any. */
  readonly protocol: string
  /** Whether it has to name it: where TLS begins with the first byte, nothing else says what the connection is for. */
  readonly mustBeNamed: boolean
  /** The beginning of the client's handshake, where it was read already. */
  readonly received: Buffer
}

export interface Peer {
  readonly address: string
  readonly port: number
  readonly loopback: boolean
}

/** Addresses of this machine only: 127.0.0.0/8, ::1 and their mapped form, and Unix sockets (no address). */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined || address === '') return true
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address
  return plain === '::1' || plain.startsWith('127.')
}
