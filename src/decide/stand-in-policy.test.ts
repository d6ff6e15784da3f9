import { expect, it } from 'vitest'
import type { ApprovalNeedConfig, PredicatePolicy, PredicatesConfig } from '../config/config.ts'
import { combineClearances } from './clearance.ts'
import { questionFindings } from './question-findings.ts'
import { constantRefused, standInPolicy, type StandInPolicy } from './stand-in-policy.ts'

const MASKED = combineClearances([{ default: 'masked', classes: {} }])

const under = (predicates: PredicatesConfig, approvals?: ApprovalNeedConfig) => ({ predicates, approvals })
const ASKED: ApprovalNeedConfig = { pools: ['chiefs'], quorum: 1 }

it.each<readonly [PredicatePolicy, StandInPolicy]>([
  ['allow', 'any'],
  ['released-granularity', 'stand-ins-only'],
  ['hold', 'hold'],
  ['refuse', 'stand-ins-only'],
])('%s means %s', (policy, expected) => {
  expect(standInPolicy('ssn', MASKED, under({ default: policy, classes: {} }))).toBe(expected)
  expect(standInPolicy('ssn', MASKED, under({ default: 'allow', classes: { ssn: policy } }))).toBe(expected)
  expect(standInPolicy('constructor', MASKED, under({ default: policy, classes: {} }))).toBe(expected)
})

it('leaves constants to the people who are asked about the statement', () => {
  const predicates: PredicatesConfig = { default: 'refuse', classes: { ssn: 'hold' } }
  expect(standInPolicy('ssn', MASKED, under(predicates, ASKED))).toBe('any')
  expect(standInPolicy('name', MASKED, under(predicates, ASKED))).toBe('stand-ins-only')
  const compared = {
    use: 'condition',
    classes: ['ssn'],
    columns: ['ehr.patients.ssn'],
    released: true,
    byStandIn: true,
  } as const
  const found = (approvals?: ApprovalNeedConfig) =>
    questionFindings([compared], MASKED, under(predicates, approvals), 0).map(({ severity }) => severity)
  expect(found(ASKED)).toEqual(['held'])
  expect(found()).toEqual([])
})

it('leaves the constants of cleared classes alone', () => {
  const predicates = { default: 'refuse', classes: {} } as const
  const some = combineClearances([{ default: 'masked', classes: { ssn: 'clear' } }])
  const most = combineClearances([{ default: 'clear', classes: { ssn: 'masked' } }])
  const all = combineClearances([{ default: 'clear', classes: {} }])
  expect(standInPolicy('ssn', some, under(predicates))).toBe('cleared')
  expect(standInPolicy('name', some, under(predicates))).toBe('stand-ins-only')
  expect(standInPolicy('name', most, under(predicates))).toBe('cleared')
  // What has no label can be of the class that is not cleared.
  expect(standInPolicy('unlabelled', most, under(predicates))).toBe('stand-ins-only')
  expect(standInPolicy('unlabelled', all, under(predicates))).toBe('cleared')
})

it('says the same as a finding that is known before, and names tokens', () => {
  const columns = ['ehr.patients.ssn', 'ehr.patients.last']
  const about = { classes: ['ssn'], columns, use: 'condition', released: false } as const
  for (const [standIns, policy] of [
    ['stand-ins-only', 'released-granularity'],
    ['hold', 'hold'],
  ] as const) {
    const refusal = constantRefused(columns, standIns)
    const [known] = questionFindings([about], MASKED, under({ default: policy, classes: {} }), 0)
    expect(refusal).toMatchObject({ code: known?.code, rule: known?.rule, message: known?.message })
    expect(refusal.hint).toContain('tok_…')
  }
})
