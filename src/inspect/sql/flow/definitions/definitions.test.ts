import { expect, it } from 'vitest'
import { Definitions } from './definitions.ts'
import { CATALOG, PHI_VIEW } from '../flow-test-support.ts'

const FIELDS = [
  { name: 'r', typeOid: 701 },
  { name: 'i', typeOid: 701 },
]
const type = (oid: number, kind: string, baseOid = 0) => ({ oid, schema: 'clinic', name: `t${oid}`, kind, baseOid })
const userTypes = [
  { ...type(40_001, 'c'), fields: FIELDS },
  type(40_002, 'd', 40_001),
  type(40_003, 'd', 40_002),
  type(40_004, 'd', 25),
  type(40_005, 'e'),
  type(40_006, 'c'),
  type(40_007, 'd', 40_007),
]
const definitions = new Definitions({ ...CATALOG, userTypes }, PHI_VIEW, [])

it.each([
  ['text', 25, true, undefined],
  ['an enum', 40_005, true, undefined],
  ['a domain', 40_004, true, undefined],
  ['a composite', 40_001, false, FIELDS],
  ['a domain over a composite', 40_002, false, FIELDS],
  ['a domain over a domain over a composite', 40_003, false, FIELDS],
  ['a composite whose fields are not known', 40_006, false, undefined],
  ['a domain without an end', 40_007, false, undefined],
  ['a row of pg_class', 83, false, undefined],
  ['a type that initdb has made', 13_500, false, undefined],
  ['a type that is not known', 99_999, false, undefined],
])('%s', (_, oid, isPlain, fields) => {
  expect({ isPlain: definitions.isPlain(oid), fields: definitions.fields(oid) }).toEqual({ isPlain, fields })
})
