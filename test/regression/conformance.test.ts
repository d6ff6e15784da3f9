import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresSuite } from './postgres-suite.ts'
import { findings } from './report.ts'
import { runSuites } from './run-suites.ts'
import { POSTGRESQL_INSTALLATION, POSTGRESQL_SOURCES } from './sources.ts'

// The part of `npm run conformance` that every run of the tests has. It fetches nothing: what an earlier run of that
// command left in its cache is used, and where there is nothing it is skipped.

const CACHE = process.env['CHAPERONE_CONFORMANCE_CACHE'] ?? join(homedir(), '.cache', 'chaperone-conformance')
const isThere =
  existsSync(`${POSTGRESQL_INSTALLATION}/bin/postgres`) &&
  existsSync(join(CACHE, 'regress-library', '.complete')) &&
  POSTGRESQL_SOURCES.some(({ version }) => existsSync(join(CACHE, `postgresql-${version}`, '.complete')))

/** A quarter of a minute, unless the machine is busy with something else. */
const TIMEOUT_MS = 240_000

/** Quick ones, a few of each kind: types, queries, statements, cursors, COPY, transactions, code. */
const SUBSET = `
  boolean int8 numeric strings date timestamptz uuid arrays json
  select select_distinct subselect union case groupingsets tsrf returning
  copyselect portals prepare prepared_xacts transactions combocid async`
  .trim()
  .split(/\s+/)

describe.skipIf(!isThere)("PostgreSQL's own tests (skipped until npm run conformance has filled its cache)", () => {
  let work = ''
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'chaperone-conformance-test-'))
    await chmod(work, 0o755)
  })
  afterAll(() => rm(work, { recursive: true, force: true }))

  it(
    'have the same output through the gateway, but for what docs/postgres-differences.md explains',
    async () => {
      const options = { only: SUBSET, cache: CACHE, offline: true }
      const signal = AbortSignal.timeout(TIMEOUT_MS - 10_000)
      const reports = await runSuites([postgresSuite], options, work, signal, () => undefined)
      const [report] = reports
      expect(report?.status, report?.status === 'ran' ? '' : report?.reason).toBe('ran')
      if (report?.status !== 'ran') return
      expect(report.run.cases.map(({ test }) => test)).toEqual(expect.arrayContaining(SUBSET))
      const { unexplained, gone } = report.judgement
      expect(
        [unexplained, gone].map((list) => list.map(({ test }) => test)),
        findings(reports),
      ).toEqual([[], []])
    },
    TIMEOUT_MS,
  )
})
