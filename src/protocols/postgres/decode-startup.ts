import { BodyReader } from './decode-reader.ts'
import { ProtocolViolation } from './framing.ts'
import { MAX_CANCEL_KEY_BYTES, MAX_STARTUP_BYTES, MIN_CANCEL_KEY_BYTES } from './limits.ts'
import { PROTOCOL_MAJOR, REQUEST_CODE, type StartupPacket } from './messages.ts'

/** Length word and version or request code. */
const LEAST_BYTES = 8

/**
 * Decodes the packet that opens a connection, at the start of `buffer`. Undefined when more bytes are needed; `consumed`
 * is its length. A client that speaks something else (HTTP, a TLS ClientHello) fails on the length.
 * @throws ProtocolViolation on a hostile length (flag `limit` when it is too long) or a malformed packet
 */
export function decodeStartup(
  buffer: Buffer,
): { readonly message: StartupPacket; readonly consumed: number } | undefined {
  if (buffer.length < 4) return undefined
  const length = buffer.readUInt32BE(0)
  if (length < LEAST_BYTES) throw new ProtocolViolation('frontend', `startup packet length ${length} is below 8`)
  if (length - 4 > MAX_STARTUP_BYTES) {
    const text = `startup packet of ${length} bytes exceeds the limit of ${MAX_STARTUP_BYTES + 4}`
    throw new ProtocolViolation('frontend', text, { limit: true })
  }
  if (buffer.length < length) return undefined
  return { message: decodePacket(buffer, length), consumed: length }
}

function decodePacket(buffer: Buffer, end: number): StartupPacket {
  const code = buffer.readUInt32BE(4)
  switch (code) {
    case REQUEST_CODE.SSLRequest:
      return onlyCode('SSLRequest', end)
    case REQUEST_CODE.GSSENCRequest:
      return onlyCode('GSSENCRequest', end)
    case REQUEST_CODE.CancelRequest:
      return decodeCancelRequest(buffer, end)
    default: {
      const major = code >>> 16
      const minor = code & 0xffff
      return major === PROTOCOL_MAJOR
        ? decodeStartupMessage(buffer, end, minor)
        : { kind: 'UnsupportedVersion', major, minor }
    }
  }
}

function onlyCode(kind: 'SSLRequest' | 'GSSENCRequest', end: number): StartupPacket {
  if (end !== LEAST_BYTES) throw new ProtocolViolation('frontend', `${kind}: trailing bytes`)
  return { kind }
}

function decodeCancelRequest(buffer: Buffer, end: number): StartupPacket {
  const reader = new BodyReader('frontend', 'CancelRequest', buffer, LEAST_BYTES, end)
  const processId = reader.int32()
  if (reader.remaining < MIN_CANCEL_KEY_BYTES || reader.remaining > MAX_CANCEL_KEY_BYTES) {
    reader.fail('key length is out of range')
  }
  const key = reader.rest()
  return { kind: 'CancelRequest', processId, secretKey: Buffer.from(buffer.subarray(key.start, key.end)) }
}

function decodeStartupMessage(buffer: Buffer, end: number, minor: number): StartupPacket {
  const reader = new BodyReader('frontend', 'StartupMessage', buffer, LEAST_BYTES, end)
  const parameters = new Map<string, string>()
  const protocolOptions: string[] = []
  for (let name = reader.text(); name !== ''; name = reader.text()) {
    const value = reader.text()
    // Two readers must not come to different conclusions about who connects, so nothing may be said twice.
    if (parameters.has(name) || protocolOptions.includes(name)) reader.fail('parameter given twice')
    if (name.startsWith('_pq_.')) protocolOptions.push(name)
    else parameters.set(name, value)
  }
  reader.finish()
  return { kind: 'StartupMessage', minor, parameters, protocolOptions }
}
