import type { Addition } from './compare-output.ts'
import type { CaseRun } from './suite.ts'

/** A row of docs/postgres-differences.md: a test that is known to differ, in how many places, and why. */
export interface KnownDifference {
  readonly suite: string
  /** Name of the test; a star at the end stands for any rest. */
  readonly test: string
  /** Places that may differ, in each test that matches. */
  readonly places: number
  readonly why: string
}

export interface KnownDifferences {
  readonly additions: readonly Addition[]
  readonly differences: readonly KnownDifference[]
}

const ADDITIONS = '## What the gateway adds everywhere'
const BY_TEST = '## By test'

/** Reads the two tables that the runner obeys. Throws when a row does not have the form of its table. */
export function readDifferences(document: string): KnownDifferences {
  return {
    additions: rowsBelow(document, ADDITIONS).map(([pattern = '']) => ({
      pattern: new RegExp(unquoted(pattern).replaceAll('\\|', '|'), 'gm'),
    })),
    differences: rowsBelow(document, BY_TEST).map(([suite = '', test = '', places = '', why = '']) => {
      if (!/^\d+$/.test(places) || why === '') throw new Error(`not a row of "${BY_TEST}": ${suite} ${test}`)
      return { suite: unquoted(suite), test: unquoted(test), places: Number(places), why }
    }),
  }
}

/** The cells of the first table below a heading, without its two head rows. */
function rowsBelow(document: string, heading: string): readonly (readonly string[])[] {
  const from = document.indexOf(`\n${heading}\n`)
  if (from === -1) throw new Error(`there is no section "${heading}"`)
  const section = document.slice(from + heading.length + 2).split(/\n## /)[0] ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => {
      const cells = line.split(/(?<!\\)\|/)
      return cells.slice(1, -1).map((cell) => cell.trim())
    })
}

const unquoted = (cell: string): string => cell.replace(/^`(.*)`$/, '$1')

const matches = (known: KnownDifference, suite: string, test: string): boolean =>
  known.suite === suite && (known.test.endsWith('*') ? test.startsWith(known.test.slice(0, -1)) : known.test === test)

export interface Judgement {
  /** Differ in more places than the document explains. */
  readonly unexplained: readonly CaseRun[]
  /** Differ in places that the document explains. */
  readonly explained: readonly CaseRun[]
  /** Rows that explain more than there was to explain; good news, but the document has to say so. */
  readonly gone: readonly KnownDifference[]
}

/** Holds what a suite found against what is known of it. Rows of tests that did not run are left alone. */
export function judge(suite: string, cases: readonly CaseRun[], known: readonly KnownDifference[]): Judgement {
  const allowed = (test: string): number =>
    known.filter((row) => matches(row, suite, test)).reduce((sum, { places }) => sum + places, 0)
  const differing = cases.filter(({ differences }) => differences > 0)
  const gone = known.filter((row) => {
    const concerned = cases.filter(({ test }) => matches(row, suite, test))
    return concerned.length > 0 && concerned.every(({ test, differences }) => differences < allowed(test))
  })
  return {
    unexplained: differing.filter(({ test, differences }) => differences > allowed(test)),
    explained: differing.filter(({ test, differences }) => differences <= allowed(test)),
    gone,
  }
}
