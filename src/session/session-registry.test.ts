import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import type { SessionControl } from '../protocols/protocol.ts'
import type { LiveSession } from './live-session.ts'
import { SessionRegistry } from './session-registry.ts'

const EXPIRES = 1_000_000

function setUp(state: SessionControl['state'], since = 0, expiresAt = EXPIRES, lost?: ChaperoneError) {
  const events: string[] = []
  const control = {
    state,
    since,
    cancel: () => events.push('cancel'),
    terminate: (error: ChaperoneError) => events.push(error.code),
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a sweep looks at
  const session = {
    id: '1',
    target: 'hospital',
    identity: { expiresAt },
    control,
    reconsider: () => lost,
  } as unknown as LiveSession
  const registry = new SessionRegistry({
    idleTimeoutMs: 600_000,
    statementTimeoutMs: (name) => (name === 'hospital' ? 5000 : 1),
  })
  registry.add(session)
  return { registry, session, control, events }
}

describe('a sweep', () => {
  it.each([
    ['an idle session before its time', 'idle', 599_999, []],
    ['an idle session', 'idle', 600_000, ['CHP-TIMEOUT-IDLE']],
    ['an idle session in a transaction', 'in-transaction', 600_000, ['CHP-TIMEOUT-IDLE']],
    ['a statement before its time', 'active', 4999, []],
    ['a statement that runs too long', 'active', 5000, ['cancel']],
    ['an idle session whose token has expired', 'idle', EXPIRES, ['CHP-AUTH-EXPIRED']],
    ['a session in a transaction whose token has expired', 'in-transaction', EXPIRES, ['CHP-AUTH-EXPIRED']],
    ['a session that waits for people, however long', 'held', EXPIRES - 1, []],
    ['a session that waits for people when its token has expired', 'held', EXPIRES, ['CHP-AUTH-EXPIRED']],
  ] as const)('of %s', (_, state, now, expected) => {
    const { registry, events } = setUp(state)
    registry.sweep(now)
    expect(events).toEqual(expected)
  })

  it.each(['idle', 'active', 'in-transaction', 'held'] as const)('ends a session that may not go on: %s', (state) => {
    const { registry, events } = setUp(state, 0, EXPIRES, new ChaperoneError('CHP-AUTH-REVOKED'))
    registry.sweep(1)
    expect(events).toEqual(['CHP-AUTH-REVOKED'])
  })

  it('cancels a statement once, gives it ten seconds, and ends the session', () => {
    const { registry, events } = setUp('active')
    registry.sweep(5000)
    registry.sweep(6000)
    registry.sweep(14_999)
    expect(events).toEqual(['cancel'])
    registry.sweep(15_000)
    expect(events).toEqual(['cancel', 'CHP-TIMEOUT-STATEMENT'])
  })

  it('counts anew for the next statement', () => {
    const { registry, control, events } = setUp('active')
    registry.sweep(5000)
    control.since = 5500
    registry.sweep(10_000)
    expect(events).toEqual(['cancel'])
    registry.sweep(10_500)
    expect(events).toEqual(['cancel', 'cancel'])
    registry.sweep(15_500)
    expect(events).toEqual(['cancel', 'cancel'])
    registry.sweep(20_500)
    expect(events).toEqual(['cancel', 'cancel', 'CHP-TIMEOUT-STATEMENT'])
  })

  it('lets what runs go on for 60 s when the token has expired', () => {
    const { registry, control, events } = setUp('active', EXPIRES - 1000)
    registry.sweep(EXPIRES)
    registry.sweep(EXPIRES + 3999)
    expect(events).toEqual([])
    control.since = EXPIRES + 58_000
    registry.sweep(EXPIRES + 59_999)
    expect(events).toEqual([])
    registry.sweep(EXPIRES + 60_000)
    expect(events).toEqual(['CHP-AUTH-EXPIRED'])
  })

  it('leaves sessions alone that have not begun, and those that are gone', () => {
    const { registry, session, events } = setUp('idle')
    registry.remove(session)
    registry.sweep(EXPIRES)
    registry.add({ ...session, control: undefined })
    registry.sweep(EXPIRES)
    registry.terminateAll(new ChaperoneError('CHP-SESSION-TERMINATED'))
    expect(events).toEqual([])
    expect(registry.size).toBe(1)
  })

  it('ends every session, also when one cannot be ended', () => {
    const { registry, session, events } = setUp('idle')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    const broken = {
      ...session,
      id: '0',
      control: { ...session.control, state: 'idle', since: 0, terminate: () => expect.fail('broken') },
    } as unknown as LiveSession
    const first = new SessionRegistry({ idleTimeoutMs: 600_000, statementTimeoutMs: () => 5000 })
    first.add(broken)
    first.add(session)
    expect(() => first.terminateAll(new ChaperoneError('CHP-RECORD-FAILED'))).toThrow('broken')
    expect(events).toEqual(['CHP-RECORD-FAILED'])
    expect(registry.list()).toEqual([session])
  })
})

describe('a kill', () => {
  const error = new ChaperoneError('CHP-SESSION-TERMINATED')
  const kill = (at: number, matches = () => true) => ({ matches, error, at })

  it('ends the sessions that match and leaves the others alone', () => {
    const { registry, events } = setUp('idle')
    expect(registry.kill(kill(0, () => false))).toBe(0)
    expect(events).toEqual([])
    expect(registry.kill(kill(0))).toBe(1)
    expect(events).toEqual(['CHP-SESSION-TERMINATED'])
  })

  it.each([
    ['admitted before it and there after it ends as it begins', 99, 0, ['CHP-SESSION-TERMINATED']],
    ['admitted after it does not', 101, 0, []],
    ['that comes when no login lasts so long does not', 99, 11 * 60_000, []],
  ])('a session %s', (_, startedAt, sweptAt, expected) => {
    const { registry, session, events } = setUp('idle', sweptAt, Number.MAX_SAFE_INTEGER)
    registry.remove(session)
    registry.kill(kill(100))
    registry.sweep(sweptAt)
    registry.add({ ...session, startedAt })
    expect(events).toEqual(expected)
  })
})
