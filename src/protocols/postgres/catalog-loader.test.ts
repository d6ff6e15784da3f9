import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import { loadCatalog } from './catalog-loader.ts'
import { TargetClient } from './target-client.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { MemoryEnd } from './relay-test-support.ts'
import { encodeCommandComplete, encodeDataRow, encodeErrorResponse, encodeReadyForQuery } from './encode.ts'

const EMPTY = {
  version: 180_004,
  relations: [],
  constraints: [],
  unusableSchemas: [],
  userFunctions: [],
  userOperators: [],
  userTypes: [],
}

/** A target that fails the first `failures` queries; the texts of all. */
function target(failures: number): { readonly client: TargetClient; readonly asked: readonly string[] } {
  const stream = new MemoryEnd()
  const asked: string[] = []
  stream.onBytes = (bytes) => {
    asked.push(bytes.toString('utf8'))
    const answer =
      asked.length <= failures
        ? [encodeErrorResponse({ severity: 'ERROR', sqlstate: 'XX000', message: 'could not open relation' })]
        : [encodeDataRow([JSON.stringify(EMPTY)]), encodeCommandComplete('SELECT 1')]
    stream.push(Buffer.concat([...answer, encodeReadyForQuery('I')]))
  }
  return { client: new TargetClient(stream, new FrameCursor('backend', DEFAULT_FRAME_LIMITS)), asked }
}

describe('reading the catalog', () => {
  it('is done under an empty search_path', async () => {
    const { client, asked } = target(0)
    expect(await loadCatalog(client)).toMatchObject({ serverMajor: 18, relations: [] })
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/set_config\('search_path', '', true\);[^]*pg_get_viewdef/)
  })

  it('is tried again, then without texts, when something is dropped meanwhile', async () => {
    for (const failures of [1, 2]) {
      const { client, asked } = target(failures)
      expect(await loadCatalog(client)).toMatchObject({ serverMajor: 18 })
      expect(asked.map((text) => text.includes('pg_get_viewdef'))).toEqual([true, true, false].slice(0, failures + 1))
    }
  })

  it('fails in the end', async () => {
    await expect(loadCatalog(target(3).client)).rejects.toThrow(ChaperoneError)
  })
})
