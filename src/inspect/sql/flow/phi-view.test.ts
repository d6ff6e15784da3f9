import { describe, expect, it } from 'vitest'
import type { Catalog, CatalogRelation } from '../catalog.ts'
import { table } from './flow-test-support.ts'
import { buildPhiView } from './phi-view.ts'

function phiOf(relations: readonly CatalogRelation[], ...labels: readonly string[]): readonly string[] {
  const catalog: Catalog = {
    epoch: '',
    serverMajor: 18,
    relations,
    userFunctions: [],
    userOperators: [],
    userTypes: [],
  }
  const found = buildPhiView(catalog, (relation, column) => labels.includes(`${relation.name}.${column.name}`))
  const names = new Map(relations.map((relation) => [relation.oid, relation.name]))
  // Both parts must tell the same story.
  const relationsOf = new Set([...found.phiColumns].map((key) => Number(key.split('.')[0])))
  for (const oid of relationsOf) expect(found.phiRelations.has(oid)).toBe(true)
  return [...found.phiColumns]
    .map((key) => {
      const [oid = '', attnum = ''] = key.split('.')
      return `${names.get(Number(oid))}.${attnum}`
    })
    .toSorted()
}

const BASE = table(20_001, 's.base', ['id', 'ssn'])

function aView(
  oid: number,
  name: string,
  reads: readonly (readonly [number, number])[],
  more: Partial<CatalogRelation> = {},
) {
  const dependsOn = reads.map(([on, attnum]) => ({ oid: on, attnum }))
  return table(oid, `s.${name}`, ['a', 'b'], { kind: 'v', dependsOn, ...more })
}

describe('buildPhiView', () => {
  it('spreads labels down and up an inheritance tree by name', () => {
    const child = table(20_002, 's.child', ['extra', 'ssn', 'id'], { parents: [20_001] })
    const grandchild = table(20_003, 's.grandchild', ['ssn', 'own'], { parents: [20_002, 20_001] })
    expect(phiOf([grandchild, child, BASE], 'base.ssn')).toEqual(['base.2', 'child.2', 'grandchild.1'])
    expect(phiOf([BASE, child, grandchild], 'grandchild.ssn')).toEqual(['base.2', 'child.2', 'grandchild.1'])
    expect(phiOf([BASE, child, grandchild], 'child.extra')).toEqual(['child.1'])
  })

  it('makes every column of a view PHI that reads a PHI column, through other views too', () => {
    const one = aView(20_010, 'one', [[20_001, 2]])
    const two = aView(20_011, 'two', [[20_010, 1]], { kind: 'm' })
    const harmless = aView(20_012, 'harmless', [[20_001, 1]])
    expect(phiOf([two, one, harmless, BASE], 'base.ssn')).toEqual(['base.2', 'one.1', 'one.2', 'two.1', 'two.2'])
  })

  it('counts a dependency on a whole relation, and a whole row that pg_depend does not show', () => {
    expect(phiOf([BASE, aView(20_010, 'counts', [[20_001, 0]])], 'base.ssn')).toContain('counts.1')
    expect(phiOf([BASE, aView(20_010, 'rows', [[20_001, 1]], { usesWholeRows: true })], 'base.ssn')).toContain('rows.1')
    const { usesWholeRows: _, ...unknown } = aView(20_010, 'rows', [[20_001, 1]])
    expect(phiOf([BASE, unknown], 'base.ssn')).toContain('rows.1')
  })

  it('does not trust a view that calls functions, reads what is unknown, or tells nothing', () => {
    expect(phiOf([aView(20_010, 'calls', [[20_001, 1]], { callsUserFunctions: true }), BASE])).toEqual([
      'calls.1',
      'calls.2',
    ])
    expect(phiOf([aView(20_010, 'lost', [[29_999, 1]])])).toEqual(['lost.1', 'lost.2'])
    expect(phiOf([aView(20_010, 'silent', [])])).toEqual(['silent.1', 'silent.2'])
  })

  it('takes more from the predicate, never less', () => {
    expect(phiOf([BASE, aView(20_010, 'one', [[20_001, 1]])], 'one.b')).toEqual(['one.2'])
    expect(phiOf([BASE, aView(20_010, 'one', [[20_001, 2]])], 'base.ssn')).toEqual(['base.2', 'one.1', 'one.2'])
  })
})
