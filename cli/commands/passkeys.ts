import { Command } from 'commander'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { configOption, jsonOption } from '../config-option.ts'
import { askControl, type ControlOptions } from '../control-client.ts'
import { type CommandContext, printable } from '../terminal.ts'

interface Options extends ControlOptions {
  readonly reason: string
}

export const passkeysCommand = (context: CommandContext): Command =>
  new Command('passkeys').description('Passkeys of approvers.').addCommand(
    new Command('reset')
      .description('Take all passkeys from somebody who has lost them, so that they can register a first one again.')
      .argument('<person>', 'issuer/subject, the issuer as the configuration names it')
      .requiredOption('--reason <text>', 'why, for the journal')
      .addOption(configOption())
      .addOption(jsonOption())
      .addHelpText(
        'after',
        `
What they have decided stands. Registering the next passkey needs a fresh sign-in, and raises an alert. Make sure who is asking.`,
      )
      .action((person: string, options: Options) => reset(person, options, context)),
  )

async function reset(person: string, options: Options, context: CommandContext): Promise<void> {
  const slash = person.indexOf('/')
  if (slash < 1 || slash === person.length - 1) {
    throw new ChaperoneError('CHP-REQUEST-INVALID', { message: `${printable(person)} is not issuer/subject` })
  }
  const query = { issuer: person.slice(0, slash), subject: person.slice(slash + 1), reason: options.reason }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const answer = (await askControl(options, context, 'DELETE', '/v1/passkeys', query)) as { readonly removed: number }
  if (options.json) context.out.json(answer)
  else context.out.line(`${answer.removed} passkey(s) removed`)
}
