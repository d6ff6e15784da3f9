import { Command } from 'commander'
import type { CommandContext } from '../terminal.ts'
import { policyCheckCommand } from './policy-check.ts'
import { policyDiffCommand } from './policy-diff.ts'
import { policyExplainCommand } from './policy-explain.ts'
import { policyReplayCommand } from './policy-replay.ts'
import { policyTestCommand } from './policy-test.ts'
import { policyActivateCommand, policyVersionsCommand } from './policy-versions.ts'

export const policyCommand = (context: CommandContext): Command =>
  new Command('policy')
    .description('What decides: check it, test it, explain it, replay history against it, and put versions into force.')
    .addCommand(policyCheckCommand(context))
    .addCommand(policyTestCommand(context))
    .addCommand(policyExplainCommand(context))
    .addCommand(policyReplayCommand(context))
    .addCommand(policyDiffCommand(context))
    .addCommand(policyVersionsCommand(context))
    .addCommand(policyActivateCommand(context))
