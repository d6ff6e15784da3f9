import { Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { parseDuration } from '../../src/config/quantities.ts'
import { GrantSchema } from '../../src/web/access-routes.ts'
import { RequestSchema } from '../../src/web/approval-schemas.ts'
import { jsonOption } from '../config-option.ts'
import { EXIT_CODES, exitCodeOf, printRequest, requestTable } from '../show-request.ts'
import { type CommandContext, table } from '../terminal.ts'
import { gatewayOption, webClient } from '../web-client.ts'

interface Options {
  readonly gateway?: string
  readonly json?: true
}

interface CreateOptions extends Options {
  readonly grant: string
  readonly for: number
  readonly reason: string
  readonly wait?: true
}

const POLL_MS = 2000

export const requestsCommand = (context: CommandContext): Command =>
  new Command('requests')
    .description('Ask for time-boxed access, and see what became of it.')
    .addCommand(common('ls', 'Your own requests for access.').action((options: Options) => list(options, context)))
    .addCommand(common('grants', 'What you may ask for.').action((options: Options) => grants(options, context)))
    .addCommand(
      common('create', 'Ask for a grant for a time.')
        .requiredOption('--grant <name>', 'as in "requests grants"')
        .requiredOption('--for <duration>', 'such as 30m, 2h or 1d', seconds)
        .requiredOption('--reason <text>', 'why; approvers read it, so leave names of patients out')
        .option('--wait', 'until it is decided')
        .addHelpText('after', EXIT_CODES)
        .action((options: CreateOptions) => create(options, context)),
    )
    .addCommand(
      common('withdraw', 'Take a request back.')
        .argument('<id>', 'request')
        .action((id: string, options: Options) => withdraw(id, options, context)),
    )

const common = (name: string, description: string): Command =>
  new Command(name).description(description).addOption(gatewayOption()).addOption(jsonOption())

function seconds(text: string): number {
  const duration = parseDuration(text)
  if (duration === undefined || duration < 60_000)
    throw new InvalidArgumentError('write a duration such as 30m, 2h or 1d.')
  return Math.floor(duration / 1000)
}

async function list({ gateway, json }: Options, context: CommandContext): Promise<void> {
  const schema = z.object({ requests: z.array(RequestSchema) })
  const { requests } = await webClient(gateway, context).ask(schema, 'GET', '/v1/access-requests')
  if (json) context.out.json(requests)
  else context.out.line(requests.length === 0 ? 'There is no request of yours.' : requestTable(requests))
}

async function grants({ gateway, json }: Options, context: CommandContext): Promise<void> {
  const schema = z.object({ grants: z.array(GrantSchema) })
  const found = (await webClient(gateway, context).ask(schema, 'GET', '/v1/requestable-grants')).grants
  const rows = found.map(({ name, targets, clearance, maxDurationSeconds }) => [
    name,
    targets.join(', '),
    clearance,
    `${Math.floor(maxDurationSeconds / 60)}m`,
  ])
  if (json) context.out.json(found)
  else if (rows.length === 0) context.out.line('There is no grant that you may ask for.')
  else context.out.line(table(['GRANT', 'TARGETS', 'CLEARANCE', 'LONGEST'], rows))
}

async function create(options: CreateOptions, context: CommandContext): Promise<void> {
  const client = webClient(options.gateway, context)
  const wanted = { grant: options.grant, durationSeconds: options.for, justification: options.reason }
  let request = await client.ask(RequestSchema, 'POST', '/v1/access-requests', wanted)
  if (options.wait) {
    context.out.error(`Waiting for a decision about ${request.id} …`)
    while (request.state === 'pending') {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      request = await client.ask(RequestSchema, 'GET', `/v1/approvals/${encodeURIComponent(request.id)}`)
    }
    process.exitCode = exitCodeOf(request)
  }
  if (options.json) context.out.json(request)
  else printRequest(request, context.out)
}

async function withdraw(id: string, { gateway, json }: Options, context: CommandContext): Promise<void> {
  const path = `/v1/approvals/${encodeURIComponent(id)}/withdrawal`
  const request = await webClient(gateway, context).ask(RequestSchema, 'POST', path, {})
  if (json) context.out.json(request)
  else printRequest(request, context.out)
}
