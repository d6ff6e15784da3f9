import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outcomeOf } from '../approvals/approval-bed.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { changedConfig, policy } from './cli-policy.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({
    patients: 50,
    configure: (document) => {
      // A list for agents; officers see everything, and may name a few tables only.
      for (const grant of document['grants']) {
        if (grant.name === 'care-agents-read-masked')
          grant.tables = ['hospital.patients(id, last_name, sex)', 'hospital.encounters']
        if (grant.name === 'privacy-officers-see-everything')
          grant.tables = ['hospital.encounters', 'hospital.patient_directory']
      }
    },
  })
}, 120_000)
afterAll(() => bed?.stop())

const UNGRANTED = '[CHP-POLICY-UNGRANTED]'

describe('lists of tables', () => {
  it.each([
    ['SELECT id, sex FROM hospital.patients LIMIT 1', undefined],
    ['SELECT count(*) FROM hospital.patients', undefined],
    ['SELECT e.id FROM hospital.encounters e JOIN hospital.patients p ON p.id = e.patient_id LIMIT 1', undefined],
    ["SELECT relname FROM pg_class WHERE relname = 'patients'", undefined],
    ['SELECT birth_date FROM hospital.patients LIMIT 1', UNGRANTED],
    ['SELECT * FROM hospital.patients LIMIT 1', UNGRANTED],
    ['SELECT p FROM hospital.patients p LIMIT 1', UNGRANTED],
    ['SELECT id FROM hospital.patients WHERE birth_date IS NULL', UNGRANTED],
    ['SELECT 1 FROM hospital.conditions LIMIT 1', UNGRANTED],
    ['SELECT 1 FROM hospital.patient_directory LIMIT 1', UNGRANTED],
    ['SELECT 1 FROM hospital.no_such_table LIMIT 1', UNGRANTED],
  ])('of a masked agent: %s', async (sql, code) => {
    const client = await bed.connect('agent')
    const outcome = await outcomeOf(client.query(sql))
    if (code === undefined) expect(outcome).not.toContain('CHP-')
    else expect(outcome).toContain(code)
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })

  it.each([
    ['SELECT * FROM hospital.encounters LIMIT 1', undefined],
    ['SELECT * FROM hospital.patient_directory LIMIT 1', undefined],
    ['SELECT id FROM hospital.patients LIMIT 1', UNGRANTED],
    ['COPY hospital.patients TO STDOUT', UNGRANTED],
    ["SELECT query_to_xml('SELECT * FROM hospital.patients', true, true, '')", UNGRANTED],
    ['SELECT most_common_vals FROM pg_stats LIMIT 1', UNGRANTED],
    ['DO $$ BEGIN PERFORM 1 FROM hospital.patients; END $$', 'CHP-'],
  ])('of somebody who sees everything: %s', async (sql, code) => {
    const client = await bed.connect('officer')
    const outcome = await outcomeOf(client.query(sql))
    if (code === undefined) expect(outcome).not.toContain('CHP-')
    else expect(outcome).toContain(code)
    await client.end()
  })
})

describe('what was recorded', () => {
  it('is decided alike by the same policy, and shows what another one changes', async () => {
    const client = await bed.connect('agent')
    await client.query('SELECT id, last_name FROM hospital.patients LIMIT 3')
    await client.query("SELECT id FROM hospital.patients WHERE last_name = 'tok_nothing'").catch(() => undefined)
    await outcomeOf(client.query('TRUNCATE hospital.encounters'))
    await client.end()
    const file = bed.environment.configFile
    const same = await policy('replay', '-c', file)
    expect(same.json).toMatchObject({
      changed: [],
      unknown: 0,
      recorded: [bed.config.policyVersion],
      decisions: expect.toSatisfy((count: number) => count >= 3),
    })
    expect(same.status).toBe(0)
    const other = changedConfig(bed, 'other.yaml', (document) => {
      document['rules'].push({
        name: 'no-patients',
        when: 'relations.exists(r, r.name == "patients")',
        effect: 'refuse',
      })
      document['packs'] = { guardrails: { disable: ['truncate', 'unbounded-write', 'phi-change'] } }
    })
    const replayed = await policy('replay', '-c', other)
    expect(replayed.status).toBe(1)
    const changes = expect.arrayContaining([
      expect.objectContaining({ before: 'allow', after: 'refuse', rule: 'no-patients', target: DEMO_TARGET }),
      expect.objectContaining({ before: 'refuse', after: 'allow', commands: ['TRUNCATE TABLE'] }),
    ])
    expect(replayed.json).toMatchObject({ changed: changes })
    expect(JSON.stringify(replayed.json)).not.toContain('tok_nothing')
  }, 60_000)

  it('is explained by the same rules, over the live catalog', async () => {
    const agent = '{ issuer: dev, subject: x, kind: agent, groups: [care-agents] }'
    const ask = ['explain', '--target', DEMO_TARGET, '-c', bed.environment.configFile, '--principal', agent]
    const allowed = await policy(...ask, 'SELECT last_name FROM hospital.patients LIMIT 1')
    expect(allowed.json).toMatchObject({ kind: 'judged', masked: ['name'], decision: { outcome: 'allow' } })
    const refused = await policy(...ask, 'SELECT 1 FROM hospital.conditions')
    expect(refused.json).toMatchObject({ decision: { outcome: 'refuse', rule: 'grants.tables' } })
    const nobody = await policy(
      'explain',
      '--target',
      DEMO_TARGET,
      '-c',
      bed.environment.configFile,
      '--principal',
      '{ issuer: dev, subject: x, kind: human }',
      'SELECT 1',
    )
    expect(nobody).toMatchObject({ status: 1, json: { kind: 'no-access' } })
  }, 60_000)
})
