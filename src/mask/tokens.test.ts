import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PhiClass } from '../phi/classes.ts'
import type { DocumentNode } from '../phi/document.ts'
import type { Label } from '../phi/labels.ts'
import type { ColumnPhi, TargetPhi } from '../phi/target-phi.ts'
import { FakeStandIns } from '../phi/tokens/stand-ins-test-support.ts'
import type { TokenForm } from '../phi/tokens/stand-ins.ts'
import { readValue, writeValue } from '../phi/tokens/token-value.ts'
import { type LookedUpType, valueForm } from '../phi/value-form.ts'
import { compileCopyPlan } from './copy-plan.ts'
import { compilePlan, type PlanInput } from './compile-plan.ts'
import type { CopyFormat, OutputShape, OutputTaint, StoredColumn } from '../inspect/sql/facts.ts'
import type { MaskPlan, ResultColumn } from './plan.ts'

const TABLE = 20_000
const [INT8, INT4, TEXT, JSON_OID, VARCHAR, DATE, NUMERIC, UUID, JSONB] = [
  20, 23, 25, 114, 1043, 1082, 1700, 2950, 3802,
]
const [INT4S, TEXTS, RECORD] = [1007, 1009, 2249]
const PERSON = 20_100

const types: ReadonlyMap<number, LookedUpType> = new Map([
  [
    PERSON,
    {
      kind: 'c',
      baseOid: 0,
      fields: [
        { name: 'id', typeOid: INT4 },
        { name: 'name', typeOid: TEXT },
      ],
    },
  ],
])

const tokenised = (phiClass: PhiClass): Label => ({ class: phiClass, transform: 'token' })
const part = (phiClass: PhiClass): DocumentNode => ({ kind: 'phi', label: tokenised(phiClass) })
const BODY: DocumentNode = {
  kind: 'members',
  members: new Map([
    ['id', part('mrn')],
    ['name', part('name')],
    ['mail', part('email')],
    ['code', part('other-id')],
  ]),
  others: { kind: 'clear' },
}
const CODE = 5
const BORN = 6
const DOCUMENT = 7
const CLEAR = 8
const WHOLE_DOCUMENT = 9
const columns: Readonly<Record<number, ColumnPhi>> = {
  1: { kind: 'phi', label: tokenised('mrn') },
  2: { kind: 'phi', label: tokenised('name') },
  3: { kind: 'phi', label: tokenised('email') },
  4: { kind: 'phi', label: tokenised('phone') },
  [CODE]: { kind: 'phi', label: tokenised('other-id') },
  [BORN]: { kind: 'phi', label: tokenised('date-of-birth') },
  [DOCUMENT]: { kind: 'document', label: tokenised('free-text'), document: BODY },
  [CLEAR]: { kind: 'clear' },
  [WHOLE_DOCUMENT]: { kind: 'phi', label: tokenised('name') },
}
const phi: TargetPhi = { columnOf: (oid, attnum) => (oid === TABLE ? columns[attnum] : undefined) }

function stored(attnum: number, typeOid: number, path: readonly string[] = []): StoredColumn {
  return { kind: 'column', oid: TABLE, attnum, typeOid, path }
}
const tainted = (shape: OutputShape): OutputTaint => ({ kind: 'phi', classes: ['mrn'], shape })

interface Out {
  readonly typeOid: number
  readonly shape?: OutputShape
  readonly attnum?: number
  readonly typmod?: number
  readonly format?: 0 | 1
}

function planOf(outs: readonly Out[], standIns: FakeStandIns | undefined, more: Partial<PlanInput> = {}): MaskPlan {
  const compiled = compilePlan({
    columns: outs.map(
      ({ typeOid, attnum = 0, typmod = -1, format = 0 }): ResultColumn => ({
        name: 'c',
        tableOid: attnum === 0 ? 0 : TABLE,
        attnum,
        typeOid,
        typmod,
        format,
      }),
    ),
    outputs: outs.map(({ shape }) => (shape === undefined ? { kind: 'origin' } : tainted(shape))),
    phiReachable: true,
    phi,
    clears: () => false,
    currentYear: 2026,
    typeOf: (oid) => types.get(oid),
    standIns,
    ...more,
  })
  if (compiled === 'pass' || 'refuse' in compiled) throw new Error('no plan')
  return compiled
}

/** Masks a row as the wire does: again, when something was missing. */
function maskRow(plan: MaskPlan, cells: readonly Buffer[]): readonly (Buffer | null)[] {
  const once = () => cells.map((cell, i) => plan.cells[i]?.(cell, 0, cell.length) ?? null)
  const first = once()
  if (plan.pending?.isLacking !== true) return first
  if (plan.pending instanceof FakeStandIns) plan.pending.settleNow()
  const second = once()
  expect(plan.pending.isLacking).toBe(false)
  return second
}

function maskOne(out: Out, value: string | Buffer, standIns = new FakeStandIns()): Buffer | null {
  return maskRow(planOf([out], standIns), [Buffer.from(value)])[0] ?? null
}
const maskText = (...args: Parameters<typeof maskOne>) => maskOne(...args)?.toString() ?? null

/** The token that a value has. */
function tokenOf(standIns: FakeStandIns, phiClass: PhiClass, form: TokenForm, value: string): string {
  const source = standIns.tokensOf(phiClass, form)
  if (source(value) === undefined) standIns.settleNow()
  return source(value) ?? 'none'
}

function cellIn(typeOid: number, format: 0 | 1, value: string): Buffer {
  const form = valueForm({ typeOid, typmod: -1, format })
  const cell = form === undefined ? undefined : writeValue(form, value)
  if (cell === undefined) throw new Error('no such value')
  return cell
}

/** A field of a row as record_send writes it. */
function field(typeOid: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(typeOid)
  head.writeInt32BE(value.length, 4)
  return Buffer.concat([head, value])
}

const UUID_VALUE = '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11'

describe('tokens in columns', () => {
  it.each([
    [1, INT4, '12345', 'mrn', 'integer'],
    [1, INT8, '12345', 'mrn', 'bigint'],
    [1, NUMERIC, '12345.67', 'mrn', 'bigint'],
    [1, TEXT, 'A-1', 'mrn', 'text'],
    [1, UUID, UUID_VALUE, 'mrn', 'uuid'],
    [3, TEXT, 'ann@example.org', 'email', 'email'],
    [4, TEXT, '+15551234567', 'phone', 'phone'],
    [2, TEXT, 'Zoë "O\'Hara" \\ {x},', 'name', 'text'],
  ] as const)('of attribute %d and type %d are the same in both formats', (attnum, typeOid, value, phiClass, form) => {
    const standIns = new FakeStandIns()
    const token = tokenOf(standIns, phiClass, form, value)
    for (const format of [0, 1] as const) {
      for (const shape of [undefined, stored(attnum, typeOid)]) {
        const out: Out = shape === undefined ? { typeOid, attnum, format } : { typeOid, shape, format }
        expect(maskOne(out, cellIn(typeOid, format, value), standIns)).toEqual(cellIn(typeOid, format, token))
      }
    }
    expect(standIns.values.size).toBe(1)
  })

  it('of numbers cast to text are those of the numbers', () => {
    const standIns = new FakeStandIns()
    expect(maskText({ typeOid: TEXT, shape: stored(1, INT4) }, '12345', standIns)).toBe(
      tokenOf(standIns, 'mrn', 'integer', '12345'),
    )
  })

  it.each([
    [INT4, 'integer', INT8],
    [INT4, 'integer', NUMERIC],
    [INT8, 'bigint', NUMERIC],
  ] as const)('of numbers of type %d cast to wider ones are those of the numbers', (typeOid, form, wider) => {
    const standIns = new FakeStandIns()
    const token = tokenOf(standIns, 'mrn', form, '12345')
    for (const format of [0, 1] as const) {
      const out: Out = { typeOid: wider, shape: stored(1, typeOid), format }
      expect(maskOne(out, cellIn(wider, format, '12345'), standIns)).toEqual(cellIn(wider, format, token))
    }
    expect(standIns.values.size).toBe(1)
  })

  it('are short where there is little room', () => {
    expect(maskText({ typeOid: VARCHAR, attnum: CODE, typmod: 4 + 12 }, 'A-1')).toMatch(/^~\w{10}$/u)
  })

  it('are the year of dates, which need nothing to be fetched', () => {
    const plan = planOf([{ typeOid: DATE, attnum: BORN }], new FakeStandIns())
    expect(plan.pending).toBeUndefined()
    expect(maskRow(plan, [Buffer.from('1984-07-23')])[0]?.toString()).toBe('1984-01-01')
  })

  it('are redacted where nobody can fetch them', () => {
    const plan = planOf(
      [
        { typeOid: TEXT, attnum: 2 },
        { typeOid: INT4, attnum: 1 },
      ],
      undefined,
    )
    expect(plan.pending).toBeUndefined()
    expect(maskRow(plan, [Buffer.from('Ann'), Buffer.from('5')]).map((cell) => cell?.toString())).toEqual([
      '[redacted]',
      undefined,
    ])
  })

  it('do not show in what is computed from them', () => {
    const standIns = new FakeStandIns()
    expect(maskText({ typeOid: TEXT, shape: { kind: 'whole', classes: ['name'] } }, 'ANN', standIns)).toBe('[redacted]')
    expect(standIns.settled).toBe(0)
  })
})

const nameOnly = (phiClass: string) => phiClass === 'name'
const rowOf = (id: number, name: string) => [Buffer.from(String(id)), Buffer.from(name)]

describe('a plan', () => {
  it('is pending only if it asks for tokens', () => {
    const standIns = new FakeStandIns()
    const clear: Out = { typeOid: TEXT, attnum: CLEAR }
    expect(planOf([{ typeOid: TEXT, attnum: 2 }, clear], standIns).pending).toBe(standIns)
    expect(planOf([{ typeOid: TEXT, shape: { kind: 'whole', classes: [] } }, clear], standIns).pending).toBeUndefined()
    expect(
      planOf([{ typeOid: INT8, format: 1, shape: { kind: 'elements', element: stored(2, TEXT) } }], standIns).pending,
    ).toBe(standIns)
  })

  it('has none for classes that the principal is cleared for', () => {
    const plan = planOf(
      [
        { typeOid: TEXT, attnum: 2 },
        { typeOid: DATE, attnum: BORN },
      ],
      new FakeStandIns(),
      { clears: nameOnly },
    )
    expect(plan.cells[0]).toBeUndefined()
    expect(plan.pending).toBeUndefined()
  })

  it('tells after a row that it is void, and gathers what is missing over many rows', () => {
    const standIns = new FakeStandIns()
    const plan = planOf(
      [
        { typeOid: INT4, attnum: 1 },
        { typeOid: TEXT, attnum: 2 },
      ],
      standIns,
    )
    const mask = (cells: readonly Buffer[]) => cells.map((cell, i) => plan.cells[i]?.(cell, 0, cell.length)?.toString())
    for (let id = 0; id < 50; id += 1) expect(mask(rowOf(id, `n${id % 10}`))).toEqual([undefined, undefined])
    expect(plan.pending?.isLacking).toBe(true)
    standIns.settleNow()
    expect(standIns.values.size).toBe(60)
    const rows = Array.from({ length: 50 }, (_, id) => mask(rowOf(id, `n${id % 10}`)))
    expect(plan.pending?.isLacking).toBe(false)
    expect(new Set(rows.map(([id]) => id)).size).toBe(50)
    expect(new Set(rows.map(([, name]) => name)).size).toBe(10)
  })

  it('knows that rows of any type can need tokens, before the first one comes', () => {
    const standIns = new FakeStandIns()
    const fields: OutputShape = { kind: 'fields', fields: [stored(1, INT4), stored(2, TEXT)] }
    for (const typeOid of [RECORD, PERSON]) {
      for (const format of [0, 1] as const)
        expect(planOf([{ typeOid, format, shape: fields }], standIns).pending).toBe(standIns)
    }
  })
})

describe('tokens in structures', () => {
  it('stand in arrays, element by element', () => {
    const standIns = new FakeStandIns()
    const shape: OutputShape = { kind: 'elements', element: stored(2, TEXT) }
    const [ann, bob] = ['Ann', 'Bob B.'].map((name) => tokenOf(standIns, 'name', 'text', name))
    expect(maskText({ typeOid: TEXTS, shape }, '{Ann,NULL,"Bob B.",Ann}', standIns)).toBe(`{${ann},NULL,${bob},${ann}}`)
    const five = tokenOf(standIns, 'mrn', 'integer', '5')
    expect(maskText({ typeOid: INT4S, attnum: 1 }, '[0:1]={5,NULL}', standIns)).toBe(`[0:1]={${five},NULL}`)
  })

  it('stand in binary arrays', () => {
    const standIns = new FakeStandIns()
    const header = Buffer.from('00000001000000000000001700000002000000010000000400000005ffffffff', 'hex')
    header.writeInt32BE(1, 4)
    const masked = maskOne({ typeOid: INT4S, attnum: 1, format: 1 }, header, standIns)
    expect(String(masked?.readInt32BE(24))).toBe(tokenOf(standIns, 'mrn', 'integer', '5'))
    expect(masked?.readInt32BE(28)).toBe(-1)
  })

  it('stand in rows, in text and in binary', () => {
    const standIns = new FakeStandIns()
    const shape: OutputShape = { kind: 'fields', fields: [stored(1, INT4), stored(2, TEXT)] }
    const [id, name] = [tokenOf(standIns, 'mrn', 'integer', '5'), tokenOf(standIns, 'name', 'text', 'Ann')]
    expect(maskText({ typeOid: PERSON, shape }, '(5,Ann)', standIns)).toBe(`(${id},${name})`)
    const row = (of: string, called: string) =>
      Buffer.concat([Buffer.from([0, 0, 0, 2]), field(INT4, cellIn(INT4, 1, of)), field(TEXT, Buffer.from(called))])
    const other = new FakeStandIns()
    for (const typeOid of [PERSON, RECORD]) {
      expect(maskOne({ typeOid, shape, format: 1 }, row('5', 'Ann'), other)).toEqual(row(id, name))
    }
  })

  it('stand in JSON that is made of columns, the same as in the columns', () => {
    const standIns = new FakeStandIns()
    const shape: OutputShape = {
      kind: 'object',
      members: [
        ['id', stored(1, INT4)],
        ['name', stored(2, TEXT)],
        ['key', stored(CODE, UUID)],
      ],
      rest: { kind: 'clean' },
    }
    const expected = {
      id: Number(tokenOf(standIns, 'mrn', 'integer', '5')),
      name: tokenOf(standIns, 'name', 'text', 'Zoë'),
      key: tokenOf(standIns, 'other-id', 'uuid', UUID_VALUE),
      n: 1,
    }
    const value = JSON.stringify({ id: 5, name: 'Zoë', key: UUID_VALUE, n: 1 })
    for (const typeOid of [JSON_OID, JSONB]) {
      expect(JSON.parse(maskText({ typeOid, shape }, value, standIns) ?? '')).toEqual(expected)
    }
    const binary = maskOne({ typeOid: JSONB, shape, format: 1 }, `\u0001${value}`, standIns)
    expect(JSON.parse(binary?.subarray(1).toString() ?? '')).toEqual(expected)
  })

  it('stand in documents, member by member, by what a string means', () => {
    const standIns = new FakeStandIns()
    const masked = maskText(
      { typeOid: JSONB, attnum: DOCUMENT },
      String.raw`{"id": 5, "name": "\u0041nn", "mail": ["a@b.c", null], "code": 12.50, "status": "active", "list": [{"name": "Ann"}]}`,
      standIns,
    )
    const name = tokenOf(standIns, 'name', 'text', 'Ann')
    expect(JSON.parse(masked ?? '')).toEqual({
      id: Number(tokenOf(standIns, 'mrn', 'bigint', '5')),
      name,
      mail: [tokenOf(standIns, 'email', 'email', 'a@b.c'), null],
      code: Number(tokenOf(standIns, 'other-id', 'bigint', '12.5')),
      status: 'active',
      list: [{ name: 'Ann' }],
    })
    expect(name).toBe(maskText({ typeOid: TEXT, attnum: 2 }, 'Ann', standIns))
  })

  it('do not stand for objects, booleans and numbers that are none, whose parts nobody has declared', () => {
    const standIns = new FakeStandIns()
    const masked = maskText({ typeOid: JSONB, attnum: WHOLE_DOCUMENT }, '{"a": 1}', standIns)
    expect(masked).toBe('{"[redacted]":"[redacted]"}')
    expect(maskText({ typeOid: JSONB, attnum: DOCUMENT }, '{"name": true, "id": 1e999}', standIns)).toBe(
      '{"name": null, "id": null}',
    )
    expect(standIns.settled).toBe(0)
  })

  it('stand for the text of a part that is taken out', () => {
    const standIns = new FakeStandIns()
    const out: Out = { typeOid: TEXT, shape: stored(DOCUMENT, JSONB, ['name']) }
    expect(maskText(out, 'Ann', standIns)).toBe(tokenOf(standIns, 'name', 'text', 'Ann'))
  })

  it('are valid JSON numbers and strings, whatever they stand for', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    )
    fc.assert(
      fc.property(
        fc.record({ id: scalar, name: scalar, mail: scalar }),
        fc.constantFrom(JSON_OID, JSONB),
        (value, typeOid) => {
          const standIns = new FakeStandIns()
          const masked: unknown = JSON.parse(
            maskText({ typeOid, attnum: DOCUMENT }, JSON.stringify(value), standIns) ?? '',
          )
          for (const [member, original] of Object.entries(value)) {
            const found: unknown = Object.getOwnPropertyDescriptor(masked, member)?.value
            if (typeof original === 'boolean' || original === null) expect(found).toBeNull()
            else if (typeof original === 'string') expect(found).toMatch(/^tok[_-]/u)
            else if (found !== null) expect(Number.isSafeInteger(found)).toBe(true)
          }
        },
      ),
    )
  })
})

function copyPlan(format: CopyFormat, standIns: FakeStandIns | undefined) {
  const compiled = compileCopyPlan({
    format,
    outputs: [tainted(stored(1, INT4)), { kind: 'clean' }, tainted(stored(2, TEXT))],
    phiReachable: true,
    phi,
    clears: () => false,
    currentYear: 2026,
    standIns,
  })
  if (compiled === 'pass' || 'refuse' in compiled) throw new Error('no plan')
  return compiled
}

describe('tokens in COPY', () => {
  const FORMAT: CopyFormat = {
    format: 'text',
    delimiter: '\t',
    null: String.raw`\N`,
    header: false,
    quote: '"',
    escape: '"',
  }
  const CSV: CopyFormat = { ...FORMAT, format: 'csv', delimiter: ',', null: '', header: true }

  it.each([
    [
      FORMAT,
      ['5\tx\tA\\tn\n', '\\N\tx\tA\\tn\n'],
      (id: string, name: string) => [`${id}\tx\t${name}\n`, `\\N\tx\t${name}\n`],
    ],
    [
      CSV,
      ['id,x,name\n', '5,x,"A\tn"\n', ',x,A\tn\n'],
      (id: string, name: string) => ['id,x,name\n', `"${id}",x,"${name}"\n`, `,x,"${name}"\n`],
    ],
  ])('are what they are in columns', (format, rows, expected) => {
    const standIns = new FakeStandIns()
    const plan = copyPlan(format, standIns)
    expect(plan.pending).toBe(standIns)
    const rewriter = plan.start()
    const written = rows.map((row) => {
      const bytes = Buffer.from(row)
      const first = rewriter.row(bytes, 0, bytes.length)
      if (!standIns.isLacking) return first?.toString() ?? row
      standIns.settleNow()
      return rewriter.row(bytes, 0, bytes.length)?.toString() ?? row
    })
    expect(written).toEqual(
      expected(tokenOf(standIns, 'mrn', 'integer', '5'), tokenOf(standIns, 'name', 'text', 'A\tn')),
    )
  })

  it('are redacted where nobody can fetch them', () => {
    const plan = copyPlan(FORMAT, undefined)
    expect(plan.pending).toBeUndefined()
    const row = Buffer.from('5\tx\tAnn\n')
    expect(plan.start().row(row, 0, row.length)?.toString()).toBe('\\N\tx\t[redacted]\n')
  })
})

describe('tokens of one scope', () => {
  it('count, group and join like the values', () => {
    const values = fc.array(fc.constantFrom('Ann', 'Bob', 'ann', 'Ann ', '', 'Zoë'), { maxLength: 30 })
    fc.assert(
      fc.property(values, (names) => {
        const standIns = new FakeStandIns()
        const inColumns = names.map((name) => maskText({ typeOid: TEXT, attnum: 2 }, name, standIns))
        const inDocuments = names.map((name) => {
          const masked: unknown = JSON.parse(
            maskText({ typeOid: JSONB, attnum: DOCUMENT }, JSON.stringify({ name }), standIns) ?? '',
          )
          return Object.getOwnPropertyDescriptor(masked, 'name')?.value as unknown
        })
        expect(inDocuments).toEqual(inColumns)
        for (const [i, name] of names.entries()) {
          for (const [j, other] of names.entries()) expect(inColumns[i] === inColumns[j]).toBe(name === other)
        }
      }),
    )
  })

  it('can be read as what they stand for', () => {
    fc.assert(
      fc.property(fc.integer(), (n) => {
        const standIns = new FakeStandIns()
        const masked = maskOne({ typeOid: INT4, attnum: 1, format: 1 }, cellIn(INT4, 1, String(n)), standIns)
        const form = valueForm({ typeOid: INT4, typmod: -1, format: 1 })
        const token = form === undefined || masked === null ? undefined : readValue(form, masked, 0, masked.length)
        expect(standIns.values.get(`mrn ${token}`)).toBe(String(n))
      }),
    )
  })
})

const quoted = (text: string) => `"${text.replaceAll(/["\\]/gu, String.raw`\$&`)}"`
const json = (text: string) => JSON.stringify({ name: text, x: 1 })

describe('nothing of a value', () => {
  it('shows, whether its token is there or not', () => {
    const secret = fc.string({
      unit: fc.constantFrom('Q', 'Z', '"', '\\', ' ', 'é', '{', ','),
      minLength: 4,
      maxLength: 12,
    })
    const name = stored(2, TEXT)
    const object: OutputShape = { kind: 'object', members: [['name', name]], rest: { kind: 'clean' } }
    const outs: readonly (readonly [Out, (text: string) => string])[] = [
      [{ typeOid: TEXT, attnum: 2 }, (text) => text],
      [{ typeOid: VARCHAR, shape: name, typmod: 4 + 15 }, (text) => text],
      [{ typeOid: TEXTS, attnum: 2 }, (text) => `{${quoted(text)},NULL}`],
      [{ typeOid: RECORD, shape: { kind: 'fields', fields: [name] } }, (text) => `(${quoted(text)})`],
      [{ typeOid: JSONB, attnum: DOCUMENT }, json],
      [{ typeOid: JSON_OID, shape: object }, json],
      [{ typeOid: JSON_OID, shape: { kind: 'elements', element: name } }, (text) => JSON.stringify([text])],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...outs), secret, fc.boolean(), ([out, write], text, isExhausted) => {
        const standIns = new FakeStandIns()
        if (isExhausted) for (const form of ['text', 'short'] as const) standIns.exhausted.add(form)
        const plan = planOf([out], standIns)
        const cell = Buffer.from(write(text))
        for (let pass = 0; pass < 2; pass += 1) {
          const masked = plan.cells[0]?.(cell, 0, cell.length)?.toString() ?? ''
          for (let i = 0; i + 3 <= text.length; i += 1) {
            if (/^[QZé]+$/u.test(text.slice(i, i + 3))) expect(masked.includes(text.slice(i, i + 3))).toBe(false)
          }
          standIns.settleNow()
        }
      }),
      { numRuns: 500 },
    )
  })
})
