import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GrantConfig, PredicatePolicy, PredicatesConfig } from '../config/config.ts'
import type { PhiQuestion } from '../inspect/sql/facts.ts'
import { combineClearances } from './clearance.ts'
import type { Finding } from './finding.ts'
import { questionFindings } from './question-findings.ts'

type Clearance = GrantConfig['clearance']

const MASKED: Clearance = { default: 'masked', classes: {} }
const RELEASED: PredicatesConfig = { default: 'released-granularity', classes: {} }

const question = (fields: Partial<PhiQuestion> = {}): PhiQuestion => {
  return { use: 'condition', classes: ['ssn'], columns: ['ehr.patients.ssn'], released: false, ...fields }
}

function find(questions: readonly PhiQuestion[], predicates = RELEASED, clearance = MASKED): readonly Finding[] {
  return questionFindings(questions, combineClearances([clearance]), { predicates, approvals: undefined }, 0)
}

const outcome = (findings: readonly Finding[]): string => findings.map(({ severity }) => severity).join(' ')

describe('questionFindings', () => {
  it.each<readonly [PredicatePolicy, released: boolean, outcome: string]>([
    ['released-granularity', true, ''],
    ['released-granularity', false, 'question'],
    ['allow', true, ''],
    ['allow', false, ''],
    ['hold', true, ''],
    ['hold', false, 'held'],
    ['refuse', true, 'question'],
    ['refuse', false, 'question'],
  ])('%s, released: %s, gives "%s"', (policy, released, expected) => {
    expect(outcome(find([question({ released })], { default: policy, classes: {} }))).toBe(expected)
    expect(outcome(find([question({ released })], { default: 'allow', classes: { ssn: policy } }))).toBe(expected)
    expect(outcome(find([question({ released, classes: [] })], { default: policy, classes: {} }))).toBe(expected)
  })

  it('asks only for classes that are not cleared', () => {
    const clearance: Clearance = { default: 'masked', classes: { ssn: 'clear' } }
    expect(find([question()], RELEASED, clearance)).toEqual([])
    expect(find([question({ classes: ['name', 'ssn'] })], RELEASED, clearance)).toHaveLength(1)
    expect(find([question({ classes: [] })], RELEASED, clearance)).toHaveLength(1)
    expect(find([question({ classes: [] })], RELEASED, { default: 'clear', classes: {} })).toEqual([])
  })

  it('takes what has no label for masked until everything is cleared', () => {
    const clearance: Clearance = { default: 'clear', classes: { ssn: 'masked' } }
    expect(find([question({ classes: ['unlabelled'] })], RELEASED, clearance)).toHaveLength(1)
    expect(find([question({ classes: ['name'] })], RELEASED, clearance)).toEqual([])
  })

  it('takes the strictest of several classes', () => {
    const predicates: PredicatesConfig = { default: 'allow', classes: { ssn: 'hold', name: 'refuse' } }
    const findings = find([question({ classes: ['email', 'name', 'ssn'], released: true })], predicates)
    expect(outcome(findings)).toBe('question')
    expect(outcome(find([question({ classes: ['email', 'ssn'] })], predicates))).toBe('held')
  })

  it('is not led astray by the names of classes', () => {
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(outcome(find([question({ classes: [name] })]))).toBe('question')
    }
  })

  it('says which columns, how they are asked about, and what may be asked instead', () => {
    const columns = ['a.b.one', 'a.b.two', 'a.b.three', 'a.b.four', 'a.b.five', 'a.b.six']
    const findings = find([
      question({ columns }),
      question({ use: 'order' }),
      question({ use: 'group', columns: [] }),
      question({ use: 'computation' }),
    ])
    expect(findings.map(({ rule, code }) => `${rule} ${code}`)).toEqual([
      'masking.condition CHP-MASK-PREDICATE',
      'masking.order CHP-MASK-PREDICATE',
      'masking.group CHP-MASK-PREDICATE',
      'masking.computation CHP-MASK-PREDICATE',
    ])
    const [condition, order, group] = findings
    expect(condition?.message).toMatch(/: a\.b\.five, a\.b\.four, a\.b\.one, a\.b\.six, a\.b\.three and 1 more$/)
    expect(order?.message).toBe('an order would tell protected values: ehr.patients.ssn')
    expect(order?.hint).toContain('Order by columns that are not protected')
    expect(group?.message).toContain('columns that are not known')
    expect(group?.hint).toMatch(/^Check the spelling/)
    expect(order?.hint).not.toMatch(/label|spelling/)
    expect(find([question({ classes: ['unlabelled'] })])[0]?.hint).toContain('phi.labels')
    const [held] = find([question()], { default: 'hold', classes: {} })
    expect(held).toMatchObject({ code: 'CHP-POLICY-HELD', rule: 'masking.condition' })
    expect(held?.message).toContain('ehr.patients.ssn; this statement needs an approval')
  })

  it('lets the constants of a condition be looked at when it runs', () => {
    const byStandIn = question({ released: true, byStandIn: true })
    const policies: readonly PredicatePolicy[] = ['allow', 'released-granularity', 'hold', 'refuse']
    const outcomes = policies.map((policy) => outcome(find([byStandIn], { default: policy, classes: {} })))
    expect(outcomes).toEqual(['', '', '', 'question'])
    expect(find([question()])[0]?.hint).toContain("mrn = 'tok_…'")
  })

  it('one more question, class or stricter policy never lets more pass', () => {
    const policies = ['allow', 'hold', 'released-granularity', 'refuse'] as const
    const anyPolicy = fc.constantFrom(...policies)
    const anyClass = fc.constantFrom('ssn', 'name', 'zip', 'unlabelled')
    const anyQuestion = fc.record({
      use: fc.constantFrom<PhiQuestion['use']>('condition', 'order', 'group', 'computation'),
      classes: fc.uniqueArray(anyClass, { minLength: 1 }),
      columns: fc.constant(['s.t.c']),
      released: fc.boolean(),
    })
    const anyPredicates = fc.record({
      default: anyPolicy,
      classes: fc.dictionary(anyClass, anyPolicy, { noNullPrototype: true }),
    })
    const anyClearance = fc.record({
      default: fc.constantFrom('masked' as const, 'clear' as const),
      classes: fc.dictionary(anyClass, fc.constantFrom('masked' as const, 'clear' as const), { noNullPrototype: true }),
    })
    fc.assert(
      fc.property(
        fc.array(anyQuestion, { maxLength: 3 }),
        anyQuestion,
        anyClass,
        anyPredicates,
        anyClearance,
        (questions, extra, added, predicates, clearance) => {
          const before = find(questions, predicates, clearance).length > 0
          const wider = questions.map((one) => ({ ...one, classes: [...one.classes, added] }))
          if (before) {
            expect(find([...questions, extra], predicates, clearance)).not.toEqual([])
            expect(find(wider, predicates, clearance)).not.toEqual([])
            expect(find(questions, { default: 'refuse', classes: {} }, clearance)).not.toEqual([])
            expect(find(questions, predicates, MASKED)).not.toEqual([])
          }
        },
      ),
    )
  })
})
