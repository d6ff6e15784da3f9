import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

/** Where the Debian package libpostgresql-jdbc-java puts the driver. */
const DRIVER = '/usr/share/java/postgresql.jar'
const SOURCE = fileURLToPath(new URL('./JdbcClient.java', import.meta.url))
/** A runtime alone cannot run a source file. */
const COMPILER = 'javac'
const isInstalled = existsSync(DRIVER) && spawnSync(COMPILER, ['-version']).status === 0

describe.skipIf(!isInstalled)('JDBC (skipped without its driver and a compiler: npm run setup:extras)', () => {
  let bed: Testbed
  beforeAll(async () => {
    bed = await startTestbed({ patients: 40 })
  })
  afterAll(() => bed?.stop())

  it.each(['officer', 'agent'] as const)(
    'works as %s',
    async (who) => {
      await (await bed.direct()).query('truncate scratch.item, scratch.child')
      // Java runs a source file as it is (JEP 330).
      const { stdout } = await promisify(execFile)('java', ['-Xshare:auto', '-cp', DRIVER, SOURCE], {
        env: {
          PATH: process.env['PATH'],
          PGPORT: String(bed.gateway.port),
          PGDATABASE: DEMO_TARGET,
          PGUSER: who,
          PGPASSWORD: await bed.token(who),
          PGSSLROOTCERT: bed.environment.caFile,
        },
        timeout: 60_000,
      })
      const found = Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      )
      expect(found).toMatchObject({
        prepared: Array.from({ length: 8 }, (_, index) => `${index + 1} 2024-02-29 7e57ab1e`).join('|'),
        refused: '42501',
        after: '1',
        inside: '42501',
        kept: 'one,two',
        fetched: '1050',
        batch: '300',
        counted: '300',
        metadata: 'id int4|label text',
        keys: 'id',
      })
      const patients = (found['patients'] ?? '').split('|')
      expect(patients).toHaveLength(3)
      const masked = /^\[redacted\]\/(null|\d{4}-01-01)\/[FMX]$/
      for (const patient of patients) expect(masked.test(patient)).toBe(who === 'agent')
    },
    90_000,
  )
})
