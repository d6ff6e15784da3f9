import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Command } from 'commander'
import { z } from 'zod'
import type { AdminConfig } from '../../src/config/config.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { type AdminAnswer, adminAsk, adminGet } from '../admin-client.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, table } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

interface ActivateOptions extends Options {
  readonly note: string
}

const versions = z.object({
  inForce: z.string(),
  versions: z.array(z.object({ version: z.string(), createdAt: z.number(), createdBy: z.string(), note: z.string() })),
  activations: z.array(
    z.object({ version: z.string(), at: z.number(), by: z.string(), request: z.string().optional() }),
  ),
})
const proposed = z.object({
  kind: z.string(),
  version: z.string(),
  request: z.string().optional(),
  url: z.string().optional(),
})
const stored = z.object({ document: z.string() })

export const policyVersionsCommand = (context: CommandContext): Command =>
  new Command('versions')
    .description('List the versions that the running gateway has kept, and when each was put into force.')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const found = await versionsOf(readConfig(options.config, context).admin)
      const { out } = context
      if (options.json) {
        out.json(found)
        return
      }
      const rows = found.versions.map(({ version, createdAt, createdBy, note }) => {
        const last = found.activations.find((one) => one.version === version)
        const state = version === found.inForce ? 'in force' : last === undefined ? '-' : 'was in force'
        return [version, timeText(createdAt), createdBy, state, last?.by ?? '-', note]
      })
      out.line(table(['VERSION', 'WRITTEN', 'BY', 'STATE', 'ACTIVATED BY', 'NOTE'], rows))
    })

export const policyActivateCommand = (context: CommandContext): Command =>
  new Command('activate')
    .description('Ask for the policy of the file to be put into force; those whom the policy names decide.')
    .addOption(configOption())
    .requiredOption('--note <text>', 'what changes, and why')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nNeeds managed activation (docs/policy.md). Sessions whose access changes end when it is put into force.',
    )
    .action(async (options: ActivateOptions) => {
      const config = readConfig(options.config, context)
      const body = JSON.stringify({
        text: readFileSync(config.file, 'utf8'),
        note: options.note,
        by: userInfo().username,
      })
      const result = proposed.parse(parsed(await adminAsk(config.admin, 'POST', '/v1/policy', body)))
      const { out } = context
      if (options.json) out.json(result)
      else if (result.kind === 'in-force') out.line(`${result.version} is in force already.`)
      else {
        out.line(`version  ${result.version}`)
        out.line(`request  ${result.request ?? '-'}`)
        out.line(`decide   ${result.url ?? '-'}`)
      }
    })

/** What the running gateway has kept. */
export const versionsOf = async (admin: AdminConfig): Promise<z.infer<typeof versions>> =>
  versions.parse(parsed(await adminGet(admin, '/v1/policy')))

/** The document of a version. */
export const storedVersion = async (admin: AdminConfig, version: string): Promise<string> =>
  stored.parse(parsed(await adminGet(admin, `/v1/policy/versions/${encodeURI(version)}`))).document

const problem = z.object({ title: z.string() })

function parsed({ status, body }: AdminAnswer): unknown {
  const value: unknown = JSON.parse(body)
  if (status === 200) return value
  const { data } = problem.safeParse(value)
  throw new ChaperoneError('CHP-REQUEST-INVALID', { message: data?.title ?? `the gateway answered ${status}` })
}

const timeText = (at: number): string => new Date(at).toISOString()
