import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalBed, startApprovalBed } from './approval-bed.ts'

let held: ApprovalBed
beforeAll(async () => {
  held = await startApprovalBed({
    configure: (document) => {
      document['phi'].predicates = { default: 'released-granularity', classes: { phone: 'hold' } }
    },
  })
}, 120_000)
afterAll(() => held?.stop())

describe('a class whose comparisons are held', () => {
  it.each([
    [
      'a constant',
      (phone: string) => [`SELECT count(*)::int AS found FROM hospital.patients WHERE phone = '${phone}'`],
    ],
    [
      'a parameter',
      (phone: string) => ['SELECT count(*)::int AS found FROM hospital.patients WHERE phone = $1', [phone]],
    ],
    [
      'a pattern',
      (phone: string) => [`SELECT count(*)::int AS found FROM hospital.patients WHERE phone LIKE '${phone}%'`],
    ],
  ] as const)('waits for people with %s, of which they see nothing, and then runs', async (_, ask) => {
    const admin = await held.bed.direct()
    const { rows: known } = await admin.query<{ phone: string; found: number }>(
      'SELECT phone, count(*)::int AS found FROM hospital.patients WHERE phone IS NOT NULL GROUP BY phone ORDER BY phone LIMIT 1',
    )
    const [{ phone, found } = { phone: '', found: 0 }] = known
    const [sql, values] = ask(phone)
    const client = await held.bed.connect('agent')
    const result = client.query(sql, values === undefined ? [] : [...values])
    const [id = ''] = await held.asked()
    const request = await held.decide(id)
    expect(JSON.stringify(request)).not.toContain(phone)
    expect((await result).rows).toEqual([{ found }])
  })

  it('is no way around for other classes', async () => {
    const client = await held.bed.connect('agent')
    const guess = client.query(`SELECT count(*) FROM hospital.patients WHERE phone = '1' AND ssn = '919-00-0000'`)
    await expect(guess).rejects.toThrow('CHP-MASK-PREDICATE')
    expect(await held.pending()).toEqual([])
  })
})
