import { randomUUID } from 'node:crypto'
import { type Access, access, type Policy } from '../decide/policy.ts'
import { standInPolicy } from '../decide/stand-in-policy.ts'
import type { DetectorSource } from '../detect/detector-source.ts'
import type { Principal } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { KnownValues } from '../phi/detect/known-values.ts'
import type { Admission, LoginAttempt } from '../protocols/protocol.ts'
import { fragment } from '../record/canonical.ts'
import type { Journal } from '../record/journal.ts'
import type { ScopeKey, Vault } from '../vault/token-scope.ts'
import { type Alert, Alerts } from './alerts.ts'
import { SessionGate } from './gate.ts'
import type { LiveSession } from './live-session.ts'
import { SessionRecorder } from './session-recorder.ts'
import type { TargetState } from './target-state.ts'
import { Verdicts } from './verdicts.ts'

export interface DoormanOptions {
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  readonly policy: Policy
  readonly targets: ReadonlyMap<string, TargetState>
  /** See `PhiConfig.minimumGroupSize`. */
  readonly minimumGroupSize: number | undefined
  readonly inspector: SqlInspector
  readonly journal: Journal
  readonly clock: Clock
  /** Undefined when no label asks for tokens. */
  readonly vault?: Vault | undefined
  /** The external detector, if there is one. */
  readonly detector?: DetectorSource | undefined
  /** Whether values of one result are looked for in the texts of later ones. */
  readonly remembersValues?: boolean
  /** Told when a client has used a stand-in that it cannot have got for this use. */
  readonly onAlert?: (session: string, alert: Alert) => void
  /** Told when a rule could not be evaluated, so that an operator can mend it. */
  readonly onPolicyError: (session: string, error: ChaperoneError) => void
}

/** Values of one session that are looked for in texts. */
const MAX_KNOWN_VALUES = 4096
/** Profiles whose verdicts are remembered; the oldest goes first. */
const MAX_PROFILES = 1000

/** Decides who may come in: verifies the token, finds the grants, and opens the session's record. */
export class Doorman {
  readonly #options: DoormanOptions
  readonly #admitted = new WeakMap<Admission, LiveSession>()
  readonly #verdicts = new Map<string, Verdicts>()

  constructor(options: DoormanOptions) {
    this.#options = options
  }

  /** Throws CHP-AUTH-FAILED, CHP-AUTH-REFUSED (unknown and forbidden targets look the same) or CHP-RECORD-FAILED. */
  async admit(attempt: LoginAttempt): Promise<Admission> {
    const { verify, policy, targets, minimumGroupSize, inspector, journal, clock, vault, detector } = this.#options
    const identity = await verify(attempt.token)
    const target = targets.get(attempt.target)
    const granted = target === undefined ? undefined : access(policy, identity.principal, attempt.target)
    if (target === undefined || granted === undefined) {
      throw new ChaperoneError('CHP-AUTH-REFUSED', { reason: target === undefined ? 'no such target' : 'no grant' })
    }
    if (journal.failed !== undefined) throw journal.failed
    if (target.latest === undefined) await target.refresh()
    const id = randomUUID()
    const { principal } = identity
    const who = fragment({
      issuer: principal.issuer,
      kind: principal.kind,
      policy: policy.version,
      subject: principal.subject,
      target: attempt.target,
    })
    const recorder = new SessionRecorder(journal, id, who)
    const scopeKey = scopeOf(principal, granted, attempt.target)
    // Who sees everything gets no tokens, and has no use for them.
    const scope = granted.clearance.clearsEverything ? undefined : vault?.scope(scopeKey)
    const alerts = new Alerts(
      {
        record: (alert) => recorder.alert(alert),
        holdBack: () => recorder.alertHeldBack(),
        onAlert: (alert) => this.#options.onAlert?.(id, alert),
      },
      clock,
    )
    const gate = new SessionGate({
      identity,
      clearsEverything: granted.clearance.clearsEverything,
      clears: (phiClass) => granted.clearance.clears(phiClass),
      minimumGroupSize,
      target,
      inspector,
      verdicts: this.#verdictsFor({ policy, principal, target: attempt.target, access: granted }),
      recorder,
      clock,
      constants: {
        scope,
        policyOf: (phiClass) => standInPolicy(phiClass, granted.clearance, policy.predicates),
        alerts,
      },
      standIns: { scope, detector, clock },
      knownValues: this.#options.remembersValues === true ? new KnownValues(MAX_KNOWN_VALUES, 'session') : undefined,
      onPolicyError: (error) => this.#options.onPolicyError(id, error),
    })
    const admission: Admission = Object.freeze({ sessionId: id, target: attempt.target })
    this.#admitted.set(admission, {
      id,
      admission,
      identity,
      target: attempt.target,
      access: granted,
      peer: attempt.peer,
      encrypted: attempt.encrypted,
      applicationName: attempt.applicationName,
      startedAt: clock(),
      recorder,
      gate,
      control: undefined,
    })
    recorder.started(
      {
        clearance: granted.clearance.key,
        encrypted: attempt.encrypted,
        expires: new Date(identity.expiresAt).toISOString(),
        grants: [...granted.grants],
        groups: [...principal.groups],
        peer: attempt.peer.address,
        token: identity.tokenDigest,
        ...(scope === undefined ? {} : { tokenScope: { group: scopeKey.group, purpose: scopeKey.purpose } }),
      },
      { applicationName: attempt.applicationName, user: attempt.user },
    )
    return admission
  }

  /** The session behind an admission. An admission that was not given here opens nothing. */
  sessionOf(admission: Admission): LiveSession {
    const session = this.#admitted.get(admission)
    if (session === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'an admission of unknown origin' })
    return session
  }

  #verdictsFor(profile: ConstructorParameters<typeof Verdicts>[0]): Verdicts {
    const { principal, target, access: granted } = profile
    const key = JSON.stringify([principal, target, granted.clearance.key])
    let verdicts = this.#verdicts.get(key)
    if (verdicts === undefined) {
      verdicts = new Verdicts(profile)
      const [oldest] = this.#verdicts.keys()
      if (this.#verdicts.size >= MAX_PROFILES && oldest !== undefined) this.#verdicts.delete(oldest)
      this.#verdicts.set(key, verdicts)
    }
    return verdicts
  }
}

const scopeOf = ({ purpose = '' }: Principal, { tokenGroup }: Access, target: string): ScopeKey =>
  Object.freeze({ group: tokenGroup, purpose, target })
