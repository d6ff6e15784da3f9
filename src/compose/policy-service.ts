import type { PolicyAdministration } from '../api/policy-routes.ts'
import type { ApprovalEffects } from '../approve/approval-options.ts'
import type { Approvals } from '../approve/approvals.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { parseConfig } from '../config/load.ts'
import { policyChecks } from '../decide/policy-checks.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { giveAccess } from '../policy/access-requests.ts'
import { configInForce, PolicyInForce } from '../policy/policy-in-force.ts'
import { activateVersion, PolicyOffice } from '../policy/policy-office.ts'
import type { PolicyRepository } from '../policy/policy-repository.ts'
import type { Store } from '../store/open-store.ts'
import { policyRepository } from '../store/policy-repository.ts'
import { reasonOf, StoreFailure } from '../store/store-failure.ts'
import type { Log } from './log.ts'

export interface OpenedPolicy {
  /** The configuration with the version in force. */
  readonly config: Config
  readonly inForce: PolicyInForce
  readonly repository: PolicyRepository | undefined
}

/**
 * The policy that decides: of the file, or the version that was activated last. A managed one that cannot be read stops the start
 * (CHP-CONFIG-INVALID): the file must not decide instead.
 */
export async function openPolicy(file: Config, store: Store | undefined, log: Log): Promise<OpenedPolicy> {
  const repository = store === undefined || file.approvals === undefined ? undefined : policyRepository(store)
  const { config, notice } = repository === undefined ? { config: file } : await readInForce(file, repository)
  if (notice !== undefined) log.warn({}, notice)
  const inForce = new PolicyInForce({
    config,
    repository,
    onWarning: (message) => log.warn({}, message),
  })
  return { config, inForce, repository }
}

async function readInForce(file: Config, repository: PolicyRepository): ReturnType<typeof configInForce> {
  try {
    return await configInForce(file, repository)
  } catch (error) {
    if (error instanceof ChaperoneError) throw error
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the version of the policy that is in force cannot be read: ${reasonOf(error)}`,
      hint: 'With "policy.activation" the store decides which version counts; see that it can be reached.',
    })
  }
}

/** What an approval brings about that is no operation. */
export function policyEffects({ inForce, repository }: OpenedPolicy, log: Log): ApprovalEffects {
  const told = async (request: string, isDone: boolean) => {
    if (!isDone) log.warn({ request }, 'an approved request had no effect: the policy has changed since it was made')
    await inForce.look()
    return isDone
  }
  return {
    access: async (request) => {
      if (repository === undefined) return false
      return told(request.id, await giveAccess(request, inForce.policy, repository))
    },
    policy: async (request) => {
      if (repository === undefined) return false
      return told(request.id, await activateVersion(request, repository))
    },
  }
}

/** Versions of the policy as the admin API has them. */
export function policyAdministration(
  { inForce, repository }: OpenedPolicy,
  approvals: Approvals | undefined,
  environment: Environment,
): PolicyAdministration | undefined {
  if (repository === undefined || approvals === undefined) return undefined
  const office = new PolicyOffice({
    repository,
    approvals,
    current: () => inForce.config,
    parse: (text) => parseConfig(text, inForce.config.file, environment, policyChecks),
  })
  return {
    inForce: () => inForce.policy.version,
    history: (limit) => answered(office.history(limit)),
    version: (version) => answered(office.version(version)),
    propose: (proposal) => answered(office.propose(proposal)),
  }
}

/** A store that does not answer has a code; what is a mistake of ours stays one. */
async function answered<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof StoreFailure)
      throw new ChaperoneError('CHP-STORE-UNAVAILABLE', { reason: error.message, cause: error })
    throw error
  }
}
