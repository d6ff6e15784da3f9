import { decodeJwt } from 'jose'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminAsk } from '../../cli/admin-client.ts'
import { type ApprovalBed, outcomeOf, startApprovalBed } from './approval-bed.ts'

/** What an owner of the database has made besides beds. */
const MORE = `
CREATE SCHEMA held_other;
CREATE TABLE held.log (id integer, at date);
CREATE FUNCTION held.inner_mark(n integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'inner' $$;
CREATE FUNCTION held.mark(n integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT held.inner_mark(n) $$;
CREATE FUNCTION held.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE held.watched (id integer PRIMARY KEY, kind text NOT NULL);
CREATE TRIGGER touched BEFORE UPDATE ON held.watched FOR EACH ROW EXECUTE FUNCTION held.touch();
INSERT INTO held.watched VALUES (1, 'free');
INSERT INTO held.log VALUES (1, '2024-02-01'), (1, '2024-01-02');
GRANT USAGE, CREATE ON SCHEMA held_other TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON held.log, held.watched TO chaperone_app;
`

let held: ApprovalBed
let admin: Client
beforeAll(async () => {
  held = await startApprovalBed({
    wait: '1s',
    waitInTransaction: '1s',
    configure: (document) => {
      document['phi'].labels['hospital']['held_other.*'] = 'none'
    },
  })
  admin = await held.bed.direct()
  await admin.query(MORE)
}, 120_000)
afterAll(() => held?.stop())

const idIn = (told: string): string => /apr-[0-9a-z]+/.exec(told)?.[0] ?? expect.fail(told)

type Run = (client: Client) => Promise<{ readonly command: string }>

const connect = (options?: string) => held.bed.connect('agent', options === undefined ? {} : { options })

/** Asks for it in a session of its own, which ends, and has it approved. */
async function approved(run: Run, options?: string): Promise<string> {
  const client = await connect(options)
  const id = idIn(await outcomeOf(run(client)))
  await client.end()
  await held.decide(id)
  return id
}

/** A text for each test, so that none finds the approval of another. */
const deleteByDate = (name: string): string =>
  `DELETE FROM held.log WHERE at = '01/02/2024' AND '${name.replaceAll("'", '')}' <> ''`
const query =
  (sql: string): Run =>
  (client) =>
    client.query(sql)

describe('an approval is not for the same text where it means something else', () => {
  it('the same text in another session is covered, once', async () => {
    const run = query("UPDATE held.bed SET kind = 'icu' WHERE id = 1")
    await approved(run)
    const others = await Promise.all([connect(), connect()])
    const told = await Promise.all(others.map((client) => outcomeOf(run(client))))
    expect(told.filter((one) => one === 'UPDATE')).toHaveLength(1)
    expect(told.filter((one) => one.includes('CHP-APPROVAL-PENDING'))).toHaveLength(1)
  })

  it.each<readonly [string, string | undefined, string]>([
    ['the order of dates', '-c datestyle=ISO,MDY', '-c datestyle=ISO,DMY'],
    ['the time zone', undefined, '-c timezone=Pacific/Kiritimati'],
    ['search_path', undefined, '-c search_path=held_other,public'],
  ])('%s of the session is another one from its start', async (name, before, after) => {
    const sql = deleteByDate(name)
    await approved(query(sql), before)
    expect(await outcomeOf((await connect(after)).query(sql))).toContain('[CHP-APPROVAL-PENDING]')
  })

  it.each([
    ["ALTER ROLE chaperone_app SET datestyle = 'ISO, YMD'", 'ALTER ROLE chaperone_app RESET datestyle'],
    ["ALTER DATABASE hospital SET app.tenant = 'b'", 'ALTER DATABASE hospital RESET app.tenant'],
    [
      "ALTER ROLE chaperone_app IN DATABASE hospital SET app.ward = 'b'",
      'ALTER ROLE chaperone_app IN DATABASE hospital RESET app.ward',
    ],
  ])('%s', async (change, back) => {
    const sql = deleteByDate(change)
    await approved(query(sql))
    await admin.query(change)
    try {
      expect(await outcomeOf((await connect()).query(sql))).toContain('[CHP-APPROVAL-PENDING]')
    } finally {
      await admin.query(back)
    }
  })

  it.each<readonly [name: string, sql: string, change: string, options: string]>([
    [
      'a view is replaced',
      "UPDATE held.free_bed SET kind = 'icu' WHERE id = 3",
      "CREATE OR REPLACE VIEW held.free_bed AS SELECT id, kind FROM held.bed WHERE kind <> 'free'",
      '',
    ],
    [
      'a rule is made',
      'UPDATE held.log SET id = 2 WHERE id = 78',
      'CREATE RULE more AS ON UPDATE TO held.log DO ALSO DELETE FROM held.bed WHERE id = 99',
      '',
    ],
    [
      'a table comes in front',
      "UPDATE bed SET kind = 'icu' WHERE id = 4 AND pg_sleep(0) IS NOT NULL",
      'CREATE TABLE held_other.bed (id integer, kind text); GRANT ALL ON held_other.bed TO chaperone_app',
      '-c search_path=held_other,held',
    ],
    [
      'a function is replaced',
      'UPDATE held.bed SET kind = held.mark(1) WHERE id = 5',
      "CREATE OR REPLACE FUNCTION held.mark(n integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'evil' $$",
      '',
    ],
    [
      'a function that a function calls is replaced',
      'UPDATE held.bed SET kind = held.mark(2) WHERE id = 5',
      "CREATE OR REPLACE FUNCTION held.inner_mark(n integer) RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'evil' $$",
      '',
    ],
    [
      'a trigger is made',
      "UPDATE held.bed SET kind = 'icu' WHERE id = 6",
      'CREATE TRIGGER touched BEFORE UPDATE ON held.bed FOR EACH ROW EXECUTE FUNCTION held.touch()',
      '',
    ],
    [
      'the function of a trigger is replaced',
      "UPDATE held.watched SET kind = 'icu' WHERE id = 1",
      "CREATE OR REPLACE FUNCTION held.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.kind := 'evil'; RETURN NEW; END $$",
      '',
    ],
  ])('%s', async (_, sql, change, options) => {
    await approved(query(sql), options)
    await admin.query(change)
    // A rule is refused anyway: what it does is not analysed.
    const told = await outcomeOf((await connect(options)).query(sql))
    expect(told).toMatch(/\[CHP-(?:APPROVAL-PENDING|POLICY-REFUSED)\]/)
  })

  it.each<readonly [string, string, string]>([
    ['a space', "UPDATE held.bed SET kind = 'icu' WHERE id = 10", "UPDATE held.bed SET kind = 'icu' WHERE id = 10 "],
    [
      'the case of a literal',
      "UPDATE held.bed SET kind = 'icu' WHERE id = 11",
      "UPDATE held.bed SET kind = 'ICU' WHERE id = 11",
    ],
    [
      'a comment',
      "UPDATE held.bed SET kind = 'icu' WHERE id = 12",
      "UPDATE held.bed SET kind = 'icu' WHERE id = 12 /* x */",
    ],
  ])('%s', async (_, before, after) => {
    await approved(query(before))
    expect(await outcomeOf((await connect()).query(after))).toContain('[CHP-APPROVAL-PENDING]')
  })

  it('a prepared statement is made anew under its name', async () => {
    const client = await connect()
    await client.query("PREPARE fill (integer) AS UPDATE held.bed SET kind = 'icu' WHERE id = $1")
    const id = idIn(await outcomeOf(client.query('EXECUTE fill(20)')))
    await held.decide(id)
    await client.query('DEALLOCATE fill')
    await client.query("PREPARE fill (integer) AS UPDATE held.bed SET kind = 'evil' WHERE id <> $1")
    expect(await outcomeOf(client.query('EXECUTE fill(20)'))).toContain('[CHP-APPROVAL-PENDING]')
    expect(await held.kindOf(21)).toBe('free')
  })

  it.each<readonly [string, readonly string[]]>([
    ['SET LOCAL', ['BEGIN', "SET LOCAL app.tenant = 'b'"]],
    [
      'SET and a transaction that is rolled back',
      ["SET app.tenant = 'b'", 'BEGIN', "SET app.tenant = 'c'", 'ROLLBACK'],
    ],
    ['SET SESSION CHARACTERISTICS', ['SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE']],
  ])('%s', async (name, before) => {
    const run = query(`UPDATE bed SET kind = 'icu' WHERE id = 30 AND pg_sleep(0) IS NOT NULL AND '${name}' <> ''`)
    const options = '-c search_path=held'
    await approved(run, options)
    const client = await connect(options)
    for (const sql of before) await client.query(sql)
    const told = await outcomeOf(run(client))
    expect(told).toContain('[CHP-APPROVAL-PENDING]')
  })
})

const revocation = (method: 'POST' | 'DELETE', what: Record<string, string>) =>
  adminAsk(held.bed.config.admin, method, `/v1/revocations?${new URLSearchParams(what).toString()}`)

describe('an approver who is revoked', () => {
  it('before the approval is used has approved nothing', async () => {
    const run = query("UPDATE held.bed SET kind = 'icu' WHERE id = 40")
    const id = await approved(run)
    const { sub } = decodeJwt(await held.bed.token('officer'))
    const { body } = await revocation('POST', { what: 'principal', value: `dev/${sub}`, reason: 'left' })
    const told = await outcomeOf(run(await connect()))
    await revocation('DELETE', { id: /rev-[0-9a-f-]+/.exec(body)?.[0] ?? '' })
    expect(told).toContain('[CHP-APPROVAL-PENDING]')
    expect(idIn(told)).not.toBe(id)
    expect([await held.stateOf(id), await held.kindOf(40)]).toEqual(['expired', 'free'])
  })
})
