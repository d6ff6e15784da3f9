import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ColumnPhi, TargetPhi } from '../phi/target-phi.ts'
import { CopyFormatError } from './copy/copy-format-error.ts'
import { compileCopyPlan, type CopyPlan, type CopyPlanInput } from './copy-plan.ts'
import type { CopyFormat, OutputShape, OutputTaint } from '../inspect/sql/facts.ts'

const TABLE = 20_000
const columns: Readonly<Record<number, ColumnPhi>> = {
  1: { kind: 'phi', label: { class: 'name', transform: 'redact' } },
  2: { kind: 'phi', label: { class: 'date-of-birth', transform: 'year' } },
}
const phi: TargetPhi = { columnOf: (oid, attnum) => (oid === TABLE ? columns[attnum] : undefined) }
const stored = (attnum: number, typeOid: number): OutputShape => ({
  kind: 'column',
  oid: TABLE,
  attnum,
  typeOid,
  path: [],
})
const tainted = (shape: OutputShape, ...classes: readonly string[]): OutputTaint => ({
  kind: 'phi',
  classes,
  shape,
})
const name = tainted(stored(1, 25), 'name')
const born = tainted(stored(2, 1082), 'date-of-birth')
const clean: OutputTaint = { kind: 'clean' }
const unproven: OutputTaint = { kind: 'unproven' }

const TEXT: CopyFormat = {
  format: 'text',
  delimiter: '\t',
  null: String.raw`\N`,
  header: false,
  quote: '"',
  escape: '"',
}
const CSV: CopyFormat = { ...TEXT, format: 'csv', delimiter: ',', null: '' }

function compile(outputs: CopyPlanInput['outputs'], format = TEXT, more: Partial<CopyPlanInput> = {}) {
  return compileCopyPlan({
    format,
    outputs,
    phiReachable: true,
    phi,
    clears: () => false,
    currentYear: 2026,
    ...more,
  })
}

function plan(...args: Parameters<typeof compile>): CopyPlan {
  const compiled = compile(...args)
  if (compiled === 'pass' || 'refuse' in compiled) throw new Error('no plan')
  return compiled
}

function rewriteRows(compiled: CopyPlan, rows: readonly string[]): readonly string[] {
  const rewriter = compiled.start()
  return rows.map((row) => {
    const bytes = Buffer.from(row)
    const source = Buffer.concat([Buffer.from('"\t,'), bytes, Buffer.from('"\n')])
    return rewriter.row(source, 3, 3 + bytes.length)?.toString() ?? row
  })
}

type Field = string | null

/** As CopyAttributeOutText and CopyAttributeOutCSV write fields. */
function encode(fields: readonly Field[], format: CopyFormat, quoted: readonly boolean[]): string {
  const words = fields.map((field, i) => {
    if (field === null) return format.null
    if (format.format === 'text') {
      const letters: Readonly<Record<string, string>> = {
        '\b': 'b',
        '\f': 'f',
        '\n': 'n',
        '\r': 'r',
        '\t': 't',
        '\v': 'v',
      }
      return Array.from(field)
        .map((c) =>
          letters[c] !== undefined ? `\\${letters[c]}` : c === '\\' || c === format.delimiter ? `\\${c}` : c,
        )
        .join('')
    }
    const { delimiter, quote, escape } = format
    const needed = field === format.null || [delimiter, quote, '\n', '\r'].some((c) => field.includes(c))
    if (!needed && quoted[i] !== true) return field
    const escaped = Array.from(field, (c) => (c === quote || c === escape ? escape + c : c)).join('')
    return quote + escaped + quote
  })
  return `${words.join(format.delimiter)}\n`
}

const anyField = fc.option(
  fc.oneof(
    fc.string(),
    fc.constantFrom('', 'Smith', String.raw`\N`, 'a\tb\nc\rd', '"', String.raw`\"\\`, ',|', 'é\v\f\b', String.raw`\.`),
  ),
)

describe('compileCopyPlan', () => {
  it('masks fields in every format and keeps the others', () => {
    const formats = fc.oneof(
      fc.record({ format: fc.constant('text' as const), delimiter: fc.constantFrom('\t', '|', ',') }),
      fc.record({
        format: fc.constant('csv' as const),
        delimiter: fc.constantFrom(',', ';', '\t'),
        null: fc.constantFrom('', 'NULL', String.raw`\N`),
        quote: fc.constantFrom('"', "'"),
        escape: fc.constantFrom('"', '\\', "'"),
      }),
    )
    const rows = fc.array(
      fc.tuple(fc.constantFrom('name', 'clean', 'unproven'), anyField, fc.boolean()).map(([kind, field, force]) => ({
        taint: kind === 'name' ? name : kind === 'clean' ? clean : unproven,
        field,
        force,
        // A value that reads as the marker for NULL is one, quotes apart; so says PostgreSQL.
        masked: field === null || kind === 'unproven' ? null : kind === 'clean' ? field : undefined,
      })),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(rows, formats, (row, change) => {
        const format: CopyFormat = { ...TEXT, ...change }
        const outputs = row.map(({ taint }) => taint)
        const compiled = compile(outputs, format)
        const line = encode(
          row.map(({ field }) => field),
          format,
          row.map(({ force }) => force),
        )
        if (compiled === 'pass') {
          expect(outputs.every(({ kind }) => kind === 'clean')).toBe(true)
          return
        }
        if ('refuse' in compiled) throw new Error(compiled.refuse)
        const expected = encode(
          row.map(({ masked }) => (masked === undefined ? '[redacted]' : masked)),
          format,
          row.map(({ force, masked }) => force || masked === undefined),
        )
        expect(rewriteRows(compiled, [line])).toEqual([expected])
      }),
      { numRuns: 3000 },
    )
  })

  it('unescapes before it masks, and escapes after', () => {
    const json = tainted({ kind: 'object', members: [['a', stored(1, 25)]], rest: { kind: 'clean' } }, 'name')
    const compiled = plan([json, clean])
    expect(
      rewriteRows(compiled, [
        '{"a": "x", "b": "\\\\n\\t"}\tq\n',
        '{"a":"\\\\"\\x78", \\142\\60:1}\tq\n',
        '\\173"a":"Smith","b":"\\\\\\\\"}\tq\n',
      ]),
    ).toEqual(['\\N\tq\n', '\\N\tq\n', '{"a":"[redacted]","b":"\\\\\\\\"}\tq\n'])
    expect(rewriteRows(plan([json], CSV), ['"{""a"":""x"",""b"":[1,\n2]}"\n'])).toEqual([
      '"{""a"":""[redacted]"",""b"":[1,\n2]}"\n',
    ])
  })

  it('keeps types', () => {
    const compiled = plan([born, clean, name], CSV)
    expect(compiled.maskedCount).toBe(2)
    expect(compiled.classes).toEqual(['date-of-birth', 'name'])
    expect(rewriteRows(compiled, ['1984-07-23,x,Smith\n', '1930-07-23,,"Smith, John"\n', ',"",\n'])).toEqual([
      '"1984-01-01",x,"[redacted]"\n',
      ',,"[redacted]"\n',
      ',"",\n',
    ])
  })

  it('says which rows do not change', () => {
    const rewriter = plan([name, clean]).start()
    const line = Buffer.from('\\N\tx\n')
    expect(rewriter.row(line, 0, line.length)).toBeNull()
  })

  it('lets the header pass, once a run', () => {
    const compiled = plan([name, clean], { ...CSV, header: true })
    const rows = ['name,code\n', 'name,code\n']
    expect(rewriteRows(compiled, rows)).toEqual(['name,code\n', '"[redacted]",code\n'])
    expect(rewriteRows(compiled, rows)).toEqual(['name,code\n', '"[redacted]",code\n'])
    expect(() => rewriteRows(compiled, ['name,code,Smith\n'])).toThrow(CopyFormatError)
  })

  it('throws when a row is not what the format says', () => {
    const bad: readonly (readonly [CopyFormat, string])[] = [
      [TEXT, ''],
      [TEXT, 'a\tb'],
      [TEXT, 'a\n'],
      [TEXT, 'a\tb\tc\n'],
      [TEXT, 'a\tb\nc\td\n'],
      [TEXT, 'a\tb\r\n'],
      [TEXT, 'a\tb\\\n'],
      [CSV, 'a,b'],
      [CSV, 'a\n'],
      [CSV, 'a,b,c\n'],
      [CSV, '"a,b\n'],
      [CSV, '"a"b,c\n'],
      [CSV, 'a"b",c\n'],
      [CSV, 'a,b\nc,d\n'],
      [{ ...CSV, escape: '\\' }, '"a\\",b\n'],
    ]
    for (const [format, row] of bad) {
      expect(() => rewriteRows(plan([name, clean], format), [row])).toThrow(CopyFormatError)
    }
  })

  it('throws or masks, whatever it is given', () => {
    const parts = fc.array(fc.constantFrom('smith', ',', '\t', '"', '\\', '\n', '""', '\\N', 'x41', '\r', '|'))
    fc.assert(
      fc.property(parts, fc.constantFrom(TEXT, CSV, { ...CSV, escape: '\\' }), (given, format) => {
        try {
          expect(rewriteRows(plan([name, unproven], format), [`${given.join('')}\n`]).join('')).not.toContain('smith')
        } catch (error) {
          expect(error).toBeInstanceOf(CopyFormatError)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('tells nothing by quotes of what a field had in it, whatever delimiter and quote the client chooses', () => {
    for (const format of [CSV, { ...CSV, delimiter: '9' }, { ...CSV, quote: 'a', escape: 'a' }]) {
      const fields = ['919-15', 'aaa', 'x,y', 'x\ny', 'plain', '"'].map((field) => encode([field], format, []))
      expect(new Set(rewriteRows(plan([name], format), fields)).size).toBe(1)
    }
  })

  it('refuses a NULL that a value could read as, which would confirm a guess', () => {
    for (const marker of ['919-15-5087', 'none', '-'])
      expect(compile([name], { ...TEXT, null: marker })).toEqual({ refuse: expect.any(String) })
    expect(plan([name], { ...TEXT, null: '' }).maskedCount).toBe(1)
    expect(compile([clean], { ...TEXT, null: 'none' })).toBe('pass')
  })

  it('refuses what it cannot mask', () => {
    const refused = { refuse: expect.any(String) }
    expect(compile('unknown')).toEqual(refused)
    expect(compile([clean, { kind: 'origin' }])).toEqual(refused)
    expect(compile([name], { ...TEXT, format: 'binary' })).toEqual(refused)
    expect(compile([name], { ...TEXT, delimiter: 'é' })).toEqual(refused)
    expect(compile([name], { ...CSV, quote: '' })).toEqual(refused)
  })

  it('passes what needs no masking', () => {
    expect(compile([clean, clean], { ...TEXT, format: 'binary' })).toBe('pass')
    expect(compile('unknown', TEXT, { phiReachable: false })).toBe('pass')
    expect(compile([{ kind: 'origin' }, unproven], TEXT, { phiReachable: false })).toBe('pass')
    expect(compile([name], TEXT, { clears: (phiClass) => phiClass === 'name' })).toBe('pass')
    expect(compile('unknown', TEXT, { clears: () => true })).toBe('pass')
    expect(compile([])).toBe('pass')
  })
})
