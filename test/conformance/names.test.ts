import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestbed, type Testbed } from '../support/testbed.ts'

/** Names mean what the server takes them for, also when that changes while a session is open. */
describe('names', () => {
  let testbed: Testbed

  beforeAll(async () => {
    testbed = await startTestbed({
      // Nothing of these is PHI by its label: an expression over them would pass.
      configure: (document) => {
        Object.assign(document['phi'].labels.hospital, { 'decoy.*': 'none', 'later.*': 'none', 'public.*': 'none' })
        document['targets'].hospital.unlabelledColumns = 'pass'
      },
      prepare: (admin) =>
        admin.query(`CREATE SCHEMA decoy;
          CREATE TABLE decoy.patients (last_name text, id int);
          INSERT INTO decoy.patients VALUES ('decoy', 1);
          GRANT SELECT ON decoy.patients TO chaperone_app;`),
    })
  }, 120_000)

  afterAll(() => testbed.stop())

  const SHOUT = 'SELECT upper(last_name) AS shout FROM patients LIMIT 1'

  it('are not looked up in a schema that the role may not use', async () => {
    const client = await testbed.connect('agent', { options: '-c search_path=decoy,hospital' })
    expect((await client.query(SHOUT)).rows).toEqual([{ shout: '[redacted]' }])
  })

  it('are looked up in a schema of the path that comes to exist later', async () => {
    const client = await testbed.connect('agent', { options: '-c search_path=later,hospital' })
    expect((await client.query(SHOUT)).rows).toEqual([{ shout: '[redacted]' }])
    const officer = await testbed.connect('officer')
    await expect(officer.query('CREATE SCHEMA later')).rejects.toThrow(/CHP-POLICY-HELD/)
    const admin = await testbed.direct()
    await admin.query(`CREATE SCHEMA later; CREATE TABLE later.patients (last_name text);
      INSERT INTO later.patients VALUES ('harmless'); GRANT USAGE ON SCHEMA later TO chaperone_app;
      GRANT SELECT ON later.patients TO chaperone_app`)
    // Makes the gateway read the catalog again, as its timer does.
    const other = await testbed.connect('agent')
    await other.query('CREATE TEMP TABLE tick (a int)')
    await other.query('SELECT a FROM tick')
    expect((await client.query(SHOUT)).rows).toEqual([{ shout: 'HARMLESS' }])
  })

  it('of temporary tables are known to the session that made them, at once', async () => {
    const client = await testbed.connect('agent')
    await client.query('CREATE TEMP TABLE scratch (a int, b text)')
    await client.query("INSERT INTO scratch VALUES (1, 'x'), (2, 'y')")
    expect((await client.query('SELECT a, upper(b) AS b FROM scratch ORDER BY a')).rows).toEqual([
      { a: 1, b: 'X' },
      { a: 2, b: 'Y' },
    ])
    await client.query('DROP TABLE scratch')
  })

  it('of a temporary table of somebody else do not stand in for a table with PHI', async () => {
    const decoy = await testbed.connect('agent')
    await decoy.query('CREATE TEMP TABLE patients (last_name text)')
    await decoy.query('SELECT last_name FROM pg_temp.patients')
    const client = await testbed.connect('agent', { options: '-c search_path=hospital' })
    expect((await client.query(SHOUT)).rows).toEqual([{ shout: '[redacted]' }])
    await expect(client.query('DROP TABLE patients')).rejects.toThrow(/CHP-POLICY-REFUSED|CHP-MASK-UNPROVEN/)
  })

  it('longer than the server keeps are the same as their first 63 bytes', async () => {
    const client = await testbed.connect('agent')
    const long = 'q'.repeat(63)
    await client.query(`PREPARE ${long}a AS SELECT 1 AS one`)
    expect((await client.query(`EXECUTE ${long}b`)).rows).toEqual([{ one: 1 }])
  })
})
