import { readdirSync } from 'node:fs'
import { Command } from 'commander'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { verifyJournal } from '../../src/record/verify.ts'
import { readBodyKey } from '../body-key.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import type { CommandContext } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly journal?: string
  readonly bodyKey?: string
  readonly json?: true
}

export const verifyCommand = (context: CommandContext): Command =>
  new Command('verify')
    .description(
      'Check the journal: order, completeness, chain, and (with the key) that bodies are what their headers say.',
    )
    .addOption(configOption())
    .option('--journal <directory>', 'journal to check; needs no configuration')
    .option('--body-key <file>', 'key of the bodies; without it their commitments are not checked')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit status: 0 intact, 1 problems found.\nWorks offline, and on a journal that is being written.',
    )
    .action(async (options: Options) => {
      const { directory, keyFile } = placesOf(options, context)
      const bodyKey = keyFile === undefined ? undefined : readBodyKey(keyFile)
      requireDirectory(directory)
      const { out } = context
      const report = await verifyJournal(directory, {
        ...(bodyKey === undefined ? {} : { bodyKey }),
        onSegment: (name, index, of) => out.progress(`${name} (${index + 1} of ${of})`),
      })
      out.progress('')
      if (options.json) out.json(report)
      else {
        out.line(report.ok ? out.green('The journal is intact.') : out.red('The journal is NOT intact.'))
        out.line(
          `records    ${report.records} in ${report.segments} segment(s), ${report.firstTime ?? '-'} to ${report.lastTime ?? '-'}`,
        )
        out.line(`head       ${report.head === null ? '-' : `${report.head.chain} at record ${report.head.seq}`}`)
        out.line(
          `bodies     ${report.bodies.committed} committed, ${report.bodies.opened} opened and equal, ${report.bodies.missing} deleted, ${report.bodies.unopened} not opened`,
        )
        out.line(
          `open ends  ${report.intentsWithoutOutcome.count} operation(s) without an outcome, ${report.sessionsWithoutEnd.count} session(s) without an end`,
        )
        if (report.tail.tornBytes > 0)
          out.line(`tail       ${report.tail.tornBytes} bytes after the last complete batch are not covered`)
        for (const { segment, line, code, message } of report.problems)
          out.line(out.red(`${segment}:${line}: ${code}: ${message}`))
        if (report.problemCount > report.problems.length)
          out.line(`… and ${report.problemCount - report.problems.length} more`)
      }
      if (!report.ok) process.exitCode = 1
    })

function placesOf(options: Options, context: CommandContext): { directory: string; keyFile: string | undefined } {
  if (options.journal !== undefined) return { directory: options.journal, keyFile: options.bodyKey }
  const { journal } = readConfig(options.config, context)
  return { directory: journal.directory, keyFile: options.bodyKey ?? journal.bodyKeyFile }
}

function requireDirectory(directory: string): void {
  try {
    readdirSync(directory)
  } catch (cause) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the journal directory ${directory} cannot be read`,
      hint: 'Name the directory that holds the segments (00000001.jsonl …).',
      cause,
    })
  }
}
