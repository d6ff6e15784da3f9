import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { openGatewayIssuer } from '../../src/compose/delegation.ts'
import { access } from '../../src/decide/access.ts'
import { compilePolicy } from '../../src/decide/policy.ts'
import { OidcVerifier } from '../../src/identity/oidc/oidc-verifier.ts'
import type { Member } from '../../src/identity/principal.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable, table } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly file?: string
  readonly json?: true
}

export const whoamiCommand = (context: CommandContext): Command =>
  new Command('whoami')
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
      const gateway = await openGatewayIssuer(config, context.environment, false)
      const verifier = new OidcVerifier(config.issuers, { gateway: gateway?.issuer })
      try {
        await verifier.start()
        const identity = await verifier.verify(token)
        const policy = compilePolicy(config)
        const moment = { now: Date.now(), activated: [] }
        const targets = Object.keys(config.targets).flatMap((target) => {
          const granted = access(policy, identity.principal, target, moment)
          if (granted === undefined) return []
          return [{ target, clearance: granted.clearance.key, grants: granted.grants, tokenGroup: granted.tokenGroup }]
        })
        const { issuer, subject, kind, groups, purpose, run, patients, onBehalfOf = [] } = identity.principal
        const expiresAt = new Date(identity.expiresAt).toISOString()
        const { out } = context
        if (options.json) {
          const chain = onBehalfOf.map((member) => ({
            issuer: member.issuer,
            subject: member.subject,
            kind: member.kind,
          }))
          const bounds = { purpose: purpose ?? null, run: run ?? null, patients: patients?.length ?? null }
          out.json({ issuer, subject, kind, groups, onBehalfOf: chain, ...bounds, expiresAt, targets })
          return
        }
        out.line(`${out.bold(printable(subject))} (${kind}) from ${issuer}`)
        for (const member of onBehalfOf) out.line(`for      ${describe(member)}`)
        out.line(`groups   ${groups.length === 0 ? '-' : printable(groups.join(', '))}`)
        if (purpose !== undefined) out.line(`purpose  ${printable(purpose)}`)
        if (run !== undefined) out.line(`run      ${printable(run)}`)
        // The keys themselves tell who the patients are.
        if (patients !== undefined) out.line(`patients ${patients.length}`)
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

const describe = ({ subject, kind, issuer }: Member): string => `${printable(subject)} (${kind}) from ${issuer}`

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
