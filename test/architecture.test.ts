import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { ROOMS } from './architecture/rooms.ts'
import {
  barrels,
  codecViolations,
  consoleUses,
  environmentReads,
  importViolations,
  oversized,
  packageViolations,
  purityViolations,
  roomOf,
  staleExemptions,
  unhousedFiles,
} from './architecture/rules.ts'
import { parseSource, readSources } from './architecture/source-file.ts'

const root = join(import.meta.dirname, '..')
const sources = readSources(root, ['src', 'cli', 'demo', 'bench', 'test', 'tools'])
const shipped = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })

/** A failure prints the list; every line says what, where and why. */
const expectNone = (violations: readonly string[]): void => expect(violations.join('\n')).toBe('')

const judge = (path: string, text: string) => [parseSource(path, text)]

describe('the tree keeps to its rooms', () => {
  it('has files to judge, and every one belongs to a room', () => {
    expect(sources.length).toBeGreaterThan(10)
    expectNone(unhousedFiles(sources))
  })
  it('imports only what the table allows', () => expectNone(importViolations(sources)))
  it('ships no import that the published package would miss', () => expectNone(packageViolations(sources, shipped)))
  it('keeps pure rooms away from the outside world', () => expectNone(purityViolations(sources)))
  it('keeps sockets, promises and clocks out of codecs', () => expectNone(codecViolations(sources)))
  it('reads the environment in one room', () => expectNone(environmentReads(sources)))
  it('never prints through console', () => expectNone(consoleUses(sources)))
  it('has no barrels', () => expectNone(barrels(sources)))
  it('keeps files small', () => expectNone(oversized(sources)))
  it('lists no exemption that is not needed', () => expectNone(staleExemptions(sources)))
})

describe('the rules notice', () => {
  it('an import the table does not allow', () => {
    expect(importViolations(judge('src/mask/x.ts', "import { a } from '../session/gate.ts'"))).toHaveLength(1)
    expect(importViolations(judge('src/inspect/sql/x.ts', "import { a } from '../../lib/errors.ts'"))).toEqual([])
    expect(importViolations(judge('src/lib/x.ts', "export { a } from '../phi/classes.ts'"))).toHaveLength(1)
    expect(importViolations(judge('src/lib/x.ts', "await import('../phi/classes.ts')"))).toHaveLength(1)
    expect(importViolations(judge('src/session/x.ts', "import { a } from '../../test/y.ts'"))).toHaveLength(1)
    expect(importViolations(judge('src/session/x.ts', "import { a } from '../../../shared/y.ts'"))).toHaveLength(1)
  })

  it('a product that leans on what is there for its tests', () => {
    expect(importViolations(judge('src/mask/x.ts', "import { a } from './a-test-support.ts'"))).toHaveLength(1)
    expect(importViolations(judge('src/mask/x.test.ts', "import { a } from './a-test-support.ts'"))).toEqual([])
  })

  it('shipped code that leans on what is not shipped', () => {
    expect(importViolations(judge('src/main.ts', "await import('../demo/run-demo.ts')"))).toHaveLength(1)
    expect(importViolations(judge('cli/commands/demo.ts', "await import('../../demo/run-demo.ts')"))).toEqual([])
    expect(importViolations(judge('cli/commands/demo.ts', "import { a } from '../../tools/a.ts'"))).toHaveLength(1)
  })

  it('values where only types are allowed', () => {
    const from = "from '../phi/classes.ts'"
    expect(importViolations(judge('src/decide/x.ts', `import type { A } ${from}`))).toEqual([])
    expect(importViolations(judge('src/decide/x.ts', `type A = import('../phi/classes.ts').A`))).toEqual([])
    expect(importViolations(judge('src/decide/x.ts', `import { A } ${from}`))).toHaveLength(1)
    expect(importViolations(judge('src/decide/x.ts', `import { type A } ${from}`))).toHaveLength(1)
  })

  it('a protocol that looks behind the gate, and a room that looks into a protocol', () => {
    expect(
      importViolations(judge('src/protocols/postgres/x.ts', "import type { A } from '../../decide/a.ts'")),
    ).toHaveLength(1)
    expect(
      importViolations(judge('src/listener/x.ts', "import type { A } from '../protocols/postgres/a.ts'")),
    ).toHaveLength(1)
    expect(importViolations(judge('src/listener/x.ts', "import type { A } from '../protocols/protocol.ts'"))).toEqual(
      [],
    )
  })

  it('a specifier that only runs under a resolver', () => {
    expect(importViolations(judge('src/mask/x.ts', "import { a } from './a'"))).toHaveLength(1)
    expect(importViolations(judge('src/mask/x.ts', 'await import(name)'))).toHaveLength(1)
  })

  it('a development dependency in shipped code, unless only its types are used', () => {
    expect(packageViolations(judge('src/inspect/x.ts', "import pg from 'pg'"), ['yaml'])).toHaveLength(1)
    expect(packageViolations(judge('src/inspect/x.ts', "import type { A } from '@pgsql/types'"), ['yaml'])).toEqual([])
    expect(packageViolations(judge('src/config/x.ts', "import { parse } from 'yaml/sub'"), ['yaml'])).toEqual([])
    expect(packageViolations(judge('src/config/x.ts', "import { readFileSync } from 'fs'"), ['yaml'])).toHaveLength(1)
  })

  it('a pure room that opens a file or tells the time', () => {
    expect(purityViolations(judge('src/phi/x.ts', "import { readFile } from 'node:fs/promises'"))).toHaveLength(1)
    expect(purityViolations(judge('src/inspect/x.ts', "import { Worker } from 'node:worker_threads'"))).toEqual([])
    expect(purityViolations(judge('src/mask/x.ts', "import { Worker } from 'node:worker_threads'"))).toHaveLength(1)
    expect(purityViolations(judge('src/decide/x.ts', 'const now = Date.now()'))).toHaveLength(1)
    expect(purityViolations(judge('src/decide/x.ts', 'const at = { Date: 1 }; at.Date'))).toEqual([])
    expect(purityViolations(judge('src/decide/x.test.ts', 'const now = Date.now()'))).toEqual([])
  })

  it('a codec with a promise, a socket or a clock', () => {
    const codec = (text: string) => codecViolations(judge('src/protocols/postgres/decode-frontend.ts', text))
    expect(codec('export async function f() {}')).toHaveLength(1)
    expect(codec('export const f = (): Promise<void> => g()')).toHaveLength(1)
    expect(codec('setTimeout(f, 1)')).toHaveLength(1)
    expect(codec('const d = new Date()')).toHaveLength(1)
    expect(codec("import type { Socket } from 'node:net'")).toHaveLength(1)
    expect(codec("import { createHash } from 'node:crypto'")).toEqual([])
    expect(codecViolations(judge('src/protocols/postgres/relay.ts', 'await f()'))).toEqual([])
  })

  it('an environment read in any spelling', () => {
    for (const text of ['process.env.HOME', 'globalThis.process.env', 'const { env } = process', "process['env']"]) {
      expect(environmentReads(judge('src/forward/x.ts', text))).toHaveLength(1)
    }
    expect(environmentReads(judge('src/forward/x.ts', "import { env } from 'node:process'"))).toHaveLength(1)
    expect(environmentReads(judge('src/forward/x.ts', "import * as p from 'node:process'"))).toHaveLength(1)
    expect(environmentReads(judge('src/forward/x.ts', "import { kill, pid } from 'node:process'"))).toEqual([])
    expect(environmentReads(judge('src/forward/x.ts', 'process.on; process.pid'))).toEqual([])
    expect(environmentReads(judge('src/config/x.ts', 'process.env.HOME'))).toEqual([])
  })

  it('console, barrels and long files', () => {
    expect(consoleUses(judge('demo/x.ts', 'console.log(1)'))).toHaveLength(1)
    expect(barrels(judge('src/phi/index.ts', "export * from './a.ts'"))).toHaveLength(1)
    expect(barrels(judge('src/phi/all.ts', "import { a } from './a.ts'\nexport { a }"))).toHaveLength(1)
    expect(
      barrels(judge('src/phi/a.ts', "import type { B } from './b.ts'\nexport type { B }\nexport const c = 1")),
    ).toEqual([])
    expect(oversized(judge('src/phi/a.ts', 'f()\n'.repeat(501)))).toHaveLength(1)
    expect(oversized(judge('src/phi/a.ts', 'f()\n'.repeat(500)))).toEqual([])
    expect(oversized(judge('src/phi/a.test.ts', 'f()\n'.repeat(501)))).toEqual([])
  })

  it('the longest matching room', () => {
    expect(roomOf('src/protocols/protocol.ts')?.path).toBe('src/protocols/protocol.ts')
    expect(roomOf('src/protocols/postgres/relay.ts')?.path).toBe('src/protocols/postgres/')
    expect(roomOf('src/elsewhere/x.ts')).toBeUndefined()
    expect(new Set(ROOMS.map((room) => room.path)).size).toBe(ROOMS.length)
  })
})
