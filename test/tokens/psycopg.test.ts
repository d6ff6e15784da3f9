import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BothWays, type Reader, startBothWays, type Told } from './both.ts'

/** A Python that has psycopg 3: the system's (where setup:extras puts it), or the first in PATH. */
const python =
  ['/usr/bin/python3', 'python3'].find((one) => spawnSync(one, ['-c', 'import psycopg']).status === 0) ?? ''
const SCRIPT = fileURLToPath(new URL('./psycopg-tokens.py', import.meta.url))

describe.skipIf(python === '')('psycopg 3 (skipped without python3-psycopg: npm run setup:extras)', () => {
  let ways: BothWays
  beforeAll(async () => {
    ways = await startBothWays()
  })
  afterAll(() => ways?.bed.stop())

  const program =
    (...args: readonly string[]) =>
    async (who: Reader): Promise<Told> => {
      const { stdout } = await promisify(execFile)(python, [SCRIPT, ...args], { env: await ways.environment(who) })
      const told: Told = JSON.parse(stdout)
      return told
    }

  it.each([
    ['binary', []],
    ['text', ['--text']],
  ])(
    'works with tokens as with values, in %s',
    async (_format, args) => {
      const { answers, shown } = await ways.run(program(...args))
      expect(answers).toMatchObject({
        full_name: {
          equal: [6, 7],
          in: [6, 7, 8, 9],
          prepared: [
            [2, 3],
            [2, 3],
            [6, 7],
            [6, 7],
            [8, 9],
            [8, 9],
            [2, 3],
          ],
        },
        external: { equal: [6, 7], any: [6, 7, 8, 9] },
        record_no: { equal: [6, 7], undeclared: [6, 7] },
        leaf: [6, 7],
        'number leaf': [6, 7],
        alias: [6, 7],
        'none left': [],
      })
      expect(shown.length).toBeGreaterThan(100)
    },
    60_000,
  )
})
