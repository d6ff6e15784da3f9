import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET } from '../support/testbed.ts'
import { type ApprovalBed, startApprovalBed } from './approval-bed.ts'

/** A Python that has psycopg 3: the system's (where setup:extras puts it), or the first in PATH. */
const python =
  ['/usr/bin/python3', 'python3'].find((one) => spawnSync(one, ['-c', 'import psycopg']).status === 0) ?? ''
const SCRIPT = fileURLToPath(new URL('./psycopg-held.py', import.meta.url))

interface Told {
  readonly code: string | null
  readonly message: string | null
  readonly rows: readonly (readonly unknown[])[] | null
  readonly after: string
  readonly told: readonly string[]
}

const run = async ({ bed }: ApprovalBed, id: number, how: string): Promise<Told> => {
  const { stdout } = await promisify(execFile)(python, [SCRIPT, String(id), how], {
    env: {
      PATH: process.env['PATH'] ?? '',
      PGHOST: 'localhost',
      PGPORT: String(bed.gateway.port),
      PGDATABASE: DEMO_TARGET,
      PGUSER: 'agent',
      PGPASSWORD: await bed.token('agent'),
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: bed.environment.caFile,
    },
  })
  const told: Told = JSON.parse(stdout)
  return told
}

describe.skipIf(python === '')('psycopg 3 (skipped without python3-psycopg: npm run setup:extras)', () => {
  let held: ApprovalBed
  let short: ApprovalBed
  beforeAll(async () => {
    held = await startApprovalBed()
    short = await startApprovalBed({ wait: '1s', waitInTransaction: '0s' })
  }, 120_000)
  afterAll(() => Promise.all([held?.stop(), short?.stop()]))

  it.each([
    ['in a transaction', 'once', 1],
    ['by itself', 'auto', 2],
    ['as a prepared statement', 'prepared', 3],
  ] as const)('waits through an approval and gets its rows: %s', async (_, how, id) => {
    const running = run(held, id, how)
    const [request = ''] = await held.asked()
    await held.decide(request)
    const { told, ...answer } = await running
    expect(answer).toEqual({ code: null, message: null, rows: [[id, 'icu']], after: 'icu' })
    expect(told[0]).toContain(request)
    expect(await held.kindOf(id)).toBe('icu')
  })

  it.each([
    ['in a transaction', 'once', 11],
    ['by itself', 'auto', 12],
    ['as a prepared statement', 'prepared', 13],
  ] as const)('comes back with its ticket in a new session: %s', async (_, how, id) => {
    const first = await run(short, id, how)
    expect(first).toMatchObject({ code: '42501', rows: null, after: 'free' })
    const request = /apr-[0-9a-zA-Z]+/.exec(first.message ?? '')?.[0] ?? ''
    await short.decide(request)
    expect(await run(short, id, how)).toMatchObject({ code: null, rows: [[id, 'icu']], after: 'icu', told: [] })
    expect(await short.stateOf(request)).toBe('used')
    expect(await run(short, id, how)).toMatchObject({ code: '42501', rows: null })
  })
})
