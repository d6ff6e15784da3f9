import { describe, expect, it } from 'vitest'
import { KnownValues } from '../detect/known-values.ts'
import type { Span } from '../detect/span.ts'
import { compileDetectors, type DetectorSettings } from '../detect/text-detectors.ts'
import type { StandIns } from '../tokens/stand-ins.ts'
import type { DetectTransform } from '../transform-names.ts'
import type { ValueForm } from '../value-form.ts'
import { type DetectContext, detectedText, isPlainName } from './detected-text.ts'

const TEXT: ValueForm = { kind: 'text', binary: false, limit: undefined, elementOid: 0 }
const NOTE = 'SSN 900-12-3456, stable'

function transform(settings: Partial<DetectorSettings> = {}): DetectTransform {
  const detectors = compileDetectors({ builtin: 'all', patterns: [], external: false, knownValues: 'row', ...settings })
  return { kind: 'detect', detectors }
}

function run(
  cell: string | Buffer,
  context: DetectContext = {},
  settings: Partial<DetectorSettings> = {},
  form = TEXT,
) {
  const source = Buffer.concat([Buffer.from('<'), Buffer.from(cell), Buffer.from('>')])
  return detectedText(form, transform(settings), context)(source, 1, source.length - 1)?.toString('utf8') ?? null
}

function standIns(spans: StandIns['spans']): StandIns {
  return {
    tokensOf: () => () => null,
    isLacking: false,
    lackingBytes: 0,
    settle: () => Promise.resolve(),
    ...(spans !== undefined && { spans }),
  }
}

describe('detectedText', () => {
  it('replaces identifiers and keeps the rest', () => {
    expect(run(NOTE)).toBe('SSN [ssn], stable')
    expect(run('stable')).toBe('stable')
    expect(run('')).toBe('')
    expect(run(NOTE, {}, {}, { ...TEXT, binary: true })).toBe('SSN [ssn], stable')
  })

  it('keeps identifiers of cleared classes', () => {
    expect(run(NOTE, { clears: (phiClass) => phiClass === 'ssn' })).toBe(NOTE)
    expect(run('on 2024-03-15', { clears: (phiClass) => phiClass === 'date' }, { builtin: ['date'] })).toBe(
      'on 2024-03-15',
    )
  })

  it('finds values that are masked elsewhere', () => {
    const row = new KnownValues(10, 'row')
    row.add('name', 'Asdra Qwerlin')
    expect(run('asdra has a cough', { known: [row] })).toBe('[name] has a cough')
    expect(run('asdra has a cough', { known: [row] }, { knownValues: 'off' })).toBe('asdra has a cough')
  })

  it('keeps to the length of the type', () => {
    expect(run('a 94 y/o', {}, {}, { ...TEXT, limit: 7 })).toBe('a [age]')
    expect(run('a Dr. Li', {}, {}, { ...TEXT, limit: 8 })).toBe('********')
    expect(run('on 3/15/24 ', {}, {}, { kind: 'bpchar', binary: false, limit: 11, elementOid: 0 })).toBe('on [date]  ')
  })

  it('redacts what is no text, cannot be read or is too long', () => {
    for (const kind of ['int4', 'numeric', 'json', 'date', 'uuid', 'other'] as const) {
      expect([null, '"[redacted]"']).toContain(run('1', {}, {}, { ...TEXT, kind }))
    }
    expect(run(Buffer.from([0x61, 0xff, 0x62]))).toBe('[redacted]')
    expect(run('a'.repeat(4 * 1024 * 1024 + 1))).toBe('[redacted]')
  })
})

describe('with an external detector', () => {
  const span: Span = { start: 0, end: 5, class: 'name', detector: 'http' }
  const settings = { external: true } as const

  it('joins what it finds', () => {
    expect(run('Asdra, SSN 900-12-3456', { standIns: standIns(() => [span]) }, settings)).toBe('[name], SSN [ssn]')
  })

  it('gives nothing as long as it has not been asked', () => {
    expect(run('Asdra', { standIns: standIns(() => undefined) }, settings)).toBe(null)
  })

  it('redacts when there is nobody to ask', () => {
    expect(run('Asdra', {}, settings)).toBe('[redacted]')
    expect(run('Asdra', { standIns: standIns(undefined) }, settings)).toBe('[redacted]')
  })
})

it.each([
  ['address_line', true],
  ['resourceType', true],
  ['$ref', true],
  ['Jennifer Smith', false],
  ['jennifer_smith', false],
  ['900-12-3456', false],
  ['note 1', false],
  ['jennifer.smith@example.org', false],
  ['', false],
])('takes %j for a name that a program has given: %s', (name, expected) => {
  const source = Buffer.from(`"${name}"`)
  expect(isPlainName(source, 1, source.length - 1, transform())).toBe(expected)
})

it('takes no name for one of a program that a pattern of the configuration finds, marks and all', () => {
  const pattern = { name: 'badge', class: 'other-id', pattern: 'KX-[0-9]{4}', caseSensitive: false } as const
  const source = Buffer.from('"KX-1234"')
  expect(isPlainName(source, 1, source.length - 1, transform())).toBe(true)
  expect(isPlainName(source, 1, source.length - 1, transform({ patterns: [pattern] }))).toBe(false)
})
