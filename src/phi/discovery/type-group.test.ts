import { describe, expect, it } from 'vitest'
import type { CatalogType } from '../../inspect/sql/catalog.ts'
import { columnType } from './type-group.ts'

const type = (oid: number, kind: string, baseOid: number, name = 'x'): CatalogType => ({
  oid,
  schema: 's',
  name,
  kind,
  baseOid,
})
const TYPES = new Map(
  [
    type(20_001, 'd', 25),
    type(20_002, 'd', 20_003),
    type(20_003, 'b', 20_001),
    type(20_004, 'e', 0),
    { ...type(20_005, 'c', 0), fields: [{ name: 'street', typeOid: 25 }] },
    type(20_006, 'b', 0, 'citext'),
    type(20_007, 'd', 20_007),
    type(20_008, 'b', 0, 'hstore'),
    type(20_009, 'b', 20_005),
  ].map((one) => [one.oid, one] as const),
)

describe('columnType', () => {
  it.each([
    [25, 'text', false],
    [1009, 'text', true],
    [16, 'boolean', false],
    [1184, 'date', false],
    [3912, 'date', false],
    [869, 'network', false],
    [3802, 'document', false],
    [17, 'bytes', false],
    [20_001, 'text', false],
    [20_002, 'text', true],
    [20_004, 'enum', false],
    [20_005, 'composite', false],
    [20_006, 'text', false],
    [20_008, 'document', false],
    [20_009, 'composite', true],
    [99_999, 'other', false],
  ])('%i is %s', (oid, group, array) => expect(columnType(oid, TYPES)).toMatchObject({ group, array }))

  it('names the fields of a composite type', () => expect(columnType(20_009, TYPES).fields).toEqual(['street']))
  it('ends on a domain over itself', () => expect(columnType(20_007, TYPES).group).toBe('other'))
})
