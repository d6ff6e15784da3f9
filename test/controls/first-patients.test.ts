import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { CLINIC_SQL, clinicTargets } from '../budgets/clinic.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'

/** Patients that a chain sees for the first time, on a real gateway with a store of its own. */
let bed: Testbed

beforeAll(async () => {
  bed = await startTestbed({
    patients: 5,
    prepare: (admin) => admin.query(CLINIC_SQL),
    configure: (document) => {
      clinicTargets(document, { free: {}, other: {} })
      document['alerts'] = {}
    },
  })
}, 120_000)
afterAll(() => bed?.stop())

const told = (target: string): unknown[] =>
  bed.log
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => line['alert'] === 'first-patients' && line['target'] === target)
    .map(({ title, count, of }) => [title, count, of])

const NOBODY_BEFORE = 'a chain had its first access to patients'
const SOME_BEFORE = 'a chain read patients for the first time'
const WAIT = { timeout: 15_000, interval: 50 }

const read = async (target: string, from: number, to: number): Promise<void> => {
  const client = await bed.connect('agent', { database: target })
  const sql = 'select id, name from clinic.patient where id between $1 and $2'
  expect((await client.query(sql, [from, to])).rowCount).toBe(to - from + 1)
  await client.end()
}

describe('patients', () => {
  it('are told of when a chain sees them for the first time, also in another session', {
    timeout: 60_000,
  }, async () => {
    await read('free', 1, 20)
    await vi.waitFor(() => expect(told('free')).toEqual([[NOBODY_BEFORE, 20, 20]]), WAIT)
    // Seen before, by way of another table and another session.
    const client = await bed.connect('agent', { database: 'free' })
    expect((await client.query('select patient_id, note from clinic.visit where patient_id <= 15')).rowCount).toBe(45)
    await read('free', 18, 23)
    await vi.waitFor(() => expect(told('free').slice(1)).toEqual([[SOME_BEFORE, 3, 6]]), WAIT)
    // Another target is another matter.
    await read('other', 1, 1)
    await vi.waitFor(() => expect(told('other')).toEqual([[NOBODY_BEFORE, 1, 1]]), WAIT)
    expect(told('free')).toHaveLength(2)
  })

  it('are not named in the alert', () => {
    const lines = bed.log.filter((line) => line.includes('first-patients'))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(line).not.toMatch(/[0-9a-f]{32}|Quux/u)
  })
})
