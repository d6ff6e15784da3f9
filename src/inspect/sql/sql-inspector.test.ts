import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SqlFacts } from './facts.ts'
import type { Inspection, InspectionScope } from './inspector.ts'
import { SqlInspector } from './sql-inspector.ts'
import { NO_PHI, TEST_CATALOG, TEST_PHI } from './test-catalog.ts'

const SCOPE: InspectionScope = { target: 'hospital', searchPath: ['public'] }

function started(options: ConstructorParameters<typeof SqlInspector>[0] = {}): SqlInspector {
  const inspector = new SqlInspector(options)
  inspector.setCatalog('hospital', TEST_CATALOG, TEST_PHI)
  return inspector
}

function only(inspection: Inspection): SqlFacts {
  if (!inspection.ok) throw new Error(inspection.message)
  expect(inspection.statements).toHaveLength(1)
  const [facts] = inspection.statements
  if (facts === undefined) throw new Error('no statement')
  return facts
}

describe('SqlInspector', () => {
  const inspector = started()
  beforeAll(() => inspector.warm())
  afterAll(() => inspector.close())
  const inspect = async (sql: string, scope = SCOPE): Promise<Inspection> => await inspector.inspect(sql, scope)

  it('answers a new text later and a known one at once, with the same frozen object', async () => {
    const first = inspector.inspect('SELECT id FROM patients WHERE id = 1', SCOPE)
    expect(first).toBeInstanceOf(Promise)
    const inspection = await first
    expect(inspector.inspect('SELECT id FROM patients WHERE id = 1', SCOPE)).toBe(inspection)
    expect(inspector.inspect('SELECT id FROM patients WHERE id = 22222', SCOPE)).toBe(inspection)
    expect(inspector.inspect('SELECT id FROM patients WHERE id = 3', { ...SCOPE })).toBe(inspection)
    expect(Object.isFrozen(inspection)).toBe(true)
    expect(Object.isFrozen(only(inspection).effects)).toBe(true)
  })

  it('gives texts that are analysed at the same time the same object', async () => {
    const texts = [1, 2, 3, 4].map((n) => `SELECT name FROM patients WHERE id = ${n} OFFSET ${n}`)
    const all = await Promise.all(texts.map((text) => inspect(text)))
    expect(new Set(all).size).toBe(1)
  })

  it('gives texts that differ in stand-ins the same object, with the places of the constants', async () => {
    const texts = ["'tok_a'", "''", "'it''s'"].map(
      (one) => `SELECT id FROM patients WHERE ssn IN (${one}, $1) AND id = 5`,
    )
    const all = await Promise.all(texts.map((text) => inspect(text)))
    expect(new Set(all).size).toBe(1)
    const [first] = all
    if (first === undefined) throw new Error('no inspection')
    expect(only(first).sites?.map(({ at, use }) => [use, at])).toEqual([
      ['comparison', { kind: 'literal', ordinal: 0, negative: false }],
      ['comparison', { kind: 'parameter', number: 1 }],
    ])
    expect(only(first).questions).toMatchObject([{ use: 'condition', released: true, byStandIn: true }])
  })

  it('keeps texts apart whose facts may differ', async () => {
    const sexes = await Promise.all(
      ["data->>'ssn'", "data->>'gender'"].map((field) => inspect(`SELECT ${field} FROM patients`)),
    )
    expect(sexes[0]).not.toBe(sexes[1])
    expect(inspector.inspect("SELECT data->>'gender' FROM patients", SCOPE)).toBe(sexes[1])
    expect(await inspect("SELECT set_config('role', 'none', false)")).not.toBe(
      await inspect("SELECT set_config('role', 'admin', false)"),
    )
  })

  it('keeps search paths and targets apart', async () => {
    const here = await inspect('SELECT id FROM patients')
    const elsewhere = await inspect('SELECT id FROM patients', { target: 'hospital', searchPath: ['other'] })
    expect(here).not.toBe(elsewhere)
    expect(await inspect('SELECT 1', { target: 'nowhere', searchPath: [] })).toMatchObject({
      ok: false,
      code: 'CHP-SQL-ANALYSIS-FAILED',
    })
  })

  it('reports syntax errors as PostgreSQL does, and caches them', async () => {
    const refused = await inspect('SELECT a frm t x')
    expect(refused).toEqual({
      ok: false,
      code: 'CHP-SQL-UNPARSEABLE',
      message: 'syntax error at or near "t"',
      position: 14,
    })
    expect(inspector.inspect('SELECT a frm t x', SCOPE)).toBe(refused)
    // Characters, not bytes.
    expect(await inspect("SELECT 'é😀' frm t x")).toMatchObject({ position: 17 })
    expect(await inspect('SELEC')).toMatchObject({ position: 1 })
    expect(await inspect("SELECT 'a")).toMatchObject({ code: 'CHP-SQL-UNPARSEABLE' })
    expect(await inspect('SELECT $$a')).toMatchObject({ code: 'CHP-SQL-UNPARSEABLE' })
  })

  it('refuses NUL, which would hide the rest of the text from the parser', async () => {
    for (const sql of ['SELECT 1\0; DROP TABLE patients', '\0', "SELECT 'a\0b'"]) {
      expect(await inspect(sql)).toMatchObject({ ok: false, code: 'CHP-SQL-ENCODING' })
    }
  })

  it('refuses text that is not Unicode, also where a literal would be lifted', async () => {
    await inspect("SELECT id FROM patients WHERE name = 'a'")
    expect(await inspect("SELECT id FROM patients WHERE name = '\ud800'")).toMatchObject({ code: 'CHP-SQL-ENCODING' })
  })

  it('takes no, one and several statements', async () => {
    expect(await inspect('')).toMatchObject({ ok: true, statements: [], redacted: '' })
    expect(await inspect(' ; -- nothing')).toMatchObject({ ok: true, statements: [] })
    const several = await inspect("BEGIN; DELETE FROM notes; SELECT 'é'; COMMIT")
    expect(several.ok && several.statements.map((facts) => facts.command)).toEqual([
      'BEGIN',
      'DELETE',
      'SELECT',
      'COMMIT',
    ])
    expect(several.ok && several.redacted).toBe('BEGIN; DELETE FROM notes; SELECT ?; COMMIT')
  })

  it('sees what standard_conforming_strings = off would hide, as a change of a setting', async () => {
    expect(only(await inspect('SET standard_conforming_strings = off')).hazards).toContainEqual({
      kind: 'setting-required',
      subject: 'standard_conforming_strings',
    })
    // With the setting on, the backslash is an ordinary character and the rest is SQL.
    const facts = only(await inspect("DELETE FROM notes WHERE body = 'a\\' or 1=1 --'"))
    expect(facts.bounded).toBe('unbounded')
  })

  it('looks into DO, PREPARE, EXPLAIN ANALYZE, COPY and common table expressions', async () => {
    for (const sql of [
      'DO $$ begin delete from patients; end $$',
      'PREPARE p AS DELETE FROM patients',
      'EXPLAIN ANALYZE DELETE FROM patients',
      'COPY (DELETE FROM patients RETURNING id) TO STDOUT',
      'WITH d AS (DELETE FROM patients RETURNING id) SELECT id FROM d',
    ]) {
      const facts = only(await inspect(sql))
      expect(facts.effects, sql).toContain('delete')
      expect(facts.bounded, sql).toBe('unbounded')
      expect(facts.relations, sql).toContainEqual(
        expect.objectContaining({ name: 'patients', action: 'delete', phi: true }),
      )
    }
    const dynamic = only(await inspect("DO $$ begin execute 'drop table patients'; end $$"))
    expect(dynamic.hazards).toContainEqual({ kind: 'code-not-analysed', subject: 'dynexecute' })
  })

  it('redacts every literal', async () => {
    const inspection = await inspect("SELECT id FROM patients WHERE ssn = '123-45-6789' AND id > 5 -- 123-45-6789")
    expect(inspection.ok && inspection.redacted).toBe('SELECT id FROM patients WHERE ssn = ? AND id > ?  ')
  })
})

describe('SqlInspector under attack', () => {
  const nested = started({ workers: 1, warmWorkers: 1 })
  afterAll(() => nested.close())

  // A parser instance is dead for good after 63 such parses (its stack pointer is not restored), so one must be its last.
  it('replaces the worker after every statement that is too deep', { timeout: 60_000 }, async () => {
    // A small stack makes the statements small and the test quick.
    const inspector = started({ workerStackMb: 1, workers: 1, warmWorkers: 1, analysisTimeoutMs: 30_000 })
    let workers = 0
    const count = (): void => {
      workers++
    }
    try {
      await inspector.warm()
      process.on('worker', count)
      for (let i = 0; i < 5; i++) {
        const inspection = await inspector.inspect(`SELECT 1${'+1'.repeat(12_000 + i)}`, SCOPE)
        expect(inspection).toMatchObject({ ok: false, code: 'CHP-SQL-TOO-COMPLEX' })
        expect(workers).toBe(i + 1)
      }
      expect((await inspector.inspect('SELECT id FROM patients', SCOPE)).ok).toBe(true)
    } finally {
      process.off('worker', count)
      await inspector.close()
    }
  })

  it.each([
    ['parentheses', `SELECT ${'('.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['parentheses beyond the parser', `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['ANDs', `SELECT 1 WHERE ${'true AND '.repeat(6_000)}true`],
    ['ORs', `SELECT 1 WHERE ${'(false OR '.repeat(3_000)}true${')'.repeat(3_000)}`],
    ['UNIONs', `SELECT 1${' UNION SELECT 1'.repeat(3_000)}`],
    ['sub-selects', `${'SELECT ('.repeat(1_500)}SELECT 1${')'.repeat(1_500)}`],
    ['list members', `SELECT 1 WHERE 1 IN (${'1,'.repeat(20_000)}1)`],
    ['NOTs', `SELECT ${'NOT '.repeat(10_000)}true`],
    ['brackets', `SELECT a${'[1]'.repeat(10_000)}`],
    ['casts', `SELECT 1${'::int'.repeat(10_000)}`],
    ['concatenations', `SELECT 'a'${" || 'a'".repeat(10_000)}`],
    ['calls', `SELECT ${'abs('.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['CASEs', `SELECT ${'CASE WHEN true THEN '.repeat(3_000)}1${' END'.repeat(3_000)}`],
    ['joins', `SELECT 1 FROM t a0${' JOIN t ON true'.repeat(5_000)}`],
    ['WITHs', `${'WITH a AS ('.repeat(1_500)}SELECT 1${') SELECT 1'.repeat(1_500)}`],
    ['unary signs', `SELECT ${'- '.repeat(10_000)}1`],
  ])('gives an answer to deeply nested %s and goes on', { timeout: 60_000 }, async (name, sql) => {
    const inspection = await nested.inspect(sql, SCOPE)
    if (!inspection.ok) expect(inspection.code).toMatch(/^CHP-SQL-(TOO-COMPLEX|UNPARSEABLE|ANALYSIS-FAILED)$/)
    // Text that is not cached yet.
    expect((await nested.inspect(`SELECT id AS "after ${name}" FROM patients`, SCOPE)).ok).toBe(true)
  })

  it('refuses what is too long without parsing it', async () => {
    const inspector = started({ maxStatementBytes: 100, maxTokens: 20 })
    try {
      expect(inspector.inspect(`SELECT '${'é'.repeat(60)}'`, SCOPE)).toMatchObject({ code: 'CHP-SQL-TOO-COMPLEX' })
      expect(await inspector.inspect(`SELECT 1${'+1'.repeat(20)}`, SCOPE)).toMatchObject({
        code: 'CHP-SQL-TOO-COMPLEX',
      })
      expect(await inspector.inspect("SELECT id FROM notes WHERE body = 'a'", SCOPE)).toMatchObject({ ok: true })
      // A cached skeleton does not let a longer literal pass.
      expect(await inspector.inspect(`SELECT id FROM notes WHERE body = '${'a'.repeat(100)}'`, SCOPE)).toMatchObject({
        code: 'CHP-SQL-TOO-COMPLEX',
      })
    } finally {
      await inspector.close()
    }
  })

  it('gives up on an analysis that takes too long, does not cache that, and serves the others', async () => {
    const inspector = started({ analysisTimeoutMs: 1, workers: 1, warmWorkers: 2 })
    const slow = `SELECT ${Array.from({ length: 4_000 }, (_, i) => `a${i}`).join(', ')} FROM patients`
    try {
      await inspector.warm()
      expect(await inspector.inspect(slow, SCOPE)).toMatchObject({ ok: false, code: 'CHP-SQL-ANALYSIS-FAILED' })
      expect(inspector.inspect(slow, SCOPE)).toBeInstanceOf(Promise)
    } finally {
      await inspector.close()
    }
  })

  it('does not let one session’s statements delay another’s', async () => {
    const inspector = started({ workers: 1, warmWorkers: 1 })
    const [greedy, modest] = [{ ...SCOPE }, { ...SCOPE }]
    const done: string[] = []
    const ask = async (name: string, sql: string, scope: InspectionScope): Promise<void> => {
      await inspector.inspect(sql, scope)
      done.push(name)
    }
    try {
      await Promise.all([
        ...Array.from({ length: 20 }, (_, i) => ask(`greedy ${i}`, `SELECT id AS g${i} FROM patients`, greedy)),
        ask('modest', 'SELECT id AS m FROM patients', modest),
      ])
      expect(done.indexOf('modest')).toBeLessThan(5)
    } finally {
      await inspector.close()
    }
  })

  it('refuses at once when too many statements wait', async () => {
    const inspector = started({ maxQueued: 2, workers: 1, warmWorkers: 0 })
    try {
      const answers = await Promise.all(
        [1, 2, 3, 4, 5].map(async (i) => await inspector.inspect(`SELECT id AS q${i} FROM notes`, SCOPE)),
      )
      expect(answers.filter((answer) => answer.ok).length).toBeGreaterThanOrEqual(2)
      expect(
        answers.filter((answer) => !answer.ok && answer.code === 'CHP-SQL-ANALYSIS-FAILED').length,
      ).toBeGreaterThan(0)
    } finally {
      await inspector.close()
    }
  })
})

describe('SqlInspector.setCatalog', () => {
  it('drops what was cached for the target, and answers by the new catalog what was under way', async () => {
    const inspector = started()
    try {
      const before = await inspector.inspect('SELECT id FROM patients', SCOPE)
      const underWay = inspector.inspect('SELECT name FROM patients', SCOPE)
      inspector.setCatalog('hospital', { ...TEST_CATALOG, relations: [] }, NO_PHI)
      const after = await inspector.inspect('SELECT id FROM patients', SCOPE)
      expect(after).not.toBe(before)
      const late = await underWay
      expect(await inspector.inspect('SELECT name FROM patients', SCOPE)).toBe(late)
    } finally {
      await inspector.close()
    }
  })
})

describe('SqlInspector.close', () => {
  it('answers what waits and what comes later as failed', async () => {
    const inspector = started()
    const waiting = inspector.inspect('SELECT id FROM patients', SCOPE)
    await inspector.close()
    expect(await waiting).toMatchObject({ ok: false, code: 'CHP-SQL-ANALYSIS-FAILED' })
    expect(await inspector.inspect('SELECT id FROM notes', SCOPE)).toMatchObject({ code: 'CHP-SQL-ANALYSIS-FAILED' })
  })

  it('replaces a worker after its share of analyses', async () => {
    const inspector = started({ analysesPerWorker: 2, workers: 1, warmWorkers: 1 })
    try {
      for (let i = 0; i < 10; i++)
        expect((await inspector.inspect(`SELECT id AS r${i} FROM notes`, SCOPE)).ok).toBe(true)
    } finally {
      await inspector.close()
    }
  })
})
