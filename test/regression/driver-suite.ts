import { join } from 'node:path'
import type { Client } from 'pg'
import { type BedOptions, type Endpoint, startBed } from './bed.ts'
import { compareOutcomes, type Suite, type SuiteContext, type SuiteRun, type TestOutcome } from './suite.ts'

/** A driver's own tests, made ready to run against any server. */
export interface PreparedDriver {
  readonly bed: Omit<BedOptions, 'gatewayLog'>
  /** Of a database, as superuser and straight to each server. */
  readonly setUp?: { readonly database: string; readonly act: (client: Client) => Promise<unknown> }
  /** Runs them; outcomes by the test's name. `wanted`: at least those, where that is faster than all. */
  readonly test: (endpoint: Endpoint, wanted?: readonly string[]) => Promise<ReadonlyMap<string, TestOutcome>>
  readonly notes: readonly string[]
}

/**
 * A suite that runs the tests of a driver twice. One after the other and not at once: many of them have time limits.
 * What differs is run once more both ways, and counts when it differs again: some tests fail by chance anywhere.
 */
export function driverSuite(
  name: string,
  what: string,
  prepare: (context: SuiteContext) => Promise<PreparedDriver>,
): Suite {
  const run = async (context: SuiteContext): Promise<SuiteRun> => {
    const driver = await prepare(context)
    const bed = await startBed({ ...driver.bed, gatewayLog: join(context.work, 'gateway.log') })
    try {
      for (const endpoint of [bed.direct, bed.gateway]) {
        if (driver.setUp !== undefined) await endpoint.admin(driver.setUp.database, driver.setUp.act)
      }
      const once = async (wanted?: readonly string[]) => {
        context.say('directly')
        const direct = await driver.test(bed.direct, wanted)
        context.say('through the gateway')
        const gateway = await driver.test(bed.gateway, wanted)
        context.signal.throwIfAborted()
        return compareOutcomes(direct, gateway)
      }
      const first = await once()
      const suspects = first.filter(({ differences }) => differences > 0)
      const notes = [...driver.notes, `server ${bed.version}`]
      if (suspects.length === 0) return { cases: first, notes }
      context.say(`${suspects.length} differ; once more`)
      const second = new Map((await once(suspects.map(({ test }) => test))).map((one) => [one.test, one]))
      const cases = first.map((one) => (one.differences > 0 ? (second.get(one.test) ?? one) : one))
      const passing = suspects.length - cases.filter(({ differences }) => differences > 0).length
      return { cases, notes: [...notes, `${passing} differed in the first run only`] }
    } finally {
      await bed.stop()
    }
  }
  return { name, what, run }
}
