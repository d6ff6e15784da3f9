import { Argument, Command } from 'commander'
import { KILLABLE } from '../../src/api/control-routes.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { askControl, type ControlOptions } from '../control-client.ts'
import { configOption, jsonOption } from '../config-option.ts'
import type { CommandContext } from '../terminal.ts'

interface Options extends ControlOptions {
  readonly reason: string
}

export const killCommand = (context: CommandContext): Command =>
  new Command('kill')
    .description('End sessions of a running gateway, now.')
    .addArgument(new Argument('<what>', 'which sessions').choices(KILLABLE))
    .argument('[value]', 'session id, principal (issuer/subject, wherever in a chain), run, or target')
    .requiredOption('--reason <text>', 'why, for the journal (no patient data)')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Statements that run are cancelled. Whoever may connect can connect again: see "chaperone revoke" for that. It ends sessions of the
gateway that is asked, not of others.`,
    )
    .action((what: string, value: string | undefined, options: Options) => kill(what, value, options, context))

async function kill(what: string, value: string | undefined, options: Options, context: CommandContext): Promise<void> {
  if ((what === 'everything') !== (value === undefined)) {
    throw new ChaperoneError('CHP-REQUEST-INVALID', {
      message: what === 'everything' ? 'everything needs no value' : `which ${what}?`,
      hint: 'See "chaperone kill --help".',
    })
  }
  const query = { what, reason: options.reason, ...(value === undefined ? {} : { value }) }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const answer = (await askControl(options, context, 'POST', '/v1/kill', query)) as { readonly ended: number }
  if (options.json) context.out.json(answer)
  else context.out.line(`${answer.ended} session(s) ended`)
}
