import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GrantConfig, PrincipalMatch, RuleConfig, RuleEffect } from '../config/config.ts'
import type { Effect, Hazard, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { PHI_CLASSES } from '../phi/classes.ts'
import { PolicyError } from './compile-rules.ts'
import { type Access, access, compilePolicy, decide, type Decision, type Principal } from './policy.ts'

const AGENT: Principal = {
  issuer: 'corp',
  subject: 'agent-7',
  kind: 'agent',
  groups: ['ehr'],
  name: undefined,
  claims: { dept: 'icu', units: ['a', 'b'] },
}

const match = (fields: Partial<PrincipalMatch>): PrincipalMatch => {
  return { issuer: undefined, subject: undefined, group: undefined, kind: undefined, claim: undefined, ...fields }
}
const grant = (name: string, fields: Partial<GrantConfig> = {}): GrantConfig => ({
  name,
  principals: [match({ kind: 'agent' })],
  targets: ['hospital'],
  tokenScope: name,
  clearance: { default: 'masked', classes: {} },
  ...fields,
})
const rule = (name: string, when: string, effect: RuleEffect): RuleConfig => {
  return { name, when, effect, message: undefined, hint: undefined }
}

function policyOf(
  rules: readonly RuleConfig[],
  grants: readonly GrantConfig[] = [grant('g')],
  disable: readonly string[] = [],
) {
  const phi = { predicates: { default: 'released-granularity', classes: {} } } as const
  return compilePolicy({ grants, rules, packs: { guardrails: { disable } }, phi, policyVersion: 'sha256:0' })
}

const CLEAR = grant('clear', { clearance: { default: 'clear', classes: {} } })
const accessOf = (...grants: readonly GrantConfig[]): Access => {
  const result = access(policyOf([], grants), AGENT, 'hospital')
  if (result === undefined) throw new TypeError('no access')
  return result
}
const MASKED = accessOf(grant('g'))
const CLEARED = accessOf(CLEAR)

const READ: SqlFacts = {
  command: 'SELECT',
  effects: ['read'],
  relations: [],
  functions: [],
  bounded: 'not-applicable',
  limited: false,
  hazards: [],
  outputs: [],
  phiReachable: false,
  questions: [],
  catalogUse: { relations: [], names: [], functions: [], operators: [] },
  session: { kind: 'none' },
}
const facts = (fields: Partial<SqlFacts>): SqlFacts => ({ ...READ, ...fields })
const relation = (fields: Partial<RelationUse>): RelationUse => {
  return { schema: 'ehr', name: 'patients', oid: 1, action: 'read', columns: '*', phi: true, ...fields }
}

const ask = (rules: readonly RuleConfig[], given: readonly SqlFacts[], held: Access = MASKED): Decision =>
  decide(policyOf(rules), { principal: AGENT, target: 'hospital', access: held, facts: given })

const key = (fields: GrantConfig['clearance']) => accessOf(grant('g', { clearance: fields })).clearance.key

describe('access', () => {
  it('names who shares tokens by the scopes of the grants, each once, in any order', () => {
    const grants = [grant('b', { tokenScope: 'care' }), grant('c'), grant('a', { tokenScope: 'care' })]
    for (const one of [grants, grants.toReversed()]) {
      expect(access(policyOf([], one), AGENT, 'hospital')?.tokenGroup).toBe('c+care')
    }
    expect(access(policyOf([], [grant('g')]), AGENT, 'hospital')?.tokenGroup).toBe('g')
  })

  it('is refused without a grant, for another target and to an empty pattern', () => {
    expect(access(policyOf([], []), AGENT, 'hospital')).toBeUndefined()
    expect(access(policyOf([]), AGENT, 'elsewhere')).toBeUndefined()
    expect(access(policyOf([], [grant('g', { principals: [match({})] })]), AGENT, 'hospital')).toBeUndefined()
    expect(
      access(policyOf([], [grant('g', { principals: [match({ issuer: 'corp' })] })]), AGENT, 'hospital'),
    ).toBeUndefined()
  })

  it.each<readonly [Partial<PrincipalMatch>, boolean]>([
    [{ subject: 'agent-7' }, true],
    [{ subject: 'agent-8' }, false],
    [{ group: 'ehr' }, true],
    [{ group: 'eh' }, false],
    [{ kind: 'human' }, false],
    [{ issuer: 'corp', kind: 'agent' }, true],
    [{ issuer: 'other', kind: 'agent' }, false],
    [{ claim: { dept: 'icu' } }, true],
    [{ claim: { dept: 'er' } }, false],
    [{ claim: { units: 'b' } }, true],
    [{ claim: { units: 'c' } }, false],
    [{ claim: { dept: 'icu', other: 'x' } }, false],
    [{ claim: { constructor: 'x' } }, false],
    [{ subject: 'agent-7', group: 'other' }, false],
  ])('%j gives access: %s', (fields, expected) => {
    const policy = policyOf([], [grant('g', { principals: [match({ subject: 'nobody' }), match(fields)] })])
    expect(access(policy, AGENT, 'hospital') !== undefined).toBe(expected)
  })

  it('names the grants, sorted', () => {
    expect(accessOf(grant('b'), grant('a'), grant('c', { targets: ['x'] })).grants).toEqual(['a', 'b'])
  })

  it('is the most permissive of all grants for each class, whatever their order', () => {
    const level = fc.constantFrom('masked' as const, 'clear' as const)
    const clearance = fc.record({
      default: level,
      classes: fc.dictionary(fc.constantFrom(...PHI_CLASSES), level, { noNullPrototype: true }),
    })
    fc.assert(
      fc.property(fc.array(clearance, { minLength: 1, maxLength: 4 }), (clearances) => {
        const grants = clearances.map((one, index) => grant(`g${index}`, { clearance: one }))
        const { clearance: combined } = accessOf(...grants)
        const expected = (name: string) => clearances.some((one) => (one.classes[name] ?? one.default) === 'clear')
        for (const name of [...PHI_CLASSES, 'not-a-class']) expect(combined.clears(name)).toBe(expected(name))
        expect(combined.clearsEverything).toBe([...PHI_CLASSES, 'not-a-class'].every(expected))
        expect(accessOf(...grants.toReversed()).clearance.key).toBe(combined.key)
      }),
    )
  })

  it('gives different keys to different clearances', () => {
    expect(key({ default: 'masked', classes: {} })).toBe('masked')
    expect(key({ default: 'masked', classes: { zip: 'clear', ssn: 'clear', name: 'masked' } })).toBe('masked+ssn+zip')
    expect(key({ default: 'clear', classes: { ssn: 'masked' } })).toBe('clear-ssn')
  })
})

describe('guardrails', () => {
  const drop = {
    command: 'DROP TABLE',
    effects: ['schema'],
    bounded: 'unbounded',
    relations: [relation({ action: 'schema' })],
  } as const
  const cases: readonly (readonly [string, Partial<SqlFacts>, string | undefined])[] = [
    ['a read', {}, undefined],
    ['a read of PHI', { relations: [relation({})] }, undefined],
    [
      'DELETE without WHERE',
      { command: 'DELETE', effects: ['delete'], bounded: 'unbounded' },
      'guardrails.unbounded-write',
    ],
    [
      'the same of a temporary table',
      { command: 'DELETE', effects: ['delete'], bounded: 'unbounded', onlyTemporaryObjects: true },
      undefined,
    ],
    [
      'DELETE with WHERE',
      {
        command: 'DELETE',
        effects: ['delete'],
        bounded: 'bounded',
        relations: [relation({ action: 'delete', phi: false })],
      },
      undefined,
    ],
    [
      'TRUNCATE',
      {
        command: 'TRUNCATE TABLE',
        effects: ['delete'],
        bounded: 'unbounded',
        relations: [relation({ action: 'truncate' })],
      },
      'guardrails.truncate',
    ],
    ['DROP', drop, 'guardrails.drop'],
    ['DROP of a temporary table', { ...drop, onlyTemporaryObjects: true }, undefined],
    ['GRANT', { command: 'GRANT', effects: ['privilege'] }, 'guardrails.privilege-change'],
    ['COPY to a file', { command: 'COPY TO', effects: ['read', 'server'] }, 'guardrails.server-access'],
    ['DO', { command: 'DO', effects: ['code'] }, 'guardrails.code-not-analysed'],
    [
      'LOCK',
      { command: 'LOCK TABLE', effects: ['lock'], relations: [relation({ action: 'lock' })] },
      'guardrails.lock-table',
    ],
    ['an advisory lock', { effects: ['read', 'lock'] }, undefined],
    ['CREATE TABLE', { command: 'CREATE TABLE', effects: ['schema'] }, 'guardrails.schema-change'],
    ['CREATE TEMP TABLE', { command: 'CREATE TABLE', effects: ['schema'], onlyTemporaryObjects: true }, undefined],
    [
      'INSERT of PHI',
      { command: 'INSERT', effects: ['write'], relations: [relation({ action: 'insert' })] },
      'guardrails.phi-change',
    ],
    [
      'DELETE of PHI',
      { command: 'DELETE', effects: ['delete'], bounded: 'bounded', relations: [relation({ action: 'delete' })] },
      'guardrails.phi-change',
    ],
    [
      'UPDATE of labelled columns',
      {
        command: 'UPDATE',
        effects: ['write'],
        bounded: 'bounded',
        relations: [relation({ action: 'update', columns: ['ssn'], touchesPhi: true })],
      },
      'guardrails.phi-change',
    ],
    [
      'UPDATE of columns not narrowed down',
      { command: 'UPDATE', effects: ['write'], bounded: 'bounded', relations: [relation({ action: 'update' })] },
      'guardrails.phi-change',
    ],
    [
      'UPDATE of other columns',
      {
        command: 'UPDATE',
        effects: ['write'],
        bounded: 'bounded',
        relations: [relation({ action: 'update', columns: ['status'], touchesPhi: false })],
      },
      undefined,
    ],
    [
      'INSERT elsewhere that reads PHI',
      {
        command: 'INSERT',
        effects: ['read', 'write'],
        relations: [relation({}), relation({ name: 'log', action: 'insert', phi: false })],
      },
      undefined,
    ],
    ['COPY TO of PHI, masked', { command: 'COPY TO', relations: [relation({})] }, undefined],
    ['COPY TO of something else', { command: 'COPY TO', relations: [relation({ phi: false })] }, undefined],
    [
      'COPY FROM elsewhere',
      { command: 'COPY FROM', effects: ['write'], relations: [relation({ action: 'insert', phi: false })] },
      undefined,
    ],
  ]

  it.each([
    ['all PHI', CLEARED],
    ['one class', accessOf(grant('g', { clearance: { default: 'masked', classes: { name: 'clear' } } }))],
  ])('holds COPY TO of PHI for those who see %s', (_, held) => {
    const decision = ask([], [facts({ command: 'COPY TO', relations: [relation({})] })], held)
    expect(decision).toMatchObject({ outcome: 'refuse', code: 'CHP-POLICY-HELD', rule: 'guardrails.bulk-export' })
  })

  it.each(cases)('%s', (_, fields, expected) => {
    const decision = ask([], [facts(fields)])
    expect(decision.outcome === 'refuse' ? decision.rule : undefined).toBe(expected)
    if (expected === undefined) return
    const held = ['schema-change', 'phi-change'].some((name) => expected === `guardrails.${name}`)
    expect(decision).toMatchObject({ code: held ? 'CHP-POLICY-HELD' : 'CHP-POLICY-REFUSED', statement: 0 })
    const name = expected.replace('guardrails.', '')
    const without = decide(policyOf([], undefined, [name]), {
      principal: AGENT,
      target: 'hospital',
      access: MASKED,
      facts: [facts(fields)],
    })
    expect(without.rules).not.toContain(expected)
  })

  it('lets DROP and TRUNCATE be allowed by themselves', () => {
    const policy = policyOf([], undefined, ['drop', 'truncate', 'schema-change'])
    for (const command of ['DROP TABLE', 'TRUNCATE TABLE']) {
      const given = [facts({ command, effects: ['schema'], bounded: 'unbounded' })]
      expect(decide(policy, { principal: AGENT, target: 'hospital', access: MASKED, facts: given }).outcome).toBe(
        'allow',
      )
    }
  })

  it('leaves PHI to those who see it', () => {
    const insert = facts({ command: 'INSERT', effects: ['write'], relations: [relation({ action: 'insert' })] })
    expect(ask([], [insert], CLEARED).outcome).toBe('allow')
  })
})

describe('rules', () => {
  it('see the facts', () => {
    const conditions = [
      'principal.subject == "agent-7" && principal.kind == "agent" && principal.issuer == "corp" && "ehr" in principal.groups',
      'target == "hospital" && masked && statements == 2',
      'command == "SELECT" && "read" in effects && bounded == "not-applicable" && !limited && !onlyTemporaryObjects',
      'relations.exists(r, r.schema == "ehr" && r.name == "patients" && r.action == "read" && r.phi && r.touchesPhi && r.columns == ["*"])',
      'functions == ["now"] && hazards.size() == 0',
      'phiQuestions.exists(q, q.use == "order" && !q.released && "ssn" in q.classes && q.columns == ["ehr.patients.ssn"])',
      'phiQuestions.exists(q, q.released && q.classes == ["unknown"])',
    ]
    const questions = [
      { use: 'order', classes: ['ssn'], columns: ['ehr.patients.ssn'], released: false },
      { use: 'group', classes: [], columns: [], released: true },
    ] as const
    const one = facts({ relations: [relation({})], functions: ['now'], questions })
    const rules = conditions.map((when, index) => rule(`r${index}`, when, 'warn'))
    const decision = ask(rules, [one, one], CLEARED)
    expect(decision.outcome).toBe('allow')
    expect(decision.rules).toEqual(['r0', 'r2', 'r3', 'r4', 'r5', 'r6'])
    expect(decision.warnings).toHaveLength(12)
    expect(ask(rules, [facts({}), facts({})])).toMatchObject({ outcome: 'allow', rules: ['r0', 'r1', 'r2'] })
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
    expect(ask([], [])).toEqual({ outcome: 'allow', rules: [], warnings: [] })
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

describe('properties', () => {
  const name = fc.oneof(fc.string(), fc.constantFrom('patients', '__proto__', 'pg_temp', ''))
  const effect = fc.constantFrom<Effect>(
    'read',
    'write',
    'delete',
    'schema',
    'privilege',
    'session',
    'server',
    'transaction',
    'lock',
    'code',
  )
  const use: fc.Arbitrary<RelationUse> = fc.record(
    {
      schema: fc.option(name),
      name,
      oid: fc.option(fc.nat()),
      action: fc.constantFrom('read', 'insert', 'update', 'delete', 'truncate', 'schema', 'lock'),
      columns: fc.oneof(fc.constant('*' as const), fc.array(name, { maxLength: 3 })),
      phi: fc.boolean(),
      touchesPhi: fc.boolean(),
    },
    { requiredKeys: ['schema', 'name', 'oid', 'action', 'columns', 'phi'] },
  )
  const hazard = fc.record({
    kind: fc.constantFrom<Hazard['kind']>(
      'function-not-known-safe',
      'setting-pinned',
      'phi-copied',
      'code-not-analysed',
    ),
    subject: name,
  })
  const anyFacts: fc.Arbitrary<SqlFacts> = fc.record(
    {
      command: fc.oneof(name, fc.constantFrom('SELECT', 'DELETE', 'TRUNCATE', 'COPY TO', 'DO')),
      effects: fc.uniqueArray(effect, { minLength: 1, maxLength: 3 }),
      relations: fc.array(use, { maxLength: 3 }),
      functions: fc.array(name, { maxLength: 3 }),
      bounded: fc.constantFrom('not-applicable', 'bounded', 'unbounded'),
      limited: fc.boolean(),
      hazards: fc.array(hazard, { maxLength: 2 }),
      outputs: fc.constant('unknown' as const),
      phiReachable: fc.boolean(),
      questions: fc.constant([]),
      catalogUse: fc.constant(READ.catalogUse),
      onlyTemporaryObjects: fc.boolean(),
      session: fc.constant({ kind: 'none' as const }),
    },
    {
      requiredKeys: [
        'command',
        'effects',
        'relations',
        'functions',
        'bounded',
        'limited',
        'hazards',
        'outputs',
        'phiReachable',
        'questions',
        'catalogUse',
        'session',
      ],
    },
  )
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
    effect: fc.constantFrom<RuleEffect>('refuse', 'hold', 'warn'),
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
        const mine = results.some(([each, result]) => result === 'error' || (result === true && each.effect !== 'warn'))
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
})
