import { describe, expect, it } from 'vitest'
import type { Journal } from '../record/journal.ts'
import { LoginFailures } from './login-failures.ts'

function setUp() {
  const records: Record<string, unknown>[] = []
  let now = 1_000_000
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method that is called
  const journal = {
    append: (record: { readonly what: string }) => {
      const what: Record<string, unknown> = JSON.parse(record.what)
      records.push(what)
    },
  } as unknown as Journal
  const failures = new LoginFailures(journal, () => now)
  const fail = (target?: string) =>
    failures.record({
      code: 'CHP-AUTH-FAILED',
      reason: 'CHP-AUTH-FAILED',
      peer: { address: '192.0.2.7', port: 1, loopback: false },
      target,
    })
  return {
    failures,
    records,
    fail,
    wait: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

describe('failed logins', () => {
  it('are recorded one by one up to a bound, and counted beyond it', () => {
    const { records, fail, failures } = setUp()
    for (let attempt = 0; attempt < 1000; attempt++) fail()
    expect(records).toHaveLength(20)
    failures.settle()
    expect(records).toHaveLength(21)
    expect(records[20]).toEqual({ code: 'CHP-AUTH-FAILED', count: 980, reason: 'many' })
    failures.settle()
    expect(records).toHaveLength(21)
  })

  it('are recorded one by one again after a while, and none is lost in between', () => {
    const { records, fail, wait } = setUp()
    for (let attempt = 0; attempt < 25; attempt++) fail()
    wait(10_000)
    fail('hospital')
    expect(records).toHaveLength(22)
    expect(records[20]).toMatchObject({ count: 5 })
    expect(records[21]).toEqual({
      address: '192.0.2.7',
      code: 'CHP-AUTH-FAILED',
      reason: 'CHP-AUTH-FAILED',
      target: 'hospital',
    })
  })

  it('grow the journal by a bounded number of records, however many they are', () => {
    const { records, fail, wait, failures } = setUp()
    for (let second = 0; second < 60; second++) {
      for (let attempt = 0; attempt < 200; attempt++) fail()
      failures.settle()
      wait(1000)
    }
    expect(records.length).toBeLessThanOrEqual(6 * 20 + 60)
    const counted = records.reduce((sum, { count }) => sum + (typeof count === 'number' ? count : 1), 0)
    expect(counted).toBe(60 * 200)
  })
})
