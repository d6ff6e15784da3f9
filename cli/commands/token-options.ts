import { type Command, Option } from 'commander'

/** For options that may be repeated. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** What a token is narrowed or delegated by; the same for every command that fetches one. */
export const withTokenOptions = (command: Command): Command =>
  command
    .addOption(
      new Option('--gateway <url>', 'gateway (default: the one that was logged in to last)').env('CHAPERONE_GATEWAY'),
    )
    .option('--purpose <code>', 'what the access is for: a code of HL7 PurposeOfUse, such as TREAT or HOPERAT')
    .option('--run <id>', 'id of the run that it is for (default: a new one)')
    .option('--patient <key>', 'a patient that the run may see, and no other; may be repeated', collect)
    .option('--on-behalf-of <file>', 'file with the token of the one for whom you act, or the actor does')
    .option('--actor <file>', 'file with the token of the one who acts for you')
