import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBackend, decodeFrontend, decodeQuery } from './decode.ts'
import type { AuthenticationStep } from './decode-authentication.ts'
import { everyWay } from './decode-test-support.ts'
import * as encode from './encode.ts'
import { ProtocolViolation } from './framing.ts'
import { BACKEND, FRONTEND, type Peer, type TransactionStatus } from './messages.ts'

// ---- arbitrary messages: the bytes of one, and what they must decode to (ranges given as their bytes)

interface Sample {
  readonly bytes: Buffer
  readonly message: Record<string, unknown>
  readonly step?: AuthenticationStep
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((one) => !one.includes('\0') && one.isWellFormed())
const name = text.filter((one) => one !== '')
const uint32 = fc.nat({ max: 0xffff_ffff })
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const oids = fc.array(uint32, { maxLength: 5 })
const format = fc.constantFrom(0, 1)
const bytes = fc.uint8Array({ maxLength: 30 }).map((list) => Buffer.from(list))
const value = fc.option(bytes)
const values = fc.array(value, { maxLength: 5 })
const valuesWithFormats = values.chain((list) =>
  fc.record({
    list: fc.constant(list),
    formats: fc.constantFrom(
      [],
      [0],
      [1],
      list.map((_, index) => index % 2),
    ),
  }),
)
const key = fc.uint8Array({ minLength: 4, maxLength: 256 }).map((list) => Buffer.from(list))
const target = fc.constantFrom<'S' | 'P'>('S', 'P')

const FRONTEND_SAMPLES: Readonly<Record<string, fc.Arbitrary<Sample>>> = {
  Query: text.map((sql) => ({ bytes: encode.encodeQuery(sql), message: { kind: 'Query', sql } })),
  Parse: fc.record({ name: text, sql: text, parameterTypes: oids }).map((fields) => ({
    bytes: encode.encodeParse(fields.name, fields.sql, fields.parameterTypes),
    message: { kind: 'Parse', ...fields },
  })),
  Bind: fc
    .record({
      portal: text,
      statement: text,
      values: valuesWithFormats,
      resultFormats: fc.array(format, { maxLength: 4 }),
    })
    .map(({ portal, statement, values: { list, formats }, resultFormats }) => {
      const fields = { portal, statement, parameterFormats: formats, parameters: list, resultFormats }
      return { bytes: encode.encodeBind(fields), message: { kind: 'Bind', ...fields } }
    }),
  Describe: fc.record({ target, name: text }).map((fields) => ({
    bytes: encode.encodeDescribe(fields.target, fields.name),
    message: { kind: 'Describe', ...fields },
  })),
  Close: fc.record({ target, name: text }).map((fields) => ({
    bytes: encode.encodeClose(fields.target, fields.name),
    message: { kind: 'Close', ...fields },
  })),
  Execute: fc.record({ portal: text, maxRows: fc.nat({ max: 0x7fff_ffff }) }).map((fields) => ({
    bytes: encode.encodeExecute(fields.portal, fields.maxRows),
    message: { kind: 'Execute', ...fields },
  })),
  Sync: fc.constant({ bytes: encode.encodeSync(), message: { kind: 'Sync' } }),
  Flush: fc.constant({ bytes: encode.encodeFlush(), message: { kind: 'Flush' } }),
  Terminate: fc.constant({ bytes: encode.encodeTerminate(), message: { kind: 'Terminate' } }),
  CopyData: bytes.map((data) => ({ bytes: encode.encodeCopyData(data), message: { kind: 'CopyData', data } })),
  CopyDone: fc.constant({ bytes: encode.encodeCopyDone(), message: { kind: 'CopyDone' } }),
  CopyFail: text.map((reason) => ({ bytes: encode.encodeCopyFail(reason), message: { kind: 'CopyFail', reason } })),
  FunctionCall: fc
    .record({ functionOid: uint32, values: valuesWithFormats, resultFormat: format })
    .map(({ functionOid, values: { list, formats }, resultFormat }) => {
      const fields = { functionOid, argumentFormats: formats, arguments: list, resultFormat }
      return { bytes: encode.encodeFunctionCall(fields), message: { kind: 'FunctionCall', ...fields } }
    }),
  PasswordMessage: text.map((password) => ({
    bytes: encode.encodePassword(password),
    message: { kind: 'PasswordMessage', password },
    step: 'password',
  })),
  SASLInitialResponse: fc.record({ mechanism: text, response: value }).map((fields) => ({
    bytes: encode.encodeSaslInitialResponse(fields),
    message: { kind: 'SASLInitialResponse', ...fields },
    step: 'sasl-initial',
  })),
  SASLResponse: bytes.map((data) => ({
    bytes: encode.encodeSaslResponse(data),
    message: { kind: 'SASLResponse', data },
    step: 'sasl',
  })),
  GSSResponse: bytes.map((data) => ({
    bytes: encode.encodeSaslResponse(data),
    message: { kind: 'GSSResponse', data },
    step: 'gss',
  })),
}

const column = fc.record({
  name: text,
  tableOid: uint32,
  attnum: fc.integer({ min: -0x8000, max: 0x7fff }),
  typeOid: uint32,
  typmod: int32,
  format,
})

const report = fc.record({
  severity: name,
  sqlstate: fc.stringMatching(/^[0-9A-Z]{5}$/),
  message: name,
  detail: name,
  hint: name,
  position: name,
  internalPosition: name,
  internalQuery: name,
  where: name,
  schema: name,
  table: name,
  column: name,
  dataType: name,
  constraint: name,
  file: name,
  line: name,
  routine: name,
})

const reportMap = (fields: encode.ReportFields): Map<string, string> =>
  new Map(
    Object.entries({
      S: fields.severity,
      V: fields.severity,
      C: fields.sqlstate,
      M: fields.message,
      D: fields.detail,
      H: fields.hint,
      P: fields.position,
      p: fields.internalPosition,
      q: fields.internalQuery,
      W: fields.where,
      s: fields.schema,
      t: fields.table,
      c: fields.column,
      d: fields.dataType,
      n: fields.constraint,
      F: fields.file,
      L: fields.line,
      R: fields.routine,
    }).flatMap(([letter, field]) => (field === undefined ? [] : [[letter, field] as const])),
  )

/** Authentication requests that the gateway never sends, so that there is no encoder for them. */
const rawAuthentication = (code: number, data: Buffer = Buffer.alloc(0)): Buffer => {
  const frame = Buffer.concat([Buffer.alloc(9), data])
  frame[0] = BACKEND.Authentication
  frame.writeInt32BE(frame.length - 1, 1)
  frame.writeInt32BE(code, 5)
  return frame
}

const copyResponse = (kind: 'CopyInResponse' | 'CopyOutResponse' | 'CopyBothResponse') =>
  fc.constantFrom({ format: 0, columnFormats: [0, 0] }, { format: 1, columnFormats: [1, 0] }).map((fields) => ({
    bytes: encode.encodeCopyResponse(kind, fields.format, fields.columnFormats),
    message: { kind, ...fields },
  }))

const emptyBackend = (kind: Parameters<typeof encode.encodeEmptyBackend>[0]) =>
  fc.constant({ bytes: encode.encodeEmptyBackend(kind), message: { kind } })

const BACKEND_SAMPLES: Readonly<Record<string, fc.Arbitrary<Sample>>> = {
  AuthenticationOk: fc.constant({ bytes: encode.encodeAuthenticationOk(), message: { kind: 'AuthenticationOk' } }),
  AuthenticationKerberosV5: fc.constant({ bytes: rawAuthentication(2), message: { kind: 'AuthenticationKerberosV5' } }),
  AuthenticationCleartextPassword: fc.constant({
    bytes: encode.encodeAuthenticationCleartextPassword(),
    message: { kind: 'AuthenticationCleartextPassword' },
  }),
  AuthenticationMD5Password: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((list) => {
    const salt = Buffer.from(list)
    return { bytes: encode.encodeAuthenticationMd5Password(salt), message: { kind: 'AuthenticationMD5Password', salt } }
  }),
  AuthenticationGSS: fc.constant({ bytes: rawAuthentication(7), message: { kind: 'AuthenticationGSS' } }),
  AuthenticationGSSContinue: bytes.map((data) => ({
    bytes: rawAuthentication(8, data),
    message: { kind: 'AuthenticationGSSContinue', data },
  })),
  AuthenticationSSPI: fc.constant({ bytes: rawAuthentication(9), message: { kind: 'AuthenticationSSPI' } }),
  AuthenticationSASL: fc.array(name, { maxLength: 3 }).map((mechanisms) => ({
    bytes: encode.encodeAuthenticationSasl(mechanisms),
    message: { kind: 'AuthenticationSASL', mechanisms },
  })),
  AuthenticationSASLContinue: bytes.map((data) => ({
    bytes: encode.encodeAuthenticationSaslContinue(data),
    message: { kind: 'AuthenticationSASLContinue', data },
  })),
  AuthenticationSASLFinal: bytes.map((data) => ({
    bytes: encode.encodeAuthenticationSaslFinal(data),
    message: { kind: 'AuthenticationSASLFinal', data },
  })),
  BackendKeyData: fc.record({ processId: int32, secretKey: key }).map((fields) => ({
    bytes: encode.encodeBackendKeyData(fields),
    message: { kind: 'BackendKeyData', ...fields },
  })),
  BindComplete: emptyBackend('BindComplete'),
  CloseComplete: emptyBackend('CloseComplete'),
  CommandComplete: text.map((tag) => ({
    bytes: encode.encodeCommandComplete(tag),
    message: { kind: 'CommandComplete', tag },
  })),
  CopyData: bytes.map((data) => ({ bytes: encode.encodeCopyData(data), message: { kind: 'CopyData', data } })),
  CopyDone: fc.constant({ bytes: encode.encodeCopyDone(), message: { kind: 'CopyDone' } }),
  CopyInResponse: copyResponse('CopyInResponse'),
  CopyOutResponse: copyResponse('CopyOutResponse'),
  CopyBothResponse: copyResponse('CopyBothResponse'),
  DataRow: values.map((list) => ({ bytes: encode.encodeDataRow(list), message: { kind: 'DataRow', values: list } })),
  EmptyQueryResponse: emptyBackend('EmptyQueryResponse'),
  ErrorResponse: report.map((fields) => ({
    bytes: encode.encodeErrorResponse(fields),
    message: { kind: 'ErrorResponse', fields: reportMap(fields) },
  })),
  NoticeResponse: report.map((fields) => ({
    bytes: encode.encodeNoticeResponse(fields),
    message: { kind: 'NoticeResponse', fields: reportMap(fields) },
  })),
  FunctionCallResponse: value.map((result) => ({
    bytes: encode.encodeFunctionCallResponse(result),
    message: { kind: 'FunctionCallResponse', value: result },
  })),
  NegotiateProtocolVersion: fc
    .record({ newestMinor: fc.nat({ max: 0xffff }), unrecognisedOptions: fc.array(text, { maxLength: 3 }) })
    .map((fields) => ({
      bytes: encode.encodeNegotiateProtocolVersion(fields),
      message: { kind: 'NegotiateProtocolVersion', ...fields },
    })),
  NoData: emptyBackend('NoData'),
  NotificationResponse: fc.record({ processId: int32, channel: text, payload: text }).map((fields) => ({
    bytes: encode.encodeNotificationResponse(fields),
    message: { kind: 'NotificationResponse', ...fields },
  })),
  ParameterDescription: oids.map((parameterTypes) => ({
    bytes: encode.encodeParameterDescription(parameterTypes),
    message: { kind: 'ParameterDescription', parameterTypes },
  })),
  ParameterStatus: fc.record({ name: text, value: text }).map((fields) => ({
    bytes: encode.encodeParameterStatus(fields),
    message: { kind: 'ParameterStatus', ...fields },
  })),
  ParseComplete: emptyBackend('ParseComplete'),
  PortalSuspended: emptyBackend('PortalSuspended'),
  ReadyForQuery: fc.constantFrom<TransactionStatus>('I', 'T', 'E').map((status) => ({
    bytes: encode.encodeReadyForQuery(status),
    message: { kind: 'ReadyForQuery', status },
  })),
  RowDescription: fc.array(column, { maxLength: 4 }).map((columns) => ({
    bytes: encode.encodeRowDescription(columns),
    message: { kind: 'RowDescription', columns },
  })),
}

const SAMPLES = [
  ...Object.entries(FRONTEND_SAMPLES).map(([kind, samples]) => ['frontend', kind, samples] as const),
  ...Object.entries(BACKEND_SAMPLES).map(([kind, samples]) => ['backend', kind, samples] as const),
]

/** Messages whose body is bytes of any kind and length: nothing can be missing from them or trail them. */
const UNSTRUCTURED = new Set([
  'CopyData',
  'SASLResponse',
  'GSSResponse',
  'AuthenticationGSSContinue',
  'AuthenticationSASLContinue',
  'AuthenticationSASLFinal',
  'BackendKeyData',
])

const decodeFrame = (sender: Peer, frame: Buffer, step?: AuthenticationStep) =>
  sender === 'frontend'
    ? decodeFrontend(frame, frame[0] ?? 0, 5, frame.length, step)
    : decodeBackend(frame, frame[0] ?? 0, 5, frame.length)

/** Replaces byte ranges by the bytes they stand for. */
function withBytes(decoded: unknown, frame: Buffer): unknown {
  if (decoded === null || typeof decoded !== 'object') return decoded
  if (Buffer.isBuffer(decoded) || decoded instanceof Map) return decoded
  if (Array.isArray(decoded)) return decoded.map((one) => withBytes(one, frame))
  if ('start' in decoded && 'end' in decoded) return frame.subarray(Number(decoded.start), Number(decoded.end))
  return Object.fromEntries(Object.entries(decoded).map(([field, one]) => [field, withBytes(one, frame)]))
}

const violates = (act: () => unknown): ProtocolViolation => {
  try {
    act()
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
  throw new Error('no violation')
}

describe('every message', () => {
  it.each(SAMPLES)('%s %s: what is encoded decodes to the same', (sender, _kind, samples) => {
    fc.assert(
      fc.property(samples, ({ bytes: frame, message, step }) => {
        expect(withBytes(decodeFrame(sender, frame, step), frame)).toEqual(message)
      }),
      { numRuns: 60 },
    )
  })

  it.each(SAMPLES)(
    '%s %s: decodes alike whole, byte by byte, between others and with more behind',
    (sender, _kind, samples) => {
      for (const { bytes: frame, message, step } of fc.sample(samples, { numRuns: 5, seed: 7 })) {
        everyWay(sender, frame, (seen) => {
          expect(withBytes(decodeFrame(sender, seen.bytes, step), seen.bytes)).toEqual(message)
        })
      }
    },
  )

  it.each(SAMPLES.filter(([, kind]) => !UNSTRUCTURED.has(kind)))(
    '%s %s: a byte more or less is refused',
    (sender, _kind, samples) => {
      fc.assert(
        fc.property(samples, fc.nat(255), ({ bytes: frame, step }, extra) => {
          violates(() => decodeFrame(sender, Buffer.concat([frame, Buffer.from([extra])]), step))
          for (let length = 5; length < frame.length; length++) {
            violates(() => decodeFrame(sender, frame.subarray(0, length), step))
          }
        }),
        { numRuns: 20 },
      )
    },
  )

  it.each(SAMPLES)('%s %s: does not look beyond its end', (sender, _kind, samples) => {
    fc.assert(
      fc.property(samples, bytes, ({ bytes: frame, message, step }, behind) => {
        const chunk = Buffer.concat([Buffer.from([1, 2, 3]), frame, behind])
        const end = 3 + frame.length
        const decoded =
          sender === 'frontend'
            ? decodeFrontend(chunk, frame[0] ?? 0, 8, end, step)
            : decodeBackend(chunk, frame[0] ?? 0, 8, end)
        expect(withBytes(decoded, chunk)).toEqual(message)
      }),
      { numRuns: 20 },
    )
  })

  it('garbage decodes or is a ProtocolViolation, never anything else', () => {
    const steps = fc.option(fc.constantFrom<AuthenticationStep>('password', 'sasl-initial', 'sasl', 'gss'), {
      nil: undefined,
    })
    const type = fc.constantFrom(...Object.values(FRONTEND), ...Object.values(BACKEND), 0, 255)
    // Small numbers make counts and lengths that nearly fit.
    const body = fc.array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 255), fc.nat(255)), { maxLength: 60 })
    fc.assert(
      fc.property(fc.constantFrom<Peer>('frontend', 'backend'), type, body, steps, (sender, letter, list, step) => {
        const frame = Buffer.from([letter, 0, 0, 0, 0, ...list])
        try {
          decodeFrame(sender, frame, step)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
          expect(error).toMatchObject({ peer: sender })
        }
      }),
      { numRuns: 20_000 },
    )
  })

  it('a changed byte decodes or is a ProtocolViolation, never anything else', () => {
    const all = SAMPLES.map(([sender, , samples]) => samples.map((sample) => ({ ...sample, sender })))
    fc.assert(
      fc.property(fc.oneof(...all), fc.nat(), fc.nat(255), ({ sender, bytes: frame, step }, at, byte) => {
        const changed = Buffer.from(frame)
        if (changed.length > 5) changed[5 + (at % (changed.length - 5))] = byte
        try {
          decodeFrame(sender, changed, step)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

const raw = (type: number, ...parts: (number[] | string)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
  const frame = Buffer.concat([Buffer.alloc(5), body])
  frame[0] = type
  frame.writeInt32BE(4 + body.length, 1)
  return frame
}

describe('what is refused', () => {
  it.each([
    ['Parse: a count that the message cannot hold', 'frontend', raw(FRONTEND.Parse, 'a\0b\0', [255, 255])],
    [
      'Bind: a negative length other than -1',
      'frontend',
      raw(FRONTEND.Bind, '\0\0', [0, 0, 0, 1, 255, 255, 255, 254, 0, 0]),
    ],
    ['Bind: a length beyond the end', 'frontend', raw(FRONTEND.Bind, '\0\0', [0, 0, 0, 1, 0, 0, 0, 9, 1, 0, 0])],
    ['Bind: two formats for three values', 'frontend', raw(FRONTEND.Bind, '\0\0', [0, 2, 0, 0, 0, 1, 0, 0, 0, 0])],
    ['Bind: a format that does not exist', 'frontend', raw(FRONTEND.Bind, '\0\0', [0, 1, 0, 2, 0, 0, 0, 0])],
    ['Describe: neither statement nor portal', 'frontend', raw(FRONTEND.Describe, 'Xa\0')],
    ['Close: no terminator', 'frontend', raw(FRONTEND.Close, 'Sa')],
    ['Sync: with a body', 'frontend', raw(FRONTEND.Sync, '\0')],
    ['RowDescription: more columns than bytes', 'backend', raw(BACKEND.RowDescription, [0, 200, 0])],
    ['DataRow: a negative length other than -1', 'backend', raw(BACKEND.DataRow, [0, 1, 128, 0, 0, 0])],
    ['ReadyForQuery: an unknown status', 'backend', raw(BACKEND.ReadyForQuery, 'X')],
    ['ErrorResponse: a field twice', 'backend', raw(BACKEND.ErrorResponse, 'Ma\0Mb\0\0')],
    ['ErrorResponse: no final terminator', 'backend', raw(BACKEND.ErrorResponse, 'Ma\0')],
    ['CopyOutResponse: a format that does not exist', 'backend', raw(BACKEND.CopyOutResponse, [2, 0, 0])],
    ['CopyInResponse: a binary column in a textual COPY', 'backend', raw(BACKEND.CopyInResponse, [0, 0, 1, 0, 1])],
    ['Authentication: a request that does not exist', 'backend', raw(BACKEND.Authentication, [0, 0, 0, 6])],
    ['Authentication: a salt of three bytes', 'backend', raw(BACKEND.Authentication, [0, 0, 0, 5, 1, 2, 3])],
    ['BackendKeyData: a key of three bytes', 'backend', raw(BACKEND.BackendKeyData, [0, 0, 0, 5, 1, 2, 3])],
    ['BackendKeyData: a key of 257 bytes', 'backend', raw(BACKEND.BackendKeyData, [0, 0, 0, 5], 'k'.repeat(257))],
    [
      'NegotiateProtocolVersion: another major version',
      'backend',
      raw(BACKEND.NegotiateProtocolVersion, [0, 4, 0, 0, 0, 0, 0, 0]),
    ],
    [
      'NegotiateProtocolVersion: a hostile count',
      'backend',
      raw(BACKEND.NegotiateProtocolVersion, [0, 3, 0, 2, 255, 255, 255, 255]),
    ],
  ] as const)('%s', (_what, sender, frame) => {
    const violation = violates(() => decodeFrame(sender, frame))
    expect(violation.peer).toBe(sender)
    expect(violation.limit).toBeUndefined()
  })

  it('an authentication message when none was asked for', () => {
    violates(() => decodeFrame('frontend', encode.encodePassword('secret')))
  })

  it('text that is not UTF-8, with the flag that says so', () => {
    for (const frame of [
      raw(FRONTEND.Query, [0xff, 0]),
      raw(FRONTEND.Query, [0xc0, 0x80, 0]),
      raw(FRONTEND.Query, [0xed, 0xa0, 0x80, 0]),
      raw(FRONTEND.Query, 'select 1\0; drop table x\0'),
      raw(FRONTEND.Parse, [0xff, 0], 'select 1\0', [0, 0]),
      raw(FRONTEND.Parse, '\0', [0xe2, 0x82, 0, 0, 0]),
      raw(FRONTEND.Bind, [0xfe, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]) {
      expect(violates(() => decodeFrame('frontend', frame)).encoding).toBe(true)
    }
  })

  it('a Query without a terminator, which is the grammar and not the encoding', () => {
    expect(violates(() => decodeFrame('frontend', raw(FRONTEND.Query, 'select 1'))).encoding).toBeUndefined()
    expect(violates(() => decodeFrame('frontend', raw(FRONTEND.Query))).encoding).toBeUndefined()
  })

  it('says nothing of what the message holds', () => {
    for (const frame of [raw(FRONTEND.Query, 'ssn 123-45-6789\0\0'), raw(FRONTEND.Describe, 'Z123-45-6789\0')]) {
      expect(violates(() => decodeFrame('frontend', frame)).message).not.toContain('6789')
    }
  })
})

describe('what is accepted', () => {
  it('a genuine U+FFFD in text', () => {
    expect(decodeFrame('frontend', encode.encodeParse('\uFFFD', 'select \uFFFD'))).toMatchObject({ name: '\uFFFD' })
    const frame = encode.encodeQuery('select \uFFFD')
    expect(decodeQuery(frame, 5, frame.length)).toBe('select \uFFFD')
  })

  it('an error that a server reports in another encoding', () => {
    const decoded = decodeFrame('backend', raw(BACKEND.ErrorResponse, 'SFEHLER\0M', [0xfc, 0, 0]))
    expect(decoded).toMatchObject({
      fields: new Map([
        ['S', 'FEHLER'],
        ['M', '\uFFFD'],
      ]),
    })
  })

  it('a negative row limit as no limit, as PostgreSQL does', () => {
    expect(decodeFrame('frontend', encode.encodeExecute('', -5))).toEqual({ kind: 'Execute', portal: '', maxRows: 0 })
  })

  it('65,535 parameters', () => {
    const frame = encode.encodeBind({ parameters: Array.from({ length: 65_535 }, () => null) })
    expect(decodeFrame('frontend', frame)).toMatchObject({ parameters: { length: 65_535 } })
  })
})

describe('what cannot be encoded', () => {
  it('text with a NUL, which would add fields to a message', () => {
    expect(() => encode.encodeParse('a\0b', 'select 1')).toThrow(RangeError)
    expect(() => encode.encodeQuery('select 1\0')).toThrow(RangeError)
    expect(() => encode.encodeParameterStatus({ name: 'a', value: '\0' })).toThrow(RangeError)
  })

  it('more elements than a count can say', () => {
    expect(() => encode.encodeBind({ parameters: Array.from({ length: 65_536 }, () => null) })).toThrow(RangeError)
    expect(() => encode.encodeAuthenticationMd5Password(Buffer.alloc(5))).toThrow(RangeError)
    expect(() => encode.encodeStartup({ minor: 0, parameters: new Map([['', 'x']]) })).toThrow(RangeError)
  })

  it('a NUL in a report is replaced, because an error must always reach the client', () => {
    const frame = encode.encodeErrorResponse({ severity: 'ERROR', sqlstate: 'XX000', message: 'a\0b', hint: '' })
    const fields = decodeBackend(frame, BACKEND.ErrorResponse, 5, frame.length)
    expect(fields).toMatchObject({
      fields: new Map([
        ['S', 'ERROR'],
        ['V', 'ERROR'],
        ['C', 'XX000'],
        ['M', 'a\uFFFDb'],
      ]),
    })
  })

  it('large messages leave no large buffer behind and come out whole', () => {
    const sql = `select '${'x'.repeat(300_000)}'`
    const frame = encode.encodeQuery(sql)
    expect(decodeQuery(frame, 5, frame.length)).toBe(sql)
    const small = encode.encodeQuery('select 1')
    expect(small.buffer.byteLength).toBeLessThan(300_000)
  })
})

/** The reader and writer of node-postgres, which comes with `pg`. */
interface PgProtocol {
  readonly serialize: {
    query(sql: string): Buffer
    parse(statement: { name: string; text: string; types: number[] }): Buffer
    bind(values: { portal: string; statement: string; values: (string | null)[] }): Buffer
    describe(target: { type: 'S' | 'P'; name: string }): Buffer
    execute(portal: { portal: string; rows: number }): Buffer
    close(target: { type: 'S' | 'P'; name: string }): Buffer
    sync(): Buffer
    flush(): Buffer
    end(): Buffer
    copyData(data: Buffer): Buffer
    copyDone(): Buffer
    copyFail(reason: string): Buffer
    password(password: string): Buffer
    sendSASLInitialResponseMessage(mechanism: string, response: string): Buffer
    sendSCRAMClientFinalMessage(response: string): Buffer
    cancel(processId: number, secret: number): Buffer
    requestSsl(): Buffer
  }
  parse(stream: PassThrough, callback: (message: Record<string, unknown>) => void): Promise<void>
}

describe('agrees with node-postgres', () => {
  const load = createRequire(createRequire(import.meta.url).resolve('pg'))
  const oracle: PgProtocol = load('pg-protocol')

  it('on the bytes of a client’s messages', () => {
    const { serialize } = oracle
    fc.assert(
      fc.property(text, text, oids, fc.nat(1000), (first, second, types, rows) => {
        const pairs: readonly (readonly [Buffer, Buffer])[] = [
          [encode.encodeQuery(first), serialize.query(first)],
          [encode.encodeParse(first, second, types), serialize.parse({ name: first, text: second, types })],
          [
            encode.encodeBind({
              portal: first,
              statement: second,
              parameterFormats: [0, 0],
              parameters: [second, null],
              resultFormats: [0],
            }),
            serialize.bind({ portal: first, statement: second, values: [second, null] }),
          ],
          [encode.encodeDescribe('S', first), serialize.describe({ type: 'S', name: first })],
          [encode.encodeExecute(first, rows + 1), serialize.execute({ portal: first, rows: rows + 1 })],
          [encode.encodeClose('P', first), serialize.close({ type: 'P', name: first })],
          [encode.encodeCopyData(Buffer.from(first)), serialize.copyData(Buffer.from(first))],
          [encode.encodeCopyFail(first), serialize.copyFail(first)],
          [encode.encodePassword(first), serialize.password(first)],
          [
            encode.encodeSaslInitialResponse({ mechanism: first, response: Buffer.from(second) }),
            serialize.sendSASLInitialResponseMessage(first, second),
          ],
          [encode.encodeSaslResponse(Buffer.from(first)), serialize.sendSCRAMClientFinalMessage(first)],
        ]
        for (const [ours, theirs] of pairs) expect(ours.toString('hex')).toBe(theirs.toString('hex'))
      }),
    )
    expect(encode.encodeSync()).toEqual(serialize.sync())
    expect(encode.encodeFlush()).toEqual(serialize.flush())
    expect(encode.encodeTerminate()).toEqual(serialize.end())
    expect(encode.encodeCopyDone()).toEqual(serialize.copyDone())
    expect(encode.encodeSslRequest()).toEqual(serialize.requestSsl())
    const secretKey = Buffer.from([0, 0, 1, 2])
    expect(encode.encodeCancelRequest({ processId: 77, secretKey })).toEqual(serialize.cancel(77, 0x0102))
  })

  it('on the meaning of a server’s messages', async () => {
    const columns = [{ name: 'ssn', tableOid: 16_400, attnum: 3, typeOid: 25, typmod: -1, format: 0 }]
    const stream = new PassThrough()
    const seen: Record<string, unknown>[] = []
    const done = oracle.parse(stream, (message) => seen.push(message))
    stream.end(
      Buffer.concat([
        encode.encodeParameterStatus({ name: 'client_encoding', value: 'UTF8' }),
        encode.encodeBackendKeyData({ processId: 12, secretKey: Buffer.from([0, 0, 0, 9]) }),
        encode.encodeRowDescription(columns),
        encode.encodeDataRow(['é', null, '']),
        encode.encodeCommandComplete('SELECT 1'),
        encode.encodeErrorResponse({ severity: 'ERROR', sqlstate: '42501', message: 'no', hint: 'ask', position: '8' }),
        encode.encodeNotificationResponse({ processId: 4, channel: 'c', payload: 'p' }),
        encode.encodeCopyResponse('CopyInResponse', 0, [0, 0]),
        encode.encodeAuthenticationSasl(['SCRAM-SHA-256']),
        encode.encodeReadyForQuery('T'),
      ]),
    )
    await done
    expect(seen).toMatchObject([
      { name: 'parameterStatus', parameterName: 'client_encoding', parameterValue: 'UTF8' },
      { name: 'backendKeyData', processID: 12, secretKey: 9 },
      {
        name: 'rowDescription',
        fields: [{ name: 'ssn', tableID: 16_400, columnID: 3, dataTypeID: 25, dataTypeModifier: -1 }],
      },
      { name: 'dataRow', fields: ['é', null, ''] },
      { name: 'commandComplete', text: 'SELECT 1' },
      { name: 'error', severity: 'ERROR', code: '42501', message: 'no', hint: 'ask', position: '8' },
      { name: 'notification', processId: 4, channel: 'c', payload: 'p' },
      { name: 'copyInResponse', columnTypes: [0, 0] },
      { name: 'authenticationSASL', mechanisms: ['SCRAM-SHA-256'] },
      { name: 'readyForQuery', status: 'T' },
    ])
  })
})
