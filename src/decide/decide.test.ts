import { describe, expect, it } from 'vitest'
import type { Hazard } from '../inspect/sql/facts.ts'
import { PolicyError } from './compile-rules.ts'
import { accessOf, ask, CLEARED, facts, grant, MASKED, policyOf, READ, relation, rule } from './decide-test-support.ts'

describe('rules', () => {
  it('see the facts', () => {
    const conditions = [
      'principal.subject == "agent-7" && principal.kind == "agent" && principal.issuer == "corp" && "ehr" in principal.groups',
      'target == "hospital" && masked && statements == 2',
      'command == "SELECT" && "read" in effects && bounded == "not-applicable" && !limited && !onlyTemporaryObjects',
      'relations[0].phi && phiQuestions[1].classes[0] == "unknown"',
      'relations.exists(r, r.schema == "ehr" && r.name == "patients" && r.action == "read" && r.phi && r.touchesPhi && r.columns == ["*"])',
      'functions == ["now"] && hazards.size() == 0',
      'phiQuestions.exists(q, q.use == "order" && !q.released && "ssn" in q.classes && q.columns == ["ehr.patients.ssn"])',
      'phiQuestions.exists(q, q.released && q.classes == ["unknown"])',
      'chain.size() == 1 && chain[0].subject == principal.subject && purpose == "" && run == ""',
      'reading.bound == "all" && reading.limit == -1 && !reading.isPage && !patients.used && !patients.bound',
    ]
    const questions = [
      { use: 'order', classes: ['ssn'], columns: ['ehr.patients.ssn'], released: false },
      { use: 'group', classes: [], columns: [], released: true },
    ] as const
    const one = facts({ relations: [relation({})], functions: ['now'], questions })
    const rules = conditions.map((when, index) => rule(`r${index}`, when, 'warn'))
    const decision = ask(rules, [one, one], CLEARED)
    expect(decision.outcome).toBe('allow')
    expect(decision.rules).toEqual(['r0', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9'])
    expect(decision.warnings).toHaveLength(18)
    const plain = rules.filter(({ when }) => !when.includes('['))
    expect(ask(plain, [facts({}), facts({})])).toMatchObject({ outcome: 'allow', rules: ['r0', 'r1', 'r2'] })
  })

  it('refuse when they cannot be evaluated, and say which', () => {
    const decision = ask([rule('broken', 'relations[3].phi', 'warn')], [READ])
    expect(decision).toMatchObject({ outcome: 'refuse', code: 'CHP-POLICY-ERROR', rule: 'broken', rules: ['broken'] })
    expect(decision).toMatchObject({ reason: expect.stringContaining('index out of bounds') })
  })

  it('refuse all statements of a string for one of them', () => {
    const bad = facts({ command: 'TRUNCATE', effects: ['delete'] })
    expect(ask([], [READ, bad, READ])).toMatchObject({ outcome: 'refuse', rule: 'guardrails.truncate', statement: 1 })
  })

  it('allow a string without statements', () => {
    expect(ask([], [])).toEqual({ outcome: 'allow', rules: [], warnings: [], alerts: [] })
  })

  it('carry their own words to the client', () => {
    const custom = { ...rule('mine', 'true', 'hold'), message: 'ask Dr Who first', hint: 'call 100' }
    const decision = ask([custom], [READ])
    expect(decision).toMatchObject({ code: 'CHP-POLICY-HELD', hint: 'call 100' })
    expect(decision).toMatchObject({
      message: expect.stringMatching(/^ask Dr Who first; .*approval/),
    })
  })

  it('are refused when they do not compile, all at once', () => {
    const rules = [
      rule('a', 'masked &&', 'warn'),
      rule('b', 'maskd', 'warn'),
      rule('c', 'command', 'warn'),
      rule('d', 'principal.subject.matches("(a+)+$")', 'warn'),
      rule('e', 'effects.exists(e, e == 1)', 'warn'),
      rule('f', 'relations.exists(r, r.name.startsWith("x") && r.phy)', 'warn'),
      rule('g', 'masked', 'warn'),
      rule('g', 'masked', 'warn'),
    ]
    let problems: PolicyError['problems'] = []
    try {
      policyOf(rules, undefined, ['nonsense'])
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      problems = error.problems
    }
    expect(problems.map(({ rule: name, index, message }) => `${name}@${index}: ${message}`)).toEqual([
      'guardrails.nonsense@0: there is no such rule in the pack.',
      'a@9: the condition is not valid: Unexpected token: EOF.',
      'b@0: the condition is not valid: Unknown variable: maskd.',
      'c@0: the condition must be a bool, and is string.',
      expect.stringMatching(/^d@\d+: matches\(\) is not available/),
      'e@18: the condition is not valid: no such overload: string == int.',
      'f@48: the condition is not valid: No such key: phy.',
      'g@0: the name is there twice.',
    ])
  })
})

describe('hazards', () => {
  it('refuse exactly masked principals, but for settings that are required', () => {
    const kinds: readonly Hazard['kind'][] = [
      'function-not-known-safe',
      'relation-not-allowed',
      'relation-unresolved',
      'operator-not-known-safe',
      'phi-copied',
      'phi-in-utility',
      'setting-pinned',
      'construct-not-analysed',
    ]
    const codes = new Map<string, string>([
      ['setting-pinned', 'CHP-MASK-SESSION'],
      ['relation-unresolved', 'CHP-MASK-UNRESOLVED'],
    ])
    for (const kind of kinds) {
      const given = [facts({ hazards: [{ kind, subject: 'thing' }] })]
      expect(ask([], given)).toMatchObject({
        outcome: 'refuse',
        rule: `masking.${kind}`,
        code: codes.get(kind) ?? 'CHP-MASK-UNPROVEN',
        message: expect.stringContaining('thing'),
      })
      expect(ask([], given, CLEARED).outcome).toBe('allow')
      expect(
        ask([], given, accessOf(grant('g', { clearance: { default: 'clear', classes: { ssn: 'masked' } } }))).outcome,
      ).toBe('refuse')
    }
  })

  it.each(['setting-required', 'a kind of tomorrow'])('%s refuses everybody', (kind) => {
    // Through JSON, because the type does not know the second.
    const hazards: readonly Hazard[] = JSON.parse(JSON.stringify([{ kind, subject: 'client_encoding' }]))
    const given = [facts({ hazards })]
    for (const held of [MASKED, CLEARED])
      expect(ask([], given, held)).toMatchObject({ outcome: 'refuse', rule: `masking.${kind}` })
  })

  it('name at most five subjects, shortened', () => {
    const hazards = ['a', 'b', 'c', 'd', 'e'.repeat(200), 'f', 'g', 'a'].map((subject) => {
      return { kind: 'function-not-known-safe' as const, subject }
    })
    expect(ask([], [facts({ hazards })])).toMatchObject({
      message: `functions that are not known to be safe: a, b, c, d, ${'e'.repeat(80)}… and 2 more`,
    })
  })
})

describe('questions about PHI', () => {
  const asked = facts({
    questions: [{ use: 'order', classes: ['ssn'], columns: ['ehr.patients.ssn'], released: false }],
  })

  it('are judged by the class and the clearance', () => {
    const code = 'CHP-MASK-PREDICATE'
    expect(ask([], [READ, asked])).toMatchObject({ outcome: 'refuse', code, rule: 'masking.order', statement: 1 })
    expect(ask([], [asked], CLEARED).outcome).toBe('allow')
    const seesNumbers = accessOf(grant('g', { clearance: { default: 'masked', classes: { ssn: 'clear' } } }))
    expect(ask([], [asked], seesNumbers).outcome).toBe('allow')
  })

  it('explain less than a hazard, which often is where they come from', () => {
    const hazards = [{ kind: 'relation-not-allowed', subject: 'pg_stats' }] as const
    expect(ask([], [{ ...asked, hazards }])).toMatchObject({ rule: 'masking.relation-not-allowed' })
  })
})
