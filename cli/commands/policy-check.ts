import { Command } from 'commander'
import { notices } from '../../src/config/notices.ts'
import { compilePolicy } from '../../src/decide/policy.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import type { CommandContext } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

export const policyCheckCommand = (context: CommandContext): Command =>
  new Command('check')
    .description('Check the configuration file, without asking any system, and print the version of the policy.')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status: 0 valid, 1 problems. "chaperone check" also asks issuers and targets.')
    .action((options: Options) => {
      const config = readConfig(options.config, context)
      const policy = compilePolicy(config)
      const warnings = notices(config, systemClock())
      const { out } = context
      const names = [...policy.rules, ...policy.dynamicRules]
        .map(({ name, effect }) => ({ name, effect }))
        .toSorted(byName)
      if (options.json) {
        out.json({ version: policy.version, grants: policy.grants.map(({ name }) => name), rules: names, warnings })
        return
      }
      for (const { line, column, message } of warnings) out.line(`${config.file}:${line}:${column}: ${message}`)
      out.line(`version  ${policy.version}`)
      out.line(`grants   ${policy.grants.length}`)
      out.line(`rules    ${names.length}, ${policy.dynamicRules.length} of them with circumstances`)
    })

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name < right.name ? -1 : 1
