import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RuleConfig, RuleEffect } from '../config/config.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { decide } from './decide.ts'
import { accessOf, AGENT, APPROVERS, ask, CLEARED, grant, MASKED, policyOf, rule } from './decide-test-support.ts'
import type { Access, Decision } from './decision.ts'
import { anyFacts, anyHazard, anyQuestion, anyUse } from './facts-arbitraries-test-support.ts'

const judge = (rules: readonly RuleConfig[], given: readonly SqlFacts[], one: Access): Decision =>
  decide(policyOf(rules, undefined, [], APPROVERS), {
    principal: AGENT,
    target: 'hospital',
    access: one,
    facts: given,
  })

describe('properties', () => {
  /** Conditions whose truth the test can tell by itself. */
  const CONDITIONS: Readonly<Record<string, (one: SqlFacts) => boolean | 'error'>> = {
    true: () => true,
    false: () => false,
    limited: (one) => one.limited,
    'bounded == "bounded"': (one) => one.bounded === 'bounded',
    '"write" in effects': (one) => one.effects.includes('write'),
    'relations.exists(r, r.phi)': (one) => one.relations.some(({ phi }) => phi),
    'functions[0] != ""': (one) => (one.functions.length === 0 ? 'error' : one.functions[0] !== ''),
  }
  const anyRule = fc.record({
    when: fc.constantFrom(...Object.keys(CONDITIONS)),
    effect: fc.constantFrom<RuleEffect>('refuse', 'hold', 'warn', 'alert'),
  })
  const anyRules = fc
    .array(anyRule, { maxLength: 5 })
    .map((list) => list.map(({ when, effect: what }, index) => rule(`rule-${index}`, when, what)))
  const strings = fc.array(anyFacts, { maxLength: 3 })
  const held = fc.constantFrom(MASKED, CLEARED)

  it('the order of rules and grants does not matter', () => {
    fc.assert(
      fc.property(anyRules, strings, held, (rules, given, one) => {
        expect(ask(rules.toReversed(), given, one)).toEqual(ask(rules, given, one))
      }),
    )
  })

  it('one more rule never allows what was refused', () => {
    fc.assert(
      fc.property(anyRules, anyRule, strings, held, (rules, extra, given, one) => {
        const before = ask(rules, given, one)
        const after = ask([...rules, rule('extra', extra.when, extra.effect)], given, one)
        if (before.outcome === 'refuse') expect(after.outcome).toBe('refuse')
        for (const matched of before.rules) expect(after.rules).toContain(matched)
      }),
    )
  })

  it('refuses exactly for a refusal, a hold, a fault, a hazard or the pack; never throws', () => {
    fc.assert(
      fc.property(anyRules, strings, held, (rules, given, one) => {
        const decision = ask(rules, given, one)
        const results = given.flatMap((single) => rules.map((each) => [each, CONDITIONS[each.when]?.(single)] as const))
        const mine = results.some(
          ([each, result]) =>
            result === 'error' || (result === true && (each.effect === 'refuse' || each.effect === 'hold')),
        )
        const builtIn = decision.rules.some((rule_) => /^(guardrails|masking)\./.test(rule_))
        expect(decision.outcome).toBe(mine || builtIn ? 'refuse' : 'allow')
        if (!one.clearance.clearsEverything && given.some(({ hazards }) => hazards.length > 0)) {
          expect(decision.outcome).toBe('refuse')
        }
        const matched = results.flatMap(([each, result]) => (result === false ? [] : [each.name]))
        expect(decision.rules.filter((rule_) => rule_.startsWith('rule-'))).toEqual([...new Set(matched)].toSorted())
      }),
    )
  })

  const STRICTNESS = { allow: 0, hold: 1, refuse: 2 } as const
  const strictness = ({ outcome }: Decision) => STRICTNESS[outcome]
  const anyLists = fc.array(
    fc.array(
      fc.record({
        schema: fc.constantFrom('s', 'patients'),
        table: fc.constantFrom('*', 'patients'),
        columns: fc.constant('*' as const),
      }),
    ),
    { maxLength: 2 },
  )

  it('one more rule, statement, list, hazard, question or relation never gives a less restrictive outcome', () => {
    fc.assert(
      fc.property(
        anyRules,
        anyRule,
        fc.array(anyFacts, { minLength: 1, maxLength: 2 }),
        anyFacts,
        fc.tuple(anyHazard, anyQuestion, anyUse),
        held,
        anyLists,
        (rules, extra, given, other, [hazard, question, use], one, lists) => {
          const [first, ...rest] = given
          if (first === undefined) return
          const listed = { ...one, relations: lists }
          const before = strictness(judge(rules, given, listed))
          const more = [
            judge([...rules, rule('extra', extra.when, extra.effect)], given, listed),
            judge(rules, [...given, other], listed),
            judge(rules, given, { ...listed, relations: [...lists, []] }),
            judge(rules, [{ ...first, hazards: [...first.hazards, hazard] }, ...rest], listed),
            judge(rules, [{ ...first, questions: [...first.questions, question] }, ...rest], listed),
          ]
          for (const decision of more) expect(strictness(decision)).toBeGreaterThanOrEqual(before)
          // Rules of the operator may count relations; those of the product never look more kindly on one more.
          const wider = [{ ...first, relations: [...first.relations, use], phiReachable: true }, ...rest]
          const widened = judge([], wider, listed)
          expect(strictness(widened)).toBeGreaterThanOrEqual(strictness(judge([], given, listed)))
        },
      ),
    )
  })

  it('less clearance never gives a less restrictive outcome, but for what is worse for those who see PHI', () => {
    const some = accessOf(grant('g', { clearance: { default: 'masked', classes: { ssn: 'clear' } } }))
    fc.assert(
      fc.property(strings, (given) => {
        const of = (one: Access) => {
          // Bulk export by those who see PHI is held; masked rows may be copied like they may be selected.
          const policy = policyOf([], undefined, ['bulk-export'], APPROVERS)
          return strictness(decide(policy, { principal: AGENT, target: 'hospital', access: one, facts: given }))
        }
        expect(of(MASKED)).toBeGreaterThanOrEqual(of(some))
        expect(of(some)).toBeGreaterThanOrEqual(of(CLEARED))
      }),
    )
  })

  it('the order of rules does not matter where approvals can be asked for', () => {
    fc.assert(
      fc.property(anyRules, strings, held, (rules, given, one) => {
        expect(judge(rules.toReversed(), given, one)).toEqual(judge(rules, given, one))
      }),
    )
  })

  it('holds exactly what would be refused for a hold, and never lets more pass', () => {
    fc.assert(
      fc.property(anyRules, strings, held, (rules, given, one) => {
        const withApprovals = judge(rules, given, one)
        const without = ask(rules, given, one)
        if (withApprovals.outcome === 'hold') {
          expect(without).toMatchObject({ outcome: 'refuse', code: 'CHP-POLICY-HELD', rule: withApprovals.rule })
          expect(withApprovals.needs.length).toBeGreaterThan(0)
        } else expect(without).toEqual(withApprovals)
      }),
    )
  })
})
