import { expect, it } from 'vitest'
import type { PredicatePolicy } from '../config/config.ts'
import { combineClearances } from './clearance.ts'
import { questionFindings } from './question-findings.ts'
import { constantRefused, standInPolicy, type StandInPolicy } from './stand-in-policy.ts'

const MASKED = combineClearances([{ default: 'masked', classes: {} }])

it.each<readonly [PredicatePolicy, StandInPolicy]>([
  ['allow', 'any'],
  ['released-granularity', 'stand-ins-only'],
  ['hold', 'hold'],
  ['refuse', 'stand-ins-only'],
])('%s means %s', (policy, expected) => {
  expect(standInPolicy('ssn', MASKED, { default: policy, classes: {} })).toBe(expected)
  expect(standInPolicy('ssn', MASKED, { default: 'allow', classes: { ssn: policy } })).toBe(expected)
  expect(standInPolicy('constructor', MASKED, { default: policy, classes: {} })).toBe(expected)
})

it('leaves the constants of cleared classes alone', () => {
  const predicates = { default: 'refuse', classes: {} } as const
  const some = combineClearances([{ default: 'masked', classes: { ssn: 'clear' } }])
  const most = combineClearances([{ default: 'clear', classes: { ssn: 'masked' } }])
  const all = combineClearances([{ default: 'clear', classes: {} }])
  expect(standInPolicy('ssn', some, predicates)).toBe('cleared')
  expect(standInPolicy('name', some, predicates)).toBe('stand-ins-only')
  expect(standInPolicy('name', most, predicates)).toBe('cleared')
  // What has no label can be of the class that is not cleared.
  expect(standInPolicy('unlabelled', most, predicates)).toBe('stand-ins-only')
  expect(standInPolicy('unlabelled', all, predicates)).toBe('cleared')
})

it('says the same as a finding that is known before, and names tokens', () => {
  const columns = ['ehr.patients.ssn', 'ehr.patients.last']
  const about = { classes: ['ssn'], columns, use: 'condition', released: false } as const
  for (const [standIns, policy] of [
    ['stand-ins-only', 'released-granularity'],
    ['hold', 'hold'],
  ] as const) {
    const refusal = constantRefused(columns, standIns)
    const [known] = questionFindings([about], MASKED, { default: policy, classes: {} }, 0)
    expect(refusal).toMatchObject({ code: known?.code, rule: known?.rule, message: known?.message })
    expect(refusal.hint).toContain('tok_…')
  }
})
