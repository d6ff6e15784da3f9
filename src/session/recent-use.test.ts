import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reading, RelationUse, SqlFacts } from '../inspect/sql/facts.ts'
import { RecentUse, RecentUses } from './recent-use.ts'

const MINUTE = 60_000

const read = (name: string): RelationUse => {
  return { schema: 'ehr', name, oid: 1, action: 'read', columns: '*', phi: true }
}

function factsOf(reading: Reading | undefined, ...names: readonly string[]): readonly SqlFacts[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields that are looked at
  return [{ relations: names.map(read), ...(reading === undefined ? {} : { reading }) } as unknown as SqlFacts]
}

const PAGE: Reading = { bound: 'filtered', isPage: true }

function setUp() {
  let now = 1_000 * MINUTE
  const recent = new RecentUse(() => now)
  return { recent, pass: (milliseconds: number) => (now += milliseconds) }
}

describe('recent use', () => {
  it('is forgotten after an hour, minute by minute', () => {
    const { recent, pass } = setUp()
    recent.statement()
    recent.rows(10, factsOf(PAGE, 'patient'))
    recent.patients(3)
    pass(30 * MINUTE)
    recent.refusal()
    expect(recent.over(factsOf(PAGE, 'patient'))).toEqual({
      statements: 1,
      rows: 10,
      patients: 3,
      refusals: 1,
      pagedRows: 10,
    })
    pass(31 * MINUTE)
    expect(recent.over(factsOf(PAGE, 'patient'))).toEqual({
      statements: 0,
      rows: 0,
      patients: 0,
      refusals: 1,
      pagedRows: 0,
    })
  })

  it.each<readonly [string, Reading | undefined, number]>([
    ['a page', PAGE, 10],
    ['everything', { bound: 'all', isPage: false }, 10],
    ['one patient', { bound: 'keyed', isPage: false }, 0],
    ['what is filtered', { bound: 'filtered', isPage: false }, 0],
    ['what has no PHI', undefined, 0],
  ])('counts rows as paged that come from %s', (_, reading, expected) => {
    const { recent } = setUp()
    recent.rows(10, factsOf(reading, 'patient'))
    expect(recent.over(factsOf(PAGE, 'patient')).pagedRows).toBe(expected)
  })

  it('counts paged rows by relation: many statements that walk through one are one walk', () => {
    const { recent } = setUp()
    for (let page = 0; page < 5; page++) recent.rows(100, factsOf(PAGE, 'patient'))
    recent.rows(7, factsOf(PAGE, 'note', 'note'))
    expect(recent.over(factsOf(PAGE, 'patient')).pagedRows).toBe(500)
    expect(recent.over(factsOf(PAGE, 'note')).pagedRows).toBe(7)
    expect(recent.over(factsOf(PAGE, 'bed')).pagedRows).toBe(0)
    expect(recent.over(factsOf(PAGE, 'note', 'patient')).pagedRows).toBe(500)
  })

  it('counts relations beyond its bound for every statement, rather than for none', () => {
    const { recent } = setUp()
    for (let at = 0; at < 300; at++) recent.rows(1, factsOf(PAGE, `t${at}`))
    expect(recent.over(factsOf(PAGE, 'unheard')).pagedRows).toBe(44)
  })

  it('forgets nothing when the clock goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -120, max: 0 }), { maxLength: 20 }), (steps) => {
        const { recent, pass } = setUp()
        for (const step of steps) {
          recent.statement()
          pass(step * MINUTE)
        }
        expect(recent.over([]).statements).toBe(steps.length)
      }),
    )
  })

  it('is one for all sessions of a chain at a target, and another for any other', () => {
    const uses = new RecentUses(() => 0)
    uses.of('chain', 'hospital').statement()
    expect(uses.of('chain', 'hospital').over([]).statements).toBe(1)
    expect(uses.of('chain', 'annex').over([]).statements).toBe(0)
    expect(uses.of('other', 'hospital').over([]).statements).toBe(0)
  })
})
