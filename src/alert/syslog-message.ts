import type { Alert, Severity } from './alert.ts'

/** RFC 5424, table 2. */
const SEVERITIES: Readonly<Record<Severity, number>> = { critical: 2, error: 3, warning: 4, notice: 5 }

/** RFC 5612: a number for examples; names of a product's own need one after the `@`. */
const SD_ID = 'chaperone@32473'
/** So that a message stays within what every receiver takes (RFC 5426, section 3.2: 2048 octets). */
const MAX_VALUE = 160
const MAX_OCTETS = 2000

export interface SyslogOrigin {
  readonly facility: number
  readonly host: string
  readonly processId: number
}

/** An alert as a message of RFC 5424. */
export function syslogMessage(alert: Alert, { facility, host, processId }: SyslogOrigin): Buffer {
  const { id, kind, severity, title, details, source, repeated, heldBack } = alert
  const priority = facility * 8 + SEVERITIES[severity]
  const time = new Date(source.at).toISOString()
  const head = `<${priority}>1 ${time} ${headerText(host, 255)} chaperone ${processId} ${kind} `
  const elements: readonly (readonly [string, string])[] = [
    ['id', id],
    ['chain', source.chain.join(' < ')],
    ['target', source.target ?? ''],
    ['session', source.session ?? ''],
    ['repeated', String(repeated)],
    ['heldBack', String(heldBack)],
    ...Object.entries(details).map(
      ([name, value]) => [name, typeof value === 'object' ? value.join(' ') : String(value)] as const,
    ),
  ]
  let message = ''
  // The last ones matter least.
  for (let count = elements.length; count > 0; count--) {
    message = `${head}[${SD_ID}${elements.slice(0, count).map(parameter).join('')}] ${clean(title).slice(0, MAX_VALUE)}`
    if (Buffer.byteLength(message) <= MAX_OCTETS) break
  }
  return Buffer.from(message)
}

const clean = (text: string): string => text.replaceAll(/\p{Cc}/gu, ' ')

/** RFC 5424, section 6.3.3: `"`, `\` and `]` are escaped. */
function parameter([name, value]: readonly [string, string]): string {
  if (value === '') return ''
  const text = clean(value).slice(0, MAX_VALUE)
  return ` ${name}="${text.replaceAll(/["\\\]]/g, String.raw`\$&`)}"`
}

/** PRINTUSASCII, or the nil value. */
function headerText(text: string, length: number): string {
  const printable = text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, length)
  return printable === '' ? '-' : printable
}
