import { describe, expect, it } from 'vitest'
import type { DocumentNode } from '../phi/document.ts'
import type { Label } from '../phi/labels.ts'
import { createPseudonyms } from '../phi/pseudonyms.ts'
import type { ColumnPhi } from '../phi/target-phi.ts'
import { FakeStandIns } from '../phi/tokens/stand-ins-test-support.ts'
import type { Transform } from '../phi/transform-names.ts'
import { compilePlan } from './compile-plan.ts'
import type { OutputShape, StoredColumn } from '../inspect/sql/facts.ts'
import { REDACTED } from '../phi/transforms/redact.ts'

const TABLE = 20_000
const [TEXT, TEXTS, JSONB, DATE] = [25, 1009, 3802, 1082]
const NAME = 1
const PSEUDONYM = 2
const DOCUMENT = 3
const BORN = 4

const label = (transform: Transform): Label => ({ class: 'name', transform })
const family: DocumentNode = { kind: 'phi', label: label('token') }
const columns: Readonly<Record<number, ColumnPhi>> = {
  [NAME]: { kind: 'phi', label: label('token') },
  [PSEUDONYM]: {
    kind: 'phi',
    label: label({ kind: 'pseudonym', pseudonyms: createPseudonyms([Buffer.alloc(32, 7)], 't', 'name') }),
  },
  [DOCUMENT]: {
    kind: 'document',
    label: label('token'),
    document: { kind: 'members', members: new Map([['family', family]]), others: { kind: 'clear' } },
  },
  [BORN]: { kind: 'phi', label: { class: 'date-of-birth', transform: 'year' } },
}

function copy(attnum: number, typeOid: number): StoredColumn {
  return { kind: 'column', oid: TABLE, attnum, typeOid, path: [] }
}

/** What a client sees of a value. `tableOid`: whether the server names an origin. */
function seen(shape: OutputShape, typeOid: number, value: string, tableOid = 0): string | null {
  const standIns = new FakeStandIns()
  const plan = compilePlan({
    columns: [{ name: 'c', tableOid, attnum: tableOid === 0 ? 0 : NAME, typeOid, typmod: -1, format: 0 }],
    outputs: [{ kind: 'phi', classes: ['name'], shape }],
    phiReachable: true,
    phi: { columnOf: (oid, attnum) => (oid === TABLE ? columns[attnum] : undefined) },
    clears: () => false,
    currentYear: 2026,
    standIns,
  })
  if (plan === 'pass' || 'refuse' in plan) throw new Error('no plan')
  const cell = Buffer.from(value)
  plan.cells[0]?.(cell, 0, cell.length)
  standIns.settleNow()
  return plan.cells[0]?.(cell, 0, cell.length)?.toString() ?? null
}

describe('copies of a column', () => {
  it.each([
    [NAME, TEXT, 'Ann'],
    [PSEUDONYM, TEXT, 'Ann'],
    [DOCUMENT, JSONB, '{"family": "Ann"}'],
  ])('have replacements of their own (%i)', (attnum, typeOid, value) => {
    const replaced = seen(copy(attnum, typeOid), typeOid, value)
    expect(replaced).not.toContain('Ann')
    expect(replaced).not.toContain(REDACTED)
  })

  /** A client would know by it which row has the value that it has put in itself. */
  it.each<readonly [string, OutputShape, number, string, string]>([
    ['a token', { ...copy(NAME, TEXT), mixed: true }, TEXT, 'Ann', REDACTED],
    ['a pseudonym', { ...copy(PSEUDONYM, TEXT), mixed: true }, TEXT, 'Ann', REDACTED],
    [
      'a part of a document',
      { ...copy(DOCUMENT, JSONB), mixed: true },
      JSONB,
      '{"family": "Ann", "n": 1}',
      '{"family": "[redacted]", "n": 1}',
    ],
    ['what is no document', { ...copy(DOCUMENT, JSONB), mixed: true }, JSONB, '"Ann"', '"[redacted]"'],
    [
      'an element',
      { kind: 'elements', element: { ...copy(NAME, TEXT), mixed: true } },
      TEXTS,
      '{Ann,Bob}',
      '{[redacted],[redacted]}',
    ],
    [
      'a member',
      { kind: 'object', members: [['a', { ...copy(NAME, TEXT), mixed: true }]], rest: { kind: 'clean' } },
      JSONB,
      '{"a": "Ann"}',
      '{"a": "[redacted]"}',
    ],
    ['a year', { ...copy(BORN, DATE), mixed: true }, DATE, '1984-07-23', '1984-01-01'],
  ])('among other values: %s', (_, shape, typeOid, value, expected) => {
    expect(seen(shape, typeOid, value)).toBe(expected)
  })

  it('are no less mixed for an origin that the server names', () => {
    expect(seen({ ...copy(NAME, TEXT), mixed: true }, TEXT, 'Ann', TABLE)).toBe(REDACTED)
    expect(seen(copy(NAME, TEXT), TEXT, 'Ann', TABLE)).not.toBe(REDACTED)
  })
})
