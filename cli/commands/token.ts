import { Command } from 'commander'
import { jsonOption } from '../config-option.ts'
import { freshToken, type WantedToken } from '../credentials/token-source.ts'
import type { CommandContext } from '../terminal.ts'
import { collect, withTokenOptions } from './token-options.ts'

interface Options extends WantedToken {
  readonly json?: true
}

export const tokenCommand = (context: CommandContext): Command =>
  withTokenOptions(new Command('token'))
    .description('Print a fresh token, to be used as the password: made of your login, or of tokens in files.')
    .option('--target <name>', 'a target that it is good for, and no other; may be repeated', collect)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  PGPASSWORD=$(chaperone token) psql -h gateway hospital\n  chaperone token --on-behalf-of person.jwt --actor executor.jwt --gateway https://chaperone.example.org --purpose TREAT',
    )
    .action(async ({ json, ...wanted }: Options) => {
      const { token, expiresAt } = await freshToken(wanted, context.environment)
      if (json) context.out.json({ token, expiresAt: new Date(expiresAt).toISOString() })
      else context.out.line(token)
    })
