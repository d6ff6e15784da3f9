import { execFile, spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BothWays, type Reader, startBothWays, type Told } from './both.ts'

/** Where tools/setup-extras.sh puts packages of PyPI. */
const PYTHON = join(process.env['CHAPERONE_EXTRAS'] ?? join(homedir(), '.cache/chaperone-extras'), 'python/bin/python')
const SCRIPT = fileURLToPath(new URL('./sqlalchemy-tokens.py', import.meta.url))
const isInstalled = spawnSync(PYTHON, ['-c', 'import sqlalchemy, psycopg, psycopg2']).status === 0

describe.skipIf(!isInstalled)('SQLAlchemy (skipped without it: npm run setup:extras)', () => {
  let ways: BothWays
  beforeAll(async () => {
    ways = await startBothWays()
  })
  afterAll(() => ways?.bed.stop())

  it.each(['psycopg', 'psycopg2'])(
    'works with tokens as with values, over %s',
    async (driver) => {
      const { answers } = await ways.run(async (who: Reader): Promise<Told> => {
        const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, driver], { env: await ways.environment(who) })
        const told: Told = JSON.parse(stdout)
        return told
      })
      expect(answers).toMatchObject({
        full_name: { equal: [6, 7], in: [6, 7, 8, 9] },
        record_no: { equal: [6, 7], subquery: [6, 7] },
        external: { equal: [6, 7], exists: [6, 7] },
        'read back': [true, true, true],
        leaf: [6, 7, 20],
        alias: [6, 7, 20],
        'none left': [],
      })
    },
    60_000,
  )
})
