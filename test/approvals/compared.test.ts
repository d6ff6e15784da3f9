import type { QueryConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalBed, startApprovalBed } from './approval-bed.ts'

const COUNT = 'SELECT count(*)::int AS found FROM hospital.patients'

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
  it.each<readonly [string, (phone: string) => QueryConfig]>([
    ['a constant', (phone) => ({ text: `${COUNT} WHERE phone = '${phone}'` })],
    ['a parameter', (phone) => ({ text: `${COUNT} WHERE phone = $1`, values: [phone] })],
    ['a pattern', (phone) => ({ text: `${COUNT} WHERE phone LIKE '${phone}%'` })],
  ])('waits for people with %s, of which they see nothing, and then runs', async (_, ask) => {
    const admin = await held.bed.direct()
    const { rows: known } = await admin.query<{ phone: string; found: number }>(
      'SELECT phone, count(*)::int AS found FROM hospital.patients WHERE phone IS NOT NULL GROUP BY phone ORDER BY phone LIMIT 1',
    )
    const [{ phone, found } = { phone: '', found: 0 }] = known
    const client = await held.bed.connect('agent')
    const result = client.query(ask(phone))
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
