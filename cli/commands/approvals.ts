import { Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { PreviewSchema, RequestSchema, STATES } from '../../src/web/approval-schemas.ts'
import { jsonOption } from '../config-option.ts'
import { EXIT_CODES, exitCodeOf, printRequest, requestTable, type ShownRequest } from '../show-request.ts'
import { type CommandContext, printable, table } from '../terminal.ts'
import { gatewayOption, type WebClient, webClient } from '../web-client.ts'

interface Options {
  readonly gateway?: string
  readonly json?: true
}

interface ListOptions extends Options {
  readonly state: ShownRequest['state'] | 'all'
}

interface ShowOptions extends Options {
  readonly preview?: true
}

interface DecideOptions extends Options {
  readonly reason: string
  readonly minutes?: number
  readonly timeout: number
}

interface WatchOptions extends Options {
  readonly timeout: number
}

const POLL_MS = 2000
const LISTED = 100

export const approvalsCommand = (context: CommandContext): Command =>
  new Command('approvals')
    .description('Requests that wait for people: held statements, access, versions of the policy.')
    .addHelpText(
      'after',
      '\nUses your login (chaperone login), or CHAPERONE_TOKEN with --gateway. Agents see the requests of their own chains.',
    )
    .addCommand(
      common('ls', 'Requests that you may see, newest first.')
        .addOption(new Option('--state <state>', 'only those').choices([...STATES, 'all']).default('pending'))
        .action((options: ListOptions) => list(options, context)),
    )
    .addCommand(
      common('show', 'One request: who, what, why, and what was decided.')
        .argument('<id>', 'as in "approvals ls", and in the ticket that a client gets')
        .option('--preview', 'the rows that a held write would touch, masked for you')
        .action((id: string, options: ShowOptions) => show(id, options, context)),
    )
    .addCommand(
      decision('approve', 'Approve a request: once, or for a time.')
        .option('--minutes <n>', 'exactly this operation, as often as it is sent, for so long', wholeNumber)
        .action((id: string, options: DecideOptions) => decide(id, 'approve', options, context)),
    )
    .addCommand(
      decision('deny', 'Refuse a request.').action((id: string, options: DecideOptions) =>
        decide(id, 'refuse', options, context),
      ),
    )
    .addCommand(
      common('watch', 'Wait until a request is decided; without an id, print requests as they come.')
        .argument('[id]', 'request')
        .addOption(timeoutOption())
        .addHelpText('after', EXIT_CODES)
        .action((id: string | undefined, options: WatchOptions) =>
          id === undefined ? follow(options, context) : watch(id, options, context),
        ),
    )

const common = (name: string, description: string): Command =>
  new Command(name).description(description).addOption(gatewayOption()).addOption(jsonOption())

const decision = (name: string, description: string): Command =>
  common(name, description)
    .argument('<id>', 'request')
    .requiredOption('--reason <text>', 'why; the requester reads it')
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `
Where a decision needs your passkey, which a terminal cannot ask for, the address of the page is printed, and the command waits for
what you decide there.
${EXIT_CODES}`,
    )

const timeoutOption = (): Option =>
  new Option('--timeout <seconds>', 'wait at most so long').argParser(wholeNumber).default(3600)

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 on is needed.')
  return Number(text)
}

const pathOf = (id: string): string => `/v1/approvals/${encodeURIComponent(id)}`

async function listed(client: WebClient, state: ListOptions['state']): Promise<readonly ShownRequest[]> {
  const query = new URLSearchParams({ limit: String(LISTED), ...(state === 'all' ? {} : { state }) })
  const schema = z.object({ requests: z.array(RequestSchema) })
  return (await client.ask(schema, 'GET', `/v1/approvals?${query.toString()}`)).requests
}

async function list({ gateway, json, state }: ListOptions, context: CommandContext): Promise<void> {
  const requests = await listed(webClient(gateway, context), state)
  if (json) context.out.json(requests)
  else context.out.line(requests.length === 0 ? 'There is no such request.' : requestTable(requests))
}

async function show(id: string, { gateway, json, preview }: ShowOptions, context: CommandContext): Promise<void> {
  const client = webClient(gateway, context)
  const request = await client.ask(RequestSchema, 'GET', pathOf(id))
  const rows = preview && (await client.ask(PreviewSchema, 'POST', `${pathOf(id)}/preview`, {}))
  const { out } = context
  if (json) return out.json(rows === undefined ? request : { ...request, preview: rows })
  printRequest(request, out)
  if (rows === undefined) return
  out.line('')
  out.line(
    table(
      rows.columns,
      rows.rows.map((row) => row.map((cell) => cell ?? 'null')),
    ),
  )
  out.line(`${rows.rows.length} of ${rows.totalIsExact ? '' : 'more than '}${rows.total} rows`)
}

async function decide(
  id: string,
  kind: 'approve' | 'refuse',
  { gateway, json, reason, minutes, timeout }: DecideOptions,
  context: CommandContext,
): Promise<void> {
  const client = webClient(gateway, context)
  const verdict =
    kind === 'refuse' ? { kind } : minutes === undefined ? { kind: 'approve-once' } : { kind: 'approve-timed', minutes }
  const before = await client.ask(RequestSchema, 'GET', pathOf(id))
  const needsPage = before.stepUp === 'passkey' && before.mayDecide
  if (needsPage) context.out.error(`This needs your passkey. Decide at: ${printable(before.url)}`)
  const after = needsPage
    ? await changed(client, id, timeout, ({ mayDecide, state }) => state !== 'pending' || !mayDecide)
    : await client.ask(RequestSchema, 'POST', `${pathOf(id)}/decision`, { verdict, rationale: reason })
  if (json) context.out.json(after)
  else printRequest(after, context.out)
  process.exitCode = decidedCode(after, kind)
}

/** Whoever decided has done what was asked of them; where more people are needed, others follow. */
function decidedCode(after: ShownRequest, kind: 'approve' | 'refuse'): number {
  if (after.state === 'pending') return after.mayDecide ? exitCodeOf(after) : 0
  return kind === 'approve' ? exitCodeOf(after) : after.state === 'refused' ? 0 : 3
}

/** The request once it is as wanted, or as it is when the time is over. */
async function changed(
  client: WebClient,
  id: string,
  seconds: number,
  isWanted: (request: ShownRequest) => boolean,
): Promise<ShownRequest> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const request = await client.ask(RequestSchema, 'GET', pathOf(id))
    if (isWanted(request) || performance.now() >= end) return request
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function watch(id: string, { gateway, json, timeout }: WatchOptions, context: CommandContext): Promise<void> {
  const request = await changed(webClient(gateway, context), id, timeout, ({ state }) => state !== 'pending')
  if (json) context.out.json(request)
  else printRequest(request, context.out)
  process.exitCode = exitCodeOf(request)
}

/** One line, or one JSON object a line, for each request that is new. */
async function follow({ gateway, json, timeout }: WatchOptions, context: CommandContext): Promise<void> {
  const client = webClient(gateway, context)
  const end = performance.now() + timeout * 1000
  let known = new Set<string>()
  while (performance.now() < end) {
    const pending = await listed(client, 'pending')
    for (const request of pending.filter(({ id }) => !known.has(id)).toReversed()) {
      if (json) context.out.line(JSON.stringify(request))
      else context.out.line(requestTable([request]).split('\n')[1] ?? '')
    }
    known = new Set(pending.map(({ id }) => id))
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
