import { describe, expect, it } from 'vitest'
import type { AlertEvent } from '../alert/alert-event.ts'
import { Ledger } from '../budget/ledger.ts'
import { accessOf, facts, grant } from '../decide/decide-test-support.ts'
import type { Access } from '../decide/decision.ts'
import { encodeDataRow } from '../protocols/postgres/encode.ts'
import { type BudgetSource, sessionLimits } from './session-meters.ts'

const HEADER_BYTES = 5
const ACCESS = accessOf(grant('g'))
const KEYED = facts({ phiReachable: true, patients: { output: 0, outputForm: 'integer' } })
const UNKEYED = facts({ phiReachable: true })
const COLUMN = { name: 'id', tableOid: 0, attnum: 0, typeOid: 23, typmod: -1, format: 0 }
const KEY = () => Promise.resolve(Buffer.alloc(32, 1))

/** Sessions, each with what alerts were told of it: `read` is one operation that shows the rows of these patients. */
function sessions(source: Partial<BudgetSource> = {}) {
  const open = sessionLimits({ ledger: new Ledger(), digestKey: KEY, tellsPatients: true, ...source })
  return (session = 's') => {
    const told: AlertEvent[] = []
    const limits = open({
      holder: { session, chain: 'c', run: 'r', target: 't' },
      access: () => ACCESS,
      target: { hasPatientKeys: true },
      raise: (event) => void told.push(event),
    })
    if (limits === undefined) expect.fail('nothing is counted')
    let op = 0
    const read = async (patients: readonly number[], statement = KEYED) => {
      expect(await limits.begin(1)).toBeUndefined()
      limits.started(++op, { sent: { sql: '', parameters: [] } })
      const meter = limits.meter(op, statement, [COLUMN])
      for (const patient of patients) {
        const row = encodeDataRow([Buffer.from(String(patient))])
        expect(meter?.row(row, HEADER_BYTES, row.length, row.length)).toBe(true)
      }
      return limits.evidence(op, true)
    }
    return { read, told }
  }
}

it('a session of which nothing is to be counted has no limits, and pays for none', () => {
  const open = sessionLimits({ ledger: new Ledger(), digestKey: KEY, tellsPatients: true })
  const limitsOf = (access: Partial<Access>, hasPatientKeys = false) =>
    open({
      holder: { session: 's', chain: 'c', run: 'r', target: 't' },
      access: () => ({ ...ACCESS, ...access }),
      target: { hasPatientKeys },
      raise: () => undefined,
    })
  expect(limitsOf({})).toBeUndefined()
  expect(limitsOf({}, true)).toBeDefined()
  expect(limitsOf({ patients: ['7'] })).toBeDefined()
  expect(limitsOf({ budgets: [{ grant: 'g', span: 'session', unit: 'rows', limit: 1 }] })).toBeDefined()
})

describe('patients that a session saw', () => {
  it('are told once a session, by digests that are the same in all of them', async () => {
    const open = sessions()
    const [one, other] = [open('one'), open('other')]
    const evidence = await one.read([7, 8, 7])
    expect(evidence).toMatchObject({ count: 2, unattributed: false })
    expect(one.told).toEqual([{ kind: 'patients-seen', digests: evidence?.digests, count: 2 }])
    await one.read([8, 7])
    expect(one.told).toHaveLength(1)
    await one.read([8, 9])
    expect(one.told[1]).toMatchObject({ digests: [expect.stringMatching(/^[0-9a-f]{64}$/u)], count: 2 })
    await other.read([7, 8])
    expect(other.told).toEqual(one.told.slice(0, 1))
  })

  it('are listed up to a bound, and counted', async () => {
    const { read, told } = sessions()()
    await read(Array.from({ length: 1500 }, (_, index) => index))
    expect(told).toMatchObject([{ count: 1500 }])
    expect(told.map((event) => (event.kind === 'patients-seen' ? event.digests.length : 0))).toEqual([1000])
  })

  it.each<[string, Partial<BudgetSource>]>([
    ['nobody wants to be told', { tellsPatients: false }],
    ['digests mean nothing elsewhere', { digestKey: undefined }],
    ['the store was down when the session began', { digestKey: () => Promise.reject(new Error('down')) }],
  ])('are evidence only where %s', async (_, source) => {
    const { read, told } = sessions(source)()
    expect(await read([7])).toMatchObject({ count: 1 })
    expect(told).toEqual([])
  })

  it('are nobody where rows name none', async () => {
    const { read, told } = sessions()()
    expect(await read([7, 8], UNKEYED)).toMatchObject({ count: 2, unattributed: true, digests: [] })
    expect(told).toEqual([])
  })
})
