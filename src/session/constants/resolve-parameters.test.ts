import { describe, expect, it } from 'vitest'
import type { ConstantSite } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { ValueKind } from '../../phi/value-form.ts'
import { writeValue } from '../../phi/tokens/token-value.ts'
import type { BoundValue } from '../../protocols/protocol.ts'
import { type ColumnName, sessionWith, siteOf, type TestSession } from './constants-test-support.ts'

const at = (number: number) => ({ kind: 'parameter', number }) as const
const compared = (column: ColumnName, number = 1, more: Partial<ConstantSite> = {}) => ({
  ...siteOf(column, 'comparison', at(number)),
  ...more,
})
const assigned = (column: ColumnName, number = 1) => siteOf(column, 'assignment', at(number))
const embedded = (column: ColumnName, number = 1) => siteOf(column, 'embedded', at(number))

const text = (value: string, typeOid = 0): BoundValue => ({ typeOid, format: 0, value: Buffer.from(value) })
const binary = (value: Buffer, typeOid = 0): BoundValue => ({ typeOid, format: 1, value })

function cell(kind: ValueKind, value: string): Buffer {
  const written = writeValue({ kind, binary: true, limit: undefined, elementOid: 0 }, value)
  if (written === undefined) throw new Error('no such cell')
  return written
}

/** What replaces the parameters; the code of an error. */
function sent(session: TestSession, sites: readonly ConstantSite[], parameters: readonly BoundValue[]) {
  const resolved = session.constants.resolveParameters(session.judged(sites), parameters)
  if (resolved instanceof Promise) throw new Error('later')
  if (resolved instanceof ChaperoneError) return resolved.code
  return resolved === 'as-is' ? resolved : Object.fromEntries(resolved)
}

const TEXT_OID = 25
const INT8_OID = 20
const INT4_OID = 23
const NUMERIC_OID = 1700
const UUID_OID = 2950
const DATE_OID = 1082
const UNKNOWN_OID = 705
const CITEXT_OID = 99_001
const UUID = '0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11'

describe('parameters without sites', () => {
  it('stay', () => {
    const session = sessionWith()
    expect(session.constants.resolveParameters(undefined, [text('x')])).toBe('as-is')
    expect(sent(session, [compared('name', 2)], [text('x')])).toBe('as-is')
    expect(sent(session, [compared('name')], [{ typeOid: 0, format: 0, value: null }])).toBe('as-is')
  })
})

describe('a token in a parameter', () => {
  it('is resolved in text', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', "O'Brien")
    const value = Buffer.from("O'Brien")
    for (const typeOid of [0, TEXT_OID, 1043, UNKNOWN_OID]) {
      expect(sent(session, [compared('name')], [text(token, typeOid)])).toEqual({ 0: value })
      expect(sent(session, [assigned('name', 2)], [text('5'), binary(Buffer.from(token), typeOid)])).toEqual({
        1: value,
      })
    }
  })

  it('is resolved together with others, once', async () => {
    const session = sessionWith()
    session.scope.later = true
    const ann = session.scope.token('name', 'text', 'Ann')
    const ssn = session.scope.token('ssn', 'text', '919')
    const facts = session.judged([compared('name'), compared('ssn', 2)])
    const resolved = await session.constants.resolveParameters(facts, [text(ann), text(ssn)])
    expect(resolved).toEqual(
      new Map([
        [0, Buffer.from('Ann')],
        [1, Buffer.from('919')],
      ]),
    )
    expect(session.scope.asked).toBe(1)
  })

  it.each<readonly [ColumnName, 'mrn' | 'account', 'integer' | 'bigint', string, number, ValueKind, number]>([
    ['mrn', 'mrn', 'integer', '42', 0, 'int4', INT4_OID],
    ['mrn', 'mrn', 'integer', '42', 0, 'int8', INT8_OID],
    ['account', 'account', 'bigint', '4000000000', 0, 'int8', INT8_OID],
    ['amount', 'account', 'bigint', '12.5', 0, 'numeric', NUMERIC_OID],
  ])('is resolved in binary: %s %s %s', (column, phiClass, form, value, _, kind, typeOid) => {
    const session = sessionWith()
    const token = cell(kind, session.scope.token(phiClass, form, value))
    const expected = { 0: cell(kind, value) }
    // Declared by Parse, and left to the server, where the length tells.
    expect(sent(session, [compared(column)], [binary(token, typeOid)])).toEqual(expected)
    expect(sent(session, [compared(column)], [binary(token)])).toEqual(expected)
    expect(sent(session, [compared(column)], [binary(cell(kind, '5'), typeOid)])).toBe('CHP-MASK-PREDICATE')
  })

  it('is resolved in a binary UUID', () => {
    const session = sessionWith()
    const token = cell('uuid', session.scope.token('device', 'uuid', UUID))
    for (const typeOid of [0, UUID_OID]) {
      expect(sent(session, [compared('device')], [binary(token, typeOid)])).toEqual({ 0: cell('uuid', UUID) })
    }
    expect(sent(session, [compared('device')], [binary(token.subarray(1))])).toBe('CHP-MASK-PREDICATE')
  })

  it('that the type of the parameter does not hold is unknown', () => {
    const session = sessionWith()
    const token = session.scope.token('account', 'integer', '4000000000')
    expect(sent(session, [compared('account')], [binary(cell('int4', token), INT4_OID)])).toBe('as-is')
    expect(session.alerts).toEqual([{ alert: 'token-unknown', classes: ['account'], count: 1 }])
  })
})

describe('an array in a parameter', () => {
  const elements = { elements: true } as const

  it('is resolved element by element', () => {
    const session = sessionWith()
    const token = session.scope.token('mrn', 'integer', '42')
    for (const typeOid of [0, 1007]) {
      expect(sent(session, [compared('mrn', 1, elements)], [binary(threeOf(token), typeOid)])).toEqual({
        0: threeOf('42'),
      })
      expect(sent(session, [compared('mrn', 1, elements)], [binary(threeOf('7'), typeOid)])).toBe('CHP-MASK-PREDICATE')
    }
    const name = session.scope.token('name', 'text', 'a"b\\c')
    expect(sent(session, [compared('name', 1, elements)], [text(`{"${name}",NULL}`, 1009)])).toEqual({
      0: Buffer.from('{"a\\"b\\\\c",NULL}'),
    })
  })

  it('that is none is refused', () => {
    const short = array(INT4_OID, [cell('int4', '-1500000000')]).subarray(0, 26)
    for (const value of [short, Buffer.alloc(3), Buffer.alloc(12, 9)]) {
      expect(sent(sessionWith(), [compared('mrn', 1, elements)], [binary(value)])).toBe('CHP-MASK-PREDICATE')
    }
    expect(sent(sessionWith(), [compared('name', 1, elements)], [text('{a\\b}')])).toBe('CHP-MASK-PREDICATE')
  })

  it('without elements passes', () => {
    expect(sent(sessionWith(), [compared('mrn', 1, elements)], [binary(array(INT4_OID, []))])).toBe('as-is')
    expect(sent(sessionWith(), [compared('mrn', 1, elements)], [text('{}')])).toBe('as-is')
  })
})

describe('a parameter of a type that nobody can tell', () => {
  it('is refused where a stand-in is needed', () => {
    for (const value of [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(40, 7)]) {
      expect(sent(sessionWith(), [compared('mrn')], [binary(value)])).toBe('CHP-MASK-PREDICATE')
      expect(sent(sessionWith(), [compared('mrn')], [binary(value, 99_999)])).toBe('CHP-MASK-PREDICATE')
    }
    expect(sent(sessionWith(), [compared('mrn')], [binary(Buffer.alloc(8), 701)])).toBe('CHP-MASK-PREDICATE')
    expect(sent(sessionWith(), [compared('name')], [{ ...text('x'), format: 7 }])).toBe('CHP-MASK-PREDICATE')
  })

  it('is refused where it would compare otherwise than the column does', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    // "char", date, citext, and an array in place of a value.
    for (const typeOid of [18, 19, 1042, DATE_OID, CITEXT_OID, 1009]) {
      expect(sent(session, [compared('name')], [text(token, typeOid)])).toBe('CHP-MASK-PREDICATE')
    }
    expect(sent(session, [compared('name', 1, { elements: true })], [text(`{${token}}`, 25)])).toBe(
      'CHP-MASK-PREDICATE',
    )
    expect(sent(session, [compared('padded')], [text(token, 25)])).toEqual({ 0: Buffer.from('Ann') })
    expect(sent(session, [assigned('name')], [text(token, CITEXT_OID)])).toEqual({ 0: Buffer.from('Ann') })
    expect(sent(session, [assigned('name')], [text(token, 18)])).toBe('CHP-TOKEN-UNKNOWN')
    const integer = session.scope.token('mrn', 'integer', '42')
    expect(sent(session, [compared('mrn')], [text(integer, 701)])).toBe('CHP-MASK-PREDICATE')
    expect(sent(session, [compared('mrn')], [text(integer, NUMERIC_OID)])).toEqual({ 0: Buffer.from('42') })
  })

  it('tells nothing of the size of a number by the type', () => {
    const session = sessionWith()
    const integer = session.scope.token('account', 'integer', '42')
    const bigint = session.scope.token('account', 'bigint', '43')
    // A token of an int4 stands for one. That of a longer number is none, whatever it stands for.
    expect(sent(session, [compared('account')], [text(integer, INT4_OID)])).toEqual({ 0: Buffer.from('42') })
    expect(sent(session, [compared('account')], [text(bigint, INT4_OID)])).toBe('as-is')
    expect(sent(session, [compared('amount')], [text(bigint, NUMERIC_OID)])).toEqual({ 0: Buffer.from('43') })
    expect(sent(session, [compared('amount')], [text(bigint, INT8_OID)])).toBe('CHP-MASK-PREDICATE')
    expect(sent(session, [compared('account')], [text(integer, 21)])).toBe('CHP-MASK-PREDICATE')
  })

  it('passes where any value may be compared', () => {
    expect(sent(sessionWith({ mrn: 'any' }), [compared('mrn')], [binary(Buffer.alloc(3))])).toBe('as-is')
  })

  it('is not stored in a column that has tokens, but in one that has none', () => {
    expect(sent(sessionWith(), [assigned('name')], [binary(Buffer.alloc(3), 99_999)])).toBe('CHP-MASK-WRITE-BACK')
    expect(sent(sessionWith(), [assigned('address')], [binary(Buffer.alloc(8), 869)])).toBe('as-is')
    expect(sent(sessionWith(), [assigned('address')], [binary(Buffer.alloc(8))])).toBe('as-is')
  })
})

describe('a value in a parameter', () => {
  it.each<readonly [string, ColumnName, BoundValue, string]>([
    ['is stored', 'name', text('Ann'), 'as-is'],
    ['is stored in binary', 'mrn', binary(cell('int4', '42')), 'as-is'],
    ['is stored that is no number', 'amount', text('NaN'), 'as-is'],
    ['is not stored when it is a placeholder', 'name', text('[redacted]'), 'CHP-MASK-WRITE-BACK'],
    ['is stored when it is a date', 'born', binary(int32(-5640), DATE_OID), 'as-is'],
    ['is not stored when it is the first of January', 'born', binary(int32(-5844), DATE_OID), 'CHP-MASK-WRITE-BACK'],
    ['is stored when it is no date', 'born', binary(int32(0x7fff_ffff), DATE_OID), 'as-is'],
  ])('%s', (_, column, bound, expected) => {
    expect(sent(sessionWith(), [assigned(column)], [bound])).toBe(expected)
  })

  it('is a stand-in or none at all sites together', () => {
    const session = sessionWith()
    const token = text(session.scope.token('name', 'text', 'Ann'))
    expect(sent(session, [compared('name'), assigned('nick')], [token])).toEqual({ 0: Buffer.from('Ann') })
    expect(sent(session, [compared('name'), embedded('nick')], [token])).toBe('CHP-MASK-WRITE-BACK')
    expect(sent(session, [compared('name'), compared('ssn')], [token])).toBe('CHP-TOKEN-UNKNOWN')
    expect(sent(session, [assigned('name'), compared('name')], [text('Bob')])).toBe('CHP-MASK-PREDICATE')
  })

  it('is not stored as a part of a document, of whatever type its bytes are', () => {
    const session = sessionWith()
    const number = session.scope.token('mrn', 'integer', '71')
    const long = session.scope.token('account', 'bigint', '72')
    const uuid = session.scope.token('device', 'uuid', UUID)
    for (const bytes of [cell('int4', number), cell('int8', long), cell('numeric', long), cell('uuid', uuid)])
      expect(sent(session, [embedded('chart')], [binary(bytes)])).toBe('CHP-MASK-WRITE-BACK')
    const document = Buffer.from('\u0001{"name": "[redacted]"}')
    expect(sent(session, [embedded('chart')], [binary(document)])).toBe('CHP-MASK-WRITE-BACK')
    for (const bytes of [cell('int4', '5'), cell('int8', '5'), Buffer.from('text'), Buffer.from('\u0001{"ward": 5}')])
      expect(sent(session, [embedded('chart')], [binary(bytes)])).toBe('as-is')
  })

  it('may be a part of what is stored, and a stand-in not', () => {
    const session = sessionWith()
    const token = session.scope.token('name', 'text', 'Ann')
    expect(sent(session, [embedded('name')], [text('Mrs ')])).toBe('as-is')
    expect(sent(session, [embedded('name')], [binary(Buffer.from([1, 2, 3]))])).toBe('as-is')
    for (const value of [token, `Mrs ${token}`, '[redacted]']) {
      for (const bound of [text(value), binary(Buffer.from(value)), binary(Buffer.from(value), 99_999)]) {
        expect(sent(session, [embedded('name')], [bound])).toBe('CHP-MASK-WRITE-BACK')
      }
    }
  })
})

function int32(n: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(n)
  return bytes
}

function array(elementOid: number, cells: readonly (Buffer | null)[]): Buffer {
  const header = Buffer.alloc(20)
  header.writeInt32BE(1)
  header.writeUInt32BE(elementOid, 8)
  header.writeInt32BE(cells.length, 12)
  header.writeInt32BE(1, 16)
  const parts = cells.flatMap((one) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(one?.length ?? -1)
    return one === null ? [length] : [length, one]
  })
  return Buffer.concat([header, ...parts])
}

function threeOf(value: string): Buffer {
  return array(INT4_OID, [cell('int4', value), null, cell('int4', value)])
}
