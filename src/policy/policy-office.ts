import type { ApprovalRequest, RequestMember } from '../approve/approval-request.ts'
import type { Approvals } from '../approve/approvals.ts'
import { policyDigest } from '../approve/subject-digest.ts'
import type { Config } from '../config/config.ts'
import { policyDocument } from '../config/policy-document.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { diffPolicies } from './policy-diff.ts'
import type { PolicyActivation, PolicyRepository, PolicyVersion } from './policy-repository.ts'

/** Lines of a diff that approvers are shown; whoever wants more compares the versions. */
const MAX_DIFF = 200

export interface PolicyOfficeOptions {
  readonly repository: PolicyRepository
  readonly approvals: Pick<Approvals, 'ask' | 'urlOf'>
  /** The version in force here. */
  readonly current: () => Pick<Config, 'policyVersion' | 'activation'>
  /** Reads and checks the text of a configuration file as the gateway does at its start. */
  readonly parse: (text: string) => Config
}

export interface Proposal {
  /** Text of a configuration file; only what decides is taken from it. */
  readonly text: string
  readonly note: string
  readonly by: RequestMember
}

export type ProposalResult =
  | { readonly kind: 'in-force'; readonly version: string }
  | { readonly kind: 'requested'; readonly version: string; readonly request: string; readonly url: string }

export interface PolicyHistory {
  readonly versions: readonly Omit<PolicyVersion, 'document'>[]
  readonly activations: readonly PolicyActivation[]
}

/** Versions of the policy, for the operator: what there is, and asking for another one. */
export class PolicyOffice {
  readonly #options: PolicyOfficeOptions

  constructor(options: PolicyOfficeOptions) {
    this.#options = options
  }

  async history(limit: number): Promise<PolicyHistory> {
    const { repository } = this.#options
    const [versions, activations] = await Promise.all([repository.list(limit), repository.activations(limit)])
    return { versions, activations }
  }

  version(version: string): Promise<PolicyVersion | undefined> {
    return this.#options.repository.get(version)
  }

  /**
   * Keeps a version, and asks for its activation.
   * @throws ConfigError for a text that is no configuration; CHP-REQUEST-FORBIDDEN where the file decides
   */
  async propose({ text, note, by }: Proposal): Promise<ProposalResult> {
    const { repository, approvals, current, parse } = this.#options
    const { activation } = current()
    if (activation.kind !== 'managed') {
      throw new ChaperoneError('CHP-REQUEST-FORBIDDEN', {
        message: 'the configuration file decides here',
        hint: 'Change the file and restart the gateway, or set "activation".',
      })
    }
    const proposed = parse(text)
    const document = policyDocument(proposed)
    const version = proposed.policyVersion
    const [last] = await repository.activations(1)
    if (last === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'no version of the policy is in force' })
    await repository.add({ version, document, createdBy: by.name ?? by.subject, note })
    if (last.version === version) return { kind: 'in-force', version }
    const before = await repository.get(last.version)
    const chainKey = JSON.stringify([`${by.issuer}/${by.subject}`])
    const covered = await approvals.ask({
      digest: policyDigest({ version, active: last.version, chain: chainKey }),
      subject: { kind: 'policy', shown: { version, active: last.version, diff: shownDiff(before, document) } },
      chain: [by],
      chainKey,
      // The version that is in force says who decides about the next one.
      needs: [{ pools: [...activation.pools].toSorted(), quorum: activation.quorum, rule: 'activation' }],
    })
    const { id } = covered.request
    return { kind: 'requested', version, request: id, url: approvals.urlOf(id) }
  }
}

function shownDiff(before: PolicyVersion | undefined, document: string): readonly string[] {
  const lines = diffPolicies(before?.document ?? '{}', document)
  return lines.length <= MAX_DIFF ? lines : [...lines.slice(0, MAX_DIFF), `… and ${lines.length - MAX_DIFF} more`]
}

/** Puts a version into force as its approved request says. False when that is not possible any more: another version is in force. */
export async function activateVersion(request: ApprovalRequest, repository: PolicyRepository): Promise<boolean> {
  const { subject, chainKey: chain, digest, decisions, id } = request
  if (subject.kind !== 'policy') return false
  const { version, active } = subject.shown
  if (policyDigest({ version, active, chain }) !== digest) return false
  const by = decisions
    .filter(({ verdict }) => verdict.kind !== 'refuse')
    .map(({ by: who }) => `${who.issuer}/${who.subject}`)
  return repository.activate({ version, from: active, by: by.toSorted().join(', '), request: id })
}
