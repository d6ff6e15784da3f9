import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApprovalNeed, ApprovalRequest, RequestState } from './approval-request.ts'
import type { Approver, Opinion } from './approvals.ts'
import {
  accessDuration,
  decidedAt,
  isMet,
  mayDecide,
  type RequestEvent,
  transition,
  withTime,
} from './request-state.ts'
import { AGENT, approver, HOUR, human, LIMITS, NOW, ONCE, pending, REFUSE, timed } from './request-test-support.ts'

const MINUTE = 60_000
const TOKEN = { kind: 'token-only' } as const

const decide = (by: Approver, opinion: Opinion = ONCE): RequestEvent => ({
  kind: 'decide',
  approver: by,
  opinion,
  stepUp: TOKEN,
})

/** The request after these events; those that are invalid change nothing. */
function after(request: ApprovalRequest, events: readonly RequestEvent[], now = NOW + 1000): ApprovalRequest {
  return events.reduce((before, event) => {
    const outcome = transition(before, event, now, LIMITS)
    return outcome.kind === 'changed' ? outcome.request : before
  }, request)
}

function reasonOf(request: ApprovalRequest, event: RequestEvent, now = NOW + 1000): string | undefined {
  const outcome = transition(request, event, now, LIMITS)
  return outcome.kind === 'invalid' ? outcome.reason : undefined
}

const need = (quorum: number, ...pools: string[]): ApprovalNeed => ({ pools, quorum, rule: 'a-rule' })
const STATES: readonly RequestState[] = ['pending', 'approved', 'refused', 'expired', 'withdrawn', 'used']

describe('a decision', () => {
  it('of enough people approves, once or for a time', () => {
    expect(after(pending(), [decide(approver('ann'))])).toMatchObject({
      state: 'approved',
      holds: 'once',
      expiresAt: NOW + 1000 + HOUR,
      decisions: [{ by: human('ann'), pools: ['privacy'], at: NOW + 1000, rationale: ONCE.rationale }],
    })
    expect(after(pending(), [decide(approver('ann'), timed(90))])).toMatchObject({
      state: 'approved',
      holds: 'timed',
      expiresAt: NOW + 1000 + 90 * MINUTE,
    })
  })

  it('is as strict as the strictest of those who approved', () => {
    const request = pending({ needs: [need(2, 'privacy')] })
    const both = (one: Opinion, other: Opinion) =>
      after(request, [decide(approver('ann'), one), decide(approver('bob'), other)])
    expect(both(timed(90), timed(5))).toMatchObject({ holds: 'timed', expiresAt: NOW + 1000 + 5 * MINUTE })
    expect(both(timed(90), ONCE)).toMatchObject({ holds: 'once' })
    expect(both(ONCE, timed(90))).toMatchObject({ holds: 'once' })
  })

  it('to refuse needs nobody else, and stops what was approved and not used', () => {
    const request = pending({ needs: [need(3, 'privacy')] })
    expect(after(request, [decide(approver('ann')), decide(approver('bob'), REFUSE)]).state).toBe('refused')
    expect(after(pending(), [decide(approver('ann')), decide(approver('bob'), REFUSE)]).state).toBe('refused')
    const used = after(pending(), [decide(approver('ann')), { kind: 'use' }])
    expect(reasonOf(used, decide(approver('bob'), REFUSE))).toBe('the request is used')
  })

  const ATTACKS: readonly (readonly [string, ApprovalRequest, RequestEvent, string | RegExp])[] = [
    ['of the agent itself', pending(), decide(approver('x', ['privacy'], { member: AGENT })), 'only people decide'],
    [
      'of another agent',
      pending(),
      decide(approver('x', ['privacy'], { member: { ...human('x'), kind: 'agent' } })),
      'only people decide',
    ],
    [
      'of a service',
      pending(),
      decide(approver('x', ['privacy'], { member: { ...human('x'), kind: 'service' } })),
      'only people decide',
    ],
    ['of the person with whom the chain began', pending(), decide(approver('dora')), /own request/],
    [
      'of that person by another issuer',
      pending(),
      decide(approver('x', ['privacy'], { member: human('dora', 'partner') })),
      /own request/,
    ],
    ['of that person in other letters', pending(), decide(approver('ＤORA')), /own request/],
    ['of that person with a letter that nobody sees', pending(), decide(approver('do\u200bra\u00ad')), /own request/],
    ['of that person with blanks', pending(), decide(approver(' dora\u00a0')), /own request/],
    ['to refuse, of the requester', pending(), decide(approver('dora'), REFUSE), /own request/],
    [
      'by a token that acts for an approver',
      pending(),
      decide(approver('ann', ['privacy'], { isDelegated: true })),
      /acts for/,
    ],
    ['of somebody of no pool', pending(), decide(approver('ann', [])), /none of the pools/],
    ['of somebody of another pool', pending(), decide(approver('ann', ['billing'])), /none of the pools/],
    ['without a rationale', pending(), decide(approver('ann'), { ...ONCE, rationale: '  \n ' }), /rationale/],
    [
      'with two letters of a rationale',
      pending(),
      decide(approver('ann'), { ...ONCE, rationale: ' ok ' }),
      /rationale/,
    ],
    [
      'with a book of a rationale',
      pending(),
      decide(approver('ann'), { ...ONCE, rationale: 'x'.repeat(2001) }),
      /rationale/,
    ],
    ['to refuse without a rationale', pending(), decide(approver('ann'), { ...REFUSE, rationale: '' }), /rationale/],
    ['with half a character', pending(), decide(approver('ann'), { ...ONCE, rationale: 'abc\ud800' }), /rationale/],
    ['for no time', pending(), decide(approver('ann'), timed(0)), /minutes/],
    ['for less than no time', pending(), decide(approver('ann'), timed(-5)), /minutes/],
    ['for a part of a minute', pending(), decide(approver('ann'), timed(1.5)), /minutes/],
    ['for ever', pending(), decide(approver('ann'), timed(Number.POSITIVE_INFINITY)), /minutes/],
    ['for no number', pending(), decide(approver('ann'), timed(Number.NaN)), /minutes/],
    [
      'for longer than may be given',
      pending(),
      decide(approver('ann'), timed(481)),
      'the minutes are not between 1 and 480',
    ],
    [
      'on an approved request',
      after(pending(), [decide(approver('ann'))]),
      decide(approver('bob')),
      'the request is approved',
    ],
    [
      'of the same person again, to take it back',
      after(pending(), [decide(approver('ann'))]),
      decide(approver('ann'), REFUSE),
      'this person has decided already',
    ],
  ]
  it.each(ATTACKS)('%s does not count', (_, request, event, reason) => {
    expect(reasonOf(request, event)).toMatch(reason)
  })

  it.each(STATES.filter((state) => state !== 'pending'))('on a request that is %s approves nothing', (state) => {
    expect(reasonOf(pending({ state, holds: 'once' }), decide(approver('ann')))).toBe(`the request is ${state}`)
  })

  it('by one person twice is one, whatever their pools, groups and issuers', () => {
    const request = pending({ needs: [need(2, 'privacy', 'clinicians')] })
    const once = after(request, [decide(approver('ann', ['privacy', 'clinicians']))])
    expect(once.state).toBe('pending')
    for (const again of [
      approver('ann', ['clinicians']),
      approver('Ann', ['privacy']),
      approver('x', ['privacy'], { member: human('ann', 'partner') }),
    ]) {
      expect(reasonOf(once, decide(again))).toBe('this person has decided already')
    }
    expect(after(once, [decide(approver('bob', ['clinicians']))]).state).toBe('approved')
  })

  it('counts towards every need that has one of its pools, and all needs have to be met', () => {
    const request = pending({ needs: [need(1, 'privacy'), need(2, 'clinicians', 'privacy')] })
    expect(after(request, [decide(approver('ann', ['privacy']))]).state).toBe('pending')
    expect(after(request, [decide(approver('a', ['clinicians'])), decide(approver('b', ['clinicians']))]).state).toBe(
      'pending',
    )
    expect(after(request, [decide(approver('a', ['clinicians'])), decide(approver('b', ['privacy']))]).state).toBe(
      'approved',
    )
  })

  it('cannot meet what needs nobody', () => {
    expect(isMet([], [])).toBe(false)
    expect(isMet([need(0, 'privacy')], [])).toBe(false)
    expect(reasonOf(pending({ needs: [] }), decide(approver('ann')))).toMatch(/none of the pools/)
  })

  it('about a version of the policy is not for a time', () => {
    const request = pending({
      subject: { kind: 'policy', shown: { version: 'sha256:b', active: 'sha256:a', diff: [] } },
    })
    expect(reasonOf(request, decide(approver('ann'), timed(5)))).toMatch(/policy/)
    expect(after(request, [decide(approver('ann'))])).toMatchObject({ state: 'approved', holds: 'once' })
  })

  it('about access shortens it at most', () => {
    const shown = {
      grant: 'on-call',
      targets: ['hospital'],
      clearance: 'clear',
      durationMs: HOUR,
      justification: 'ward',
    }
    const request = pending({ subject: { kind: 'access', shown }, needs: [need(2, 'privacy')] })
    const given = (one: Opinion, other: Opinion) =>
      accessDuration(after(request, [decide(approver('ann'), one), decide(approver('bob'), other)]))
    expect(given(ONCE, ONCE)).toBe(HOUR)
    expect(given(timed(10), ONCE)).toBe(10 * MINUTE)
    expect(given(timed(300), timed(400))).toBe(HOUR)
    expect(accessDuration(pending())).toBe(0)
  })
})

describe('the end of a request', () => {
  it('comes with its time, decided or not', () => {
    expect(withTime(pending(), NOW + HOUR - 1).state).toBe('pending')
    expect(withTime(pending(), NOW + HOUR).state).toBe('expired')
    expect(reasonOf(pending(), decide(approver('ann')), NOW + HOUR)).toBe('the request is expired')
    const approved = after(pending(), [decide(approver('ann'), timed(5))])
    expect(reasonOf(approved, { kind: 'use' }, NOW + 1000 + 5 * MINUTE)).toBe('the request is expired')
  })

  it('has come for what seems to be made in the future: a clock was set back', () => {
    const approved = after(pending(), [decide(approver('ann'), timed(5))])
    expect(withTime(approved, NOW - 59_000).state).toBe('approved')
    expect(withTime(approved, NOW - 61_000).state).toBe('expired')
    const late = transition(pending(), decide(approver('ann'), timed(5)), NOW + HOUR / 2, LIMITS)
    expect(withTime(late.kind === 'changed' ? late.request : approved, NOW + HOUR / 4).state).toBe('expired')
  })

  it.each(['refused', 'withdrawn', 'used', 'expired'] as const)('leaves %s what it is', (state) => {
    expect(withTime(pending({ state }), NOW + 100 * HOUR).state).toBe(state)
  })

  it('is a withdrawal while it is pending only', () => {
    expect(after(pending(), [{ kind: 'withdraw' }]).state).toBe('withdrawn')
    for (const state of STATES.filter((one) => one !== 'pending')) {
      expect(reasonOf(pending({ state }), { kind: 'withdraw' })).toBe('the request is not pending')
    }
  })
})

describe('what cannot be brought about any more', () => {
  it('has lapsed, if it was approved', () => {
    expect(after(pending(), [decide(approver('ann')), { kind: 'lapse' }]).state).toBe('expired')
    for (const state of STATES.filter((one) => one !== 'approved')) {
      expect(reasonOf(pending({ state }), { kind: 'lapse' })).toBe(`the request is ${state}`)
    }
  })
})

describe('use', () => {
  it('uses up what holds once, and not what holds for a time', () => {
    const once = after(pending(), [decide(approver('ann')), { kind: 'use' }])
    expect(once.state).toBe('used')
    expect(reasonOf(once, { kind: 'use' })).toBe('the request is used')
    const fortime = after(pending(), [decide(approver('ann'), timed(5)), { kind: 'use' }])
    expect(fortime.state).toBe('approved')
    expect(reasonOf(fortime, { kind: 'use' })).toBeUndefined()
  })

  it.each(STATES.filter((state) => state !== 'approved'))('is not of what is %s', (state) => {
    expect(reasonOf(pending({ state }), { kind: 'use' })).toBe(`the request is ${state}`)
  })
})

describe('whatever happens', () => {
  const person = fc.constantFrom('ann', 'bob', 'cy', 'dora', 'Ann', 'planner')
  const someone = fc
    .record({
      subject: person,
      issuer: fc.constantFrom('clinic', 'partner'),
      kind: fc.constantFrom('human', 'human', 'human', 'agent', 'service'),
      pools: fc.subarray(['privacy', 'clinicians', 'billing']),
      isDelegated: fc.constantFrom(false, false, false, true),
    } as const)
    .map(
      ({ subject, issuer, kind, pools, isDelegated }): Approver => ({
        member: { issuer, subject, kind },
        isDelegated,
        pools: new Set(pools),
      }),
    )
  const opinion = fc.oneof(
    { weight: 5, arbitrary: fc.constant(ONCE) },
    { weight: 2, arbitrary: fc.integer({ min: -1, max: 500 }).map(timed) },
    { weight: 1, arbitrary: fc.constant(REFUSE) },
    { weight: 1, arbitrary: fc.constant({ ...ONCE, rationale: '' }) },
  )
  const event = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(someone, opinion).map(([by, says]) => decide(by, says)) },
    { weight: 1, arbitrary: fc.constant<RequestEvent>({ kind: 'use' }) },
    { weight: 1, arbitrary: fc.constant<RequestEvent>({ kind: 'withdraw' }) },
  )
  const needs = fc.array(
    fc
      .record({
        pools: fc.subarray(['privacy', 'clinicians'], { minLength: 1 }),
        quorum: fc.integer({ min: 1, max: 3 }),
      })
      .map(({ pools, quorum }) => need(quorum, ...pools)),
    { minLength: 1, maxLength: 3 },
  )
  const step = fc.record({ event, passed: fc.nat(40 * MINUTE) })

  it('nothing is approved without the quorum of distinct people who are not of the chain', () => {
    fc.assert(
      fc.property(needs, fc.array(step, { maxLength: 20 }), (asked, steps) => {
        let request = pending({ needs: asked })
        let now = NOW
        for (const { event: next, passed } of steps) {
          now += passed
          const outcome = transition(request, next, now, LIMITS)
          if (outcome.kind === 'changed') request = outcome.request
          const people = request.decisions.filter(({ verdict }) => verdict.kind !== 'refuse')
          const names = people.map(({ by }) => by.subject.toLowerCase())
          expect(new Set(names).size).toBe(names.length)
          expect(names).not.toContain('dora')
          expect(people.every(({ by }) => by.kind === 'human')).toBe(true)
          if (request.state !== 'approved' && request.state !== 'used') continue
          for (const { pools, quorum } of asked) {
            const inPool = people.filter((one) => pools.some((pool) => one.pools.includes(pool)))
            expect(inPool.length).toBeGreaterThanOrEqual(quorum)
          }
          expect(request.expiresAt - decidedAt(request)).toBeLessThanOrEqual(LIMITS.maxApproval)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('the order of the decisions of different people makes no difference', () => {
    const voice = fc.record({
      pools: fc.subarray(['privacy', 'clinicians'], { minLength: 1 }),
      opinion: fc.oneof({ weight: 4, arbitrary: fc.constant(ONCE) }, { weight: 1, arbitrary: fc.constant(REFUSE) }),
    })
    const voices = fc.array(voice, { maxLength: 6 }).chain((list) => {
      const events = list.map((one, index) => decide(approver(`person ${index}`, one.pools), one.opinion))
      return fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }))
    })
    fc.assert(
      fc.property(needs, voices, (asked, [one, other]) => {
        const request = pending({ needs: asked })
        expect(after(request, other).state).toBe(after(request, one).state)
      }),
      { numRuns: 500 },
    )
  })

  it('time and a restart never make anything approved, and nothing comes back', () => {
    fc.assert(
      fc.property(fc.constantFrom(...STATES), fc.integer({ min: -100 * HOUR, max: 100 * HOUR }), (state, moved) => {
        const before = pending({ state })
        const restarted = withTime(JSON.parse(JSON.stringify(before)), NOW + moved)
        expect([before.state, 'expired']).toContain(restarted.state)
        expect(withTime(restarted, NOW).state).toBe(restarted.state)
      }),
    )
  })

  it('an event that does not count leaves the request as it was', () => {
    const frozen = Object.freeze(pending({ decisions: Object.freeze([]) }))
    expect(mayDecide(frozen, approver('dora'))).not.toBe(true)
    expect(after(frozen, [decide(approver('dora')), { kind: 'use' }])).toBe(frozen)
  })
})
