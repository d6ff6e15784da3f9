import { Command } from 'commander'
import type { AdminConfig } from '../../src/config/config.ts'
import { policyDocument } from '../../src/config/policy-document.ts'
import { diffPolicies } from '../../src/policy/policy-diff.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable } from '../terminal.ts'
import { storedVersion, versionsOf } from './policy-versions.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

const IN_FORCE = 'in-force'

export const policyDiffCommand = (context: CommandContext): Command =>
  new Command('diff')
    .description('Show what differs between two versions of the policy.')
    .argument('<before>', `configuration file, sha256:…, or "${IN_FORCE}" (the last two ask the running gateway)`)
    .argument('[after]', 'the same (default: the configuration file)')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status: 0 alike, 1 different.')
    .action(async (before: string, after: string | undefined, options: Options) => {
      const documents = [
        await documentOf(before, options, context),
        await documentOf(after ?? options.config, options, context),
      ] as const
      const lines = diffPolicies(...documents)
      const { out } = context
      if (options.json) out.json({ lines })
      else if (lines.length === 0) out.line('The two are alike.')
      else for (const line of lines) out.line(printable(line))
      if (lines.length > 0) process.exitCode = 1
    })

async function documentOf(name: string, options: Options, context: CommandContext): Promise<string> {
  const admin = (): AdminConfig => readConfig(options.config, context).admin
  if (name === IN_FORCE) return storedVersion(admin(), (await versionsOf(admin())).inForce)
  return name.startsWith('sha256:') ? storedVersion(admin(), name) : policyDocument(readConfig(name, context))
}
