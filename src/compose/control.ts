import type { RaiseAlert } from '../alert/alert-event.ts'
import type { ControlAdministration, KillOrder } from '../api/control-routes.ts'
import { chainOf, memberKey } from '../identity/principal.ts'
import type { RevokedThing } from '../identity/revocations.ts'
import { assertNever } from '../lib/assert-never.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { LiveSession } from '../session/live-session.ts'
import type { SessionRegistry } from '../session/session-registry.ts'
import type { RecordAction } from './administration.ts'
import type { RevocationDesk } from './revocation-desk.ts'

export interface ControlParts {
  readonly registry: SessionRegistry
  readonly desk: RevocationDesk
  readonly record: RecordAction
  readonly raise: RaiseAlert
  readonly clock: Clock
}

/** The kill switch and revocations, as the admin API has them: on record, durably, before they take effect. */
export function recordedControl({ registry, desk, record, raise, clock }: ControlParts): ControlAdministration {
  return {
    kill: async (order) => {
      const { what, value, reason } = order
      await record({ action: 'sessions.kill', what, ...(value === '' ? {} : { value }) }, { reason })
      const error = new ChaperoneError('CHP-SESSION-TERMINATED', { message: 'an operator ended this session' })
      const ended = registry.kill({ matches: matcherOf(order), error, at: clock() })
      raise({ kind: 'killed', what: nameOf(what, value), by: 'operator' }, { chain: [], at: clock() })
      return ended
    },
    revocations: () => desk.list(),
    revoke: async (order) => {
      const { thing, reason, issuedBefore, until } = order
      const times = {
        ...(issuedBefore === undefined ? {} : { issuedBefore: new Date(issuedBefore).toISOString() }),
        ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
      }
      await record({ action: 'revocation.add', ...fieldsOf(thing), ...times }, { reason })
      const outcome = await desk.revoke(order)
      const { what, value } = fieldsOf(thing)
      raise({ kind: 'revoked', what: nameOf(what, value), by: 'operator' }, { chain: [], at: clock() })
      return outcome
    },
    lift: async (id) => {
      const kept = desk.list().find((one) => one.id === id)
      if (kept === undefined) return false
      await record({ action: 'revocation.lift', id, ...fieldsOf(kept.thing) })
      return desk.lift(id)
    },
  }
}

const nameOf = (what: string, value: string): string => (value === '' ? what : `${what} ${value}`)

function matcherOf({ what, value }: KillOrder): (session: LiveSession) => boolean {
  switch (what) {
    case 'session':
      return ({ id }) => id === value
    case 'principal':
      return ({ identity }) => chainOf(identity.principal).some((member) => memberKey(member) === value)
    case 'run':
      return ({ identity }) => identity.principal.run === value
    case 'target':
      return ({ target }) => target === value
    case 'everything':
      return () => true
    default:
      return assertNever(what)
  }
}

function fieldsOf(thing: RevokedThing): { readonly what: string; readonly value: string; readonly issuer?: string } {
  switch (thing.kind) {
    case 'token':
      return { what: 'token', value: thing.digest }
    case 'tokenId':
      return { what: 'token id', value: thing.id, issuer: thing.issuer }
    case 'member':
      return { what: 'principal', value: thing.member }
    case 'run':
      return { what: 'run', value: thing.run }
    default:
      return assertNever(thing)
  }
}
