import type { Received } from '../support/wire-client.ts'

/** An answer as lines that can be compared; the rows in any order unless that is known. */
export function comparable(told: readonly Received[], ordered: boolean): string {
  const lines = told.filter(({ kind }) => !OWN.has(kind)).map(line)
  if (ordered) return lines.join('\n')
  // How many rows came before an error is a matter of their order; so is in how many pieces.
  if (failure(told) !== undefined) return lines.filter((one) => !isRow(one) && !isPause(one)).join('\n')
  const rows = lines.filter(isRow).toSorted()
  return lines.map((one) => (isRow(one) ? (rows.shift() ?? '') : one)).join('\n')
}

/** Of the connection and not of the answer. */
const OWN: ReadonlySet<string> = new Set(['ParameterStatus', 'BackendKeyData'])
const isRow = (text: string): boolean => /^(?:DataRow|CopyData) /.test(text)
const isPause = (text: string): boolean => text.startsWith('PortalSuspended ')

function line(message: Received): string {
  if (message.kind === 'DataRow')
    return `DataRow ${message.values.map((value) => value?.toString('base64') ?? 'NULL').join(' ')}`
  if (message.kind === 'CopyData') return `CopyData ${message.data.toString('base64')}`
  if (message.kind === 'ErrorResponse' || message.kind === 'NoticeResponse')
    return `${message.kind} ${JSON.stringify([...message.fields])}`
  return `${message.kind} ${JSON.stringify(message)}`
}

/** The SQLSTATE that ended an answer, and the gateway's own code if it was the gateway. */
export function failure(told: readonly Received[]): { readonly state: string; readonly code: string } | undefined {
  for (const message of told) {
    if (message.kind !== 'ErrorResponse') continue
    const code = /\bCHP-[A-Z]+-[A-Z]+(?:-[A-Z]+)*/.exec([...message.fields.values()].join(' '))?.[0]
    const rule = /masking\.[a-z-]+/.exec([...message.fields.values()].join(' '))?.[0]
    return {
      state: message.fields.get('C') ?? '',
      code: code === undefined ? '' : `${code}${rule === undefined ? '' : ` ${rule}`}`,
    }
  }
  return undefined
}

/** Time is no property of a statement, nor who else changes the same rows. */
export const timedOut = (told: readonly Received[]): boolean => ['57014', '40P01'].includes(failure(told)?.state ?? '')
