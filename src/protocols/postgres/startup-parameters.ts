import { isUtf8Name } from '../../lib/encoding-name.ts'
import { ChaperoneError } from '../../lib/errors.ts'

/** What a client may set when it connects (PostgreSQL documentation, chapter 19); anything else is refused by name. */
const ALLOWED: ReadonlySet<string> = new Set([
  'application_name',
  'client_min_messages',
  'datestyle',
  'extra_float_digits',
  'geqo',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'intervalstyle',
  'jit',
  'lock_timeout',
  'search_path',
  'statement_timeout',
  'timezone',
  'transaction_timeout',
])
/** Not settings, and unlike those spelled in one way only: they name the connection. */
const CONNECTION: ReadonlySet<string> = new Set(['user', 'database', 'options'])
/** The one output style that masking reads, and the orders of input that may go with it. */
const DATE_STYLE = /^(iso|ymd|dmy|mdy|us|euro|european|noneuro|noneuropean)$/
/** `application_name` is cut to this many bytes by the server (NAMEDATALEN - 1). */
const NAME_BYTES = 63

export interface StartupParameterRules {
  /** Names that the target's configuration adds. */
  readonly extra: readonly string[]
  /** Results are masked: formats that masking reads are pinned. */
  readonly masked: boolean
  readonly sessionId: string
}

/**
 * The start-up parameters for the target, from those of the client: the allowed ones, plus what analysis and masking rely
 * on. Throws CHP-PROTOCOL-UNSUPPORTED for one that is not allowed, CHP-SQL-ENCODING for an encoding other than UTF-8.
 */
export function targetParameters(
  client: ReadonlyMap<string, string>,
  rules: StartupParameterRules,
): ReadonlyMap<string, string> {
  const extra = new Set(rules.extra.map((name) => name.toLowerCase()))
  const parameters = new Map<string, string>()
  const asked = [...client].filter(([name]) => !CONNECTION.has(name))
  for (const [name, value] of [...optionSettings(client.get('options') ?? ''), ...asked]) {
    const key = name.toLowerCase()
    if (key === 'client_encoding') requireUtf8(value)
    else if (key === 'standard_conforming_strings') requireOn(name, value)
    else if (ALLOWED.has(key) || extra.has(key)) parameters.set(key, value)
    else throw refused(`start-up parameter "${printable(name)}" is not allowed`)
  }
  if (rules.masked) {
    requireIso(parameters.get('datestyle'))
    const style = parameters.get('intervalstyle')
    if (style !== undefined && style.toLowerCase() !== 'postgres') throw refused('IntervalStyle is pinned to postgres')
    if (!parameters.has('datestyle')) parameters.set('datestyle', 'ISO')
    parameters.set('intervalstyle', 'postgres')
    parameters.set('bytea_output', 'hex')
  }
  parameters.set('client_encoding', 'UTF8')
  parameters.set('standard_conforming_strings', 'on')
  parameters.set('application_name', sessionName(rules.sessionId, parameters.get('application_name') ?? ''))
  return parameters
}

/** The target's own log names the gateway's session first, so that the two records can be joined. */
function sessionName(sessionId: string, application: string): string {
  const clean = application.replaceAll(/[^\x20-\x7e]/g, '?')
  return `chaperone/${sessionId} ${clean}`.trimEnd().slice(0, NAME_BYTES)
}

/** `-c name=value` and `--name=value`, with backslash escapes (section 54.7, StartupMessage, "options"). */
function optionSettings(options: string): readonly (readonly [string, string])[] {
  const words = options.match(/(?:\\.|[^\s\\])+/g)?.map((word) => word.replaceAll(/\\(.)/g, '$1')) ?? []
  const settings: [string, string][] = []
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const text = word === '-c' ? words.shift() : /^(?:-c|--)/.test(word) ? word.slice(2) : undefined
    const equals = text?.indexOf('=') ?? -1
    if (text === undefined || equals < 1) throw refused('the start-up option cannot be read')
    settings.push([text.slice(0, equals).replaceAll('-', '_'), text.slice(equals + 1)])
  }
  return settings
}

function requireUtf8(value: string): void {
  // SQL_ASCII is libpq's answer to the C locale.
  if (isUtf8Name(value) || value.toLowerCase() === 'sql_ascii') return
  throw new ChaperoneError('CHP-SQL-ENCODING', {
    message: 'only client_encoding UTF8 is available through the gateway',
  })
}

function requireOn(name: string, value: string): void {
  if (value.toLowerCase() !== 'on') throw refused(`start-up parameter "${name}" is pinned to on`)
}

function requireIso(style: string | undefined): void {
  const words = style
    ?.toLowerCase()
    .split(',')
    .map((word) => word.trim())
  if (words === undefined || (words.includes('iso') && words.every((word) => DATE_STYLE.test(word)))) return
  throw refused('DateStyle is pinned to ISO while results are masked')
}

const printable = (name: string): string => name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, NAME_BYTES)

const refused = (message: string): ChaperoneError => new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED', { message })
