import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DocumentNode } from '../phi/document.ts'
import type { Label } from '../phi/labels.ts'
import type { ColumnPhi, TargetPhi } from '../phi/target-phi.ts'
import type { LookedUpType } from '../phi/value-form.ts'
import type { MaskContext } from './mask-context.ts'
import type { OutputShape, StoredColumn } from '../inspect/sql/facts.ts'
import { valueMasker } from './value-masker.ts'

const TABLE = 20_000
const TEXT = 25
const INT8 = 20
const INT4 = 23
const NUMERIC = 1700
const FLOAT8 = 701
const DATE = 1082
const TIMESTAMP = 1114
const TIMESTAMPTZ = 1184
const JSON_OID = 114
const JSONB = 3802
const TEXTS = 1009
const VARCHAR = 1043
const DATES = 1182
const JSONBS = 3807
const RECORD = 2249
const RECORDS = 2287
/** Types of the user: a row (name text, born date), a domain over it, an array of it. */
const PERSON = 20_100
const PERSON_DOMAIN = 20_101
const PERSONS = 20_102
const MOOD = 20_103

const types: ReadonlyMap<number, LookedUpType> = new Map([
  [
    PERSON,
    {
      kind: 'c',
      baseOid: 0,
      fields: [
        { name: 'name', typeOid: TEXT },
        { name: 'born', typeOid: DATE },
      ],
    },
  ],
  [PERSON_DOMAIN, { kind: 'd', baseOid: PERSON }],
  [PERSONS, { kind: 'b', baseOid: PERSON }],
  [MOOD, { kind: 'e', baseOid: 0 }],
])

const label = (phiClass: Label['class'], transform: Label['transform']): Label => ({ class: phiClass, transform })
const NAME = label('name', 'redact')
const BORN = label('date-of-birth', 'year')
const SSN = label('ssn', 'redact')
const ZIP = label('zip', 'zip3')

const phiNode = (of: Label): DocumentNode => ({ kind: 'phi', label: of })
const members = (of: Readonly<Record<string, DocumentNode>>, others: DocumentNode): DocumentNode => ({
  kind: 'members',
  members: new Map(Object.entries(of)),
  others,
})
const CLEAR_NODE: DocumentNode = { kind: 'clear' }
const BODY = members(
  {
    name: members({ family: phiNode(NAME) }, CLEAR_NODE),
    birthDate: phiNode(BORN),
    zip: phiNode(ZIP),
    status: CLEAR_NODE,
  },
  CLEAR_NODE,
)
const STRICT = members({ status: CLEAR_NODE, birthDate: phiNode(BORN) }, phiNode(label('free-text', 'redact')))

const phi = (of: Label): ColumnPhi => ({ kind: 'phi', label: of })
const columns: Readonly<Record<number, ColumnPhi>> = {
  1: phi(NAME),
  2: phi(BORN),
  3: phi(SSN),
  4: phi(ZIP),
  5: { kind: 'clear' },
  6: { kind: 'unlabelled' },
  7: { kind: 'document', label: label('free-text', 'redact'), document: BODY },
  8: { kind: 'document', label: label('free-text', 'redact'), document: STRICT },
  9: phi(label('age', 'age90')),
  10: phi(label('photo', 'null')),
  11: { kind: 'derived' },
  12: { kind: 'document', label: label('free-text', 'partial'), document: BODY },
}
const targetPhi: TargetPhi = { columnOf: (oid, attnum) => (oid === TABLE ? columns[attnum] : undefined) }

function column(attnum: number, typeOid: number, path: readonly string[] = []): StoredColumn {
  return { kind: 'column', oid: TABLE, attnum, typeOid, path }
}
const name = column(1, TEXT)
const born = column(2, DATE)
const ssn = column(3, TEXT)
const body = column(7, JSONB)
const CLEAN: OutputShape = { kind: 'clean' }
const whole = (...of: readonly string[]): OutputShape => ({ kind: 'whole', classes: of })
const object = (of: Readonly<Record<string, OutputShape>>, rest: OutputShape = CLEAN): OutputShape => ({
  kind: 'object',
  members: Object.entries(of),
  rest,
})
const elements = (element: OutputShape): OutputShape => ({ kind: 'elements', element })
const fields = (...of: readonly OutputShape[]): OutputShape => ({ kind: 'fields', fields: of })
const year: OutputShape = { kind: 'year', column: born }

function contextFor(clears: readonly string[] = []): MaskContext {
  return {
    phi: targetPhi,
    clears: (phiClass) => clears.includes(phiClass),
    currentYear: 2026,
    typeOf: (oid) => types.get(oid),
    masked: new Set(),
  }
}

interface Case {
  readonly shape: OutputShape
  readonly type: number
  readonly value: string | Buffer
  readonly format?: 0 | 1
  readonly typmod?: number
  readonly clears?: readonly string[]
}

function mask({ shape, type, value, format = 0, typmod = -1, clears = [] }: Case): string | null {
  const masker = valueMasker(shape, { typeOid: type, typmod, format }, contextFor(clears))
  if (masker === 'pass') return 'pass'
  const cell = Buffer.from(value)
  const source = Buffer.concat([Buffer.from('"'), cell, Buffer.from('"')])
  const masked = masker(source, 1, 1 + cell.length)
  return masked === null ? null : masked.toString(format === 1 ? 'hex' : 'utf8')
}

type Row = readonly [what: string, shape: OutputShape, type: number, value: string, expected: string | null]

const person = '{"name":"Smith","born":"1984-07-23","ssn":"123-45-6789","n":5}'

/** The classes that a plan would name. */
function classes(shape: OutputShape, type: number, clears: readonly string[] = []): readonly string[] {
  const context = contextFor(clears)
  valueMasker(shape, { typeOid: type, typmod: -1, format: 0 }, context)
  return [...context.masked].toSorted()
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex')
}

/** Masks a value in binary, given and returned in hexadecimal. */
function binary(shape: OutputShape, type: number, value: string): string | null {
  return mask({ shape, type, value: Buffer.from(value, 'hex'), format: 1 })
}

function int32(n: number): string {
  return n.toString(16).padStart(8, '0')
}

function array(elementOid: number, ...cells: readonly string[]): string {
  const header = [1, 0, elementOid, cells.length, 1].map(int32).join('')
  return header + cells.map((cell) => int32(cell.length / 2) + cell).join('')
}

function row(...cells: readonly (readonly [oid: number, cell: string])[]): string {
  return int32(cells.length) + cells.map(([oid, cell]) => int32(oid) + int32(cell.length / 2) + cell).join('')
}

describe('valueMasker', () => {
  it.each<Row>([
    ['clean', CLEAN, TEXT, 'x', 'pass'],
    ['whole', whole('name'), TEXT, 'Smith', '[redacted]'],
    ['whole of unknown classes', whole(), TEXT, 'Smith', '[redacted]'],
    ['whole, a number', whole('ssn'), INT8, '123456789', null],
    ['whole, an array: its length tells, too', whole('ssn'), TEXTS, '{1,2,3}', '{}'],
    ['whole, a range', whole('date'), 3912, '[1984-07-23,1984-07-24)', null],
    ['whole, an enum', whole('name'), MOOD, 'sad', null],
    ['column', name, TEXT, 'Smith', '[redacted]'],
    ['column, varchar of text', name, VARCHAR, 'Smith', '[redacted]'],
    ['column, date', born, DATE, '1984-07-23', '1984-01-01'],
    ['column, too old', born, DATE, '1930-07-23', null],
    ['column, timestamp of date', born, TIMESTAMP, '1984-07-01 00:00:00', '1984-01-01 00:00:00'],
    ['column, timestamptz of date', born, TIMESTAMPTZ, '1984-07-01 00:00:00+00', '1984-01-01 12:00:00+00'],
    ['column, text of date', born, TEXT, '1984-07-23', '1984-01-01'],
    ['column, text of date that is none', born, TEXT, 'Smith', null],
    ['column, text of number', column(9, INT4), TEXT, '93', '90'],
    ['column, text of JSON', column(3, JSONB), TEXT, '{"a":"Smith"}', '[redacted]'],
    ['column, text of an enum', column(1, MOOD), TEXT, 'sad', '[redacted]'],
    ['column, number of date', born, INT8, '1984', null],
    ['column, date of text', column(1, TEXT), DATE, '1984-07-23', null],
    ['column, zip', column(4, TEXT), TEXT, '02139', '021**'],
    ['column, zip prefix', column(4, TEXT), TEXT, '021', '021'],
    ['column, null label', column(10, JSONB), JSONB, '{"a":1}', null],
    ['column that the boundary finds clear', column(5, TEXT), TEXT, 'x', '[redacted]'],
    ['column unlabelled', column(6, TEXT), TEXT, 'x', '[redacted]'],
    ['column of a view', column(11, TEXT), TEXT, 'x', '[redacted]'],
    ['column unknown', column(99, TEXT), TEXT, 'x', '[redacted]'],
    ['array of a column', column(4, TEXTS), TEXTS, '{02139,"x y",NULL}', '{021**,[redacted],NULL}'],
    ['array of dates', column(2, DATES), DATES, '[0:1]={1984-07-23,1930-01-01}', '[0:1]={1984-01-01,NULL}'],
    ['array, malformed', column(4, TEXTS), TEXTS, '{02139', '{}'],
    ['array of what is no array', name, TEXTS, '{Smith}', '{[redacted]}'],
    ['element of an array', column(4, TEXTS), TEXT, '02139', '021**'],
    ['null label, array', column(10, TEXTS), TEXTS, '{a}', null],
    ['year', year, INT4, '1984', '1984'],
    ['year, numeric', year, NUMERIC, '1984', '1984'],
    ['year, double', year, FLOAT8, '1984', '1984'],
    ['year, too old', year, INT4, '1930', null],
    ['year, in text', year, TEXT, '1984', '1984'],
    ['year, too old, in text', year, TEXT, '1930', null],
    ['year, in text, of five digits', year, TEXT, '12024', '[redacted]'],
    ['year, in JSON', year, JSONB, '1984', '1984'],
    ['year, too old, in JSON', year, JSON_OID, '1930', 'null'],
    ['year of what is no year', { kind: 'year', column: ssn }, INT4, '1984', null],
    ['year of a number', { kind: 'year', column: column(9, INT4) }, INT4, '1984', null],
    ['year of a document', { kind: 'year', column: column(7, JSONB, ['birthDate']) }, INT4, '1984', null],
    ['JSON of a column', name, JSON_OID, '"Smith"', '"[redacted]"'],
    ['JSON of a date', born, JSONB, '"1984-07-23"', '"1984-01-01"'],
    ['JSON of a timestamp', column(2, TIMESTAMP), JSON_OID, '"1984-07-23T04:05:06.7"', '"1984-01-01T00:00:00"'],
    ['JSON of an age', column(9, INT4), JSON_OID, '93', '90'],
    ['JSON of an old date', born, JSONB, '"1930-07-23"', 'null'],
    ['JSON of an array', column(4, TEXTS), JSON_OID, '["02139", null]', '["021**", null]'],
    ['JSON of a ZIP code', column(4, INT4), JSON_OID, '2139', '2100'],
    ['JSON number of a ZIP code', column(7, JSONB), JSONB, '{"zip":12139}', '{"zip":12100}'],
    ['JSON of a boolean', column(3, 16), JSON_OID, 'true', 'null'],
    ['JSON of a type that nobody knows', column(3, MOOD), JSON_OID, '"x"', '"[redacted]"'],
    ['JSON, malformed', name, JSON_OID, '{"a":"Smith"', '"[redacted]"'],
    ['JSON column without parts', column(3, JSONB), JSONB, '{"a": [1, "x"]}', '{"[redacted]":"[redacted]"}'],
    [
      'object',
      object({ name, born, ssn: CLEAN }),
      JSON_OID,
      person,
      person.replace('Smith', '[redacted]').replace('07-23', '01-01'),
    ],
    [
      'object, rest',
      object({ n: CLEAN, born }, whole('name')),
      JSONB,
      person,
      '{"name":"[redacted]","born":"1984-01-01","ssn":"[redacted]","n":5}',
    ],
    [
      'objects',
      object({ name }),
      JSON_OID,
      '[{"name":"Smith"}, {"name":null}]',
      '[{"name":"[redacted]"}, {"name":null}]',
    ],
    ['object in text', object({ name }), TEXT, '{"name":"Smith","a":1}', '{"name":"[redacted]","a":1}'],
    ['object in a row type', object({ name }), PERSON, '(Smith,1984-07-23)', null],
    ['no object', object({ name }), JSON_OID, '"Smith"', '"[redacted]"'],
    ['object, nothing masked', object({ name: CLEAN }), JSON_OID, person, 'pass'],
    ['elements', elements(object({ name })), JSON_OID, '[{"name":"Smith"}]', '[{"name":"[redacted]"}]'],
    ['elements of no array', elements(object({ name })), JSON_OID, '{"name":"Smith"}', '{"[redacted]":"[redacted]"}'],
    ['elements of an array', elements(whole('name')), TEXTS, '{Smith,Jones}', '{[redacted],[redacted]}'],
    ['elements of two dimensions', elements(elements(name)), TEXTS, '{{Smith},{Jones}}', '{{[redacted]},{[redacted]}}'],
    ['elements in text', elements(name), TEXT, '{Smith}', '[redacted]'],
    [
      'JSON elements of an array',
      elements(object({ name })),
      JSONBS,
      String.raw`{"{\"name\": \"Smith\"}"}`,
      String.raw`{"{\"name\": \"[redacted]\"}"}`,
    ],
    ['fields', fields(name, born), PERSON, '(Smith,1984-07-23)', '([redacted],1984-01-01)'],
    ['fields of a domain', fields(CLEAN, born), PERSON_DOMAIN, '("A B",1984-07-23)', '("A B",1984-01-01)'],
    ['too many fields', fields(CLEAN, born, CLEAN), PERSON, '(A,1984-07-23,x)', null],
    ['fields of another row', fields(name, born), PERSON, '(Smith)', null],
    [
      'fields of an anonymous row',
      fields(CLEAN, born, whole('ssn'), name),
      RECORD,
      '(1,1984-07-23,123,Smith)',
      '(1,1984-01-01,,[redacted])',
    ],
    [
      'rows in an array',
      elements(fields(name, CLEAN)),
      PERSONS,
      '{"(Smith,1984-07-23)","(,)"}',
      '{"([redacted],1984-07-23)","(,)"}',
    ],
    ['anonymous rows in an array', elements(fields(name, CLEAN)), RECORDS, '{"(Smith,1)"}', '{"([redacted],1)"}'],
    ['fields in JSON', fields(name, CLEAN), JSON_OID, '["Smith", 1]', '["[redacted]", 1]'],
    ['fields in text', fields(name, CLEAN), TEXT, '(Smith,1)', '[redacted]'],
    ['fields in an array', fields(name, CLEAN), TEXTS, '{Smith,1}', '{}'],
    [
      'document',
      body,
      JSONB,
      '{"name":[{"family":"S","use":"x"}],"zip":"02139"}',
      '{"name":[{"family":"[redacted]","use":"x"}],"zip":"021**"}',
    ],
    [
      'document in an array',
      column(7, JSONBS),
      JSONBS,
      String.raw`{"{\"zip\": \"02139\"}"}`,
      String.raw`{"{\"zip\": \"021**\"}"}`,
    ],
    [
      'document, others masked',
      column(8, JSONB),
      JSONB,
      '{"status":"x","birthDate":"1984-07-23","Smith":1}',
      '{"status":"x","birthDate":"1984","[redacted]":null}',
    ],
    ['document, a scalar', body, JSONB, '"Smith"', '"[redacted]"'],
    ['document as text', body, TEXT, '{"zip": "02139", "a": 1}', '{"zip": "021**", "a": 1}'],
    ['part of a document', column(7, JSONB, ['name']), JSONB, '[{"family": "S"}]', '[{"family": "[redacted]"}]'],
    ['part as text', column(7, JSONB, ['birthDate']), TEXT, '1984-07-23', '1984'],
    ['parts as text', column(7, JSONB, ['name']), TEXT, '[{"family": "S"}]', '[{"family": "[redacted]"}]'],
    ['parts as text that is no JSON', column(7, JSONB, ['name']), TEXT, 'Smith', '[redacted]'],
    ['part as a number', column(7, JSONB, ['zip']), INT4, '2139', null],
    ['part that is clear', column(7, JSONB, ['status']), TEXT, 'x', 'pass'],
    ['part that nobody named', column(8, JSONB, ['x', 'y']), TEXT, 'x', '[redacted]'],
    ['part below a label', column(7, JSONB, ['birthDate', 'x']), JSONB, '"1984-07-23"', '"1984"'],
    [
      'part in an object',
      object({ p: column(7, JSONB, ['birthDate']) }),
      JSON_OID,
      '{"p":"1984-07-23"}',
      '{"p":"1984"}',
    ],
  ])('%s', (_what, shape, type, value, expected) => {
    expect(mask({ shape, type, value })).toBe(expected)
  })

  it.each<Row>([
    ['column', name, 0, 'Smith', '[redacted]'],
    ['date', born, 0, '1984-07-23', '1984-01-01'],
    ['text that looks like JSON', name, 0, '[1, 2]', '[redacted]'],
    ['text that looks like a string', name, 0, '"Smith"', '[redacted]'],
    ['whole', whole('name'), 0, 'Smith', null],
    ['year', year, 0, '1984', '1984'],
    ['object', object({ name }), 0, '{"name":"Smith","a":1}', '{"name":"[redacted]","a":1}'],
    ['object, malformed', object({ name }), 0, '(Smith)', null],
    ['array', column(4, TEXTS), 0, '{02139,NULL}', '{021**,NULL}'],
    ['empty array', column(4, TEXTS), 0, '{}', '{}'],
    ['array as JSON', column(4, TEXTS), 0, '["02139"]', '["021**"]'],
    ['array with bounds', column(4, TEXTS), 0, '[0:0]={02139}', '[0:0]={021**}'],
    ['elements', elements(name), 0, '{Smith,"x y"}', '{[redacted],[redacted]}'],
    ['elements as JSON', elements(object({ name })), 0, '[{"name":"Smith"}]', '[{"name":"[redacted]"}]'],
    ['elements, malformed', elements(name), 0, 'Smith', null],
    ['fields', fields(name, CLEAN), 0, '(Smith,1)', '([redacted],1)'],
    ['fields as JSON', fields(name, CLEAN), 0, '["Smith",1]', '["[redacted]",1]'],
    ['fields, malformed', fields(name, CLEAN), 0, '(Smith)', null],
    ['document', body, 0, '{"zip":"02139"}', '{"zip":"021**"}'],
    ['part as text', column(7, JSONB, ['zip']), 0, '02139', '021**'],
    ['part as JSON', column(7, JSONB, ['zip']), 0, '"02139"', '"021**"'],
    ['clean fields', fields(CLEAN, CLEAN), 0, '(a,b)', 'pass'],
  ])('of a type that nobody states: %s', (_what, shape, type, value, expected) => {
    expect(mask({ shape, type, value })).toBe(expected)
  })

  it('opens what is cleared, and nothing else', () => {
    const clears = ['name', 'date-of-birth']
    const opened = (shape: OutputShape, type: number, value: string, by: readonly string[] = clears) =>
      mask({ shape, type, value, clears: by })
    expect(opened(name, TEXT, 'x')).toBe('pass')
    expect(opened(year, INT4, '1930')).toBe('pass')
    expect(opened(whole('name', 'date-of-birth'), TEXT, 'x')).toBe('pass')
    expect(opened(whole('name', 'ssn'), TEXT, 'x')).toBe('[redacted]')
    expect(opened(whole(), TEXT, 'x')).toBe('[redacted]')
    expect(opened(whole('unlabelled'), TEXT, 'x', ['unlabelled'])).toBe('[redacted]')
    expect(opened(object({ name, ssn }), JSON_OID, '{"name":"S","ssn":"1"}')).toBe('{"name":"S","ssn":"[redacted]"}')
    expect(opened(fields(name, born), PERSON, '(S,1930-01-01)')).toBe('pass')
    expect(opened(elements(elements(whole('name'))), TEXT, 'x')).toBe('pass')
    expect(opened(body, JSONB, '{"name":{"family":"S"},"zip":"02139","birthDate":"1930"}')).toBe(
      '{"name":{"family":"S"},"zip":"021**","birthDate":"1930"}',
    )
    // Who may see the whole document, but not a part of it, must not see that part where it does not belong.
    expect(opened(body, JSONB, '"02139"', ['free-text'])).toBe('"[redacted]"')
    expect(opened(column(12, JSONB), JSONB, '"123-45-6789"', [])).toBe('"****6789"')
    expect(opened(column(12, JSONB), JSONB, '"123-45-6789"', ['free-text'])).toBe('"[redacted]"')
    expect(opened(body, JSONB, '1', ['free-text', 'name', 'date-of-birth', 'zip'])).toBe('pass')
  })

  it('keeps within the limit of a type', () => {
    const limited = { type: VARCHAR, typmod: 4 + 20 }
    expect(mask({ shape: object({ name }), value: '{"name":"Smith"}', ...limited })).toBe('[redacted]')
    expect(mask({ shape: body, value: '{"zip":"02139"}', ...limited })).toBe('[redacted]')
    expect(mask({ shape: name, value: 'Smith', type: VARCHAR, typmod: 4 + 5 })).toBe('*****')
    expect(mask({ shape: column(1, 1015), value: '{Smith}', type: 1015, typmod: 4 + 5 })).toBe('{*****}')
  })

  it('takes down what it masks', () => {
    expect(classes(name, TEXT)).toEqual(['name'])
    expect(classes(name, TEXT, ['name'])).toEqual([])
    expect(classes(whole('name', 'ssn', 'unlabelled'), TEXT, ['name'])).toEqual(['ssn', 'unproven'])
    expect(classes(whole(), TEXT)).toEqual(['unproven'])
    expect(classes(body, JSONB)).toEqual(['date-of-birth', 'name', 'zip'])
    expect(classes(column(8, JSONB), JSONB)).toEqual(['date-of-birth', 'free-text'])
    expect(classes(object({ name, x: column(6, TEXT) }), JSON_OID)).toEqual(['name', 'unproven'])
    expect(classes(fields(name, born), RECORD)).toEqual(['date-of-birth', 'name'])
  })

  it('writes binary', () => {
    expect(binary(object({ name }), JSONB, `01${hex('{"name": "Smith"}')}`)).toBe(`01${hex('{"name": "[redacted]"}')}`)
    expect(binary(object({ name }), JSONB, `01${hex('{"a": 1}')}`)).toBe(`01${hex('{"a": 1}')}`)
    expect(binary(object({ name }), JSONB, `02${hex('{"a": 1}')}`)).toBe(`01${hex('"[redacted]"')}`)
    expect(binary(object({ name }), JSONB, '')).toBe(`01${hex('"[redacted]"')}`)
    expect(binary(column(4, TEXTS), TEXTS, array(TEXT, hex('02139')))).toBe(array(TEXT, hex('021**')))
    const before = row([TEXT, hex('Smith')], [DATE, 'ffffe9ee'])
    const after = row([TEXT, hex('[redacted]')], [DATE, 'ffffe92c'])
    expect(binary(fields(name, born), PERSON, before)).toBe(after)
    expect(binary(fields(name, born), RECORD, before)).toBe(after)

    expect(binary(elements(fields(name, born)), PERSONS, array(PERSON, before))).toBe(array(PERSON, after))
    // A text where a date was foretold.
    expect(binary(fields(name, born), PERSON, row([TEXT, hex('S')], [TEXT, hex('1984-07-23')]))).toBe(
      row([TEXT, hex('[redacted]')], [TEXT, hex('1984-01-01')]),
    )
  })

  it('never throws, and shows nothing of what it does not understand', () => {
    const parts = [
      'smith',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      '(',
      ')',
      ',',
      ':',
      ' ',
      '1',
      '[1:1]=',
      'NULL',
      'null',
      '"smith":',
    ]
    const texts = fc.array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 3 })), { maxLength: 16 })
    const bytes = texts.map((text) => Buffer.from(text.join('')))
    // Every part of these is masked, and no name in them counts as declared.
    const leaves = fc.constantFrom(name, ssn, whole('ssn'), column(8, JSONB), column(3, TEXTS), column(10, JSONB))
    const shapes = fc.letrec<{ shape: OutputShape }>((tie) => ({
      shape: fc.oneof(
        { maxDepth: 3 },
        leaves,
        tie('shape').map(elements),
        fc.array(tie('shape'), { minLength: 1, maxLength: 3 }).map((of) => fields(...of)),
      ),
    })).shape
    const known = fc.constantFrom(
      TEXT,
      INT4,
      DATE,
      JSON_OID,
      JSONB,
      TEXTS,
      JSONBS,
      PERSON,
      PERSONS,
      RECORD,
      RECORDS,
      MOOD,
    )
    const typed = fc.oneof(fc.tuple(known, fc.constantFrom(0 as const, 1 as const)), fc.constant([0, 0] as const))
    fc.assert(
      fc.property(shapes, typed, bytes, (shape, [type, format], value) => {
        const masked = mask({ shape, type, value, format })
        expect(masked).not.toBe('pass')
        expect(masked ?? '').not.toContain(format === 0 ? 'smith' : hex('smith'))
      }),
      { numRuns: 10_000 },
    )
  })
})
