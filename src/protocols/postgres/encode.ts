import type { ResultColumn } from '../../mask/plan.ts'
import { message, startupPacket } from './encode-writer.ts'
import {
  BACKEND,
  type CopyResponse,
  FRONTEND,
  type NameTarget,
  PROTOCOL_MAJOR,
  REQUEST_CODE,
  type TransactionStatus,
} from './messages.ts'

// Encoders, one a message (PostgreSQL 18 documentation, "Message Formats"), each to a buffer that can be joined with
// others. A value that does not fit its field is a defect of the caller and throws a RangeError.

// ---- packets that open a connection

/** StartupMessage for protocol 3.`minor`. Protocol options (`_pq_.…`) go among the parameters. */
export function encodeStartup(values: {
  readonly minor: number
  readonly parameters: ReadonlyMap<string, string>
}): Buffer {
  const { minor, parameters } = values
  const packet = startupPacket().uint32(versionNumber(minor))
  for (const [name, value] of parameters) {
    if (name === '') throw new RangeError('a startup parameter needs a name')
    packet.text(name).text(value)
  }
  return packet.byte(0).finishStartup()
}

export const encodeSslRequest = (): Buffer => startupPacket().uint32(REQUEST_CODE.SSLRequest).finishStartup()

export const encodeGssEncRequest = (): Buffer => startupPacket().uint32(REQUEST_CODE.GSSENCRequest).finishStartup()

/** What BackendKeyData told a client and CancelRequest repeats. */
export interface CancelKey {
  readonly processId: number
  readonly secretKey: Buffer
}

export const encodeCancelRequest = ({ processId, secretKey }: CancelKey): Buffer =>
  startupPacket().uint32(REQUEST_CODE.CancelRequest).int32(processId).bytes(secretKey).finishStartup()

// ---- messages of a client

export const encodePassword = (password: string): Buffer =>
  message(FRONTEND.AuthenticationResponse).text(password).finish()

export interface SaslInitialValues {
  readonly mechanism: string
  readonly response: Buffer | null
}

export const encodeSaslInitialResponse = ({ mechanism, response }: SaslInitialValues): Buffer =>
  message(FRONTEND.AuthenticationResponse).text(mechanism).value(response).finish()

export const encodeSaslResponse = (data: Buffer): Buffer =>
  message(FRONTEND.AuthenticationResponse).bytes(data).finish()

export const encodeQuery = (sql: string): Buffer => message(FRONTEND.Query).text(sql).finish()

export function encodeParse(name: string, sql: string, parameterTypes: readonly number[] = []): Buffer {
  const writer = message(FRONTEND.Parse).text(name).text(sql).count(parameterTypes.length)
  for (const type of parameterTypes) writer.uint32(type)
  return writer.finish()
}

export interface BindValues {
  readonly portal?: string
  readonly statement?: string
  /** 0 text, 1 binary: none, one for all, or one a parameter. */
  readonly parameterFormats?: readonly number[]
  readonly parameters?: readonly (Buffer | string | null)[]
  /** 0 text, 1 binary: none, one for all, or one a column. */
  readonly resultFormats?: readonly number[]
}

export function encodeBind(values: BindValues = {}): Buffer {
  const { portal = '', statement = '', parameterFormats = [], parameters = [], resultFormats = [] } = values
  const writer = message(FRONTEND.Bind).text(portal).text(statement).count(parameterFormats.length)
  for (const format of parameterFormats) writer.int16(format)
  writer.count(parameters.length)
  for (const parameter of parameters) writer.value(parameter)
  writer.count(resultFormats.length)
  for (const format of resultFormats) writer.int16(format)
  return writer.finish()
}

export const encodeDescribe = (target: NameTarget, name: string): Buffer =>
  message(FRONTEND.Describe).byte(target.charCodeAt(0)).text(name).finish()

export const encodeClose = (target: NameTarget, name: string): Buffer =>
  message(FRONTEND.Close).byte(target.charCodeAt(0)).text(name).finish()

/** `maxRows` 0 is no limit. */
export const encodeExecute = (portal: string, maxRows = 0): Buffer =>
  message(FRONTEND.Execute).text(portal).int32(maxRows).finish()

export const encodeSync = (): Buffer => message(FRONTEND.Sync).finish()

export const encodeFlush = (): Buffer => message(FRONTEND.Flush).finish()

export const encodeTerminate = (): Buffer => message(FRONTEND.Terminate).finish()

export const encodeCopyFail = (reason: string): Buffer => message(FRONTEND.CopyFail).text(reason).finish()

export interface FunctionCallValues {
  readonly functionOid: number
  readonly argumentFormats?: readonly number[]
  readonly arguments?: readonly (Buffer | string | null)[]
  readonly resultFormat?: number
}

export function encodeFunctionCall(call: FunctionCallValues): Buffer {
  const { argumentFormats = [], arguments: values = [] } = call
  const writer = message(FRONTEND.FunctionCall).uint32(call.functionOid).count(argumentFormats.length)
  for (const format of argumentFormats) writer.int16(format)
  writer.count(values.length)
  for (const value of values) writer.value(value)
  return writer.int16(call.resultFormat ?? 0).finish()
}

// ---- messages of both

export const encodeCopyData = (data: Buffer): Buffer => message(FRONTEND.CopyData).bytes(data).finish()

export const encodeCopyDone = (): Buffer => message(FRONTEND.CopyDone).finish()

// ---- messages of a server

const authentication = (code: number, data?: Buffer): Buffer => {
  const writer = message(BACKEND.Authentication).uint32(code)
  return (data === undefined ? writer : writer.bytes(data)).finish()
}

export const encodeAuthenticationOk = (): Buffer => authentication(0)

export const encodeAuthenticationCleartextPassword = (): Buffer => authentication(3)

export const encodeAuthenticationMd5Password = (salt: Buffer): Buffer => {
  if (salt.length !== 4) throw new RangeError('the salt has four bytes')
  return authentication(5, salt)
}

export function encodeAuthenticationSasl(mechanisms: readonly string[]): Buffer {
  const writer = message(BACKEND.Authentication).uint32(10)
  for (const mechanism of mechanisms) writer.text(mechanism)
  return writer.byte(0).finish()
}

export const encodeAuthenticationSaslContinue = (data: Buffer): Buffer => authentication(11, data)

export const encodeAuthenticationSaslFinal = (data: Buffer): Buffer => authentication(12, data)

export const encodeBackendKeyData = ({ processId, secretKey }: CancelKey): Buffer =>
  message(BACKEND.BackendKeyData).int32(processId).bytes(secretKey).finish()

/** PostgreSQL sends the whole version number here, not the minor version alone, and libpq expects that. */
export function encodeNegotiateProtocolVersion(values: {
  readonly newestMinor: number
  readonly unrecognisedOptions: readonly string[]
}): Buffer {
  const { newestMinor, unrecognisedOptions } = values
  const writer = message(BACKEND.NegotiateProtocolVersion)
  writer.uint32(versionNumber(newestMinor)).uint32(unrecognisedOptions.length)
  for (const option of unrecognisedOptions) writer.text(option)
  return writer.finish()
}

export const encodeParameterStatus = ({ name, value }: { readonly name: string; readonly value: string }): Buffer =>
  message(BACKEND.ParameterStatus).text(name).text(value).finish()

export const encodeReadyForQuery = (status: TransactionStatus): Buffer =>
  message(BACKEND.ReadyForQuery).byte(status.charCodeAt(0)).finish()

/** Fields of an error or notice ("Error and Notice Message Fields"); empty ones are left out. */
export interface ReportFields {
  readonly severity: string
  readonly sqlstate: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** 1-based character position in the statement. */
  readonly position?: string | undefined
  readonly internalPosition?: string | undefined
  readonly internalQuery?: string | undefined
  readonly where?: string | undefined
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly dataType?: string | undefined
  readonly constraint?: string | undefined
  readonly file?: string | undefined
  readonly line?: string | undefined
  readonly routine?: string | undefined
}

const REPORT_NAMES = [
  'sqlstate',
  'message',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

const REPORT_LETTERS = {
  sqlstate: 'C',
  message: 'M',
  detail: 'D',
  hint: 'H',
  position: 'P',
  internalPosition: 'p',
  internalQuery: 'q',
  where: 'W',
  schema: 's',
  table: 't',
  column: 'c',
  dataType: 'd',
  constraint: 'n',
  file: 'F',
  line: 'L',
  routine: 'R',
} as const satisfies Record<Exclude<keyof ReportFields, 'severity'>, string>

export const encodeErrorResponse = (fields: ReportFields): Buffer => encodeReport(BACKEND.ErrorResponse, fields)

export const encodeNoticeResponse = (fields: ReportFields): Buffer => encodeReport(BACKEND.NoticeResponse, fields)

function encodeReport(type: number, fields: ReportFields): Buffer {
  const writer = message(type)
  // Severity comes twice: S may be translated, V may not and is what drivers should go by.
  writer.byte('S'.charCodeAt(0)).text(fields.severity).byte('V'.charCodeAt(0)).text(fields.severity)
  for (const name of REPORT_NAMES) {
    const text = fields[name]
    if (text) writer.byte(REPORT_LETTERS[name].charCodeAt(0)).text(text.replaceAll('\0', '\uFFFD'))
  }
  return writer.byte(0).finish()
}

/** A column to describe; `typeSize` is pg_type.typlen, -1 (of varying size) when it is not given. */
export type DescribedColumn = ResultColumn & { readonly typeSize?: number }

export function encodeRowDescription(columns: readonly DescribedColumn[]): Buffer {
  const writer = message(BACKEND.RowDescription).count(columns.length)
  for (const { name, tableOid, attnum, typeOid, typeSize = -1, typmod, format } of columns) {
    writer.text(name).uint32(tableOid).int16(attnum).uint32(typeOid).int16(typeSize).int32(typmod).int16(format)
  }
  return writer.finish()
}

export function encodeDataRow(values: readonly (Buffer | string | null)[]): Buffer {
  const writer = message(BACKEND.DataRow).count(values.length)
  for (const value of values) writer.value(value)
  return writer.finish()
}

export const encodeCommandComplete = (tag: string): Buffer => message(BACKEND.CommandComplete).text(tag).finish()

export function encodeParameterDescription(parameterTypes: readonly number[]): Buffer {
  const writer = message(BACKEND.ParameterDescription).count(parameterTypes.length)
  for (const type of parameterTypes) writer.uint32(type)
  return writer.finish()
}

export function encodeCopyResponse(
  kind: CopyResponse['kind'],
  format: number,
  columnFormats: readonly number[],
): Buffer {
  const writer = message(BACKEND[kind]).byte(format).count(columnFormats.length)
  for (const columnFormat of columnFormats) writer.int16(columnFormat)
  return writer.finish()
}

export interface NotificationValues {
  readonly processId: number
  readonly channel: string
  readonly payload: string
}

export const encodeNotificationResponse = ({ processId, channel, payload }: NotificationValues): Buffer =>
  message(BACKEND.NotificationResponse).int32(processId).text(channel).text(payload).finish()

export const encodeFunctionCallResponse = (value: Buffer | string | null): Buffer =>
  message(BACKEND.FunctionCallResponse).value(value).finish()

type EmptyBackendMessage =
  | 'BindComplete'
  | 'CloseComplete'
  | 'EmptyQueryResponse'
  | 'NoData'
  | 'ParseComplete'
  | 'PortalSuspended'

/** The messages of a server that have no body, except CopyDone. */
export const encodeEmptyBackend = (kind: EmptyBackendMessage): Buffer => message(BACKEND[kind]).finish()

const versionNumber = (minor: number): number => PROTOCOL_MAJOR * 0x10000 + minor
