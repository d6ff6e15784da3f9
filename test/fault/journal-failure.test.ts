import { readFileSync, writeFileSync } from 'node:fs'
import { Client, DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoEnvironment, startDemoEnvironment } from '../../demo/environment.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { verifyJournal } from '../../src/record/verify.ts'
import { startGatewayProcess } from './gateway-process.ts'

/** Units of 512 bytes: no file of the gateway may grow beyond 2 MiB. */
const LARGEST_FILE_BLOCKS = 4096

describe('a journal that cannot be written any more', () => {
  let demo: DemoEnvironment

  beforeAll(async () => {
    demo = await startDemoEnvironment({ patients: 20, seed: 3, onStep: () => undefined })
    const text = readFileSync(demo.configFile, 'utf8')
    writeFileSync(demo.configFile, text.replace('\njournal:\n', '\njournal:\n  reserveSpace: 1MiB\n'))
  }, 120_000)

  afterAll(() => demo.stop())

  it('ends sessions with a clear error, lets nothing more through, and still verifies', async () => {
    const gateway = await startGatewayProcess(demo.configFile, { largestFileBlocks: LARGEST_FILE_BLOCKS })
    const token = await demo.token('officer')
    const connect = () =>
      new Client({
        host: 'localhost',
        port: gateway.port,
        user: 'officer',
        database: 'hospital',
        password: token,
        ssl: { ca: readFileSync(demo.caFile, 'utf8') },
      })
    const client = connect()
    const fatal = new Promise<Error>((resolve) => client.once('error', resolve))
    await client.connect()
    let answered = 0
    const failure: unknown = await (async () => {
      for (;;) {
        await client.query('SELECT 1')
        answered++
      }
    })().catch((error: unknown) => error)
    expect(answered).toBeGreaterThan(100)
    const errors = [failure, await Promise.race([fatal, Promise.resolve(undefined)])]
    expect(errors.some((error) => error instanceof DatabaseError && error.code === '58030')).toBe(true)
    // The process ends itself with an error, so that a service manager and an operator notice.
    expect(await gateway.exited).toBe(1)
    expect(gateway.stderr()).toContain('CHP-RECORD-FAILED')

    const config = loadConfig(demo.configFile, process.env, policyChecks)
    const report = await verifyJournal(config.journal.directory)
    expect(report.problems).toEqual([])
    expect(report.records).toBeGreaterThan(answered)
  }, 120_000)
})
