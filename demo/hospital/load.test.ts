import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { type LoadProgress, loadHospital } from './load.ts'
import { APP_ROLE } from './schema.ts'
import { TABLES, VIEW_LABELS } from './tables.ts'

const APP_PASSWORD = "it's made up"

describe('loadHospital', () => {
  let server: PostgresServer
  const progress: LoadProgress[] = []
  let loaded: LoadProgress

  const connection = () => ({
    host: server.host,
    port: server.port,
    user: server.superuser,
    password: server.password,
    database: 'postgres',
  })
  const query = async (sql: string, login = {}): Promise<Record<string, unknown>[]> => {
    const client = new Client({ ...connection(), ...login })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }
  const asApp = (sql: string) => query(sql, { user: APP_ROLE, password: APP_PASSWORD })

  beforeAll(async () => {
    server = await startPostgres({ superuserPassword: 'only for this test' })
    loaded = await loadHospital({
      connection: connection(),
      seed: 7,
      patients: 1200,
      appPassword: APP_PASSWORD,
      onProgress: (now) => progress.push(now),
    })
  })
  afterAll(() => server.stop())

  it('puts every generated row into its table and says so', async () => {
    const counts = await Promise.all(TABLES.map(({ name }) => query(`SELECT count(*)::int AS n FROM hospital.${name}`)))
    const rows = counts.map(([row]) => Number(row?.['n']))
    expect(rows[0]).toBe(1200)
    expect(rows.reduce((sum, n) => sum + n, 0)).toBe(loaded.rows)
    expect(loaded.patients).toBe(1200)
    expect(progress.at(-1)).toEqual(loaded)
    expect(progress.length).toBe(2 * TABLES.length)
  })

  it('has exactly the columns that are labelled, and a view whose definition says what it shows', async () => {
    const columns = await query(
      `SELECT c.relname AS relation, array_agg(a.attname::text ORDER BY a.attnum) AS columns
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE c.relnamespace = 'hospital'::regnamespace AND c.relkind IN ('r', 'v') GROUP BY 1`,
    )
    const actual = Object.fromEntries(columns.map((row) => [row['relation'], row['columns']]))
    const labelled = Object.fromEntries(
      [...TABLES, ...VIEW_LABELS].map(({ name, columns: list }) => [name, list.map(([column]) => column)]),
    )
    const { patient_directory: derived, ...others } = actual
    expect(others).toEqual(labelled)
    expect(derived).toEqual(['id', 'full_name', 'birth_date', 'phone', 'city', 'state'])
  })

  it('has data that fits together', async () => {
    const [row] = await query(`SELECT
      (SELECT count(*)::int FROM hospital.conditions c JOIN hospital.encounters e ON e.id = c.encounter_id
        WHERE e.patient_id <> c.patient_id) AS strangers,
      (SELECT count(*)::int FROM hospital.encounters e JOIN hospital.patients p ON p.id = e.patient_id
        WHERE e.started_at::date < p.birth_date) AS unborn,
      (SELECT count(*)::int FROM hospital.patients WHERE age(date '2026-06-30', birth_date) >= interval '90 years') AS very_old,
      (SELECT count(*)::int FROM hospital.notes WHERE body LIKE E'%\\n%') AS with_lines,
      (SELECT count(*)::int FROM hospital.monthly_encounters) AS months,
      (SELECT min(encounters)::int FROM hospital.monthly_encounters) AS smallest_group`)
    expect(row).toMatchObject({ strangers: 0, unborn: 0 })
    expect(row?.['very_old']).toBeGreaterThan(0)
    expect(row?.['with_lines']).toBeGreaterThan(0)
    expect(row?.['months']).toBeGreaterThan(10)
    expect(row?.['smallest_group']).toBeGreaterThanOrEqual(11)
  })

  it('makes a role that reads and writes rows and may do nothing else', async () => {
    expect(
      await asApp(
        'SELECT rolsuper, rolbypassrls, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = current_user',
      ),
    ).toEqual([{ rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolreplication: false }])
    await asApp("UPDATE hospital.encounters SET reason = 'changed' WHERE id = 1")
    expect(await asApp('SELECT reason FROM hospital.encounters WHERE id = 1')).toEqual([{ reason: 'changed' }])
    expect(
      await asApp(
        `INSERT INTO hospital.encounters (patient_id, kind, department, started_at, reason, charge)
         SELECT id, 'telehealth', 'Dermatology', now(), 'new', 1 FROM hospital.patients LIMIT 1 RETURNING id > 1200 AS after`,
      ),
    ).toEqual([{ after: true }])
    await expect(asApp('DROP TABLE hospital.notes')).rejects.toMatchObject({ code: '42501' })
    await expect(asApp('CREATE TABLE hospital.mine ()')).rejects.toMatchObject({ code: '42501' })
    await expect(asApp("SELECT pg_read_file('/etc/passwd')")).rejects.toMatchObject({ code: '42501' })
  })

  it('leaves a database that already has the schema as it was', async () => {
    const again = loadHospital({ connection: connection(), seed: 8, patients: 1, appPassword: 'other' })
    await expect(again).rejects.toMatchObject({ code: '42P06' })
    expect(await asApp('SELECT count(*)::int AS n FROM hospital.patients')).toEqual([{ n: 1200 }])
  })
})
