import { Command } from 'commander'
import { ChaperoneError } from '../../src/lib/errors.ts'
import type { JournalHeader } from '../../src/record/format.ts'
import type { SessionView } from '../../src/session/live-session.ts'
import { adminGet } from '../admin-client.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable, table } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

export const sessionsCommand = (context: CommandContext): Command =>
  new Command('sessions')
    .description('Sessions of a running gateway.')
    .addCommand(
      new Command('ls')
        .description('Sessions that are alive.')
        .addOption(configOption())
        .addOption(jsonOption())
        .action((options: Options) => list(options, context)),
    )
    .addCommand(
      new Command('show')
        .description('One session, alive or over: who, where, and what it did.')
        .argument('<id>', 'session id')
        .addOption(configOption())
        .addOption(jsonOption())
        .action((id: string, options: Options) => show(id, options, context)),
    )

async function list(options: Options, context: CommandContext): Promise<void> {
  const { admin } = readConfig(options.config, context)
  const { body } = await adminGet(admin, '/v1/sessions')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const { sessions } = JSON.parse(body) as { sessions: readonly SessionView[] }
  const { out } = context
  if (options.json) out.json(sessions)
  else if (sessions.length === 0) out.line('No session is alive.')
  else {
    const rows = sessions.map((one) => [
      one.id,
      printable(chainOf(one)),
      printable(one.purpose ?? '-'),
      printable(one.run ?? '-'),
      one.target,
      one.clearance,
      one.state,
      String(one.operations),
      one.startedAt,
    ])
    out.line(
      table(['SESSION', 'PRINCIPAL', 'PURPOSE', 'RUN', 'TARGET', 'CLEARANCE', 'STATE', 'OPERATIONS', 'STARTED'], rows),
    )
  }
}

/** Who acts, and for whom. */
const chainOf = ({ principal, onBehalfOf }: SessionView): string =>
  [principal, ...onBehalfOf].map(({ subject, kind }) => `${subject} (${kind})`).join(' for ')

async function show(id: string, options: Options, context: CommandContext): Promise<void> {
  const { admin } = readConfig(options.config, context)
  const live = await adminGet(admin, `/v1/sessions/${encodeURIComponent(id)}`)
  const recorded = await adminGet(admin, `/v1/sessions/${encodeURIComponent(id)}/events`)
  const events = recorded.status === 200 ? parseLines(recorded.body) : []
  if (events.length === 0) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `no session ${id} is known`,
      hint: 'See "chaperone sessions ls".',
    })
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const session = live.status === 200 ? (JSON.parse(live.body) as SessionView) : undefined
  const { out } = context
  if (options.json) {
    out.json({ session: session ?? null, events })
    return
  }
  out.line(`${out.bold(id)}  ${session === undefined ? 'over' : session.state}`)
  out.line(printable(summary(events[0]?.who)))
  out.line('')
  const rows = events.map((event) => [String(event.seq), event.time, event.kind, String(event.op), summary(event.what)])
  out.line(table(['SEQ', 'TIME', 'KIND', 'OP', 'WHAT'], rows))
}

function parseLines(text: string): JournalHeader[] {
  const lines = text.split('\n').filter((line) => line !== '')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version writes these
  return lines.map((line) => JSON.parse(line) as JournalHeader)
}

const summary = (what: unknown): string =>
  Object.entries(what ?? {})
    .map(([name, value]: [string, unknown]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
