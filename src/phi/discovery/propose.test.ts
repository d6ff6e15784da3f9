import { describe, expect, it } from 'vitest'
import { examineValues } from './examine.ts'
import { type ExaminedTable, findColumns } from './propose.ts'
import type { ForeignKey } from './table-subject.ts'
import { columnType } from './type-group.ts'

const OIDS = {
  text: 25,
  int8: 20,
  uuid: 2950,
  date: 1082,
  bool: 16,
  jsonb: 3802,
  bytea: 17,
  xml: 142,
  inet: 869,
} as const

type Columns = Readonly<Record<string, readonly [keyof typeof OIDS, ...string[]]>>

/** A table whose first column is its key. */
function table(oid: number, name: string, columns: Columns): ExaminedTable {
  return {
    oid,
    schema: 's',
    name,
    primaryKey: [1],
    columns: Object.entries(columns).map(([column, [type, ...values]], at) => {
      const resolved = columnType(OIDS[type], new Map())
      return { attnum: at + 1, name: column, type: resolved, evidence: examineValues(values, resolved) }
    }),
  }
}

function found(
  tables: readonly ExaminedTable[],
  foreignKeys: readonly ForeignKey[] = [],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    findColumns(tables, foreignKeys).map(({ table: name, column, finding }) => [
      `${name}.${column}`,
      finding === undefined ? '-' : `${finding.class} ${finding.confidence}`,
    ]),
  )
}

const times = (count: number, make: (at: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, at) => make(at))
const emails = times(20, (at) => `p${at}@example.org`)
const ssns = times(20, (at) => `900-${10 + at}-1234`)

describe('findColumns', () => {
  it('takes a name at its word, whatever the values are', () => {
    expect(found([table(1, 'x', { ssn: ['text', 'a', 'b'] })])['x.ssn']).toBe('ssn high')
  })

  it('finds identifiers under names that say nothing', () => {
    const columns: Columns = {
      c1: ['text', ...emails],
      c2: ['text', ...ssns],
      c3: ['text', ...times(20, () => 'blue')],
    }
    expect(found([table(1, 't', columns)])).toEqual({ 't.c1': 'email high', 't.c2': 'ssn high', 't.c3': '-' })
  })

  it('takes rows with identifiers for rows about persons: dates, keys and documents count', () => {
    const columns: Columns = {
      c1: ['int8', ...times(60, (at) => String(100_000 + at))],
      c2: ['date'],
      c3: ['xml'],
      c4: ['text', ...ssns],
    }
    expect(found([table(1, 't', columns)])).toEqual({
      't.c1': 'other-id medium',
      't.c2': 'date medium',
      't.c3': 'free-text medium',
      't.c4': 'ssn high',
    })
    const { c4: _, ...others } = columns
    expect(found([table(1, 't', others)])).toEqual({ 't.c1': '-', 't.c2': '-', 't.c3': '-' })
  })

  it('says free text of texts with identifiers in them', () => {
    const texts = times(20, (at) => `Patient called from 617-555-0134 about visit ${at}`)
    expect(found([table(1, 't', { c: ['text', ...texts] })])['t.c']).toBe('free-text high')
  })

  it('says free text of documents with identifiers that it cannot name', () => {
    const documents = times(20, (at) => JSON.stringify({ xyzzy: [`p${at}@example.org`] }))
    expect(found([table(1, 't', { c: ['jsonb', ...documents] })])['t.c']).toBe('free-text medium')
    expect(found([table(1, 't', { c: ['jsonb', ...times(20, () => '{"beds": 40, "leads": ["A"]}')] })])['t.c']).toBe(
      '-',
    )
  })

  it('says photo of images', () => {
    expect(found([table(1, 't', { c: ['bytea', '\\x89504e470d0a1a0a'] })])['t.c']).toBe('photo high')
  })

  it('never takes a boolean for an identifier', () => {
    expect(found([table(1, 'patients', { id: ['uuid'], email: ['bool', 't'] })])['patients.email']).toBe('-')
  })

  it('follows foreign keys: about persons is what refers to persons, and not what they refer to', () => {
    const tables = [
      table(1, 'patients', {
        id: ['uuid'],
        clinic: ['uuid', ...times(9, (at) => `00000000-0000-4000-8000-00000000000${at}`)],
      }),
      table(2, 'clinics', { id: ['uuid'], opened: ['date'], phone: ['text', '555-0134'] }),
      table(3, 'results', { id: ['int8'], whose: ['uuid'], day: ['date'] }),
      table(4, 'result_parts', { id: ['int8'], result: ['int8'], day: ['date'] }),
    ]
    const keys: readonly ForeignKey[] = [
      { from: 1, fromColumns: [2], to: 2, toColumns: [1] },
      { from: 3, fromColumns: [2], to: 1, toColumns: [1] },
      { from: 4, fromColumns: [2], to: 3, toColumns: [1] },
    ]
    expect(found(tables, keys)).toEqual({
      'patients.id': 'other-id medium',
      'patients.clinic': '-',
      'clinics.id': '-',
      'clinics.opened': '-',
      'clinics.phone': '-',
      'results.id': 'other-id medium',
      'results.whose': 'other-id medium',
      'results.day': 'date medium',
      'result_parts.id': 'other-id medium',
      'result_parts.result': 'other-id medium',
      'result_parts.day': 'date medium',
    })
  })

  it('ends on foreign keys in a circle', () => {
    const keys = [
      { from: 1, fromColumns: [1], to: 2, toColumns: [1] },
      { from: 2, fromColumns: [1], to: 1, toColumns: [1] },
    ]
    expect(found([table(1, 'patients', { id: ['uuid'] }), table(2, 'b', { id: ['uuid'] })], keys)).toEqual({
      'patients.id': 'other-id medium',
      'b.id': 'other-id medium',
    })
  })

  it('proposes staff with low confidence, and says why', () => {
    const [first] = findColumns([table(1, 'providers', { name: ['text'] })], [])
    expect(first?.finding).toMatchObject({ class: 'name', confidence: 'low' })
    expect(first?.finding?.reasons.join()).toContain('of staff')
  })

  it('believes values more than a name that leaves the kind of number open', () => {
    expect(found([table(1, 'patients', { external_id: ['text', ...ssns] })])['patients.external_id']).toBe('ssn high')
  })

  it('does not take chance for a check digit, nor codes for record numbers', () => {
    const random = times(100, (at) => String(4_000_000_000_000_000 + at * 7_919))
    expect(found([table(1, 'lots', { c: ['text', ...random] })])['lots.c']).toBe('-')
    // SNOMED CT
    const codes = times(
      60,
      (at) => ['185349003', '73211009', '22298006', '38341003', '195967001', '44054006'][at % 6] ?? '',
    )
    expect(found([table(1, 'conditions', { id: ['int8'], c: ['text', ...codes] })])['conditions.c']).toBe('-')
  })
})

describe('reasons', () => {
  it('have counts and names, and nothing of the values', () => {
    const secret = times(20, (at) => `zebediah.quux${at}@example.org`)
    const documents = times(20, (at) =>
      JSON.stringify({ [`Zebediah ${at}`]: { email: `zebediah${at}@example.org` }, email: secret[at] }),
    )
    const columns: Columns = {
      a: ['text', ...secret],
      b: ['jsonb', ...documents],
      c: ['text', ...secret.map((one) => `write to ${one} today please`)],
    }
    const text = JSON.stringify(findColumns([table(1, 't', columns)], []))
    expect(text).toContain('all 20 sampled values are e-mail addresses')
    expect(text).not.toMatch(/zebediah|quux/i)
  })
})
