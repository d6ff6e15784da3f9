import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApprovalBed, outcomeOf, startApprovalBed } from './approval-bed.ts'

let held: ApprovalBed
let admin: Client

/** What an approved UPDATE of the table would do besides, changed one at a time. */
const CHANGES: readonly (readonly [string, string])[] = [
  [
    'a trigger is added',
    `CREATE FUNCTION held.copy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER one BEFORE UPDATE ON held.bed FOR EACH ROW EXECUTE FUNCTION held.copy()`,
  ],
  [
    'a second trigger is added, of which pg_class says nothing',
    'CREATE TRIGGER two BEFORE UPDATE ON held.bed FOR EACH ROW EXECUTE FUNCTION held.copy()',
  ],
  [
    'the function of a trigger is replaced',
    `CREATE OR REPLACE FUNCTION held.copy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.kind := ''gone''; RETURN NEW; END'`,
  ],
  ['a trigger is disabled', 'ALTER TABLE held.bed DISABLE TRIGGER two'],
  [
    'a foreign key is added that would write elsewhere',
    'CREATE TABLE held.stay (bed integer REFERENCES held.bed ON UPDATE CASCADE ON DELETE CASCADE)',
  ],
  ['row security is switched on', 'ALTER TABLE held.bed ENABLE ROW LEVEL SECURITY'],
  ['rights of a view become those of who reads it', 'ALTER VIEW held.free_bed SET (security_invoker = true)'],
  ['a policy is added', 'CREATE POLICY everybody ON held.bed USING (true)'],
  ['a policy is changed', 'ALTER POLICY everybody ON held.bed USING (id < 90)'],
  ['a default is added', `ALTER TABLE held.bed ALTER kind SET DEFAULT 'free'`],
]

beforeAll(async () => {
  held = await startApprovalBed()
  admin = await held.bed.direct()
})
afterAll(async () => {
  await held?.stop()
})

describe('an approval does not cover the same statement after', () => {
  it.each(CHANGES)('%s', async (name, change) => {
    const client = await held.bed.connect('agent')
    const result = outcomeOf(client.query(`UPDATE held.bed SET kind = 'icu' WHERE id = 1 -- ${name}`))
    const [id = ''] = await held.asked()
    await admin.query(change)
    await held.decide(id)
    expect(await result).toContain('[CHP-APPROVAL-PENDING]')
    const [again = ''] = await held.asked()
    expect(again).not.toBe(id)
    expect(await held.kindOf(1)).toBe('free')
    await held.decide(again, 'refuse')
  })

  it('nothing of that: it runs', async () => {
    const client = await held.bed.connect('agent')
    const result = outcomeOf(client.query(`UPDATE held.bed SET kind = 'icu' WHERE id = 2`))
    const [id = ''] = await held.asked()
    for (const sql of ['ANALYZE held.bed', 'VACUUM held.bed', 'TRUNCATE held.stay']) await admin.query(sql)
    await held.decide(id)
    expect(await result).toBe('UPDATE')
  })
})
