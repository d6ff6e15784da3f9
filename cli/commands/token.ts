import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { access, compilePolicy } from '../../src/decide/policy.ts'
import { OidcVerifier } from '../../src/identity/oidc/oidc-verifier.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable, table } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly file?: string
  readonly json?: true
}

export const tokenCommand = (context: CommandContext): Command =>
  new Command('token')
    .description('Who am I: verify a token as the gateway would and show the principal and the targets it may open.')
    .addOption(configOption())
    .option(
      '--file <file>',
      'file that holds the token; "-" is standard input (default: the variable CHAPERONE_TOKEN, else standard input)',
    )
    .addOption(jsonOption())
    .action(async (options: Options) => {
      const config = readConfig(options.config, context)
      const token = readToken(options, context)
      const verifier = new OidcVerifier(config.issuers)
      try {
        await verifier.start()
        const identity = await verifier.verify(token)
        const policy = compilePolicy(config)
        const targets = Object.keys(config.targets).flatMap((target) => {
          const granted = access(policy, identity.principal, target)
          if (granted === undefined) return []
          return [{ target, clearance: granted.clearance.key, grants: granted.grants, tokenGroup: granted.tokenGroup }]
        })
        const { issuer, subject, kind, groups, purpose } = identity.principal
        const expiresAt = new Date(identity.expiresAt).toISOString()
        const { out } = context
        if (options.json) {
          out.json({ issuer, subject, kind, groups, purpose: purpose ?? null, expiresAt, targets })
          return
        }
        out.line(`${out.bold(printable(subject))} (${kind}) from ${issuer}`)
        out.line(`groups   ${groups.length === 0 ? '-' : printable(groups.join(', '))}`)
        if (purpose !== undefined) out.line(`purpose  ${printable(purpose)}`)
        out.line(`expires  ${expiresAt}`)
        out.line('')
        out.line(
          targets.length === 0
            ? 'No target may be opened with this token.'
            : table(
                ['TARGET', 'CLEARANCE', 'GRANTS', 'TOKENS OF'],
                targets.map((row) => [row.target, row.clearance, row.grants.join(', '), row.tokenGroup]),
              ),
        )
      } finally {
        verifier.close()
      }
    })

function readToken({ file }: Options, { environment }: CommandContext): string {
  const given = environment['CHAPERONE_TOKEN']
  if (file === undefined && given !== undefined && given !== '') return given.trim()
  try {
    return readFileSync(file === undefined || file === '-' ? 0 : file, 'utf8').trim()
  } catch (cause) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the token cannot be read from ${file ?? 'standard input'}`,
      hint: 'Name a file that can be read, or put the token into CHAPERONE_TOKEN.',
      cause,
    })
  }
}
