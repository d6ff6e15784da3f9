import type { Config } from '../config/config.ts'
import { policyDocument } from '../config/policy-document.ts'
import type { ActivatedGrant } from '../decide/decision.ts'
import { compilePolicy, type Policy } from '../decide/policy.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { withPolicy } from './apply-document.ts'
import type { PolicyRepository } from './policy-repository.ts'

const POLL_MS = 500
/** As long as requests are kept. */
const KEEP_GIVEN_MS = 30 * 86_400_000

/** Who the first version of a store is by. */
const FIRST_START = 'first start'

/**
 * The configuration to serve with. Managed: with the version that was activated last, which at the first start is that of the file.
 * `notice`: the file says something else, and does not count.
 */
export async function configInForce(
  config: Config,
  repository: PolicyRepository,
): Promise<{ readonly config: Config; readonly notice: string | undefined }> {
  if (config.activation.kind === 'file') return { config, notice: undefined }
  const version = await versionInForce(config, repository)
  if (version === config.policyVersion) return { config, notice: undefined }
  const stored = await repository.get(version)
  const applied = withPolicy(config, version, stored?.document ?? '')
  const notice = `the policy in force is ${version}; that of the file (${config.policyVersion}) is not, until it is activated`
  return { config: applied, notice }
}

async function versionInForce(config: Config, repository: PolicyRepository): Promise<string> {
  const [last] = await repository.activations(1)
  if (last !== undefined) return last.version
  const version = config.policyVersion
  await repository.add({ version, document: policyDocument(config), createdBy: FIRST_START, note: '' })
  await repository.activate({ version, from: undefined, by: FIRST_START, request: undefined })
  // Another gateway may have been faster.
  const [first] = await repository.activations(1)
  return first?.version ?? version
}

export interface PolicyInForceOptions {
  readonly config: Config
  /** Undefined: nothing is managed, and nothing is given on request. */
  readonly repository: PolicyRepository | undefined
  /** Told of a version that cannot decide here before a restart, and of errors that come up while nobody waits. */
  readonly onWarning: (message: string) => void
  readonly pollMs?: number
}

/**
 * The version that decides now, and what was given on request. Other gateways' changes are seen within a second. While the store cannot be
 * reached, what is known stays: what was given has its own end.
 */
export class PolicyInForce {
  readonly #options: PolicyInForceOptions
  readonly #timer: NodeJS.Timeout | undefined
  #config: Config
  #policy: Policy
  #activated: readonly ActivatedGrant[] = Object.freeze([])
  #change: string | undefined
  #looking: Promise<void> | undefined
  #warned: string | undefined

  constructor(options: PolicyInForceOptions) {
    this.#options = options
    this.#config = options.config
    this.#policy = compilePolicy(options.config)
    if (options.repository !== undefined) {
      this.#timer = setInterval(() => void this.look(), options.pollMs ?? POLL_MS).unref()
    }
  }

  /** The same object until another version decides. */
  get policy(): Policy {
    return this.#policy
  }

  get config(): Config {
    return this.#config
  }

  /** The same list until something of it changes. */
  get activated(): readonly ActivatedGrant[] {
    return this.#activated
  }

  /** Looks for changes now. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(() => this.#warn('the store cannot be asked whether the policy has changed'))
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { repository } = this.#options
    if (repository === undefined) return
    const change = await repository.change()
    if (change === this.#change) return
    const [activated, [last]] = await Promise.all([repository.given(), repository.activations(1)])
    if (JSON.stringify(activated) !== JSON.stringify(this.#activated)) this.#activated = Object.freeze(activated)
    if (this.#config.activation.kind === 'managed' && last !== undefined && last.version !== this.#policy.version) {
      await this.#take(last.version, repository)
    }
    this.#change = change
    // There are more only when something was given, and that is a change.
    await repository
      .forgetGiven(KEEP_GIVEN_MS)
      .catch(() => this.#warn('what was given on request and ended long ago could not be deleted'))
  }

  async #take(version: string, repository: PolicyRepository): Promise<void> {
    const stored = await repository.get(version)
    let next: Config
    try {
      next = withPolicy(this.#config, version, stored?.document ?? '')
    } catch (error) {
      const reason = error instanceof ChaperoneError ? `: ${error.reason ?? error.message}` : ''
      this.#warn(`the version ${version} of the policy cannot decide with this configuration file${reason}`)
      return
    }
    if (!changesRulesOnly(this.#config, next)) {
      this.#warn(`the version ${version} of the policy changes labels or targets, and decides after a restart`)
      return
    }
    this.#config = next
    this.#policy = compilePolicy(next)
    this.#warned = undefined
  }

  #warn(message: string): void {
    if (this.#warned === message) return
    this.#warned = message
    this.#options.onWarning(message)
  }
}

/** Grants, rules, packs, predicates and approvals can change while sessions are alive; what masks and where targets are cannot. */
const changesRulesOnly = (before: Config, after: Config): boolean => fixedParts(before) === fixedParts(after)

const fixedParts = ({ phi, targets }: Config): string =>
  policyDocument({
    grants: [],
    rules: [],
    packs: { guardrails: { disable: [] } },
    phi: { ...phi, predicates: { default: 'refuse', classes: {} } },
    targets,
    approvals: undefined,
    activation: { kind: 'file' },
  })
