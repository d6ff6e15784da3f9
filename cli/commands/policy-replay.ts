import { Command } from 'commander'
import { compilePolicy } from '../../src/decide/policy.ts'
import { type ChangedDecision, replay } from '../../src/policy/replay.ts'
import { openBodies } from '../../src/record/reader.ts'
import { readBodyKey } from '../body-key.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly journal?: string
  readonly bodyKey?: string
  readonly json?: true
}

export const policyReplayCommand = (context: CommandContext): Command =>
  new Command('replay')
    .description(
      'Decide recorded history once more by the policy of the file, and show every decision that would be another one.',
    )
    .addOption(configOption())
    .option('--journal <directory>', 'journal to read (default: that of the configuration)')
    .option('--body-key <file>', 'key of its bodies (default: that of the configuration)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit status: 0 nothing changes, 1 something does.\nWhat depended on the planner, the last hour or the time is not on record, and marked with *.',
    )
    .action(async (options: Options) => {
      const config = readConfig(options.config, context)
      const directory = options.journal ?? config.journal.directory
      const bodyKey = readBodyKey(options.bodyKey ?? config.journal.bodyKeyFile)
      const report = await replay(openBodies(directory, { bodyKey }), compilePolicy(config))
      const { out } = context
      if (options.json) out.json(report)
      else {
        for (const change of report.changed) for (const line of linesOf(change)) out.line(printable(line))
        out.line(`recorded   ${report.recorded.join(', ') || '-'}`)
        out.line(`candidate  ${report.candidate}`)
        const count = report.changed.reduce((sum, change) => sum + change.count, 0)
        out.line(
          `decisions  ${report.decisions}: ${report.unchanged} the same, ${count} others, ${report.unknown} not known`,
        )
      }
      if (report.changed.length > 0) process.exitCode = 1
    })

function linesOf(change: ChangedDecision): readonly string[] {
  const { before, after, dependsOnCircumstances, count, chain, target, commands, relations, rule, clearance } = change
  const what = before === after ? before : `${before} → ${after}`
  const mark = dependsOnCircumstances ? '*' : ''
  const masked = clearance === undefined ? '' : `; clearance ${clearance.before} → ${clearance.after}`
  return [
    `${what}${mark}  ${count} times, first in record ${change.sequence}: ${chain.join(' for ')} at ${target}${masked}`,
    `    ${[...new Set(commands)].join(', ')}: ${relations.join(', ') || 'no relations'}`,
    ...(rule === undefined ? [] : [`    ${rule}${change.message === undefined ? '' : `: ${change.message}`}`]),
  ]
}
