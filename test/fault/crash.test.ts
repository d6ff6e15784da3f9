import { readFileSync } from 'node:fs'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { Client, DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoEnvironment, startDemoEnvironment } from '../../demo/environment.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { unseal } from '../../src/record/reader.ts'
import { verifyJournal } from '../../src/record/verify.ts'
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts'

/** 20 in CI; the long run sets 300. */
const CRASHES = Number(process.env['CHAPERONE_CRASHES'] ?? 20)
const CLIENTS = 4

// The oracle is the target's own statement log: whatever it executed for the gateway must have its intent in the journal.
describe('kill -9 of the gateway under load', () => {
  let demo: DemoEnvironment
  let identity: string

  beforeAll(async () => {
    identity = await generateIdentity()
    demo = await startDemoEnvironment({
      patients: 50,
      seed: 7,
      sealTo: [await identityToRecipient(identity)],
      serverSettings: { log_statement: 'all', log_line_prefix: '%a|' },
      onStep: () => undefined,
    })
    await asSuperuser(
      demo,
      'CREATE TABLE public.crash (id bigint, n bigint); GRANT ALL ON public.crash TO chaperone_app',
    )
  }, 120_000)

  afterAll(() => demo.stop())

  it(`loses no intent in ${CRASHES} crashes, and the journal reopens every time`, async () => {
    let marker = 0
    for (let crash = 0; crash < CRASHES; crash++) {
      const gateway = await startGatewayProcess(demo.configFile)
      const token = await demo.token('officer')
      const load = Array.from({ length: CLIENTS }, (_, index) => hammer(demo, gateway, token, () => ++marker, index))
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400))
      await gateway.kill9()
      await Promise.all(load)
    }
    const last = await startGatewayProcess(demo.configFile)
    expect(await last.stop()).toBe(0)

    const config = loadConfig(demo.configFile, process.env, policyChecks)
    const bodyKey = Buffer.from(readFileSync(config.journal.bodyKeyFile, 'utf8').trim(), 'hex')
    const report = await verifyJournal(config.journal.directory, { bodyKey })
    expect(report.problems).toEqual([])
    expect(report.ok).toBe(true)

    const intended = new Set<string>()
    for await (const { header, exact } of unseal(config.journal.directory, { identity })) {
      if (header.kind === 'intent') for (const found of (exact ?? '').matchAll(/marker-\d+/g)) intended.add(found[0])
    }
    const executed = new Set(readFileSync(demo.postgres.log(), 'utf8').match(/(?<=chaperone\/.*)marker-\d+/g) ?? [])
    expect(executed.size).toBeGreaterThan(CRASHES * CLIENTS)
    expect([...executed].filter((one) => !intended.has(one))).toEqual([])
  }, 600_000)
})

/** Reads and writes, simple and prepared, each with a marker of its own, until the connection breaks. */
async function hammer(
  demo: DemoEnvironment,
  gateway: GatewayProcess,
  token: string,
  next: () => number,
  index: number,
): Promise<void> {
  const client = new Client({
    host: 'localhost',
    port: gateway.port,
    user: 'officer',
    database: 'hospital',
    password: token,
    ssl: { ca: readFileSync(demo.caFile, 'utf8') },
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    for (;;) {
      const marker = next()
      if ((marker + index) % 2 === 0)
        await client.query(`SELECT count(*) AS "marker-${marker}" FROM public.crash WHERE id = ${marker}`)
      else await client.query(`INSERT INTO public.crash VALUES ($1, ${marker}) RETURNING 'marker-${marker}'`, [marker])
    }
  } catch (error) {
    // The crash is the point; anything that the gateway itself says is not.
    if (error instanceof DatabaseError) throw error
  }
}

async function asSuperuser(demo: DemoEnvironment, sql: string): Promise<void> {
  const { host, port, superuser, password } = demo.postgres
  const client = new Client({ host, port, user: superuser, password, database: 'hospital' })
  await client.connect()
  await client.query(sql)
  await client.end()
}
