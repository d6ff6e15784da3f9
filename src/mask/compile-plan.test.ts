import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from '../phi/classes.ts'
import type { Label } from '../phi/labels.ts'
import type { ColumnPhi, TargetPhi } from '../phi/target-phi.ts'
import { compilePlan, type OutputTaintLike, type PlanInput } from './compile-plan.ts'
import type { MaskPlan, ResultColumn } from './plan.ts'

const TABLE = 20_000
const name: Label = { class: 'name', transform: 'redact' }
const birth: Label = { class: 'date-of-birth', transform: 'year' }
const death: Label = { class: 'date-of-death', transform: 'year' }

/** attnum: 1 name, 2 clear, 3 unlabelled, 4 date of birth, 5 date of death; the whole row is not clear. */
const columnsOf: readonly ColumnPhi[] = [
  { kind: 'unlabelled' },
  { kind: 'phi', label: name },
  { kind: 'clear' },
  { kind: 'unlabelled' },
  { kind: 'phi', label: birth },
  { kind: 'phi', label: death },
]
const phi: TargetPhi = {
  columnOf: (oid, attnum) => {
    if (oid < 16_384) return { kind: 'clear' }
    return oid === TABLE ? columnsOf[attnum] : undefined
  },
}

function column(tableOid: number, attnum: number, more: Partial<ResultColumn> = {}): ResultColumn {
  return { name: 'c', tableOid, attnum, typeOid: 25, typmod: -1, format: 0, ...more }
}
const clean: OutputTaintLike = { kind: 'clean' }
const origin: OutputTaintLike = { kind: 'origin' }
const unproven: OutputTaintLike = { kind: 'unproven' }

const nameOnly = (phiClass: string) => phiClass === 'name'
const allButOne = (phiClass: string) => phiClass !== PHI_CLASSES[3]
const domainType = (oid: number) => (oid === 20_020 ? { kind: 'd', baseOid: 25 } : undefined)

function compile(columns: readonly ResultColumn[], outputs: PlanInput['outputs'], more: Partial<PlanInput> = {}) {
  return compilePlan({ columns, outputs, phiReachable: true, phi, clears: () => false, currentYear: 2026, ...more })
}

function plan(...args: Parameters<typeof compile>): MaskPlan {
  const compiled = compile(...args)
  if (compiled === 'pass' || 'refuse' in compiled) throw new Error('no plan')
  return compiled
}

function cell(compiled: MaskPlan, index: number, value: string): string | null | undefined {
  const masker = compiled.cells[index]
  return masker === undefined ? value : (masker(Buffer.from(value), 0, Buffer.byteLength(value))?.toString() ?? null)
}

describe('compilePlan', () => {
  it('masks by origin and lets clear columns pass', () => {
    const compiled = plan(
      [column(TABLE, 1), column(TABLE, 2), column(TABLE, 4, { typeOid: 1082 })],
      [origin, origin, origin],
    )
    expect(compiled.cells.map((masker) => masker !== undefined)).toEqual([true, false, true])
    expect(compiled.maskedCount).toBe(2)
    expect(compiled.classes).toEqual(['date-of-birth', 'name'])
    expect(cell(compiled, 0, 'Smith')).toBe('[redacted]')
    expect(cell(compiled, 2, '1984-07-23')).toBe('1984-01-01')
  })

  it('believes the origin when the analysis says clean', () => {
    expect(plan([column(TABLE, 1)], [clean]).maskedCount).toBe(1)
    expect(plan([column(TABLE, 1)], [clean], { phiReachable: false }).maskedCount).toBe(1)
  })

  it('masks a clear column that the analysis ties to PHI', () => {
    expect(plan([column(TABLE, 2)], [unproven]).classes).toEqual(['unproven'])
    expect(plan([column(TABLE, 2)], 'unknown').classes).toEqual(['unproven'])
    expect(plan([column(TABLE, 1)], [unproven], { clears: nameOnly }).classes).toEqual(['unproven'])
    expect(compile([column(TABLE, 2)], [unproven], { phiReachable: false })).toBe('pass')
    expect(compile([column(TABLE, 2)], [clean])).toBe('pass')
  })

  it('masks unlabelled and unknown origins whole, even when nothing seemed in reach', () => {
    for (const from of [column(TABLE, 3), column(TABLE, 9), column(TABLE + 1, 1)]) {
      const compiled = plan([from], [clean], { phiReachable: false })
      expect(compiled.classes).toEqual(['unproven'])
      expect(cell(compiled, 0, 'x')).toBe('[redacted]')
    }
  })

  it('masks a whole row unless all of its columns are clear', () => {
    expect(plan([column(TABLE, 0, { typeOid: 20_010 })], [clean]).classes).toEqual(['unproven'])
    expect(compile([column(1259, 0)], [origin])).toBe('pass')
  })

  it('passes system columns and system relations', () => {
    expect(compile([column(TABLE, -1), column(TABLE, -6)], 'unknown')).toBe('pass')
    expect(compile([column(1259, 2)], 'unknown', { phiReachable: false })).toBe('pass')
    expect(compile([column(1259, 2)], [origin])).toBe('pass')
  })

  it('needs a proof for columns without an origin', () => {
    const free = column(0, 0)
    expect(compile([free], [clean])).toBe('pass')
    expect(compile([free], [unproven], { phiReachable: false })).toBe('pass')
    expect(compile([free], 'unknown', { phiReachable: false })).toBe('pass')
    for (const outputs of [[unproven], [origin], [], [clean, clean], 'unknown'] as const) {
      expect(plan([free], outputs).classes).toEqual(['unproven'])
    }
  })

  it('does not let an attnum without a table pass for an origin', () => {
    expect(plan([column(0, 2)], [origin]).classes).toEqual(['unproven'])
    expect(plan([column(0, -1)], [origin]).classes).toEqual(['unproven'])
  })

  it('opens cleared classes only', () => {
    const columns = [column(TABLE, 1), column(TABLE, 4), column(TABLE, 3), column(0, 0)]
    const compiled = plan(columns, [origin, origin, origin, unproven], { clears: nameOnly })
    expect(compiled.cells.map((masker) => masker !== undefined)).toEqual([false, true, true, true])
    expect(compiled.classes).toEqual(['date-of-birth', 'unproven'])
    expect(plan(columns, 'unknown', { clears: allButOne }).classes).toEqual(['unproven'])
    expect(compile(columns, 'unknown', { clears: () => true })).toBe('pass')
  })

  it('drops the years of people of 90 and more, but not the year of a death', () => {
    const compiled = plan([column(TABLE, 4, { typeOid: 1082 }), column(TABLE, 5, { typeOid: 1082 })], [origin, origin])
    expect(cell(compiled, 0, '1937-02-01')).toBe('1937-01-01')
    expect(cell(compiled, 0, '1936-12-31')).toBeNull()
    expect(cell(compiled, 1, '1920-02-01')).toBe('1920-01-01')
  })

  it('refuses a format that does not exist, where it would have to write it', () => {
    const compiled = compile([column(TABLE, 2), column(TABLE, 1, { format: 7 })], [origin, origin])
    expect(compiled).toEqual({ refuse: expect.stringContaining('column 2') })
    expect(compile([column(TABLE, 2, { format: 7 })], [origin])).toBe('pass')
  })

  it('asks for user types', () => {
    const columns = [column(TABLE, 1, { typeOid: 20_020 })]
    expect(cell(plan(columns, [origin], { typeOf: domainType }), 0, 'Smith')).toBe('[redacted]')
    expect(cell(plan(columns, [origin]), 0, 'Smith')).toBeNull()
  })

  it('passes a result without columns', () => {
    expect(compile([], 'unknown')).toBe('pass')
    expect(compile([], [])).toBe('pass')
  })
})
