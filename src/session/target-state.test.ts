import { describe, expect, it } from 'vitest'
import type { Catalog, PhiView } from '../inspect/sql/catalog.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { TEST_CATALOG } from '../inspect/sql/test-catalog.ts'
import { compileLabels, type LabelRule } from '../phi/labels.ts'
import { TargetState, type TargetStateOptions } from './target-state.ts'

function setUp(rules: readonly LabelRule[] = [], unlabelledColumns: TargetStateOptions['unlabelledColumns'] = 'mask') {
  const loads: { readonly resolve: (catalog: Catalog) => void; readonly reject: (error: Error) => void }[] = []
  const epochs: string[] = []
  const views: PhiView[] = []
  const time = { now: Date.UTC(2026, 10, 20) }
  const state = new TargetState({
    target: 'hospital',
    labels: compileLabels(rules),
    unlabelledColumns,
    trustedFunctions: ['ehr.initials'],
    patientKeys: [],
    catalogCheck: 'strict',
    clock: () => time.now,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method that is called
    inspector: {
      setCatalog: (_: string, catalog: Catalog, view: PhiView) => {
        epochs.push(catalog.epoch)
        views.push(view)
      },
    } as unknown as SqlInspector,
    load: () => new Promise((resolve, reject) => loads.push({ resolve, reject })),
  })
  return { state, loads, epochs, views, time, catalog: (epoch: string): Catalog => ({ ...TEST_CATALOG, epoch }) }
}

describe('what is known of a target', () => {
  it('is nothing before it was read, and read once for all who wait', async () => {
    const { state, loads, catalog } = setUp()
    expect(state.snapshotSince(state.now)).toBeUndefined()
    const all = [state.refresh(), state.refresh()]
    expect(loads).toHaveLength(1)
    loads[0]?.resolve(catalog('1'))
    const [one, other] = await Promise.all(all)
    expect(one).toBe(other)
    expect(state.snapshotSince(state.now)).toBe(one)
  })

  it('is not used again after a change, not even while it is being read anew', async () => {
    const { state, loads, catalog } = setUp()
    const first = state.refresh()
    loads[0]?.resolve(catalog('1'))
    await first
    state.invalidate()
    expect(state.snapshotSince(state.now)).toBeUndefined()
    const second = state.refresh()
    expect(state.snapshotSince(state.now)).toBeUndefined()
    expect(state.latest).toBe(await first)
    loads[1]?.resolve(catalog('2'))
    expect(state.snapshotSince(state.now)).toBeUndefined()
    expect((await second).catalog.epoch).toBe('2')
    expect(state.snapshotSince(state.now)?.catalog.epoch).toBe('2')
  })

  it('is read again when a change falls into a reading, and still serves who asked before it', async () => {
    const { state, loads, catalog } = setUp()
    const before = state.now
    const reading = state.refresh()
    state.invalidate()
    loads[0]?.resolve(catalog('1'))
    await reading
    expect(state.snapshotSince(state.now)).toBeUndefined()
    expect(state.snapshotSince(before)?.catalog.epoch).toBe('1')
    const again = state.refresh()
    loads[1]?.resolve(catalog('2'))
    await again
    expect(state.snapshotSince(state.now)?.catalog.epoch).toBe('2')
  })

  it('is the same object while the catalog is the same, so that verdicts stand', async () => {
    const { state, loads, catalog, epochs } = setUp()
    for (const epoch of ['1', '1', '2']) {
      const reading = state.refresh()
      loads.at(-1)?.resolve(catalog(epoch))
      await reading
    }
    expect(epochs).toEqual(['1', '2'])
  })

  it('is not used any more when it could not be read again', async () => {
    const { state, loads, catalog } = setUp()
    const first = state.refresh()
    loads[0]?.resolve(catalog('1'))
    await first
    const second = state.refresh()
    // A periodical reading: what is known stands until it is known to fail.
    expect(state.snapshotSince(state.now)).toBeDefined()
    loads[1]?.reject(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    expect(state.snapshotSince(state.now)).toBeUndefined()
    const third = state.refresh()
    loads[2]?.resolve(catalog('1'))
    await third
    expect(state.snapshotSince(state.now)).toBe(await first)
  })

  it('is derived anew at New Year, because years of birth tell other ages then', async () => {
    const { state, loads, epochs, views, time, catalog } = setUp([
      { pattern: 'public.patients.born', label: { class: 'date-of-birth', transform: 'year' } },
    ])
    const since = () => views.at(-1)?.labels.get('1001.4')?.releases
    const reading = state.refresh()
    loads[0]?.resolve(catalog('1'))
    const first = await reading
    expect(since()).toEqual({ kind: 'year', since: 1937 })
    expect(state.snapshotSince(state.now)).toBe(first)
    time.now = Date.UTC(2027, 0, 1)
    const second = state.snapshotSince(state.now)
    expect(second).not.toBe(first)
    expect(since()).toEqual({ kind: 'year', since: 1938 })
    expect(state.snapshotSince(state.now)).toBe(second)
    expect(epochs).toEqual(['1', '1'])
    time.now = Date.UTC(2028, 0, 1)
    const again = state.refresh()
    loads[1]?.resolve(catalog('1'))
    expect((await again).year).toBe(2028)
  })

  it('knows the types and the functions that are vouched for', async () => {
    const { state, loads, views, catalog } = setUp()
    const fields = [{ name: 'street', typeOid: 25 }]
    const type = { oid: 20_001, schema: 'public', name: 'address', kind: 'c', baseOid: 0, fields }
    const reading = state.refresh()
    loads[0]?.resolve({ ...catalog('1'), userTypes: [type] })
    expect((await reading).typeOf(20_001)).toMatchObject({ kind: 'c', fields })
    expect([...(views[0]?.trustedFunctions ?? [])]).toEqual(['ehr.initials'])
    expect(state.catalogCheck).toBe('strict')
  })
})

it('searches unlabelled texts, but masks whole what is generated from PHI', async () => {
  const searched = { class: 'free-text', transform: 'redact' } as const
  const rules = [{ pattern: 'ehr.persons.last', label: { class: 'name', transform: 'redact' } }] as const
  const { state, loads, views, catalog } = setUp(rules, searched)
  const persons = {
    oid: 90_000,
    schema: 'ehr',
    name: 'persons',
    kind: 'r',
    dependsOn: [],
    callsUserFunctions: false,
    parents: [],
    columns: [
      { attnum: 1, name: 'last', typeOid: 25 },
      { attnum: 2, name: 'shown', typeOid: 25, generatedFrom: [1] },
      { attnum: 3, name: 'note', typeOid: 25 },
      { attnum: 4, name: 'summary', typeOid: 25, generatedFrom: [3] },
      { attnum: 5, name: 'bed', typeOid: 23 },
      { attnum: 6, name: 'bed_name', typeOid: 25, generatedFrom: [5] },
    ],
  }
  const reading = state.refresh()
  loads[0]?.resolve({ ...catalog('1'), relations: [persons] })
  const { phi } = await reading
  const found = persons.columns.map(({ attnum }) => phi.columnOf(persons.oid, attnum))
  expect(found.map((column) => (column?.kind === 'phi' ? column.label.class : column?.kind))).toEqual([
    'name',
    'unlabelled',
    'free-text',
    'free-text',
    'unlabelled',
    'unlabelled',
  ])
  // The analysis releases nothing of any of them.
  expect([...(views[0]?.phiColumns ?? [])].filter((key) => key.startsWith('90000.'))).toHaveLength(6)
})
