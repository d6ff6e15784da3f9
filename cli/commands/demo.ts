import { Command, InvalidArgumentError, Option } from 'commander'
import { type Pack, PACKS } from '../../src/phi/packs.ts'
import { jsonOption } from '../config-option.ts'
import type { CommandContext, Terminal } from '../terminal.ts'

interface Options {
  readonly stay: boolean
  readonly patients: number
  readonly seed: number
  readonly pack: Pack
  readonly json?: true
}

export const demoCommand = (context: CommandContext): Command =>
  new Command('demo')
    .description(
      'A hospital on this machine: a real PostgreSQL with synthetic patients, a development identity provider, the gateway, and a tour.',
    )
    .option('--no-stay', 'stop after the tour')
    .option('--patients <number>', 'synthetic patients to generate', wholeNumber, 10_000)
    .option('--seed <number>', 'same seed, same patients', wholeNumber, 1)
    .addOption(
      new Option('--pack <name>', 'what masking does: minimum-necessary keeps internal keys and dates of events')
        .choices(PACKS)
        .default('minimum-necessary'),
    )
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const { runDemo } = await import('../../demo/run-demo.ts')
      await runDemo(options, options.json ? jsonLines(context.out) : context.out)
    })

const plain = (text: string) => text

/** Everything that the demo says as JSON, one object a line: `{"text": …}`. */
function jsonLines(out: Terminal): Terminal {
  const line = (text: string) => out.line(JSON.stringify({ text }))
  return { ...out, line, error: line, bold: plain, dim: plain, green: plain, red: plain }
}

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,7}$/.test(text)) throw new InvalidArgumentError('a whole number is wanted.')
  return Number(text)
}
