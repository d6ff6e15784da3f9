import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from '../phi/classes.ts'
import type { Label } from '../phi/labels.ts'
import type { ColumnPhi, TargetPhi } from '../phi/target-phi.ts'
import { compilePlan, type PlanInput } from './compile-plan.ts'
import type { OutputShape, OutputTaint } from '../inspect/sql/facts.ts'
import type { MaskPlan, ResultColumn } from './plan.ts'

const TABLE = 20_000
/** A view that nobody has labelled. */
const VIEW = 30_000
const JSONB = 3802
const name: Label = { class: 'name', transform: 'redact' }
const birth: Label = { class: 'date-of-birth', transform: 'year' }
const death: Label = { class: 'date-of-death', transform: 'year' }

const text: Label = { class: 'free-text', transform: 'redact' }
const document: ColumnPhi = {
  kind: 'document',
  label: text,
  document: {
    kind: 'members',
    members: new Map([['name', { kind: 'phi', label: name }]]),
    others: { kind: 'clear' },
  },
}
/**
 * attnum: 1 name, 2 clear, 3 unlabelled, 4 date of birth, 5 date of death, 6 a document with a name; the whole row is not
 * clear.
 */
const columnsOf: readonly ColumnPhi[] = [
  { kind: 'unlabelled' },
  { kind: 'phi', label: name },
  { kind: 'clear' },
  { kind: 'unlabelled' },
  { kind: 'phi', label: birth },
  { kind: 'phi', label: death },
  document,
]
const phi: TargetPhi = {
  columnOf: (oid, attnum) => {
    if (oid < 16_384) return { kind: 'clear' }
    if (oid === VIEW) return { kind: 'derived' }
    return oid === TABLE ? columnsOf[attnum] : undefined
  },
}

function column(tableOid: number, attnum: number, more: Partial<ResultColumn> = {}): ResultColumn {
  return { name: 'c', tableOid, attnum, typeOid: 25, typmod: -1, format: 0, ...more }
}
const clean: OutputTaint = { kind: 'clean' }
const origin: OutputTaint = { kind: 'origin' }
const unproven: OutputTaint = { kind: 'unproven' }
const stored = (attnum: number, typeOid = 25, path: readonly string[] = []): OutputShape => ({
  kind: 'column',
  oid: TABLE,
  attnum,
  typeOid,
  path,
})
const tainted = (shape: OutputShape, ...classes: readonly string[]): OutputTaint => ({
  kind: 'phi',
  classes,
  shape,
})

const nameOnly = (phiClass: string) => phiClass === 'name'
const nameOrText = (phiClass: string) => nameOnly(phiClass) || phiClass === 'free-text'
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

  it('masks what the analysis found in an expression by its shape', () => {
    const compiled = plan(
      [column(0, 0), column(0, 0, { typeOid: 114 }), column(0, 0, { typeOid: 23 }), column(0, 0)],
      [
        tainted(stored(1), 'name'),
        tainted({ kind: 'object', members: [['n', stored(1)]], rest: { kind: 'clean' } }, 'name'),
        tainted({ kind: 'whole', classes: ['ssn'] }, 'ssn'),
        clean,
      ],
    )
    expect(compiled.cells.map((masker) => masker !== undefined)).toEqual([true, true, true, false])
    expect(compiled.classes).toEqual(['name', 'ssn'])
    expect(cell(compiled, 0, 'Smith')).toBe('[redacted]')
    expect(cell(compiled, 1, '{"n":"Smith","m":1}')).toBe('{"n":"[redacted]","m":1}')
    expect(cell(compiled, 2, '5')).toBeNull()
  })

  it('masks by shape even when nothing seemed in reach', () => {
    expect(plan([column(0, 0)], [tainted(stored(1), 'name')], { phiReachable: false }).classes).toEqual(['name'])
  })

  it('believes the label of the origin before the shape', () => {
    const year = tainted({ kind: 'whole', classes: [] })
    expect(cell(plan([column(TABLE, 4, { typeOid: 1082 })], [year]), 0, '1984-07-23')).toBe('1984-01-01')
    // Cleared by its label, the column still is what the analysis says.
    expect(plan([column(TABLE, 1)], [tainted(stored(4), 'date-of-birth')], { clears: nameOnly }).classes).toEqual([
      'date-of-birth',
    ])
    expect(compile([column(TABLE, 1)], [tainted(stored(1), 'name')], { clears: nameOnly })).toBe('pass')
  })

  it('masks a clear column by the shape that the analysis gives it', () => {
    expect(plan([column(TABLE, 2)], [tainted({ kind: 'whole', classes: ['ssn'] }, 'ssn')]).classes).toEqual(['ssn'])
    expect(plan([column(TABLE, 2)], [tainted(stored(2), 'ssn')]).classes).toEqual(['unproven'])
  })

  it('leaves views that nobody has labelled to the analysis', () => {
    const seen = column(VIEW, 1)
    expect(compile([seen], [clean])).toBe('pass')
    expect(plan([seen], [tainted(stored(1), 'name')]).classes).toEqual(['name'])
    for (const outputs of [[origin], [unproven], [], 'unknown'] as const) {
      expect(plan([seen], outputs).classes).toEqual(['unproven'])
    }
    for (const outputs of [[origin], [unproven], 'unknown'] as const) {
      expect(compile([seen], outputs, { phiReachable: false })).toBe('pass')
    }
  })

  it('masks a whole row field by field, if its relation is known', () => {
    const row = tainted({ kind: 'fields', fields: [stored(1), { kind: 'clean' }] }, 'name')
    const compiled = plan([column(TABLE, 0, { typeOid: 2249 })], [row])
    expect(compiled.classes).toEqual(['name'])
    expect(cell(compiled, 0, '(Smith,x)')).toBe('([redacted],x)')
    expect(cell(compiled, 0, '(Smith,x,y)')).toBeNull()
    expect(plan([column(TABLE + 9, 0, { typeOid: 2249 })], [row]).classes).toEqual(['unproven'])
    expect(plan([column(TABLE, 0, { typeOid: 2249 })], [origin]).classes).toEqual(['unproven'])
  })

  it('masks documents by their parts', () => {
    const body = column(TABLE, 6, { typeOid: JSONB })
    for (const taint of [clean, origin, tainted(stored(6, JSONB), 'free-text', 'name')]) {
      const compiled = plan([body], [taint])
      expect(compiled.classes).toEqual(['name'])
      expect(cell(compiled, 0, '{"name": "Smith", "code": 5}')).toBe('{"name": "[redacted]", "code": 5}')
      expect(cell(compiled, 0, '5')).toBe('null')
      expect(cell(compiled, 0, '{"name"')).toBe('"[redacted]"')
    }
    for (const taint of [unproven, tainted(stored(1), 'name'), tainted(stored(6, JSONB, ['code']))]) {
      expect(plan([body], [taint]).classes).toEqual(['unproven'])
    }
    expect(compile([body], [origin], { clears: nameOrText })).toBe('pass')
    expect(plan([body], [origin], { clears: nameOnly }).maskedCount).toBe(1)
  })

  it('masks each element of a labelled array', () => {
    const compiled = plan([column(TABLE, 1, { typeOid: 1009 })], [origin])
    expect(cell(compiled, 0, '{{"A B",NULL},{C,D}}')).toBe('{{[redacted],NULL},{[redacted],[redacted]}}')
  })

  it('passes a result without columns', () => {
    expect(compile([], 'unknown')).toBe('pass')
    expect(compile([], [])).toBe('pass')
  })
})

const ageOnly = (phiClass: string) => phiClass === 'age'

describe('sums over groups', () => {
  const age: Label = { class: 'age', transform: 'age90' }
  const labels = new Map<number, ColumnPhi>([
    [1, { kind: 'phi', label: age }],
    [2, { kind: 'phi', label: name }],
    [3, { kind: 'unlabelled' }],
    [4, { kind: 'phi', label: birth }],
  ])
  const ofLabels: TargetPhi = { columnOf: (_oid, attnum) => labels.get(attnum) }
  const sum = (attnum: number, distinct = 1, path: readonly string[] = []): OutputTaint => ({
    kind: 'phi',
    classes: ['age'],
    shape: { kind: 'whole', classes: ['age'] },
    aggregate: { column: { kind: 'column', oid: TABLE, attnum, typeOid: 23, path }, distinct },
  })
  const mean = column(0, 0, { typeOid: 1700 })
  const size = column(0, 0, { typeOid: 20 })
  const more = { phi: ofLabels, minimumGroupSize: 11 }
  const groups = (columns: readonly ResultColumn[], outputs: PlanInput['outputs'], changed: Partial<PlanInput> = {}) =>
    plan(columns, outputs, { ...more, ...changed }).groups

  it('pass in rows whose group is large enough, and are masked in others', () => {
    const compiled = plan([mean, size], [sum(1), clean], more)
    expect(compiled).toMatchObject({ maskedCount: 1, classes: ['age'] })
    expect(compiled.groups).toEqual([{ cell: 0, count: 1, binary: false, atLeast: 11 }])
    expect(cell(compiled, 0, '47.5')).toBeNull()
  })

  it('have the size in text or in binary, whatever their own format', () => {
    expect(groups([mean, { ...size, format: 1 }], [sum(4), clean])).toEqual([
      { cell: 0, count: 1, binary: true, atLeast: 11 },
    ])
    expect(compile([mean, { ...size, format: 7 }], [sum(1), clean], more)).toMatchObject({ maskedCount: 1 })
    expect(groups([mean, { ...size, format: 7 }], [sum(1), clean])).toBeUndefined()
  })

  it.each<
    [what: string, columns: readonly ResultColumn[], outputs: PlanInput['outputs'], changed?: Partial<PlanInput>]
  >([
    ['no size is set', [mean, size], [sum(1), clean], { minimumGroupSize: undefined }],
    ['the class is no quantity', [mean, size], [sum(2), clean]],
    ['there is no label', [mean, size], [sum(3), clean]],
    ['the column is not known', [mean, size], [sum(9), clean]],
    ['the value is a part of a document', [mean, size], [sum(1, 1, ['age']), clean]],
    ['the server names an origin', [column(TABLE, 1, { typeOid: 1700 }), size], [sum(1), clean]],
    ['the server names an origin of the size', [mean, column(TABLE, 2, { typeOid: 20 })], [sum(1), clean]],
    ['the size has another type', [mean, column(0, 0, { typeOid: 25 })], [sum(1), clean]],
    ['the size is not clean', [mean, size], [sum(1), unproven]],
    ['there is no such column', [mean, size], [sum(1, 2), clean]],
    ['it is its own size', [column(0, 0, { typeOid: 20 }), size], [sum(1, 0), clean]],
    ['the server returns other columns', [mean, size, size], [sum(1), clean]],
    ['the analysis does not know the columns', [mean, size], 'unknown'],
  ])('are masked when %s', (_what, columns, outputs, changed) => {
    expect(groups(columns, outputs, changed)).toBeUndefined()
  })

  it('pass for who is cleared', () => {
    expect(compile([mean, size], [sum(1), clean], { ...more, clears: ageOnly })).toBe('pass')
  })
})
