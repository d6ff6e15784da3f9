import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeStartup } from './decode-startup.ts'
import { encodeCancelRequest, encodeGssEncRequest, encodeSslRequest, encodeStartup } from './encode.ts'
import { ProtocolViolation } from './framing.ts'
import { MAX_STARTUP_BYTES } from './limits.ts'

const packet = (length: number, code: number, ...rest: number[]): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(length, 0)
  bytes.writeUInt32BE(code, 4)
  return Buffer.concat([bytes, Buffer.from(rest)])
}

const text = (code: number, body: string): Buffer => {
  const rest = [...Buffer.from(body, 'latin1')]
  return packet(8 + rest.length, code, ...rest)
}

const violationOf = (bytes: Buffer): ProtocolViolation => {
  try {
    decodeStartup(bytes)
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
  throw new Error('no violation')
}

const key = fc.uint8Array({ minLength: 4, maxLength: 256 }).map((value) => Buffer.from(value))
const word = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((value) => !value.includes('\0') && !value.startsWith('_pq_.'))

describe('decodeStartup', () => {
  it('reads what is encoded, whole, byte by byte, and with bytes behind it', () => {
    const samples = fc.oneof(
      fc.constant({ bytes: encodeSslRequest(), message: { kind: 'SSLRequest' } }),
      fc.constant({ bytes: encodeGssEncRequest(), message: { kind: 'GSSENCRequest' } }),
      fc
        .record({ processId: fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }), secretKey: key })
        .map((fields) => ({
          bytes: encodeCancelRequest(fields),
          message: { kind: 'CancelRequest', ...fields },
        })),
      fc
        .record({ minor: fc.nat(0xffff), pairs: fc.array(fc.tuple(word, word), { maxLength: 5 }) })
        .map(({ minor, pairs }) => {
          const parameters = new Map(pairs)
          return {
            bytes: encodeStartup({ minor, parameters }),
            message: { kind: 'StartupMessage', minor, parameters, protocolOptions: [] },
          }
        }),
    )
    fc.assert(
      fc.property(samples, fc.uint8Array({ maxLength: 9 }), ({ bytes, message }, behind) => {
        expect(decodeStartup(bytes)).toEqual({ message, consumed: bytes.length })
        expect(decodeStartup(Buffer.concat([bytes, behind]))).toEqual({ message, consumed: bytes.length })
        for (let length = 0; length < bytes.length; length++) {
          expect(decodeStartup(bytes.subarray(0, length))).toBeUndefined()
        }
      }),
    )
  })

  it('reports protocol options apart from parameters, for NegotiateProtocolVersion', () => {
    const parameters = new Map([
      ['user', 'u'],
      ['_pq_.compression', 'x'],
      ['_pq_.other', ''],
      ['database', ''],
    ])
    expect(decodeStartup(encodeStartup({ minor: 9999, parameters }))?.message).toEqual({
      kind: 'StartupMessage',
      minor: 9999,
      parameters: new Map([
        ['user', 'u'],
        ['database', ''],
      ]),
      protocolOptions: ['_pq_.compression', '_pq_.other'],
    })
  })

  it('reports other major versions and codes without reading on', () => {
    expect(decodeStartup(packet(12, 0x20000, 1, 2, 3, 4))).toEqual({
      message: { kind: 'UnsupportedVersion', major: 2, minor: 0 },
      consumed: 12,
    })
    expect(decodeStartup(packet(8, 80_877_105))?.message).toMatchObject({ kind: 'UnsupportedVersion', major: 1234 })
  })

  it.each([0, 3, 4, 7])('refuses the length %i', (length) => {
    expect(violationOf(packet(length, 196_608)).limit).toBeUndefined()
  })

  it('accepts PostgreSQL’s longest packet and refuses one byte more on its length alone', () => {
    const value = 'x'.repeat(MAX_STARTUP_BYTES - 4 - 'user\0'.length - 2)
    const longest = encodeStartup({ minor: 0, parameters: new Map([['user', value]]) })
    expect(longest.length).toBe(MAX_STARTUP_BYTES + 4)
    expect(decodeStartup(longest)?.consumed).toBe(longest.length)
    for (const length of [MAX_STARTUP_BYTES + 5, 2_147_483_647, 0xffff_ffff]) {
      expect(violationOf(packet(length, 0).subarray(0, 4)).limit).toBe(true)
    }
  })

  it('refuses HTTP and TLS on their first four bytes', () => {
    expect(violationOf(Buffer.from('GET / HTTP/1.1\r\n')).limit).toBe(true)
    expect(violationOf(Buffer.from([0x16, 3, 1, 2, 0, 1])).limit).toBe(true)
  })

  it.each([
    ['no final terminator', text(196_608, 'user\0a\0')],
    ['bytes behind the terminator', text(196_608, 'user\0a\0\0x')],
    ['a name without a value', text(196_608, 'user\0')],
    ['no terminator at all', text(196_608, 'user')],
    ['nothing', text(196_608, '')],
    ['a parameter twice', text(196_608, 'user\0a\0user\0b\0\0')],
    ['an option twice', text(196_608, '_pq_.a\0a\0_pq_.a\0b\0\0')],
    ['an SSLRequest with a body', text(80_877_103, '\0')],
    ['a GSSENCRequest with a body', text(80_877_104, '\0')],
    ['a cancel key of 3 bytes', text(80_877_102, 'pid0abc')],
    ['a cancel key of 257 bytes', text(80_877_102, `pid0${'k'.repeat(257)}`)],
    ['a cancel request without anything', text(80_877_102, '')],
  ])('refuses %s', (_what, bytes) => {
    expect(violationOf(bytes).peer).toBe('frontend')
  })

  it('refuses names that are not UTF-8, with the flag that says so', () => {
    expect(violationOf(text(196_608, 'user\0\xff\0\0')).encoding).toBe(true)
  })

  it('garbage decodes or is a ProtocolViolation, never anything else', () => {
    const codes = fc.constantFrom(196_608, 196_610, 80_877_102, 80_877_103, 80_877_104, 131_072)
    const body = fc.array(fc.oneof(fc.constantFrom(0, 0, 97, 255), fc.nat(255)), { maxLength: 40 })
    fc.assert(
      fc.property(fc.integer({ min: -2, max: 2 }), codes, body, (offset, code, list) => {
        try {
          decodeStartup(packet(8 + list.length + offset, code, ...list))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
        }
      }),
      { numRuns: 5000 },
    )
  })
})
