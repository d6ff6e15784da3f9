import { Argument, Command } from 'commander'
import type { RevocationOutcome } from '../../src/api/control-routes.ts'
import type { Revocation } from '../../src/identity/revocations.ts'
import { parseDuration } from '../../src/config/quantities.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { configOption, jsonOption } from '../config-option.ts'
import { askControl, type ControlOptions } from '../control-client.ts'
import { type CommandContext, printable, table } from '../terminal.ts'

interface Options extends ControlOptions {
  readonly reason: string
  readonly issuer?: string
  readonly issuedBeforeNow?: true
  readonly for?: string
}

const THINGS = ['token', 'token-id', 'principal', 'run'] as const

export const revokeCommand = (context: CommandContext): Command =>
  new Command('revoke')
    .description('Void a token, a principal or a run: no new sessions, and those that are open end within a second.')
    .addArgument(new Argument('<what>', 'what is revoked').choices(THINGS))
    .argument('<value>', 'digest of the token as logs and journal name it, jti, issuer/subject, or run')
    .requiredOption('--reason <text>', 'why, for the journal and the list (no patient data)')
    .option('--issuer <iss>', 'the iss claim; with token-id')
    .option('--issued-before-now', 'tokens that are issued from now on count again')
    .option('--for <duration>', 'not for good, but for 30m, 8h, 7d …')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A principal is revoked wherever it is in a chain: what others do on its behalf ends, too. Gateways that share a store obey within a
second. "chaperone restore" lists what is revoked, and lifts it.`,
    )
    .action((what: string, value: string, options: Options) => revoke(what, value, options, context))

async function revoke(what: string, value: string, options: Options, context: CommandContext): Promise<void> {
  const now = Date.now()
  const lasting = options.for === undefined ? undefined : parseDuration(options.for)
  if (options.for !== undefined && lasting === undefined) {
    throw new ChaperoneError('CHP-REQUEST-INVALID', { message: `${printable(options.for)} is no duration like 30m` })
  }
  const query = {
    what: what === 'token-id' ? 'tokenId' : what,
    value,
    reason: options.reason,
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(options.issuedBeforeNow === undefined ? {} : { issuedBefore: String(now) }),
    ...(lasting === undefined ? {} : { until: String(now + lasting) }),
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const answer = (await askControl(options, context, 'POST', '/v1/revocations', query)) as RevocationOutcome
  if (options.json) return context.out.json(answer)
  context.out.line(`Revoked: ${what} ${printable(value)} (${answer.revocation.id})`)
  if (!answer.isKept) {
    throw new ChaperoneError('CHP-INTERNAL', {
      message: 'it is in force, but could not be written down: a restart of the gateway would forget it',
      hint: 'See the log of the gateway, make room in its state directory, and revoke again.',
    })
  }
  if (!answer.isShared) context.out.line('This gateway alone knows: it has no store, or the store does not answer now.')
}

type Kept = Revocation & { readonly isShared: boolean }

export const restoreCommand = (context: CommandContext): Command =>
  new Command('restore')
    .description('List revocations, or lift one.')
    .argument('[id]', 'of a revocation')
    .addOption(configOption())
    .addOption(jsonOption())
    .action((id: string | undefined, options: ControlOptions) =>
      id === undefined ? list(options, context) : lift(id, options, context),
    )

async function list(options: ControlOptions, context: CommandContext): Promise<void> {
  const { out } = context
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const { revocations } = (await askControl(options, context, 'GET', '/v1/revocations')) as {
    readonly revocations: readonly Kept[]
  }
  if (options.json) return out.json(revocations)
  if (revocations.length === 0) return out.line('Nothing is revoked.')
  const rows = revocations.map(({ id, thing, issuedBefore, until, reason, createdAt }) => [
    id,
    printable(wordsOf(thing)),
    new Date(createdAt).toISOString(),
    issuedBefore === undefined ? 'all' : `before ${new Date(issuedBefore).toISOString()}`,
    until === undefined ? '-' : new Date(until).toISOString(),
    printable(reason),
  ])
  out.line(table(['ID', 'WHAT', 'SINCE', 'TOKENS', 'UNTIL', 'REASON'], rows))
}

function wordsOf(thing: Revocation['thing']): string {
  if (thing.kind === 'token') return `token ${thing.digest}`
  if (thing.kind === 'tokenId') return `token ${thing.id} of ${thing.issuer}`
  return thing.kind === 'run' ? `run ${thing.run}` : `principal ${thing.member}`
}

async function lift(id: string, options: ControlOptions, context: CommandContext): Promise<void> {
  const answer = await askControl(options, context, 'DELETE', '/v1/revocations', { id })
  if (options.json) context.out.json(answer)
  else context.out.line(`Lifted: ${printable(id)}`)
}
