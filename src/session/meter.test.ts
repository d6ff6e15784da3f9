import { describe, expect, it } from 'vitest'
import { Ledger } from '../budget/ledger.ts'
import type { Budget } from '../budget/budget.ts'
import { NO_USE } from '../budget/session-budgets.ts'
import type { BudgetStore, SharedAccount, Taken } from '../budget/budget-store.ts'
import type { PatientUse } from '../inspect/sql/facts.ts'
import { encodeDataRow } from '../protocols/postgres/encode.ts'
import { type Attribution, OperationTally, RowMeter } from './meter.ts'
import { patientInCopy, patientInRow } from './patients/row-patient.ts'

const HOLDER = { session: 's', chain: 'c', run: 'r', target: 't' }
const HEADER_BYTES = 5

function metered(budgets: readonly Budget[], attribution: Attribution, hasHeader = false) {
  const counts = new Ledger().open(HOLDER)
  counts.limitTo(budgets)
  const tally = new OperationTally()
  const refused: unknown[] = []
  const onRefused = (error: unknown) => void refused.push(error)
  const meter = new RowMeter({ budgets: counts, attribution, digest: (key) => `#${key}`, tally, hasHeader, onRefused })
  return { meter, tally, refused }
}

const budget = (unit: Budget['unit'], limit: number): Budget => ({ grant: 'g', span: 'session', unit, limit })
const row = (...cells: readonly (string | null)[]) =>
  encodeDataRow(cells.map((cell) => (cell === null ? null : Buffer.from(cell))))
const column = (typeOid: number, format = 0) => ({ name: 'c', tableOid: 0, attnum: 0, typeOid, typmod: -1, format })
const named = (use: PatientUse, format = 0): Attribution => ({
  kind: 'named',
  patientOf: patientInRow(use, [column(25), column(23, format)])!,
})

/** A store in memory. */
class MemoryBudgets implements BudgetStore {
  taken = 0

  take(_: SharedAccount, amount: number, limit: number) {
    const granted = Math.min(amount, limit - this.taken)
    this.taken += granted
    return Promise.resolve({ amount: granted, minute: 0 })
  }

  giveBack(_: SharedAccount, { amount }: Taken) {
    this.taken -= amount
    return Promise.resolve()
  }

  takePatients() {
    return Promise.resolve({ accepted: 0, unnamed: 0 })
  }

  digestKey() {
    return Promise.resolve(Buffer.alloc(32))
  }

  sweep() {
    return Promise.resolve()
  }
}

const take = (meter: RowMeter, frame: Buffer, released = frame.length) =>
  meter.row(frame, HEADER_BYTES, frame.length, released)

describe('RowMeter', () => {
  it('stops before the row that is over the limit, and says why', async () => {
    const { meter, refused } = metered([budget('rows', 2)], { kind: 'none' })
    expect([1, 2, 3].map(() => take(meter, row('x')))).toEqual([true, true, false])
    await expect(meter.settle()).rejects.toMatchObject({ code: 'CHP-BUDGET-EXCEEDED', rule: 'grants.g' })
    expect(refused).toHaveLength(1)
  })

  it('takes what it made room for at once, so that nobody else gets it', async () => {
    const store = new MemoryBudgets()
    const ledger = new Ledger(store)
    const [one, other] = ['a', 'b'].map((session) => {
      const counts = ledger.open({ ...HOLDER, session })
      counts.limitTo([{ grant: 'g', span: 'hour', unit: 'bytes', limit: 60 }])
      const options = { digest: String, tally: new OperationTally(), hasHeader: false, onRefused: () => undefined }
      return new RowMeter({ budgets: counts, attribution: { kind: 'none' }, ...options })
    })
    expect([take(one!, row('x'), 30), take(other!, row('x'), 30)]).toEqual([false, false])
    await Promise.all([one!.settle(), other!.settle()])
    expect(take(one!, row('x'), 29)).toBe(true)
    expect(take(other!, row('x'), 31)).toBe(false)
    await expect(other!.settle()).rejects.toMatchObject({ code: 'CHP-BUDGET-EXCEEDED' })
    expect(store.taken).toBe(60)
  })

  it('counts what is released, and not what came', () => {
    const { meter } = metered([budget('bytes', 10)], { kind: 'none' })
    expect(take(meter, row('x'.repeat(1000)), 10)).toBe(true)
    expect(take(meter, row('x'), 1)).toBe(false)
  })

  it('counts patients once, rows without one each', () => {
    const { meter, tally } = metered([budget('patients', 3)], named({ output: 1, outputForm: 'integer' }))
    expect(['7', ' 7', '+7', '8'].map((key) => take(meter, row('x', key)))).toEqual([true, true, true, true])
    expect(take(meter, row('x', null))).toBe(true)
    expect(take(meter, row('x', null))).toBe(false)
    expect(take(meter, row('x', '8'))).toBe(true)
    expect(take(meter, row('x', 'no number'))).toBe(false)
    expect(tally.take()).toEqual({ count: 3, unattributed: true, digests: ['#7', '#8'] })
    expect(tally.take()).toBeUndefined()
  })

  it('counts what was released before a budget of patients held, though it kept nobody apart', () => {
    const counts = new Ledger().open(HOLDER)
    const use = { ...NO_USE, rows: 1, patients: ['#7'] }
    expect([1, 2].map(() => counts.take(use))).toEqual([true, true])
    counts.limitTo([budget('patients', 2)])
    expect(counts.take(use)).toBe(false)
    expect(counts.take({ ...NO_USE, rows: 1 })).toBe(true)
  })

  it('keeps a bounded number of patients apart, and counts each row of more', () => {
    const tally = new OperationTally()
    for (let index = 0; index < 50_000; index++) tally.note([`#${index}`], 0)
    for (const patient of ['#1', 'more', 'more']) tally.note([patient], 0)
    const evidence = tally.take()
    expect(evidence).toMatchObject({ count: 50_002, unattributed: true })
    expect(evidence?.digests).toHaveLength(1000)
  })

  it('counts those whom the statement names when the first row leaves', () => {
    const bound = { kind: 'bound', patients: ['1', '2'] } as const
    const { meter, tally } = metered([budget('patients', 2)], bound)
    expect(tally.take()).toBeUndefined()
    expect([1, 2, 3].map(() => take(meter, row('x')))).toEqual([true, true, true])
    expect(tally.take()).toMatchObject({ count: 2, unattributed: false })
    expect(take(metered([budget('patients', 1)], bound).meter, row('x'))).toBe(false)
  })

  it('counts a row that can be of several patients as so many, and lets none pass that can be of any', async () => {
    const several = metered([budget('patients', 3)], { kind: 'unnamed', rowsInOne: 2 })
    expect(take(several.meter, row('x'))).toBe(true)
    expect(take(several.meter, row('x'))).toBe(false)
    const any = metered([budget('patients', 3)], { kind: 'unnamed', rowsInOne: 'any' })
    expect(take(any.meter, row('x'))).toBe(false)
    await expect(any.meter.settle()).rejects.toMatchObject({ code: 'CHP-BUDGET-EXCEEDED', message: /any number/u })
    const free = metered([budget('rows', 3)], { kind: 'unnamed', rowsInOne: 'any' })
    expect(take(free.meter, row('x'))).toBe(true)
    expect(free.tally.take()).toMatchObject({ count: 1, unattributed: true })
  })

  it('takes the line of column names for no row', () => {
    const { meter } = metered([budget('rows', 1)], { kind: 'none' }, true)
    expect([1, 2, 3].map(() => take(meter, row('x')))).toEqual([true, true, false])
  })
})

describe('the key in a row', () => {
  it.each([
    ['text', [column(23)], 'integer', row('12'), '12'],
    ['int4', [column(23, 1)], 'integer', encodeDataRow([Buffer.from([255, 255, 255, 255])]), '-1'],
    ['int8', [column(20, 1)], 'integer', encodeDataRow([Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])]), '4294967296'],
    [
      'uuid',
      [column(2950, 1)],
      'uuid',
      encodeDataRow([Buffer.alloc(16, 0xab)]),
      'abababab-abab-abab-abab-abababababab',
    ],
    ['NULL', [column(23)], 'integer', row(null), undefined],
    ['too few columns', [column(23)], 'integer', encodeDataRow([]), undefined],
  ] as const)('%s', (_, columns, outputForm, frame, key) => {
    const patientOf = patientInRow({ output: 0, outputForm }, columns)
    expect(patientOf?.(frame, HEADER_BYTES, frame.length)).toBe(key)
  })

  it.each([
    ['1\t7\tx\n', '7'],
    ['1\t\\N\tx\n', undefined],
    ['1\t\\x37\tx\n', undefined],
    ['1\n', undefined],
  ])('of COPY: %j', (line, key) => {
    const format = { format: 'text', delimiter: '\t', null: '\\N', header: false, quote: '"', escape: '"' } as const
    const bytes = Buffer.from(line)
    expect(patientInCopy({ output: 1, outputForm: 'integer' }, format)?.(bytes, 0, bytes.length)).toBe(key)
  })

  it.each([
    ['1,7,x\n', '7'],
    ['"a,b",7,x\n', '7'],
    ['1,"7",x\n', '7'],
    ['1,,x\n', undefined],
    ['"a""b",7,x\n', undefined],
    ['"1\n2",7\n', '7'],
    ['1\n', undefined],
    ['1,"7\n', undefined],
  ])('of CSV: %j', (line, key) => {
    const format = { format: 'csv', delimiter: ',', null: '', header: false, quote: '"', escape: '"' } as const
    const bytes = Buffer.from(line)
    expect(patientInCopy({ output: 1, outputForm: 'integer' }, format)?.(bytes, 0, bytes.length)).toBe(key)
  })
})
