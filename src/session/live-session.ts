import type { Access } from '../decide/decision.ts'
import type { Member } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { Peer } from '../lib/wire.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { Admission, SessionControl } from '../protocols/protocol.ts'
import type { SessionGate } from './gate.ts'
import type { SessionLimits } from './session-limits.ts'
import type { SessionRecorder } from './session-recorder.ts'

/** One admitted client, from its login to its end. */
export interface LiveSession {
  readonly id: string
  readonly admission: Admission
  readonly identity: VerifiedIdentity
  readonly target: string
  readonly access: Access
  readonly peer: Peer
  readonly encrypted: boolean
  readonly applicationName: string
  readonly startedAt: number
  readonly recorder: SessionRecorder
  readonly gate: SessionGate
  readonly limits: SessionLimits | undefined
  /** Why it may not go on, by what is known now. */
  reconsider(now: number): ChaperoneError | undefined
  /** Undefined until the target is logged in to. */
  control: SessionControl | undefined
}

/** What may be shown of a session: names, times and counts. */
export interface SessionView {
  readonly id: string
  readonly principal: Pick<Member, 'issuer' | 'subject' | 'kind' | 'groups'>
  /** For whom it acts, nearest first. */
  readonly onBehalfOf: readonly Pick<Member, 'issuer' | 'subject' | 'kind'>[]
  readonly purpose: string | undefined
  readonly run: string | undefined
  readonly target: string
  readonly clearance: string
  readonly peer: string
  readonly encrypted: boolean
  readonly applicationName: string
  readonly startedAt: string
  readonly expiresAt: string
  readonly state: 'opening' | SessionControl['state']
  readonly operations: number
}

export function viewOf(session: LiveSession): SessionView {
  const { issuer, subject, kind, groups, onBehalfOf = [], purpose, run } = session.identity.principal
  return {
    id: session.id,
    principal: { issuer, subject, kind, groups },
    onBehalfOf: onBehalfOf.map((member) => ({ issuer: member.issuer, subject: member.subject, kind: member.kind })),
    purpose,
    run,
    target: session.target,
    clearance: session.access.clearance.key,
    peer: `${session.peer.address}:${session.peer.port}`,
    encrypted: session.encrypted,
    applicationName: session.applicationName,
    startedAt: new Date(session.startedAt).toISOString(),
    expiresAt: new Date(session.identity.expiresAt).toISOString(),
    state: session.control?.state ?? 'opening',
    operations: session.gate.operations,
  }
}
