import { isUtf8 } from 'node:buffer'
import type { ResultColumn } from '../../mask/plan.ts'
import { type AuthenticationStep, decodeAuthentication, decodeAuthenticationResponse } from './decode-authentication.ts'
import { BodyReader } from './decode-reader.ts'
import { ProtocolViolation } from './framing.ts'
import { MAX_CANCEL_KEY_BYTES, MIN_CANCEL_KEY_BYTES } from './limits.ts'
import {
  BACKEND,
  type BackendKeyData,
  type BackendMessage,
  type Bind,
  type Close,
  type CopyResponse,
  type Describe,
  type Execute,
  FRONTEND,
  type FrontendMessage,
  type FunctionCall,
  type NameTarget,
  type NegotiateProtocolVersion,
  type NotificationResponse,
  type Parse,
  type Peer,
  type TransactionStatus,
} from './messages.ts'

// Strict decoders, one a message (PostgreSQL 18 documentation, "Message Formats"). Each takes the buffer and where the body
// starts and ends, copies no values, and throws a ProtocolViolation for anything that is not exactly the message.

/**
 * Decodes any message of a client. Which of four messages an AuthenticationResponse is depends on what the server asked
 * for last, so that one is refused unless `step` says it.
 */
export function decodeFrontend(
  buffer: Buffer,
  type: number,
  body: number,
  end: number,
  step?: AuthenticationStep,
): FrontendMessage {
  switch (type) {
    case FRONTEND.Query:
      return { kind: 'Query', sql: decodeQuery(buffer, body, end) }
    case FRONTEND.Parse:
      return decodeParse(buffer, body, end)
    case FRONTEND.Bind:
      return decodeBind(buffer, body, end)
    case FRONTEND.Describe:
      return decodeDescribe(buffer, body, end)
    case FRONTEND.Execute:
      return decodeExecute(buffer, body, end)
    case FRONTEND.Close:
      return decodeClose(buffer, body, end)
    case FRONTEND.Sync:
      return empty('frontend', 'Sync', body, end)
    case FRONTEND.Flush:
      return empty('frontend', 'Flush', body, end)
    case FRONTEND.Terminate:
      return empty('frontend', 'Terminate', body, end)
    case FRONTEND.CopyData:
      return { kind: 'CopyData', data: { start: body, end } }
    case FRONTEND.CopyDone:
      return empty('frontend', 'CopyDone', body, end)
    case FRONTEND.CopyFail:
      return { kind: 'CopyFail', reason: onlyText('frontend', 'CopyFail', buffer, body, end) }
    case FRONTEND.FunctionCall:
      return decodeFunctionCall(buffer, body, end)
    case FRONTEND.AuthenticationResponse:
      if (step === undefined) throw new ProtocolViolation('frontend', 'authentication message outside authentication')
      return decodeAuthenticationResponse(step, buffer, body, end)
    default:
      throw new ProtocolViolation('frontend', 'unknown message type')
  }
}

/** Decodes any message of a server. */
export function decodeBackend(buffer: Buffer, type: number, body: number, end: number): BackendMessage {
  switch (type) {
    case BACKEND.Authentication:
      return decodeAuthentication(buffer, body, end)
    case BACKEND.BackendKeyData:
      return decodeBackendKeyData(buffer, body, end)
    case BACKEND.BindComplete:
      return empty('backend', 'BindComplete', body, end)
    case BACKEND.CloseComplete:
      return empty('backend', 'CloseComplete', body, end)
    case BACKEND.CommandComplete:
      return { kind: 'CommandComplete', tag: decodeCommandComplete(buffer, body, end) }
    case BACKEND.CopyData:
      return { kind: 'CopyData', data: { start: body, end } }
    case BACKEND.CopyDone:
      return empty('backend', 'CopyDone', body, end)
    case BACKEND.CopyInResponse:
      return decodeCopyResponse('CopyInResponse', buffer, body, end)
    case BACKEND.CopyOutResponse:
      return decodeCopyResponse('CopyOutResponse', buffer, body, end)
    case BACKEND.CopyBothResponse:
      return decodeCopyResponse('CopyBothResponse', buffer, body, end)
    case BACKEND.DataRow:
      return decodeDataRow(buffer, body, end)
    case BACKEND.EmptyQueryResponse:
      return empty('backend', 'EmptyQueryResponse', body, end)
    case BACKEND.ErrorResponse:
      return { kind: 'ErrorResponse', fields: decodeErrorFields(buffer, body, end) }
    case BACKEND.NoticeResponse:
      return { kind: 'NoticeResponse', fields: decodeErrorFields(buffer, body, end) }
    case BACKEND.FunctionCallResponse:
      return decodeFunctionCallResponse(buffer, body, end)
    case BACKEND.NegotiateProtocolVersion:
      return decodeNegotiateProtocolVersion(buffer, body, end)
    case BACKEND.NoData:
      return empty('backend', 'NoData', body, end)
    case BACKEND.NotificationResponse:
      return decodeNotification(buffer, body, end)
    case BACKEND.ParameterDescription:
      return { kind: 'ParameterDescription', parameterTypes: decodeParameterDescription(buffer, body, end) }
    case BACKEND.ParameterStatus:
      return { kind: 'ParameterStatus', ...decodeParameterStatus(buffer, body, end) }
    case BACKEND.ParseComplete:
      return empty('backend', 'ParseComplete', body, end)
    case BACKEND.PortalSuspended:
      return empty('backend', 'PortalSuspended', body, end)
    case BACKEND.ReadyForQuery:
      return { kind: 'ReadyForQuery', status: decodeReadyForQuery(buffer, body, end) }
    case BACKEND.RowDescription:
      return { kind: 'RowDescription', columns: decodeRowDescription(buffer, body, end).columns }
    default:
      throw new ProtocolViolation('backend', 'unknown message type')
  }
}

/** The statement text: UTF-8, one NUL and that at the end. Anything else is an `encoding` violation. */
export function decodeQuery(buffer: Buffer, body: number, end: number): string {
  const nul = buffer.indexOf(0, body)
  if (nul < 0 || nul >= end) throw new ProtocolViolation('frontend', 'Query: text without terminator')
  if (nul !== end - 1) throw new ProtocolViolation('frontend', 'Query: NUL within the text', { encoding: true })
  if (!isUtf8(buffer.subarray(body, nul))) {
    throw new ProtocolViolation('frontend', 'Query: text is not UTF-8', { encoding: true })
  }
  return buffer.toString('utf8', body, nul)
}

export function decodeParse(buffer: Buffer, body: number, end: number): Parse {
  const reader = new BodyReader('frontend', 'Parse', buffer, body, end)
  const name = reader.text()
  const sql = reader.text()
  const parameterTypes = reader.list(reader.uint16(), 4, () => reader.uint32())
  reader.finish()
  return { kind: 'Parse', name, sql, parameterTypes }
}

/** Parameters are byte ranges of `buffer`. The number of formats must fit, as the server demands. */
export function decodeBind(buffer: Buffer, body: number, end: number): Bind {
  const reader = new BodyReader('frontend', 'Bind', buffer, body, end)
  const portal = reader.text()
  const statement = reader.text()
  const { formats: parameterFormats, values: parameters } = formatsAndValues(reader)
  const resultFormats = reader.list(reader.uint16(), 2, () => reader.format())
  reader.finish()
  return { kind: 'Bind', portal, statement, parameterFormats, parameters, resultFormats }
}

export function decodeDescribe(buffer: Buffer, body: number, end: number): Describe {
  return { kind: 'Describe', ...targetAndName('Describe', buffer, body, end) }
}

export function decodeClose(buffer: Buffer, body: number, end: number): Close {
  return { kind: 'Close', ...targetAndName('Close', buffer, body, end) }
}

export function decodeExecute(buffer: Buffer, body: number, end: number): Execute {
  const reader = new BodyReader('frontend', 'Execute', buffer, body, end)
  const portal = reader.text()
  const maxRows = reader.int32()
  reader.finish()
  return { kind: 'Execute', portal, maxRows: maxRows > 0 ? maxRows : 0 }
}

export function decodeRowDescription(
  buffer: Buffer,
  body: number,
  end: number,
): { readonly columns: readonly ResultColumn[] } {
  const reader = new BodyReader('backend', 'RowDescription', buffer, body, end)
  const columns = reader.list(reader.uint16(), 19, () => {
    const name = reader.text()
    const tableOid = reader.uint32()
    const attnum = reader.int16()
    const typeOid = reader.uint32()
    reader.int16() // pg_type.typlen, which follows from the type
    return { name, tableOid, attnum, typeOid, typmod: reader.int32(), format: reader.format() }
  })
  reader.finish()
  return { columns }
}

/** Values are byte ranges of `buffer`. */
export function decodeDataRow(buffer: Buffer, body: number, end: number): Extract<BackendMessage, { kind: 'DataRow' }> {
  const reader = new BodyReader('backend', 'DataRow', buffer, body, end)
  const values = reader.list(reader.uint16(), 4, () => reader.value())
  reader.finish()
  return { kind: 'DataRow', values }
}

/**
 * The fields of an ErrorResponse or NoticeResponse by field letter ("Error and Notice Message Fields"): S, V severity, C SQLSTATE, M message …
 * What is not UTF-8 becomes U+FFFD, because a server may report in its own encoding before one is agreed on.
 */
export function decodeErrorFields(buffer: Buffer, body: number, end: number): ReadonlyMap<string, string> {
  const reader = new BodyReader('backend', 'ErrorResponse', buffer, body, end)
  const fields = new Map<string, string>()
  for (let code = reader.byte(); code !== 0; code = reader.byte()) {
    const letter = String.fromCharCode(code)
    if (fields.has(letter)) reader.fail('field given twice')
    fields.set(letter, reader.lossyText())
  }
  reader.finish()
  return fields
}

export function decodeReadyForQuery(buffer: Buffer, body: number, end: number): TransactionStatus {
  const reader = new BodyReader('backend', 'ReadyForQuery', buffer, body, end)
  const status = String.fromCharCode(reader.byte())
  reader.finish()
  return status === 'I' || status === 'T' || status === 'E' ? status : reader.fail('unknown transaction status')
}

/** The command tag, such as `INSERT 0 1`. */
export function decodeCommandComplete(buffer: Buffer, body: number, end: number): string {
  return onlyText('backend', 'CommandComplete', buffer, body, end)
}

export function decodeParameterStatus(
  buffer: Buffer,
  body: number,
  end: number,
): { readonly name: string; readonly value: string } {
  const reader = new BodyReader('backend', 'ParameterStatus', buffer, body, end)
  const name = reader.text()
  const value = reader.text()
  reader.finish()
  return { name, value }
}

/** The key is a copy. 4 bytes in protocol 3.0, 4 to 256 in 3.2. */
export function decodeBackendKeyData(buffer: Buffer, body: number, end: number): BackendKeyData {
  const reader = new BodyReader('backend', 'BackendKeyData', buffer, body, end)
  const processId = reader.int32()
  if (reader.remaining < MIN_CANCEL_KEY_BYTES || reader.remaining > MAX_CANCEL_KEY_BYTES) {
    reader.fail('key length is out of range')
  }
  const key = reader.rest()
  return { kind: 'BackendKeyData', processId, secretKey: Buffer.from(buffer.subarray(key.start, key.end)) }
}

export function decodeNotification(buffer: Buffer, body: number, end: number): NotificationResponse {
  const reader = new BodyReader('backend', 'NotificationResponse', buffer, body, end)
  const processId = reader.int32()
  const channel = reader.text()
  const payload = reader.text()
  reader.finish()
  return { kind: 'NotificationResponse', processId, channel, payload }
}

export function decodeCopyResponse(
  kind: CopyResponse['kind'],
  buffer: Buffer,
  body: number,
  end: number,
): CopyResponse {
  const reader = new BodyReader('backend', kind, buffer, body, end)
  const format = reader.byte()
  if (format > 1) reader.fail('unknown format code')
  const columnFormats = reader.list(reader.uint16(), 2, () => reader.format())
  if (format === 0 && columnFormats.includes(1)) reader.fail('binary column in a textual COPY')
  reader.finish()
  return { kind, format, columnFormats }
}

/**
 * PostgreSQL sends the whole version number (196610 for 3.2) where the documentation speaks of the minor version; both
 * forms are read.
 */
export function decodeNegotiateProtocolVersion(buffer: Buffer, body: number, end: number): NegotiateProtocolVersion {
  const reader = new BodyReader('backend', 'NegotiateProtocolVersion', buffer, body, end)
  const version = reader.uint32()
  const major = version >>> 16
  if (major !== 0 && major !== 3) reader.fail('major version is not 3')
  const unrecognisedOptions = reader.list(reader.uint32(), 1, () => reader.text())
  reader.finish()
  return { kind: 'NegotiateProtocolVersion', newestMinor: version & 0xffff, unrecognisedOptions }
}

/** Type OIDs of the parameters. */
export function decodeParameterDescription(buffer: Buffer, body: number, end: number): readonly number[] {
  const reader = new BodyReader('backend', 'ParameterDescription', buffer, body, end)
  const types = reader.list(reader.uint16(), 4, () => reader.uint32())
  reader.finish()
  return types
}

function decodeFunctionCall(buffer: Buffer, body: number, end: number): FunctionCall {
  const reader = new BodyReader('frontend', 'FunctionCall', buffer, body, end)
  const functionOid = reader.uint32()
  const { formats, values } = formatsAndValues(reader)
  const resultFormat = reader.format()
  reader.finish()
  return { kind: 'FunctionCall', functionOid, argumentFormats: formats, arguments: values, resultFormat }
}

function decodeFunctionCallResponse(buffer: Buffer, body: number, end: number): BackendMessage {
  const reader = new BodyReader('backend', 'FunctionCallResponse', buffer, body, end)
  const value = reader.value()
  reader.finish()
  return { kind: 'FunctionCallResponse', value }
}

function formatsAndValues(reader: BodyReader) {
  const formats = reader.list(reader.uint16(), 2, () => reader.format())
  const values = reader.list(reader.uint16(), 4, () => reader.value())
  if (formats.length > 1 && formats.length !== values.length) reader.fail('formats do not match the values')
  return { formats, values }
}

function targetAndName(kind: string, buffer: Buffer, body: number, end: number) {
  const reader = new BodyReader('frontend', kind, buffer, body, end)
  const letter = String.fromCharCode(reader.byte())
  const target: NameTarget = letter === 'S' || letter === 'P' ? letter : reader.fail('neither a statement nor a portal')
  const name = reader.text()
  reader.finish()
  return { target, name }
}

function onlyText(peer: Peer, kind: string, buffer: Buffer, body: number, end: number): string {
  const reader = new BodyReader(peer, kind, buffer, body, end)
  const text = reader.text()
  reader.finish()
  return text
}

function empty<K extends string>(peer: Peer, kind: K, body: number, end: number): { readonly kind: K } {
  if (body !== end) throw new ProtocolViolation(peer, `${kind}: trailing bytes`)
  return { kind }
}
