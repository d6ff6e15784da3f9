import { createInterface } from 'node:readline/promises'
import { Command, Option } from 'commander'
import { ChaperoneError, type ErrorCode, ERRORS } from '../../src/lib/errors.ts'
import type { VaultStatus } from '../../src/vault/vault-status.ts'
import { adminAsk } from '../admin-client.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable, table } from '../terminal.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

interface DeleteOptions extends Options {
  readonly group: string
  readonly purpose: string
  readonly target: string
  readonly yes?: true
}

const NOT_OFFERED = `
What a token stands for cannot be asked here: whoever needs to know it reads the record with a grant that is cleared for it.`

export const tokensCommand = (context: CommandContext): Command =>
  new Command('tokens')
    .description('Tokens of a running gateway: scopes, keys, deletion.')
    .addHelpText('after', NOT_OFFERED)
    .addCommand(
      new Command('status')
        .description('Scopes with their keys, and how many tokens each has.')
        .addOption(configOption())
        .addOption(jsonOption())
        .action((options: Options) => status(options, context)),
    )
    .addCommand(
      new Command('delete-scope')
        .description('Shred a scope: its key and its tokens. Tokens that clients hold become meaningless, for good.')
        .requiredOption('--group <group>', 'as "tokens status" prints it')
        .requiredOption('--purpose <purpose>', 'as "tokens status" prints it; "" for none')
        .requiredOption('--target <target>', 'as "tokens status" prints it')
        .addOption(new Option('--yes', 'do not ask'))
        .addOption(configOption())
        .addOption(jsonOption())
        .addHelpText(
          'after',
          '\nCopies and backups of the store keep what they have, and can be read with the key of phi.tokens.',
        )
        .action((options: DeleteOptions) => deleteScope(options, context)),
    )
    .addCommand(
      new Command('expire')
        .description('Delete expired tokens now; the gateway does so by itself every hour.')
        .addOption(configOption())
        .addOption(jsonOption())
        .action((options: Options) => expire(options, context)),
    )
    .addCommand(
      new Command('rotate-key')
        .description('Encrypt the keys of all scopes with the current key (phi.tokens.key).')
        .addOption(configOption())
        .addOption(jsonOption())
        .addHelpText(
          'after',
          `
To change the key: name the new one as phi.tokens.key and the old one in phi.tokens.previousKeys, restart the gateways, run this, and
take the old one out once "tokens status" shows no scope that needs it. Tokens stay what they are.`,
        )
        .action((options: Options) => rotateKey(options, context)),
    )

async function status(options: Options, context: CommandContext): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const found = (await ask(options, context, 'GET', '')) as VaultStatus
  const { out } = context
  if (options.json) return out.json(found)
  out.line(`current key  ${found.currentKey}`)
  if (found.scopes.length === 0) return out.line('There are no tokens yet.')
  const rows = found.scopes.map(({ group, purpose, target, key, created, tokens }) => [
    group,
    purpose === '' ? '-' : purpose,
    target,
    key === found.currentKey ? 'current' : key,
    String(created),
    tokens.map(({ phiClass, form, live, expired }) => `${phiClass}/${form} ${live} (${expired} expired)`).join(', '),
  ])
  out.line(table(['GROUP', 'PURPOSE', 'TARGET', 'KEY', 'CREATED', 'TOKENS'], rows))
}

async function deleteScope(options: DeleteOptions, context: CommandContext): Promise<void> {
  const { group, purpose, target } = options
  const { out } = context
  const name = `group ${printable(group)}, purpose ${purpose === '' ? '(none)' : printable(purpose)}, target ${printable(target)}`
  if (options.yes !== true && !(await confirmed(name, target))) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: 'nothing was deleted',
      hint: 'Type the name of the target to confirm, or add --yes where nobody can be asked.',
    })
  }
  await ask(options, context, 'DELETE', `/scope?${new URLSearchParams({ group, purpose, target }).toString()}`)
  if (options.json) out.json({ deleted: { group, purpose, target } })
  else out.line(`Deleted: ${name}`)
}

/** Asks on the terminal; no where there is none. */
async function confirmed(name: string, target: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const line = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const question = `All tokens of ${name} become meaningless, for good.\nType the name of the target to go on: `
    return (await line.question(question)) === target
  } finally {
    line.close()
  }
}

async function expire(options: Options, context: CommandContext): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const answer = (await ask(options, context, 'POST', '/expire')) as { readonly deleted: number }
  if (options.json) context.out.json(answer)
  else context.out.line(`${answer.deleted} expired token(s) deleted`)
}

async function rotateKey(options: Options, context: CommandContext): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of this version answers this
  const answer = (await ask(options, context, 'POST', '/rotate-key')) as { readonly rewrapped: number }
  if (options.json) context.out.json(answer)
  else context.out.line(`${answer.rewrapped} scope(s) had another key than the current one and have it now`)
}

async function ask(
  options: Options,
  context: CommandContext,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
): Promise<unknown> {
  const { admin } = readConfig(options.config, context)
  const { status: code, body } = await adminAsk(admin, method, `/v1/tokens${path}`)
  const answer: unknown = JSON.parse(body)
  if (code === 200) return answer
  const { title, failed } = problemOf(answer)
  throw new ChaperoneError(failed ?? 'CHP-CONFIG-INVALID', {
    message:
      failed === undefined ? `the gateway refuses: ${title ?? `status ${code}`}` : (title ?? ERRORS[failed].title),
    hint: HINTS[code] ?? 'See "chaperone tokens --help" and phi.tokens in docs/configuration.md.',
  })
}

interface Problem {
  readonly title?: string
  /** Set when something failed, instead of being refused. */
  readonly failed?: ErrorCode
}

/** What a problem document (RFC 9457) of the gateway says. */
function problemOf(answer: unknown): Problem {
  if (typeof answer !== 'object' || answer === null) return {}
  const title = 'title' in answer && typeof answer.title === 'string' ? answer.title : undefined
  const code = 'code' in answer && typeof answer.code === 'string' ? answer.code : undefined
  return { ...(title === undefined ? {} : { title }), ...(isErrorCode(code) ? { failed: code } : {}) }
}

const isErrorCode = (code: string | undefined): code is ErrorCode => code !== undefined && Object.hasOwn(ERRORS, code)

const HINTS: Readonly<Record<number, string>> = {
  403: 'Set admin.socket instead of admin.loopbackPort.',
  404: '"chaperone tokens status" prints the scopes there are; a gateway has some once a class or label has the transform token.',
  503: 'The log of the gateway has the reason.',
}
