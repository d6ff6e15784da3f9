import { describe, expect, it } from 'vitest'
import type { PhiClass } from '../phi/classes.ts'
import { KnownValues } from '../phi/detect/known-values.ts'
import type { Span } from '../phi/detect/span.ts'
import { compileDetectors, type DetectorSettings } from '../phi/detect/text-detectors.ts'
import type { Label } from '../phi/labels.ts'
import type { TargetPhi } from '../phi/target-phi.ts'
import type { StandIns } from '../phi/tokens/stand-ins.ts'
import { compilePlan, type PlanInput } from './compile-plan.ts'
import { compileCopyPlan } from './copy-plan.ts'
import type { MaskPlan, ResultColumn } from './plan.ts'

const TABLE = 20_000
const TEXT = 25
const INT4 = 23
const JSONB = 3802

/** attnum: 1 name, 2 record number, 3 a note that is searched. */
function labelled(settings: Partial<DetectorSettings> = {}): TargetPhi {
  const detectors = compileDetectors({ builtin: 'all', patterns: [], external: false, knownValues: 'row', ...settings })
  const labels: readonly Label[] = [
    { class: 'name', transform: 'redact' },
    { class: 'mrn', transform: 'null' },
    { class: 'free-text', transform: { kind: 'detect', detectors } },
  ]
  return {
    columnOf: (oid, attnum) => {
      const label = oid === TABLE ? labels[attnum - 1] : undefined
      return label === undefined ? undefined : { kind: 'phi', label }
    },
  }
}

const column = (attnum: number, typeOid = TEXT): ResultColumn => ({
  name: 'c',
  tableOid: TABLE,
  attnum,
  typeOid,
  typmod: -1,
  format: 0,
})

function compile(columns: readonly ResultColumn[], more: Partial<PlanInput> = {}, phi = labelled()): MaskPlan {
  const outputs = columns.map(() => ({ kind: 'origin' }) as const)
  const plan = compilePlan({
    columns,
    outputs,
    phiReachable: true,
    phi,
    clears: () => false,
    currentYear: 2026,
    ...more,
  })
  if (plan === 'pass' || 'refuse' in plan) return expect.fail('no plan')
  return plan
}

/** As the wire does it: first the learners see the row. */
function run({ learn, cells }: MaskPlan, row: readonly string[]): readonly (string | null)[] {
  const sources = row.map((cell) => Buffer.from(cell))
  learn?.begin()
  for (const [i, source] of sources.entries()) learn?.cells[i]?.(source, 0, source.length)
  return sources.map((source, i) => {
    const masker = cells[i]
    return masker === undefined ? source.toString() : (masker(source, 0, source.length)?.toString() ?? null)
  })
}

function standIns(found: ReadonlyMap<string, readonly Span[]>): StandIns {
  return {
    tokensOf: () => () => null,
    spans: (text) => found.get(text),
    isLacking: false,
    lackingBytes: 0,
    settle: () => Promise.resolve(),
  }
}

const shape = (attnum: number, phiClass: PhiClass) =>
  ({
    kind: 'phi',
    classes: [phiClass],
    shape: { kind: 'column', oid: TABLE, attnum, typeOid: TEXT, path: [] },
  }) as const

describe('a searched text', () => {
  it('shows nothing that is masked in its row, whichever column comes first', () => {
    const plan = compile([column(3), column(1), column(2, INT4)])
    expect(run(plan, ['qwerlin, no. 48291, has a cough', 'Asdra Qwerlin', '48291'])).toEqual([
      '[name], no. [mrn], has a cough',
      '[redacted]',
      null,
    ])
  })

  it('does not know the row before', () => {
    const plan = compile([column(3), column(1)])
    run(plan, ['', 'Asdra Qwerlin'])
    expect(run(plan, ['asdra qwerlin', 'Nobody'])[0]).toBe('asdra qwerlin')
  })

  it('shows what the principal may see', () => {
    const plan = compile([column(3), column(1)], { clears: (phiClass) => phiClass === 'name' })
    expect(run(plan, ['Asdra Qwerlin, 3/15/24', 'Asdra Qwerlin'])).toEqual(['Asdra Qwerlin, [date]', 'Asdra Qwerlin'])
  })

  it('passes whole who is cleared for free text', () => {
    const plan = compile([column(3), column(1)], { clears: (phiClass) => phiClass === 'free-text' })
    expect(run(plan, ['Asdra Qwerlin', 'Asdra Qwerlin'])[0]).toBe('Asdra Qwerlin')
  })

  it('knows the values of earlier results where that is wanted', () => {
    const knownValues = new KnownValues(100, 'session')
    const names = compile([column(1)], { knownValues })
    run(names, ['Asdra Qwerlin'])
    const notes = compile([column(3)], { knownValues }, labelled({ knownValues: 'session' }))
    expect(run(notes, ['asdra qwerlin has a cough'])).toEqual(['[name] has a cough'])
  })

  it('makes nobody learn where nothing is searched', () => {
    expect(compile([column(1), column(2)]).learn).toBe(undefined)
    expect(compile([column(3)]).learn).toBe(undefined)
    expect(compile([column(1), column(3)], {}, labelled({ knownValues: 'off' })).learn).toBe(undefined)
  })
})

describe('a searched document', () => {
  const plan = compile([column(3, JSONB)])
  const mask = (document: unknown) => {
    const [cell] = run(plan, [JSON.stringify(document)])
    return JSON.parse(cell ?? 'null') as unknown
  }

  it('keeps its structure', () => {
    expect(
      mask({
        note: 'call (617) 555-0134',
        contact: { phone: 6_175_550_134, pulse: 72, ok: true, none: null },
        list: ['SSN 900-12-3456', 7, ['a 94 y/o']],
      }),
    ).toEqual({
      note: 'call [phone]',
      contact: { phone: null, pulse: 72, ok: true, none: null },
      list: ['SSN [ssn]', 7, ['a [age]']],
    })
  })

  it('hides names of members that are data', () => {
    expect(mask({ '900-12-3456': 1, 'Jennifer Smith': 2, plain: 3, '1 x': 4 })).toEqual({
      '[redacted]': 1,
      '[redacted 2]': 2,
      plain: 3,
      '[redacted 3]': 4,
    })
  })

  it('can be a single value', () => {
    expect([mask('SSN 900-12-3456'), mask(12), mask(false), mask(6_175_550_134)]).toEqual([
      'SSN [ssn]',
      12,
      false,
      null,
    ])
  })
})

describe('an external detector', () => {
  const span: Span = { start: 0, end: 5, class: 'name', detector: 'http' }
  it('makes a plan wait, and only one that asks it', () => {
    const asked = standIns(new Map([['Asdra', [span]]]))
    const external = labelled({ external: true })
    const plan = compile([column(3)], { standIns: asked }, external)
    expect(plan.pending).toBe(asked)
    expect(run(plan, ['Asdra'])).toEqual(['[name]'])
    expect(run(plan, ['Other'])).toEqual([null])
    expect(compile([column(1)], { standIns: asked }, external).pending).toBe(undefined)
    expect(compile([column(3)], { standIns: asked }).pending).toBe(undefined)
    expect(run(compile([column(3)], {}, external), ['Asdra'])).toEqual(['[redacted]'])
  })
})

describe('COPY', () => {
  it.each([
    ['text', '\t', 'asdra\\tqwerlin\tAsdra Qwerlin\n', '[name]\t[redacted]\n'],
    ['csv', ',', '"asdra, qwerlin",Asdra Qwerlin\n', '"[name]","[redacted]"\n'],
  ] as const)('in %s format shows each row to the detectors first', (format, delimiter, line, expected) => {
    const plan = compileCopyPlan({
      format: { format, delimiter, null: '\\N', header: false, quote: '"', escape: '"' },
      outputs: [shape(3, 'free-text'), shape(1, 'name')],
      phiReachable: true,
      phi: labelled(),
      clears: () => false,
      currentYear: 2026,
    })
    if (plan === 'pass' || 'refuse' in plan) expect.fail('no plan')
    const source = Buffer.from(line)
    expect(plan.start().row(source, 0, source.length)?.toString()).toBe(expected)
  })
})
