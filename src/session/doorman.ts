import { randomUUID } from 'node:crypto'
import type { AlertEvent, RaiseAlert } from '../alert/alert-event.ts'
import type { BudgetHolder } from '../budget/budget.ts'
import type { Access, ActivatedGrant } from '../decide/decision.ts'
import type { Policy } from '../decide/policy.ts'
import { standInPolicy } from '../decide/stand-in-policy.ts'
import type { DetectorSource } from '../detect/detector-source.ts'
import { chainKey, chainOf, memberKey, type Principal } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { KnownValues } from '../phi/detect/known-values.ts'
import type { Admission as Admitted, LoginAttempt } from '../protocols/protocol.ts'
import { type Fragment, fragment } from '../record/canonical.ts'
import type { Journal } from '../record/journal.ts'
import type { ScopeKey, Vault } from '../vault/token-scope.ts'
import { AccessWatch } from './access-watch.ts'
import { Admission, type EstimateRows, type SessionApprovals } from './admission.ts'
import { type Alert, Alerts } from './alerts.ts'
import { SessionGate } from './gate.ts'
import type { LiveSession } from './live-session.ts'
import { RecentUses } from './recent-use.ts'
import type { SessionLimits } from './session-limits.ts'
import { SessionRecorder } from './session-recorder.ts'
import { SessionSettings } from './session-settings.ts'
import { sessionStart } from './session-start.ts'
import type { TargetState } from './target-state.ts'
import { type Profile, Verdicts } from './verdicts.ts'

/** What budgets and the scope of patients depend on. */
export interface LimitedSession {
  readonly holder: BudgetHolder
  /** As it is now: what it gives the session is always the same, but not how much of it. */
  readonly access: () => Access
  readonly target: TargetState
  readonly raise: (event: AlertEvent) => void
}

export interface DoormanOptions {
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  /** The version in force. */
  readonly policy: () => Policy
  /** See `AccessSources.activated`; undefined when nothing is given on request. */
  readonly activated?: () => readonly ActivatedGrant[]
  readonly isRevoked?: (identity: VerifiedIdentity) => boolean
  /** Undefined: what is held is refused. */
  readonly approvals?: SessionApprovals | undefined
  readonly estimateRows?: EstimateRows | undefined
  /** Undefined for a session that nothing is counted of. */
  readonly limits?: ((session: LimitedSession) => SessionLimits | undefined) | undefined
  readonly raise?: RaiseAlert
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

const NOTHING_ACTIVATED: readonly ActivatedGrant[] = Object.freeze([])

/** Decides who may come in: verifies the token, finds the grants, and opens the session's record. */
export class Doorman {
  readonly #options: DoormanOptions
  readonly #admitted = new WeakMap<Admitted, LiveSession>()
  readonly #verdicts = new Map<string, Verdicts>()
  readonly #recent: RecentUses

  constructor(options: DoormanOptions) {
    this.#options = options
    this.#recent = new RecentUses(options.clock)
  }

  /** Throws CHP-AUTH-FAILED, CHP-AUTH-REFUSED (unknown and forbidden targets look the same) or CHP-RECORD-FAILED. */
  async admit(attempt: LoginAttempt): Promise<Admitted> {
    const { verify, targets, journal, isRevoked, clock } = this.#options
    const identity = await verify(attempt.token)
    const target = targets.get(attempt.target)
    const id = randomUUID()
    const recorder = new SessionRecorder(journal, id)
    const watch = target === undefined ? undefined : this.#watch(identity, attempt.target, recorder)
    if (target === undefined || watch === undefined) {
      throw new ChaperoneError('CHP-AUTH-REFUSED', { reason: target === undefined ? 'no such target' : 'no grant' })
    }
    if (journal.failed !== undefined) throw journal.failed
    if (target.latest === undefined) await target.refresh()
    if (isRevoked?.(identity) === true) throw new ChaperoneError('CHP-AUTH-REVOKED')
    // The catalog may have been waited for.
    const ended = watch.review(clock())
    if (ended !== undefined) throw ended
    const session = this.#open(id, attempt, identity, target, watch, recorder)
    this.#admitted.set(session.admission, session)
    const { access } = watch
    const scopeKey = scopeOf(identity.principal, access, attempt.target)
    const hasTokens = !access.clearance.clearsEverything && this.#options.vault !== undefined
    const { header, body } = sessionStart({ attempt, identity, access, tokenScope: hasTokens ? scopeKey : undefined })
    recorder.started(header, body)
    this.#raiseFor(id, identity, attempt.target)({ kind: 'session-started' })
    return session.admission
  }

  /** The session behind an admission. An admission that was not given here opens nothing. */
  sessionOf(admission: Admitted): LiveSession {
    const session = this.#admitted.get(admission)
    if (session === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'an admission of unknown origin' })
    return session
  }

  #watch(identity: VerifiedIdentity, target: string, recorder: SessionRecorder): AccessWatch | undefined {
    const { policy, activated, clock } = this.#options
    const decidedBy = ({ version }: Policy) => recorder.decidedBy(whoOf(identity, target, version))
    const sources = {
      policy,
      activated: activated ?? (() => NOTHING_ACTIVATED),
      verdictsFor: (profile: Profile) => this.#verdictsFor(profile),
      onPolicy: decidedBy,
    }
    const watch = AccessWatch.open(identity, target, sources, clock())
    if (watch !== undefined) decidedBy(watch.policy)
    return watch
  }

  #open(
    id: string,
    attempt: LoginAttempt,
    identity: VerifiedIdentity,
    target: TargetState,
    watch: AccessWatch,
    recorder: SessionRecorder,
  ): LiveSession {
    const { minimumGroupSize, inspector, clock, vault, detector, approvals, estimateRows, isRevoked } = this.#options
    const { access, policy } = watch
    const { clearance } = access
    const raise = this.#raiseFor(id, identity, attempt.target)
    // Who sees everything gets no tokens, and has no use for them.
    const scope = clearance.clearsEverything
      ? undefined
      : vault?.scope(scopeOf(identity.principal, access, attempt.target))
    const alerts = new Alerts(
      {
        record: (alert) => recorder.alert(alert),
        holdBack: () => recorder.alertHeldBack(),
        onAlert: (alert) => {
          this.#options.onAlert?.(id, alert)
          raise({ kind: alert.alert, classes: alert.classes })
        },
      },
      clock,
    )
    const chain = chainKey(identity.principal)
    const recent = this.#recent.of(chain, attempt.target)
    const settings = new SessionSettings(id)
    const run = identity.principal.run ?? identity.tokenDigest
    const limits = this.#options.limits?.({
      holder: { session: id, chain, run, target: attempt.target },
      access: () => watch.access,
      target,
      raise,
    })
    const admission = new Admission({
      session: id,
      identity,
      target: attempt.target,
      watch,
      recent,
      settings,
      limits,
      estimateRows,
      approvals,
      raise,
      clock,
    })
    const gate = new SessionGate({
      watch,
      admission,
      limits,
      recent,
      settings,
      raise,
      clearsEverything: clearance.clearsEverything,
      clears: (phiClass) => clearance.clears(phiClass),
      minimumGroupSize,
      target,
      inspector,
      recorder,
      clock,
      constants: {
        scope,
        // Of the version in force when it began: a session does not outlive what that says of comparing.
        policyOf: (phiClass) => standInPolicy(phiClass, clearance, policy),
        alerts,
      },
      standIns: { scope, detector, clock },
      knownValues: this.#options.remembersValues === true ? new KnownValues(MAX_KNOWN_VALUES, 'session') : undefined,
      onPolicyError: (error) => this.#options.onPolicyError(id, error),
    })
    return {
      id,
      admission: Object.freeze({ sessionId: id, target: attempt.target }),
      identity,
      target: attempt.target,
      access,
      peer: attempt.peer,
      encrypted: attempt.encrypted,
      applicationName: attempt.applicationName,
      startedAt: clock(),
      recorder,
      gate,
      limits,
      reconsider: (now) =>
        isRevoked?.(identity) === true ? new ChaperoneError('CHP-AUTH-REVOKED') : watch.review(now),
      control: undefined,
    }
  }

  #raiseFor(session: string, { principal }: VerifiedIdentity, target: string): (event: AlertEvent) => void {
    const { raise, clock } = this.#options
    if (raise === undefined) return () => undefined
    const chain = chainOf(principal).map(memberKey)
    return (event) => raise(event, { session, chain, target, at: clock() })
  }

  #verdictsFor(profile: Profile): Verdicts {
    const { policy, principal, target, access } = profile
    const key = JSON.stringify([policy.version, principal, target, access.key])
    const known = this.#verdicts.get(key)
    // Of the very policy: two can have one version when only what decides nothing differs, such as messages.
    const verdicts = known?.profile.policy === policy ? known : new Verdicts(profile)
    this.#verdicts.delete(key)
    const [oldest] = this.#verdicts.keys()
    if (this.#verdicts.size >= MAX_PROFILES && oldest !== undefined) this.#verdicts.delete(oldest)
    this.#verdicts.set(key, verdicts)
    return verdicts
  }
}

const scopeOf = ({ purpose = '' }: Principal, { tokenGroup }: Access, target: string): ScopeKey =>
  Object.freeze({ group: tokenGroup, purpose, target })

const whoOf = ({ principal: { issuer, kind, subject } }: VerifiedIdentity, target: string, policy: string): Fragment =>
  fragment({ issuer, kind, policy, subject, target })
