import { describe, expect, it } from 'vitest'
import type { Catalog } from '../inspect/sql/catalog.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { TEST_CATALOG } from '../inspect/sql/test-catalog.ts'
import { compileLabels } from '../phi/labels.ts'
import { TargetState } from './target-state.ts'

function setUp() {
  const loads: { readonly resolve: (catalog: Catalog) => void; readonly reject: (error: Error) => void }[] = []
  const epochs: string[] = []
  const state = new TargetState({
    target: 'hospital',
    labels: compileLabels([]),
    unlabelledColumns: 'mask',
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method that is called
    inspector: { setCatalog: (_: string, catalog: Catalog) => epochs.push(catalog.epoch) } as unknown as SqlInspector,
    load: () => new Promise((resolve, reject) => loads.push({ resolve, reject })),
  })
  return { state, loads, epochs, catalog: (epoch: string): Catalog => ({ ...TEST_CATALOG, epoch }) }
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
})
