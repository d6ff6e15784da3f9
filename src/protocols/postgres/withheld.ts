import type { Gate } from '../protocol.ts'
import { decodeNotification } from './decode.ts'
import { encodeErrorResponse, encodeNoticeResponse, encodeNotificationResponse } from './encode.ts'
import { conditionName } from './sqlstate.ts'

type Fields = ReadonlyMap<string, string>

/**
 * Reports of the target as a masked client may see them: severity, SQLSTATE and position stay, names
 * of schema objects stay where the catalog knows them, and every free text is replaced, because it can quote values.
 */
export function withheldError(fields: Fields, gate: Gate): Buffer {
  return encodeErrorResponse(rebuilt(fields, gate))
}

export function withheldNotice(fields: Fields, gate: Gate): Buffer {
  return encodeNoticeResponse(rebuilt(fields, gate))
}

/** The channel stays, the payload goes: any session can put any text into it. */
export function withheldNotification(buffer: Buffer, body: number, end: number): Buffer {
  const { processId, channel } = decodeNotification(buffer, body, end)
  return encodeNotificationResponse({ processId, channel, payload: '' })
}

const SEVERITIES: ReadonlySet<string> = new Set([
  'ERROR',
  'FATAL',
  'PANIC',
  'WARNING',
  'NOTICE',
  'DEBUG',
  'INFO',
  'LOG',
])

function rebuilt(fields: Fields, gate: Gate) {
  const severity = fields.get('V') ?? 'ERROR'
  const sqlstate = fields.get('C') ?? 'XX000'
  const position = fields.get('P')
  return {
    severity: SEVERITIES.has(severity) ? severity : 'ERROR',
    sqlstate: /^[0-9A-Z]{5}$/.test(sqlstate) ? sqlstate : 'XX000',
    message: fixedText(fields, sqlstate),
    ...(position !== undefined && /^[0-9]+$/.test(position) ? { position } : {}),
    ...known(fields, gate),
  }
}

/** Messages of the server in which nothing is filled in, in the words of src/backend. */
const FIXED: ReadonlySet<string> = new Set([
  'there is already a transaction in progress',
  'there is no transaction in progress',
  'current transaction is aborted, commands ignored until end of transaction block',
  'canceling statement due to lock timeout',
  'canceling statement due to statement timeout',
  'canceling statement due to user request',
  'division by zero',
])

function fixedText(fields: Fields, sqlstate: string): string {
  const text = fields.get('M') ?? ''
  if (FIXED.has(text)) return text
  return `${conditionName(sqlstate)} (the text of the target is withheld) [CHP-TARGET-ERROR]`
}

function known(fields: Fields, gate: Gate) {
  const named = (letter: string): string | undefined => {
    const name = fields.get(letter)
    return name !== undefined && gate.catalogHas(name) ? name : undefined
  }
  const [schema, table, column, dataType, constraint] = ['s', 't', 'c', 'd', 'n'].map(named)
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(table === undefined ? {} : { table }),
    ...(column === undefined ? {} : { column }),
    ...(dataType === undefined ? {} : { dataType }),
    ...(constraint === undefined ? {} : { constraint }),
  }
}
