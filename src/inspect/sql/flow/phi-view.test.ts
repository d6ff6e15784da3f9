import { describe, expect, it } from 'vitest'
import type { Catalog, CatalogRelation, PhiLabel, PhiView } from '../catalog.ts'
import { table } from './flow-test-support.ts'
import { buildPhiView, type ColumnLabel } from './phi-view.ts'

function label(name: string): PhiLabel {
  return { class: name, releases: { kind: 'nothing' } }
}

function viewOf(relations: readonly CatalogRelation[], labels: Readonly<Record<string, ColumnLabel>>): PhiView {
  const catalog: Catalog = {
    epoch: '',
    serverMajor: 18,
    relations,
    userFunctions: [],
    userOperators: [],
    userTypes: [],
  }
  return buildPhiView(catalog, {
    labelOf: (relation, column) => labels[`${relation.name}.${column.name}`] ?? 'unlabelled-pass',
    trustedFunctions: new Set(),
  })
}

function named(key: string, relations: readonly CatalogRelation[]): string {
  const [oid = '', attnum = ''] = key.split('.')
  return `${relations.find((relation) => relation.oid === Number(oid))?.name}.${attnum}`
}

function phiOf(relations: readonly CatalogRelation[], ...labels: readonly string[]): readonly string[] {
  const found = viewOf(relations, Object.fromEntries(labels.map((name) => [name, label('x')])))
  // Both parts must tell the same story.
  const relationsOf = new Set([...found.phiColumns].map((key) => Number(key.split('.')[0])))
  for (const oid of relationsOf) expect(found.phiRelations.has(oid)).toBe(true)
  return [...found.phiColumns].map((key) => named(key, relations)).toSorted()
}

function classesOf(
  relations: readonly CatalogRelation[],
  labels: Readonly<Record<string, ColumnLabel>>,
): readonly string[] {
  const found = viewOf(relations, labels)
  return [...found.phiColumns]
    .map((key) => `${named(key, relations)} ${found.labels.get(key)?.class ?? '-'}`)
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
    expect(classesOf([child, BASE], { 'base.ssn': label('ssn') })).toEqual(['base.2 ssn', 'child.2 ssn'])
  })

  it('gives a column the label of its namesakes above and below, if they have but one', () => {
    const [ssn, name] = [label('ssn'), label('name')]
    const one = table(20_002, 's.one', ['ssn'], { parents: [20_001] })
    const two = table(20_003, 's.two', ['ssn'], { parents: [20_001] })
    const tree = [one, two, BASE]
    expect(classesOf(tree, { 'one.ssn': ssn })).toEqual(['base.2 ssn', 'one.1 ssn', 'two.1 ssn'])
    expect(classesOf(tree, { 'one.ssn': ssn, 'two.ssn': name })).toEqual(['base.2 -', 'one.1 ssn', 'two.1 name'])
    expect(classesOf(tree, { 'base.ssn': ssn, 'two.ssn': name })).toEqual(['base.2 ssn', 'one.1 ssn', 'two.1 name'])
    expect(classesOf(tree, { 'base.ssn': ssn, 'one.ssn': 'unlabelled-mask' })).toEqual([
      'base.2 ssn',
      'one.1 ssn',
      'two.1 ssn',
    ])
    const three = table(20_004, 's.three', ['ssn'], { parents: [20_003, 20_002] })
    expect(classesOf([...tree, three], { 'one.ssn': ssn, 'two.ssn': name })).toContain('three.1 -')
  })

  it('keeps what nobody has labelled apart', () => {
    expect(classesOf([BASE], { 'base.ssn': label('ssn'), 'base.id': 'unlabelled-mask' })).toEqual([
      'base.1 -',
      'base.2 ssn',
    ])
    expect(classesOf([BASE], { 'base.ssn': 'none', 'base.id': 'unlabelled-pass' })).toEqual([])
  })

  it('gives generated columns what they are made from', () => {
    const made = table(20_005, 's.made', ['id', 'first', 'last', 'zip'])
    const generated = [
      { attnum: 5, name: 'initials', typeOid: 25, generatedFrom: [2, 3] },
      { attnum: 6, name: 'where', typeOid: 25, generatedFrom: [1, 4] },
      { attnum: 7, name: 'mix', typeOid: 25, generatedFrom: [2, 4] },
      { attnum: 8, name: 'own', typeOid: 25, generatedFrom: [2] },
      { attnum: 9, name: 'clean', typeOid: 25, generatedFrom: [1] },
    ]
    const name = label('name')
    const labels = {
      'made.first': name,
      'made.last': name,
      'made.zip': label('zip'),
      'made.own': label('other'),
      'made.initials': 'none',
    } as const
    expect(classesOf([{ ...made, columns: [...made.columns, ...generated] }], labels)).toEqual([
      'made.2 name',
      'made.3 name',
      'made.4 zip',
      'made.5 -',
      'made.6 -',
      'made.7 -',
      'made.8 other',
    ])
  })

  it('makes every column of a view without a readable definition PHI that reads a PHI column, through other views too', () => {
    const one = aView(20_010, 'one', [[20_001, 2]])
    const two = aView(20_011, 'two', [[20_010, 1]], { kind: 'm' })
    const harmless = aView(20_012, 'harmless', [[20_001, 1]])
    expect(phiOf([two, one, harmless, BASE], 'base.ssn')).toEqual(['base.2', 'one.1', 'one.2', 'two.1', 'two.2'])
  })

  it('leaves the columns of other views to their definitions', () => {
    const one = aView(20_010, 'one', [[20_001, 2]], { definition: ' SELECT 1' })
    const two = aView(20_011, 'two', [[20_010, 1]])
    const three = aView(20_012, 'three', [[20_001, 1]], { definition: ' SELECT 1' })
    const labels = { 'base.ssn': label('ssn'), 'one.a': 'unlabelled-mask', 'three.a': 'unlabelled-mask' } as const
    const found = viewOf([one, two, three, BASE], labels)
    expect([...found.phiColumns].toSorted()).toEqual(['20001.2', '20011.1', '20011.2'])
    expect([...found.phiRelations].toSorted((a, b) => a - b)).toEqual([20_001, 20_010, 20_011])
  })

  it('tells which columns of views have labels of their own', () => {
    const one = aView(20_010, 'one', [[20_001, 2]], { definition: ' SELECT 1' })
    const found = viewOf([one, BASE], { 'one.a': 'none', 'one.b': label('zip'), 'base.id': 'none' })
    expect([...found.labelledViewColumns]).toEqual([
      ['20010.1', 'clear'],
      ['20010.2', 'phi'],
    ])
    expect(found.labels.get('20010.2')?.class).toBe('zip')
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

  it('takes more from the labels, never less', () => {
    expect(phiOf([BASE, aView(20_010, 'one', [[20_001, 1]])], 'one.b')).toEqual(['one.2'])
    expect(phiOf([BASE, aView(20_010, 'one', [[20_001, 2]])], 'base.ssn')).toEqual(['base.2', 'one.1', 'one.2'])
  })
})
