import { expect, it } from 'vitest'
import type { PhiView } from '../../src/inspect/sql/catalog.ts'
import type { OutputTaint } from '../../src/inspect/sql/facts.ts'
import type { ResultColumn } from '../../src/mask/plan.ts'
import { disagreements } from './agreement.ts'

const VIEW: PhiView = {
  phiColumns: new Set(['10.2']),
  phiRelations: new Set([10]),
  labels: new Map([['10.2', { class: 'name', releases: { kind: 'nothing' } }]]),
  labelledViewColumns: new Map(),
  trustedFunctions: new Set(),
}

const column = (tableOid: number, attnum: number): ResultColumn => ({
  name: 'c',
  tableOid,
  attnum,
  typeOid: 25,
  typmod: -1,
  format: 0,
})

const stored = (oid: number, attnum: number): OutputTaint => ({
  kind: 'phi',
  classes: ['name'],
  shape: { kind: 'column', oid, attnum, typeOid: 25, path: [] },
})

it.each<[string, readonly OutputTaint[] | 'unknown', boolean, readonly ResultColumn[], readonly string[]]>([
  ['PHI that is masked', [stored(10, 2)], true, [column(10, 2)], []],
  ['PHI of a view', [stored(10, 2)], true, [column(11, 1)], []],
  ['PHI of another column', [stored(10, 3)], true, [column(10, 2)], ['other column 1']],
  ['clean and free of PHI', [{ kind: 'clean' }], true, [column(10, 1)], []],
  ['clean but PHI', [{ kind: 'clean' }], true, [column(10, 2)], ['clean but PHI 1']],
  ['an origin', [{ kind: 'origin' }], true, [column(10, 1)], []],
  ['an origin that the server does not know', [{ kind: 'origin' }], true, [column(0, 0)], ['origin without a table 1']],
  ['one column too few', [{ kind: 'clean' }], true, [column(0, 0), column(0, 0)], ['count 0']],
  ['not known before', 'unknown', true, [column(10, 2)], []],
  ['PHI that is said to be out of reach', 'unknown', false, [column(10, 2)], ['PHI out of reach 1']],
])('%s', (_, outputs, phiReachable, described, expected) => {
  const found = disagreements({ outputs, phiReachable }, described, VIEW)
  expect(found.map(({ kind, column: at }) => `${kind} ${at}`)).toEqual(expected)
})
