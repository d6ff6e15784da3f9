import { describe, expect, it } from 'vitest'
import { readOptions, UsageError } from './options.ts'
import { exitCode, findings, type SuiteReport, table } from './report.ts'
import { compareOutcomes, type TestOutcome } from './suite.ts'

const cases = compareOutcomes(
  new Map<string, TestOutcome>([
    ['a', 'passed'],
    ['b', 'passed'],
    ['c', 'failed'],
    ['d', 'skipped'],
  ]),
  new Map<string, TestOutcome>([
    ['a', 'passed'],
    ['b', 'failed'],
    ['c', 'failed'],
  ]),
)
const ran = (unexplained: typeof cases): SuiteReport => ({
  suite: 'one',
  status: 'ran',
  seconds: 3,
  run: { cases, notes: ['a note'] },
  judgement: { unexplained, explained: [], gone: [] },
})
const differing = cases.filter(({ differences }) => differences > 0)
const skipped: SuiteReport = { suite: 'another', status: 'skipped', reason: 'no such program' }

it('compares outcomes by name, also those that only one run has', () => {
  expect(differing.map(({ test, detail }) => [test, detail])).toEqual([
    ['b', 'directly passed, through the gateway failed'],
    ['d', 'directly skipped, through the gateway missing'],
  ])
})

describe('the report', () => {
  it('has a line a suite', () => {
    const lines = table([ran(differing), skipped]).split('\n')
    expect(lines[1]?.split(/\s+/)).toEqual(['one', '4', '2', '2', '0', '2', '3'])
    expect(lines[2]).toMatch(/^another +skipped: no such program$/)
  })

  it('says what is not explained', () => {
    expect(findings([ran(differing), skipped])).toContain('one: UNEXPLAINED b')
    expect(findings([ran([])])).toBe('one: a note')
  })

  it('ends with a status that says it all', () => {
    expect(exitCode([ran([]), skipped], false)).toBe(0)
    expect(exitCode([ran([]), skipped], true)).toBe(2)
    expect(exitCode([ran(differing)], false)).toBe(1)
    expect(exitCode([ran(differing), { suite: 'x', status: 'broken', reason: '' }], false)).toBe(2)
  })
})

describe('options', () => {
  const known = ['one', 'two']

  it('runs all suites unless some are named', () => {
    expect(readOptions([], known)).toMatchObject({ suites: known, only: [], offline: false })
    expect(readOptions(['two', '--only', 'a,b', '--offline'], known)).toMatchObject({
      suites: ['two'],
      only: ['a', 'b'],
      offline: true,
    })
    expect(readOptions(['--help'], known)).toBe('help')
  })

  it.each([[['three']], [['--only', 'a']], [['--no-such-option']]])('refuses %j', (argv) => {
    expect(() => readOptions(argv, known)).toThrow(UsageError)
  })
})
