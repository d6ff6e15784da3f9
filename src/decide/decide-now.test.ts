import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RuleConfig } from '../config/config.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { asksOf, combine, decide, decideNow } from './decide.ts'
import { AGENT, APPROVERS, CLEARED, facts, MASKED, NOON, policyOf, relation, rule } from './decide-test-support.ts'
import type { Access, Circumstances, Decision, DecisionRequest } from './decision.ts'
import { anyFacts } from './facts-arbitraries-test-support.ts'

const QUIET: Circumstances = {
  now: NOON,
  estimatedRows: 1,
  recent: { statements: 0, rows: 0, patients: 0, refusals: 0, pagedRows: 0 },
}
const NOTHING = { estimate: false, recent: false, time: false }

const request = (given: readonly SqlFacts[], access: Access = MASKED): DecisionRequest => {
  return { principal: AGENT, target: 'hospital', access, facts: given }
}
const wholeTable = facts({
  relations: [relation({})],
  phiReachable: true,
  reading: { bound: 'all', isPage: false },
})
const guardrails = policyOf([], undefined, [], APPROVERS)
const nowOf = (given: SqlFacts, access: Access, circumstances: Partial<Circumstances>) =>
  decideNow(guardrails, request([given], access), { ...QUIET, ...circumstances })
const paged = (pagedRows: number) => ({ recent: { ...QUIET.recent, pagedRows } })

describe('guardrails that look at the moment', () => {
  it.each<readonly [string, SqlFacts, Access, Partial<Circumstances>, string | undefined]>([
    ['a small table', wholeTable, MASKED, { estimatedRows: 10_000 }, undefined],
    ['a large table', wholeTable, MASKED, { estimatedRows: 10_001 }, 'guardrails.large-read'],
    ['a table of unknown size', wholeTable, MASKED, { estimatedRows: undefined }, 'guardrails.large-read'],
    ['a table, as it is', wholeTable, CLEARED, { estimatedRows: 5001 }, 'guardrails.full-history'],
    ['a small table, as it is', wholeTable, CLEARED, { estimatedRows: 5000 }, undefined],
    [
      'a key',
      { ...wholeTable, reading: { bound: 'keyed', isPage: false } },
      CLEARED,
      { estimatedRows: undefined },
      undefined,
    ],
    [
      'a few',
      { ...wholeTable, reading: { bound: 'all', limit: 1000, isPage: false } },
      CLEARED,
      { estimatedRows: undefined },
      undefined,
    ],
    [
      'a large LIMIT',
      { ...wholeTable, reading: { bound: 'all', limit: 20_000, isPage: false } },
      MASKED,
      { estimatedRows: 20_000 },
      'guardrails.large-read',
    ],
    [
      'a LIMIT of unknown size',
      { ...wholeTable, reading: { bound: 'filtered', limit: 'unknown', isPage: false } },
      MASKED,
      { estimatedRows: undefined },
      'guardrails.large-read',
    ],
    [
      'a page',
      { ...wholeTable, reading: { bound: 'all', limit: 100, isPage: true } },
      MASKED,
      paged(10_000),
      undefined,
    ],
    [
      'one page too many',
      { ...wholeTable, reading: { bound: 'all', limit: 100, isPage: true } },
      MASKED,
      paged(10_001),
      'guardrails.paged-read',
    ],
    ['many reads, masked', wholeTable, MASKED, paged(1_000_000), undefined],
    ['many reads, as it is', wholeTable, CLEARED, paged(5001), 'guardrails.paged-read'],
    [
      'no PHI',
      facts({ relations: [relation({ phi: false })] }),
      CLEARED,
      { ...paged(1e9), estimatedRows: undefined },
      undefined,
    ],
    [
      'facts without a reading',
      facts({ relations: [relation({})] }),
      MASKED,
      { estimatedRows: 10_001 },
      'guardrails.large-read',
    ],
    ['a count that is none', wholeTable, MASKED, { estimatedRows: Number.NaN }, 'guardrails.large-read'],
  ])('%s', (_, given, access, circumstances, expected) => {
    const decision = nowOf(given, access, circumstances)
    expect(decision.outcome).toBe(expected === undefined ? 'allow' : 'hold')
    if (expected !== undefined) expect(decision.rules).toContain(expected)
    // The static part says nothing of it.
    expect(decide(guardrails, request([given], access)).outcome).toBe('allow')
  })

  it('ask for nothing where they cannot hold', () => {
    const few = { ...wholeTable, reading: { bound: 'keyed', isPage: false } } as const
    expect(asksOf(guardrails, request([facts({})]))).toEqual(NOTHING)
    expect(asksOf(guardrails, request([few]))).toEqual(NOTHING)
    expect(asksOf(guardrails, request([few, wholeTable]))).toEqual({ ...NOTHING, estimate: true })
    expect(asksOf(guardrails, request([wholeTable], CLEARED))).toEqual({ estimate: true, recent: true, time: false })
    expect(guardrails.asks).toEqual({ estimate: true, recent: true, time: false })
  })
})

describe('decideNow', () => {
  it('knows the time, and refuses where it cannot be told', () => {
    const rules = [
      rule('night', 'now.getHours("Europe/Berlin") >= 14', 'refuse'),
      rule('sunday', 'now.getDayOfWeek("Europe/Berlin") == 0', 'refuse'),
    ]
    const policy = policyOf(rules, undefined, ['large-read', 'full-history', 'paged-read'])
    expect(policy.asks).toEqual({ ...NOTHING, time: true })
    // Noon of a Monday is two o'clock in Berlin.
    expect(decideNow(policy, request([facts({})]), QUIET)).toMatchObject({ outcome: 'refuse', rules: ['night'] })
    expect(decideNow(policy, request([facts({})]), { ...QUIET, now: NOON - 60_000 }).outcome).toBe('allow')
    const nowhere = policyOf([rule('r', 'now.getHours("Nowhere/Land") > 25', 'warn')])
    expect(decideNow(nowhere, request([facts({})]), QUIET)).toMatchObject({ code: 'CHP-POLICY-ERROR' })
    expect(decideNow(policy, request([facts({})]), { ...QUIET, now: Number.NaN }).outcome).toBe('refuse')
  })

  it.each([
    ['2026-03-08T01:30:00Z', 'now.getHours("Europe/Berlin") == 2 && now.getMinutes("Europe/Berlin") == 30'],
    ['2026-03-29T01:30:00Z', 'now.getHours("Europe/Berlin") == 3 && now.getDayOfWeek("Europe/Berlin") == 0'],
    ['2026-06-14T23:30:00Z', 'now.getDayOfWeek("Europe/Berlin") == 1 && now.getDayOfWeek("America/New_York") == 0'],
    ['1970-01-01T00:01:00Z', 'now.seconds == 60'],
  ])('at %s holds %s, whatever the time zone of the gateway', (at, when) => {
    const policy = policyOf([rule('r', when, 'warn')])
    expect(decideNow(policy, request([facts({})]), { ...QUIET, now: Date.parse(at) }).rules).toEqual(['r'])
  })

  it('evaluates a rule whose part without circumstances fails', () => {
    const policy = policyOf([rule('r', 'relations[3].phi && estimatedRows > 1', 'warn')])
    expect(asksOf(policy, request([facts({})])).estimate).toBe(true)
    expect(decideNow(policy, request([facts({})]), { ...QUIET, estimatedRows: 2 })).toMatchObject({
      outcome: 'refuse',
      code: 'CHP-POLICY-ERROR',
    })
  })
})

describe('properties', () => {
  const STATIC = ['masked', 'limited', 'reading.isPage', 'relations.exists(r, r.phi)']
  /** Fails where there is none; what another part makes true does not fail (CEL: `error || true` is true). */
  const FAILING = 'functions[0] != ""'
  const DYNAMIC = ['estimatedRows > 100', 'recent.rows > 100', 'recent.refusals > 2', 'now.getHours("UTC") > 11']
  const anyEffect = fc.constantFrom('refuse' as const, 'hold' as const, 'warn' as const, 'alert' as const)
  const rulesOf = (fixed: readonly string[]) => {
    const when = fc
      .tuple(fc.subarray([...fixed]), fc.subarray(DYNAMIC, { minLength: 1 }), fc.constantFrom(' && ', ' || '))
      .map(([first, second, by]) => [...first, ...second].join(by))
    return fc
      .array(fc.tuple(when, anyEffect), { maxLength: 4 })
      .map((list) => list.map(([text, effect], index): RuleConfig => rule(`r${index}`, text, effect)))
  }
  const anyRules = rulesOf([...STATIC, FAILING])
  const count = fc.constantFrom(0, 3, 101, 10_001)
  const anyCircumstances: fc.Arbitrary<Circumstances> = fc.record({
    now: fc.constantFrom(NOON, NOON - 3_600_000),
    estimatedRows: fc.option(count, { nil: undefined }),
    recent: fc.record({ statements: count, rows: count, patients: count, refusals: count, pagedRows: count }),
  })
  const anyAccess = fc.constantFrom(MASKED, CLEARED)
  const STRICTNESS = { allow: 0, hold: 1, refuse: 2 } as const
  const strictness = ({ outcome }: Decision) => STRICTNESS[outcome]

  it('a larger estimate or more in the last hour never gives a less restrictive outcome', () => {
    fc.assert(
      fc.property(
        rulesOf(STATIC),
        fc.array(anyFacts, { maxLength: 2 }),
        anyAccess,
        anyCircumstances,
        (rules, given, access, at) => {
          const policy = policyOf(rules, undefined, [], APPROVERS)
          const of = (circumstances: Circumstances) =>
            strictness(decideNow(policy, request(given, access), circumstances))
          const before = of(at)
          expect(of({ ...at, estimatedRows: undefined })).toBeGreaterThanOrEqual(before)
          expect(of({ ...at, estimatedRows: (at.estimatedRows ?? 0) + 20_000 })).toBeGreaterThanOrEqual(
            at.estimatedRows === undefined ? 0 : before,
          )
          const { recent } = at
          expect(
            of({ ...at, recent: { ...recent, rows: recent.rows + 500, pagedRows: recent.pagedRows + 20_000 } }),
          ).toBeGreaterThanOrEqual(before)
        },
      ),
    )
  })

  it('asking for nothing means that nothing is decided', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(anyFacts, { maxLength: 2 }),
        anyAccess,
        anyCircumstances,
        (rules, given, access, at) => {
          const policy = policyOf(rules, undefined, [], APPROVERS)
          const asks = asksOf(policy, request(given, access))
          if (asks.estimate || asks.recent || asks.time) return
          expect(decideNow(policy, request(given, access), at)).toMatchObject({ outcome: 'allow', rules: [] })
        },
      ),
    )
  })

  it('what is not asked for makes no difference', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(anyFacts, { maxLength: 2 }),
        anyAccess,
        anyCircumstances,
        anyCircumstances,
        (rules, given, access, at, other) => {
          const policy = policyOf(rules, undefined, [], APPROVERS)
          const asks = asksOf(policy, request(given, access))
          const changed = {
            now: asks.time ? at.now : other.now,
            estimatedRows: asks.estimate ? at.estimatedRows : other.estimatedRows,
            recent: asks.recent ? at.recent : other.recent,
          }
          expect(decideNow(policy, request(given, access), changed)).toEqual(
            decideNow(policy, request(given, access), at),
          )
        },
      ),
    )
  })

  it('two decisions together are as strict as the stricter, and keep what both say', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(anyFacts, { maxLength: 2 }),
        anyAccess,
        anyCircumstances,
        (rules, given, access, at) => {
          const policy = policyOf([...rules, rule('s', 'limited', 'hold')], undefined, [], APPROVERS)
          const left = decide(policy, request(given, access))
          const right = decideNow(policy, request(given, access), at)
          for (const both of [combine(left, right), combine(right, left)]) {
            expect(strictness(both)).toBe(Math.max(strictness(left), strictness(right)))
            expect(both.rules).toEqual([...new Set([...left.rules, ...right.rules])].toSorted())
            expect(both.warnings).toHaveLength(left.warnings.length + right.warnings.length)
            expect(both.alerts).toHaveLength(left.alerts.length + right.alerts.length)
          }
          const together = combine(left, right)
          if (together.outcome === 'hold')
            expect(new Set(together.needs.map(({ rule: name }) => name))).toEqual(
              new Set(
                [left, right].flatMap((one) => (one.outcome === 'hold' ? one.needs.map(({ rule: name }) => name) : [])),
              ),
            )
        },
      ),
    )
  })
})

describe('needs', () => {
  const custom: RuleConfig = {
    ...rule('mine', 'true', 'hold'),
    message: 'ask Dr Who',
    approval: { pools: ['b', 'a'], quorum: 2 },
  }

  it('are those of the rule, else the default, each once', () => {
    const questions = [{ use: 'order', classes: ['ssn'], columns: ['s.t.c'], released: false }] as const
    const given = [facts({ questions }), facts({ questions })]
    const held = { ...guardrails, predicates: { default: 'hold', classes: {} } } as const
    const policy = { ...held, rules: policyOf([custom, rule('plain', 'true', 'hold')]).rules }
    expect(decide(policy, request(given))).toMatchObject({
      outcome: 'hold',
      needs: [
        { rule: 'masking.order', message: 'an order would tell protected values: s.t.c', ...APPROVERS },
        { rule: 'mine', message: 'ask Dr Who', pools: ['a', 'b'], quorum: 2 },
        { rule: 'plain', message: 'a policy rule holds this statement', ...APPROVERS },
      ],
    })
  })

  it('are of no use where nobody can be asked, or something refuses', () => {
    expect(decide(policyOf([custom]), request([facts({})]))).toMatchObject({
      outcome: 'refuse',
      code: 'CHP-POLICY-HELD',
    })
    const policy = policyOf([custom, rule('no', 'true', 'refuse')], undefined, [], APPROVERS)
    expect(decide(policy, request([facts({})]))).toMatchObject({ outcome: 'refuse', rule: 'no', rules: ['mine', 'no'] })
  })

  it('come with warnings and alerts', () => {
    const policy = policyOf([rule('w', 'true', 'warn'), { ...rule('a', 'true', 'alert'), message: 'look' }])
    expect(decide(policy, request([facts({})]))).toEqual({
      outcome: 'allow',
      rules: ['a', 'w'],
      warnings: [{ rule: 'w', message: 'a policy rule warns of this statement' }],
      alerts: [{ rule: 'a', message: 'look' }],
    })
  })
})
