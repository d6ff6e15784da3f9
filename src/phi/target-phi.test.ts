import { describe, expect, it } from 'vitest'
import { documentTree } from './document.ts'
import { compileLabels, type Label, type LabelRule } from './labels.ts'
import { isSystemOid, type PhiRelation, resolveTargetPhi } from './target-phi.ts'
import type { TypeLookup } from './value-form.ts'

const name: Label = { class: 'name', transform: 'redact' }
const zip: Label = { class: 'zip', transform: 'zip3' }
const clear = { kind: 'clear' }
const unlabelled = { kind: 'unlabelled' }
const derived = { kind: 'derived' }
const phi = (label: Label) => ({ kind: 'phi', label })

function relation(oid: number, path: string, columns: readonly string[], parents: readonly number[] = []): PhiRelation {
  const [schema = '', table = ''] = path.split('.')
  return {
    oid,
    schema,
    name: table,
    kind: 'r',
    columns: columns.map((column, i) => ({ attnum: i + 1, name: column, typeOid: 25 })),
    parents,
  }
}

function resolve(
  relations: readonly PhiRelation[],
  rules: readonly LabelRule[],
  { mode = 'mask', boundary = [] }: { mode?: 'mask' | 'pass' | Label; boundary?: readonly string[] } = {},
) {
  return resolveTargetPhi({ relations, phiColumns: new Set(boundary) }, compileLabels(rules), mode)
}

const patients = relation(20_000, 'ehr.patients', ['last', 'gender', 'zip'])

describe('resolveTargetPhi', () => {
  it('resolves labels, reviewed columns and columns that nobody has looked at', () => {
    const rules: LabelRule[] = [
      { pattern: 'ehr.patients.last', label: name },
      { pattern: 'ehr.patients.gender', label: 'none' },
    ]
    const target = resolve([patients], rules)
    expect([1, 2, 3].map((attnum) => target.columnOf(20_000, attnum))).toEqual([phi(name), clear, unlabelled])
    expect(resolve([patients], rules, { mode: 'pass' }).columnOf(20_000, 3)).toEqual(clear)
  })

  it('searches unlabelled texts and JSON where that is wanted, and masks all else', () => {
    const searched: Label = { class: 'free-text', transform: 'redact' }
    const types = [25, 1042, 1043, 114, 3802, 1009, 3807, 23, 1082, 17, 2950, 142]
    const table: PhiRelation = {
      ...relation(20_000, 'ehr.t', []),
      columns: types.map((typeOid, i) => ({ attnum: i + 1, name: `c${i}`, typeOid })),
    }
    const target = resolve([table], [{ pattern: 'ehr.t.c1', label: 'none' }], { mode: searched, boundary: ['20000.3'] })
    const found = types.map((_, i) => target.columnOf(20_000, i + 1))
    const search = phi(searched)
    // The second is reviewed; the third is in the boundary for another reason.
    expect(found.slice(0, 7)).toEqual([search, clear, unlabelled, search, search, search, search])
    expect(found.slice(7)).toEqual(types.slice(7).map(() => unlabelled))
  })

  it('searches no column that inherits a label', () => {
    const searched: Label = { class: 'free-text', transform: 'redact' }
    const parent = relation(20_000, 'ehr.p', ['last'])
    const child = relation(20_001, 'other.c', ['last', 'note'], [20_000])
    const target = resolve([parent, child], [{ pattern: 'ehr.p.last', label: name }], { mode: searched })
    expect([1, 2].map((attnum) => target.columnOf(20_001, attnum))).toEqual([phi(name), phi(searched)])
  })

  it('does not know what the snapshot does not know', () => {
    const target = resolve([patients], [{ pattern: 'ehr.*', label: 'none' }], { mode: 'pass' })
    expect(target.columnOf(20_000, 4)).toBeUndefined()
    expect(target.columnOf(20_001, 1)).toBeUndefined()
  })

  it('passes what initdb made', () => {
    expect(isSystemOid(16_383)).toBe(true)
    expect(isSystemOid(16_384)).toBe(false)
    expect(resolve([], []).columnOf(1259, 2)).toEqual(clear)
  })

  it('never clears a column of the boundary', () => {
    const child = relation(20_100, 'ehr.c', ['label', 'who', 'zip'])
    const rules: LabelRule[] = [
      { pattern: 'ehr.c.label', label: 'none' },
      { pattern: 'ehr.c.zip', label: zip },
    ]
    for (const mode of ['mask', 'pass'] as const) {
      const target = resolve([child], rules, { mode, boundary: ['20100.1', '20100.2', '20100.3'] })
      expect([1, 2, 3].map((attnum) => target.columnOf(20_100, attnum))).toEqual([unlabelled, unlabelled, phi(zip)])
    }
  })

  it('leaves the columns of views to the analysis, unless a rule names the view', () => {
    const rules: LabelRule[] = [
      { pattern: 'ehr.v.label', label: 'none' },
      { pattern: 'ehr.v.zip', label: zip },
    ]
    for (const kind of ['v', 'm']) {
      const view = { ...relation(20_100, 'ehr.v', ['label', 'who', 'zip']), kind }
      for (const mode of ['mask', 'pass'] as const) {
        const target = resolve([view], rules, { mode, boundary: ['20100.1', '20100.2', '20100.3'] })
        expect([1, 2, 3].map((attnum) => target.columnOf(20_100, attnum))).toEqual([clear, derived, phi(zip)])
        expect(target.columnOf(20_100, 0)).toEqual(unlabelled)
      }
    }
  })

  it('does not open views by a schema that is free of PHI, but masks them by one that is not', () => {
    const view = { ...relation(20_100, 'ehr.v', ['label']), kind: 'v' }
    expect(resolve([view], [{ pattern: 'ehr.*', label: 'none' }]).columnOf(20_100, 1)).toEqual(derived)
    expect(resolve([view], [{ pattern: 'ehr.*', label: 'none' }]).columnOf(20_100, 0)).toEqual(derived)
    expect(resolve([view], [{ pattern: 'ehr.*', label: name }]).columnOf(20_100, 1)).toEqual(phi(name))
    expect(resolve([view], [{ pattern: 'ehr.v.*', label: 'none' }]).columnOf(20_100, 0)).toEqual(clear)
  })

  it('sees documents only in columns that can hold JSON', () => {
    const document = documentTree([{ path: ['name'], label: name }], 'none')
    const label: Label = { class: 'free-text', transform: 'redact', document }
    const types = new Map([
      [20_901, { kind: 'd', baseOid: 3802 }],
      [20_902, { kind: 'b', baseOid: 20_901 }],
    ])
    const typeOf: TypeLookup = (oid) => types.get(oid)
    const typed = (typeOid: number) => {
      const table = { ...relation(20_100, 'ehr.d', []), columns: [{ attnum: 1, name: 'body', typeOid }] }
      const labels = compileLabels([{ pattern: 'ehr.d.body', label }])
      return resolveTargetPhi({ relations: [table], phiColumns: new Set(), typeOf }, labels, 'mask').columnOf(20_100, 1)
    }
    for (const oid of [114, 3802, 199, 3807, 20_901, 20_902]) {
      expect(typed(oid)).toEqual({ kind: 'document', label, document })
    }
    for (const oid of [25, 1043, 17, 142, 99_999]) expect(typed(oid)).toEqual(phi(label))
  })

  it('gives partitions and children the label of their ancestor', () => {
    const tree = [
      patients,
      relation(20_200, 'part.p1', ['gender', 'last'], [20_000]),
      relation(20_300, 'part.p1a', ['last', 'gender', 'extra'], [20_200]),
    ]
    const rules: LabelRule[] = [
      { pattern: 'ehr.patients.last', label: name },
      { pattern: 'ehr.patients.*', label: 'none' },
    ]
    const target = resolve(tree, rules)
    expect(target.columnOf(20_200, 2)).toEqual(phi(name))
    expect(target.columnOf(20_300, 1)).toEqual(phi(name))
    expect(target.columnOf(20_300, 2)).toEqual(clear)
    expect(target.columnOf(20_300, 3)).toEqual(unlabelled)
  })

  it("lets a child's own label win, and the boundary over a child's 'none'", () => {
    const child = relation(20_200, 'ehr.child', ['last', 'zip'], [20_000])
    const rules: LabelRule[] = [
      { pattern: 'ehr.patients.last', label: name },
      { pattern: 'ehr.child.last', label: 'none' },
      { pattern: 'ehr.patients.zip', label: name },
      { pattern: 'ehr.child.zip', label: zip },
    ]
    expect(resolve([patients, child], rules).columnOf(20_200, 1)).toEqual(clear)
    expect(resolve([patients, child], rules).columnOf(20_200, 2)).toEqual(phi(zip))
    expect(resolve([patients, child], rules, { boundary: ['20200.1'] }).columnOf(20_200, 1)).toEqual(phi(name))
  })

  it('masks the column of a parent through which rows of a labelled child can be read', () => {
    const one = relation(20_200, 'ehr.one', ['last', 'zip'], [20_000])
    const two = relation(20_201, 'ehr.two', ['last', 'zip'], [20_000])
    const rules: LabelRule[] = [
      { pattern: 'ehr.patients.*', label: 'none' },
      { pattern: 'ehr.one.last', label: name },
      { pattern: 'ehr.one.zip', label: zip },
      { pattern: 'ehr.two.zip', label: name },
    ]
    const target = resolve([patients, one, two], rules)
    expect(target.columnOf(20_000, 1)).toEqual(phi(name))
    expect(target.columnOf(20_000, 2)).toEqual(clear)
    expect(target.columnOf(20_000, 3)).toEqual(unlabelled)
  })

  it('clears a whole row only when every column is clear', () => {
    const rules: LabelRule[] = [{ pattern: 'ehr.patients.*', label: 'none' }]
    expect(resolve([patients], rules).columnOf(20_000, 0)).toEqual(clear)
    const labelled: LabelRule[] = [...rules, { pattern: 'ehr.patients.zip', label: zip }]
    expect(resolve([patients], labelled).columnOf(20_000, 0)).toEqual(unlabelled)
  })

  it('ends on a catalog with a cycle', () => {
    const a = relation(20_200, 'ehr.a', ['last'], [20_201])
    const b = relation(20_201, 'ehr.b', ['last'], [20_200])
    expect(resolve([a, b], [{ pattern: 'ehr.b.last', label: name }]).columnOf(20_200, 1)).toEqual(phi(name))
  })

  it('resolves a table of 5,000 partitions', () => {
    const partitions = Array.from({ length: 5000 }, (_, i) =>
      relation(30_000 + i, `ehr.p${i}`, ['last', 'gender'], [20_000]),
    )
    const target = resolve([patients, ...partitions], [{ pattern: 'ehr.patients.last', label: name }])
    expect(target.columnOf(34_999, 1)).toEqual(phi(name))
    expect(target.columnOf(34_999, 2)).toEqual(unlabelled)
  })
})
