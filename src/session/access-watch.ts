import { access } from '../decide/access.ts'
import type { Access, ActivatedGrant } from '../decide/decision.ts'
import type { Policy } from '../decide/policy.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Profile, Verdicts } from './verdicts.ts'

/** What access depends on besides the identity. */
export interface AccessSources {
  /** The version in force. */
  readonly policy: () => Policy
  /** What was given on request and has not ended; the same list as long as nothing changes. */
  readonly activated: () => readonly ActivatedGrant[]
  readonly verdictsFor: (profile: Profile) => Verdicts
  /** Told of a version that decides from now on. */
  readonly onPolicy: (policy: Policy) => void
}

/** What a version says of constants that are compared with PHI. A session remembers that of its constants. */
const comparing = ({ predicates, approvals }: Policy): string =>
  canonicalJson({ predicates, isAsked: approvals !== undefined })

/** What one session may do, asked for again when something of it begins or ends. */
export class AccessWatch {
  readonly #sources: AccessSources
  readonly #identity: VerifiedIdentity
  readonly #target: string
  readonly #key: string
  #policy: Policy
  #activated: readonly ActivatedGrant[]
  #access: Access
  #verdicts: Verdicts
  #ended: ChaperoneError | undefined

  /** Undefined when there is no access at all. */
  static open(
    identity: VerifiedIdentity,
    target: string,
    sources: AccessSources,
    now: number,
  ): AccessWatch | undefined {
    const activated = sources.activated()
    const policy = sources.policy()
    const granted = access(policy, identity.principal, target, { now, activated })
    return granted === undefined
      ? undefined
      : new AccessWatch(sources, { identity, target, policy, activated, granted })
  }

  private constructor(
    sources: AccessSources,
    found: {
      readonly identity: VerifiedIdentity
      readonly target: string
      readonly policy: Policy
      readonly activated: readonly ActivatedGrant[]
      readonly granted: Access
    },
  ) {
    this.#sources = sources
    this.#identity = found.identity
    this.#target = found.target
    this.#policy = found.policy
    this.#activated = found.activated
    this.#access = found.granted
    this.#key = found.granted.key
    this.#verdicts = this.#verdictsOf()
  }

  get access(): Access {
    return this.#access
  }

  get policy(): Policy {
    return this.#policy
  }

  /** Of the version in force: what it has not given has to be judged again. */
  get verdicts(): Verdicts {
    return this.#verdicts
  }

  /**
   * Why the session may not go on; undefined as long as it may. Costs nothing while nothing has changed. What was judged by one access is
   * never served under another, wider ones included.
   */
  review(now: number): ChaperoneError | undefined {
    if (this.#ended !== undefined) return this.#ended
    if (now >= this.#identity.expiresAt) return new ChaperoneError('CHP-AUTH-EXPIRED')
    const policy = this.#sources.policy()
    const activated = this.#sources.activated()
    const { until } = this.#access
    if (policy === this.#policy && activated === this.#activated && (until === undefined || now < until))
      return undefined
    const granted = access(policy, this.#identity.principal, this.#target, { now, activated })
    if (granted?.key !== this.#key || comparing(policy) !== comparing(this.#policy)) {
      this.#ended = new ChaperoneError('CHP-SESSION-TERMINATED', {
        message: granted === undefined ? 'your access has ended' : 'your access has changed',
        hint: 'Connect again to go on with what you may do now.',
      })
      return this.#ended
    }
    this.#access = granted
    this.#activated = activated
    if (policy !== this.#policy) {
      this.#policy = policy
      this.#verdicts = this.#verdictsOf()
      this.#sources.onPolicy(policy)
    }
    return undefined
  }

  #verdictsOf(): Verdicts {
    const { principal } = this.#identity
    return this.#sources.verdictsFor({ policy: this.#policy, principal, target: this.#target, access: this.#access })
  }
}
