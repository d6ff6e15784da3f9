import type { Duplex } from 'node:stream'

/** A byte stream to a peer, before or after TLS. */
export interface Wire {
  readonly stream: Duplex
  readonly peer: Peer
  readonly encrypted: boolean
  /** DER of the peer's certificate, for channel binding; undefined without TLS or when the peer sent none. */
  readonly peerCertificate: Buffer | undefined
  /** Continues inside TLS. The stream must hold no unread bytes, or they would have been sent in clear (CVE-2021-23222). */
  startTls(): Promise<Wire>
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
