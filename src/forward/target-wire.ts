import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import { ChaperoneError } from '../lib/errors.ts'
import { isLoopback, type Peer, type Wire } from '../lib/wire.ts'

/** How the certificate of a target is checked. `verify-full` unless a target says otherwise by one of the other names. */
export interface TargetTls {
  readonly mode: 'verify-full' | 'verifyCaOnly' | 'insecureSkipVerify'
  /** PEM; the system's authorities when undefined. */
  readonly ca: string | undefined
  /** Name to check and to send (SNI) when it is not the host. */
  readonly serverName: string | undefined
  readonly clientCertificate: string | undefined
  readonly clientKey: string | undefined
}

export interface TargetAddress {
  readonly host: string
  readonly port: number
  readonly connectTimeoutMs: number
  /** undefined: this target is spoken to in clear. */
  readonly tls: TargetTls | undefined
}

/** Connects to a target. Rejects with CHP-TARGET-UNREACHABLE; the reason names no credential. */
export function dialTarget(address: TargetAddress): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: address.host, port: address.port, noDelay: true, keepAlive: true })
    const fail = (reason: string, cause?: unknown) => {
      socket.destroy()
      reject(new ChaperoneError('CHP-TARGET-UNREACHABLE', { reason, cause }))
    }
    const timer = setTimeout(() => fail('timed out while connecting'), address.connectTimeoutMs)
    const onError = (error: Error) => {
      clearTimeout(timer)
      fail(error.message, error)
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      socket.on('error', () => socket.destroy())
      resolve(clearWire(socket, address))
    })
  })
}

function clearWire(socket: Socket, address: TargetAddress): Wire {
  const peer: Peer = {
    address: socket.remoteAddress ?? address.host,
    port: socket.remotePort ?? address.port,
    loopback: isLoopback(socket.remoteAddress),
  }
  return {
    stream: socket,
    peer,
    encrypted: false,
    peerCertificate: undefined,
    startTls: () => secureWire(socket, peer, address),
  }
}

function secureWire(socket: Socket, peer: Peer, address: TargetAddress): Promise<Wire> {
  const { tls } = address
  if (tls === undefined)
    return Promise.reject(new ChaperoneError('CHP-TARGET-REFUSED', { reason: 'TLS is not configured' }))
  const name = tls.serverName ?? address.host
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(tls.clientCertificate === undefined ? {} : { cert: tls.clientCertificate }),
      ...(tls.clientKey === undefined ? {} : { key: tls.clientKey }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: tls.mode !== 'insecureSkipVerify',
      checkServerIdentity: (_host, certificate) =>
        tls.mode === 'verify-full' ? checkServerIdentity(name, certificate) : undefined,
    })
    const fail = (reason: string, cause?: unknown) => {
      secure.destroy()
      reject(new ChaperoneError('CHP-TARGET-UNREACHABLE', { reason: `TLS: ${reason}`, cause }))
    }
    const timer = setTimeout(() => fail('timed out'), address.connectTimeoutMs)
    const onError = (error: Error) => {
      clearTimeout(timer)
      fail(error.message, error)
    }
    secure.once('error', onError)
    secure.once('secureConnect', () => {
      clearTimeout(timer)
      secure.off('error', onError)
      secure.on('error', () => secure.destroy())
      resolve({
        stream: secure,
        peer,
        encrypted: true,
        peerCertificate: secure.getPeerX509Certificate()?.raw,
        startTls: () => Promise.reject(new Error('TLS inside TLS is not part of the protocol')),
      })
    })
  })
}
