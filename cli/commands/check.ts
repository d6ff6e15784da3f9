import { Command } from 'commander'
import { checkFile, checkLive, type LiveFinding } from '../../src/check-live.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import type { CommandContext } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly offline?: true
  readonly json?: true
}

export const checkCommand = (context: CommandContext): Command =>
  new Command('check')
    .description(
      'Validate the configuration, and against the live issuers and targets: labels, rights of the role, TLS, poolers.',
    )
    .addOption(configOption())
    .option('--offline', 'the file alone')
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status: 0 nothing wrong (warnings are printed), 1 problems found.')
    .action(async (options: Options) => {
      const config = readConfig(options.config, context)
      const { out } = context
      const findings: LiveFinding[] = []
      for await (const finding of options.offline ? checkFile(config) : checkLive(config, context.environment)) {
        findings.push(finding)
        if (!options.json && finding.level !== 'problem') out.error(`${finding.level}: ${finding.message}`)
      }
      const problems = findings.filter(({ level }) => level === 'problem')
      if (options.json) out.json({ ok: problems.length === 0, policy: config.policyVersion, findings })
      else {
        for (const { line, column, message } of problems)
          out.line(out.red(`${config.file}:${line}:${column}: ${message}`))
        out.line(problems.length === 0 ? out.green('The configuration is valid.') : `${problems.length} problem(s)`)
        out.line(out.dim(`policy ${config.policyVersion}`))
      }
      if (problems.length > 0) process.exitCode = 1
    })
