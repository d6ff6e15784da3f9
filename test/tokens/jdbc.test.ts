import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BothWays, type Reader, startBothWays, type Told } from './both.ts'

/** Where the Debian package libpostgresql-jdbc-java puts the driver. */
const DRIVER = '/usr/share/java/postgresql.jar'
const SOURCE = fileURLToPath(new URL('./JdbcTokens.java', import.meta.url))
/** A runtime alone cannot run a source file. */
const isInstalled = existsSync(DRIVER) && spawnSync('javac', ['-version']).status === 0

describe.skipIf(!isInstalled)('JDBC (skipped without its driver and a compiler: npm run setup:extras)', () => {
  let ways: BothWays
  beforeAll(async () => {
    ways = await startBothWays()
  })
  afterAll(() => ways?.bed.stop())

  const program =
    (mode: string) =>
    async (who: Reader): Promise<Told> => {
      // Java runs a source file as it is (JEP 330).
      const { stdout } = await promisify(execFile)('java', ['-Xshare:auto', '-cp', DRIVER, SOURCE, mode], {
        env: await ways.environment(who),
        timeout: 60_000,
      })
      const lines = (mark: string) =>
        stdout.split('\n').flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []))
      const answers = lines('answer ').map((line) => {
        const at = line.indexOf('=')
        return [line.slice(0, at), line.slice(at + 1)]
      })
      return { answers: Object.fromEntries(answers), shown: lines('shown ') }
    }

  it.each(['extended', 'extendedCacheEverything', 'simple'])(
    'works with tokens as with values, in query mode %s',
    async (mode) => {
      const { answers } = await ways.run(program(mode))
      expect(answers).toMatchObject({
        'full_name equal': '[[2, 3], [2, 3], [4, 5], [4, 5], [6, 7], [6, 7], [8, 9], [8, 9]]',
        'record_no equal': '[[2, 3], [2, 3], [4, 5], [4, 5], [6, 7], [6, 7], [8, 9], [8, 9]]',
        'external any': '[6, 7, 8, 9]',
        batch: '[30]',
        returned: '[true]',
        updatable: '[true]',
        'none left': '[]',
      })
    },
    120_000,
  )
})
