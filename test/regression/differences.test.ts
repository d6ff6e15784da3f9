import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { judge, readDifferences } from './differences.ts'
import { DIFFERENCES } from './run-suites.ts'
import type { CaseRun } from './suite.ts'
import { SUITES } from './suites.ts'

const DOCUMENT = `# Title

## What the gateway adds everywhere

| Pattern | Why |
|---|---|
| \` \\[(?:A\\|B)\\]$\` | it does |

## By test

Some words.

| Suite | Test | Places | Why |
|---|---|---|---|
| s | \`one\` | 2 | because |
| s | \`x::*\` | 1 | so |

## Another

| a | b | c | d |
|---|---|---|---|
| s | other | 9 | not in a table that counts |
`

const found = (test: string, differences: number): CaseRun => ({
  test,
  direct: 'passed',
  gateway: 'passed',
  differences,
  detail: '',
})

const names = (list: readonly { readonly test: string }[]): readonly string[] => list.map(({ test }) => test)

describe('reading', () => {
  it('reads both tables', () => {
    const { additions, differences } = readDifferences(DOCUMENT)
    expect(additions.map(({ pattern }) => 'error [B]'.replace(pattern, ''))).toEqual(['error'])
    expect(differences).toEqual([
      { suite: 's', test: 'one', places: 2, why: 'because' },
      { suite: 's', test: 'x::*', places: 1, why: 'so' },
    ])
  })

  it.each([
    ['a row without a number', '| s | `one` | 2 |', '| s | `one` | many |'],
    ['a row without a reason', '| because |', '| |'],
    ['a missing section', '## By test', '## Elsewhere'],
  ])('does not accept %s', (_, from, to) => {
    expect(() => readDifferences(DOCUMENT.replace(from, to))).toThrow()
  })

  it('accepts docs/postgres-differences.md, whose rows name suites that there are, each test once', () => {
    const { differences } = readDifferences(readFileSync(DIFFERENCES, 'utf8'))
    const suites = new Set(SUITES.map(({ name }) => name))
    expect(differences.filter(({ suite }) => !suites.has(suite))).toEqual([])
    const keys = differences.map(({ suite, test }) => `${suite} ${test}`)
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  })
})

describe('judging', () => {
  const { differences } = readDifferences(DOCUMENT)

  it('accepts what is explained, and no more places than that', () => {
    const exact = judge('s', [found('one', 2), found('x::a', 1), found('two', 0)], differences)
    expect([names(exact.explained), names(exact.unexplained), exact.gone]).toEqual([['one', 'x::a'], [], []])
    expect(names(judge('s', [found('one', 3)], differences).unexplained)).toEqual(['one'])
    expect(names(judge('s', [found('two', 1)], differences).unexplained)).toEqual(['two'])
    expect(names(judge('t', [found('one', 2)], differences).unexplained)).toEqual(['one'])
  })

  it('reports explanations that are no longer needed', () => {
    expect(names(judge('s', [found('one', 1)], differences).gone)).toEqual(['one'])
    expect(names(judge('s', [found('x::a', 0), found('x::b', 0)], differences).gone)).toEqual(['x::*'])
    expect(judge('s', [found('x::a', 0), found('x::b', 1)], differences).gone).toEqual([])
    // A test that did not run says nothing.
    expect(judge('s', [], differences).gone).toEqual([])
  })
})
