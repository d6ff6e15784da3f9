import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

/** A Python that has psycopg 3: the system's (where setup:extras puts it), or the first in PATH. */
const python =
  ['/usr/bin/python3', 'python3'].find((one) => spawnSync(one, ['-c', 'import psycopg']).status === 0) ?? ''
const SCRIPT = fileURLToPath(new URL('./psycopg-client.py', import.meta.url))

/** The parts of what the script prints that are looked at by themselves. */
interface Found {
  readonly patients: readonly Readonly<Record<string, string | null>>[]
  readonly secret: unknown
  readonly cursor?: readonly number[]
}

const sorted = (patients: readonly { readonly ssn?: unknown }[]) => patients.map(({ ssn }) => String(ssn)).toSorted()

describe.skipIf(python === '')('psycopg 3, binary (skipped without python3-psycopg: npm run setup:extras)', () => {
  let bed: Testbed
  beforeAll(async () => {
    bed = await startTestbed({ patients: 40 })
  })
  afterAll(() => bed?.stop())

  async function run(who: 'agent' | 'officer', ...args: readonly string[]): Promise<Found> {
    const { stdout } = await promisify(execFile)(python, [SCRIPT, ...args], {
      env: {
        PATH: process.env['PATH'],
        PGHOST: 'localhost',
        PGPORT: String(bed.gateway.port),
        PGDATABASE: DEMO_TARGET,
        PGUSER: who,
        PGPASSWORD: await bed.token(who),
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: bed.environment.caFile,
      },
    })
    const found: Found = JSON.parse(stdout)
    return found
  }

  const COMMON = {
    types: {
      i2: 1,
      i4: 2,
      i8: 3,
      f8: 1.5,
      n: '12.50',
      b: true,
      t: 'x',
      d: '2024-02-29',
      u: '7e57ab1e-dead-4bee-8bad-f00dcafe0001',
      y: '0102',
      a: [1, 2],
      j: { k: 1 },
      iv: '1 day, 2:00:00',
      ip: '10.0.0.1',
    },
    prepared: [1, 2, 3],
    refused: { type: 'InsufficientPrivilege', sqlstate: '42501' },
    after: 1,
    copied: [
      ['900', 'nine'],
      ['901', null],
    ],
    pipeline: Array.from({ length: 20 }, (_, index) => index),
    'pipelined refusal': { sqlstate: '42501' },
    kept: 0,
    'transaction refusal': { sqlstate: '42501' },
    ids: [952],
    parameters: { client_encoding: 'UTF8', is_superuser: 'off', integer_datetimes: 'on' },
  }

  it('works for the officer, who sees what is there', async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    const found = await run('officer', '--cursor')
    expect(found).toMatchObject(COMMON)
    expect(found.cursor).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(found.secret).toMatchObject({ c_text: 'Zebediah Quux', c_int4: 1987654321, c_date: '1951-03-17' })
    const admin = await bed.direct()
    const { rows } = await admin.query<{ ssn: string }>(`select ssn from hospital.patients where sex = 'F'`)
    expect(found.patients.length).toBeGreaterThan(5)
    expect(sorted(found.patients)).toEqual(sorted(rows))
  })

  it('works for the agent, whose values are masked and valid', async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    const found = await run('agent')
    expect(found).toMatchObject(COMMON)
    expect(JSON.stringify(found.secret)).not.toMatch(/Zebediah|Quux|1987654321|1951|7e57ab1e/)
    expect(found.secret).toMatchObject({
      id: 1,
      c_text: '[redacted]',
      c_int4: null,
      c_text_array: ['[redacted]', '[redacted]'],
      c_bytea: '',
    })
    for (const patient of found.patients) {
      expect(patient).toMatchObject({ first_name: '[redacted]', sex: 'F' })
      expect(patient['birth_date'] ?? '2000-01-01').toMatch(/^\d{4}-01-01$/)
      expect(patient['registered_at']).toMatch(/^\d{4}-01-01 12:00:00\+00:00$/)
    }
  })

  it('fetches from a server-side cursor as the agent', async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    expect((await run('agent', '--cursor')).cursor).toEqual([1, 2, 3, 4, 5, 6, 7])
  })
})
