import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolViolation } from '../framing.ts'
import { serverEndPointBinding } from './channel-binding.ts'

/** A DER element: tag, length, contents. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const length = Buffer.from([0x82, body.length >> 8, body.length & 0xff])
  return Buffer.concat([Buffer.from([tag]), length, body])
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of arcs) {
    const septets = [arc & 0x7f]
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
      septets.unshift((rest & 0x7f) | 0x80)
    bytes.push(...septets)
  }
  return der(0x06, Buffer.from(bytes))
}

const NULL = der(0x05)

/** What matters of a certificate: something to be signed, the signature algorithm, a signature. */
const certificate = (algorithm: string, ...parameters: Buffer[]): Buffer =>
  der(0x30, der(0x30, Buffer.alloc(300, 1)), der(0x30, oid(algorithm), ...parameters), der(0x03, Buffer.alloc(200)))

const pss = (hash?: string): Buffer => der(0x30, ...(hash === undefined ? [] : [der(0xa0, der(0x30, oid(hash), NULL))]))

const hashed = (hash: string, bytes: Buffer): string => createHash(hash).update(bytes).digest('hex')

function attempt(bytes: Buffer): void {
  try {
    expect(serverEndPointBinding(bytes).length).toBeGreaterThanOrEqual(28)
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolViolation)
  }
}

const PSS = '1.2.840.113549.1.1.10'

describe('serverEndPointBinding', () => {
  it.each([
    ['sha256WithRSAEncryption', certificate('1.2.840.113549.1.1.11', NULL), 'sha256'],
    ['sha384WithRSAEncryption', certificate('1.2.840.113549.1.1.12', NULL), 'sha384'],
    ['sha512WithRSAEncryption', certificate('1.2.840.113549.1.1.13', NULL), 'sha512'],
    ['sha224WithRSAEncryption', certificate('1.2.840.113549.1.1.14', NULL), 'sha224'],
    ['sha1WithRSAEncryption', certificate('1.2.840.113549.1.1.5', NULL), 'sha256'],
    ['md5WithRSAEncryption', certificate('1.2.840.113549.1.1.4', NULL), 'sha256'],
    ['ecdsa-with-SHA1', certificate('1.2.840.10045.4.1'), 'sha256'],
    ['ecdsa-with-SHA256', certificate('1.2.840.10045.4.3.2'), 'sha256'],
    ['ecdsa-with-SHA384', certificate('1.2.840.10045.4.3.3'), 'sha384'],
    ['ecdsa-with-SHA512', certificate('1.2.840.10045.4.3.4'), 'sha512'],
    ['RSASSA-PSS with SHA-256', certificate(PSS, pss('2.16.840.1.101.3.4.2.1')), 'sha256'],
    ['RSASSA-PSS with SHA-512', certificate(PSS, pss('2.16.840.1.101.3.4.2.3')), 'sha512'],
    ['RSASSA-PSS with SHA-1', certificate(PSS, pss('1.3.14.3.2.26')), 'sha256'],
    ['RSASSA-PSS with defaults', certificate(PSS, pss()), 'sha256'],
  ])('%s', (_name, bytes, hash) => {
    expect(serverEndPointBinding(bytes).toString('hex')).toBe(hashed(hash, bytes))
  })

  it.each([
    ['Ed25519, which names no hash function', certificate('1.3.101.112')],
    ['an unknown algorithm', certificate('1.2.3.4')],
    ['RSASSA-PSS with an unknown hash', certificate(PSS, pss('1.2.3.4'))],
    ['RSASSA-PSS without parameters', certificate(PSS)],
    ['a length in BER’s indefinite form', Buffer.from([0x30, 0x80, 0x30, 0x00, 0x00, 0x00])],
    ['a length beyond the end', Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x30])],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_name, bytes) => {
    expect(() => serverEndPointBinding(bytes)).toThrow(ProtocolViolation)
  })

  it('garbage and changed certificates give a hash or a ProtocolViolation, never anything else', () => {
    const whole = certificate(PSS, pss('2.16.840.1.101.3.4.2.1'))
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.uint8Array(), (at, byte, garbage) => {
        const changed = Buffer.from(whole)
        changed[at] = byte
        attempt(changed)
        attempt(Buffer.from(garbage))
      }),
      { numRuns: 3000 },
    )
  })
})
