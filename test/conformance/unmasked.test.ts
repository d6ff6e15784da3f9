import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { NO_SESSION } from '../../src/record/format.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, of, type Received, rows, tags, type WireClient } from '../support/wire-client.ts'

const RELATIONS = 1000
const STATEMENTS = 200

async function say(client: WireClient, sql: string): Promise<Received[]> {
  client.send(encodeQuery(sql))
  return client.ready()
}

/** Somebody for whom nothing is masked gets what the server itself would give. */
describe('without masking', () => {
  let bed: Testbed

  beforeAll(async () => {
    bed = await startTestbed({
      patients: 20,
      configure: (document) => {
        const disable = ['schema-change', 'drop', 'truncate']
        document['packs'] = { guardrails: { disable } }
        document['rules'] = [
          {
            name: 'no-code',
            when: '"code" in effects && command == "MOVE"',
            effect: 'refuse',
            message: 'unknown code',
          },
        ]
        document['targets'].hospital.catalogRefresh = '1h'
      },
      prepare: async (admin) => {
        await admin.query(`CREATE SCHEMA many AUTHORIZATION chaperone_app;
          CREATE FUNCTION many.opened(refcursor) RETURNS refcursor LANGUAGE plpgsql AS
            'BEGIN OPEN $1 FOR SELECT g FROM generate_series(1, 3) g; RETURN $1; END';
          CREATE FUNCTION many.encoded(text) RETURNS text LANGUAGE plpgsql AS
            'BEGIN RETURN set_config(''client_encoding'', $1, false); END';`)
        const tables = Array.from({ length: RELATIONS }, (_, at) => `CREATE TABLE many.filler${at} (a int, b text)`)
        await admin.query(tables.join(';'))
      },
    })
  }, 120_000)

  afterAll(() => bed?.stop())

  it('reads the cursor of a function', async () => {
    const client = await bed.wire('officer')
    await say(client, "BEGIN; SELECT many.opened('c')")
    expect(rows(await say(client, 'FETCH 2 FROM c'))).toEqual([['1'], ['2']])
    client.send(encodeParse('', 'FETCH 1 FROM c'), encodeBind(), encodeExecute(''), encodeSync())
    expect(rows(await client.ready())).toEqual([['3']])
    expect(tags(await say(client, 'CLOSE c'))).toEqual(['CLOSE CURSOR'])
    // The server says itself that there is none; rules see code that is not known.
    expect(errors(await say(client, 'FETCH 1 FROM c')).map(({ code }) => code)).toEqual(['34000'])
    expect(errors(await say(client, 'ROLLBACK; MOVE 1 FROM c'))[0]?.message).toContain('CHP-POLICY-REFUSED')
  })

  it('does not read one with masking, and runs no unknown statement', async () => {
    const agent = await bed.wire('agent')
    await say(agent, 'BEGIN')
    expect(errors(await say(agent, 'FETCH 2 FROM c')).map(({ code }) => code)).toEqual(['26000'])
    const officer = await bed.wire('officer')
    const [error] = errors(await say(officer, 'EXECUTE nothing'))
    expect(error?.message).toContain('CHP-SQL-UNKNOWN-NAME')
  })

  it.each(['UNICODE', 'unicode', 'utf8', 'UTF-8', 'Utf_8'])('takes %s for UTF-8', async (name) => {
    const client = await bed.wire('officer')
    expect(tags(await say(client, `SET client_encoding TO '${name}'`))).toEqual(['SET'])
    expect(rows(await say(client, `SELECT many.encoded('${name}')`))).toHaveLength(1)
    expect(rows(await say(client, "SELECT 'ü'"))).toEqual([['ü']])
  })

  it('says why a session ends in which a function has changed the encoding', async () => {
    const client = await bed.wire('officer')
    client.send(encodeQuery("SELECT many.encoded('LATIN1')"))
    const answer = await client.toEnd()
    expect(errors(answer).map(({ code }) => code)).toEqual(['08006'])
    await expect.poll(() => bed.log.join('')).toContain('a changed client_encoding, which analysis relies on')
  })

  it('takes as many parameters as there can be', async () => {
    const client = await bed.wire('officer')
    const count = 65_535
    const list = Array.from({ length: count }, (_, at) => `$${at + 1}`)
    client.send(
      encodeParse('', `SELECT 1 WHERE 1 IN (${list.join(',')})`),
      encodeBind({ parameters: list.map(() => '1') }),
      encodeExecute(''),
      encodeSync(),
    )
    expect(rows(await client.ready())).toEqual([['1']])
  })

  it('does not wait for the catalog after each change of it', async () => {
    const client = await bed.wire('officer')
    const headers = await bed.recorded(async () => {
      for (let at = 0; at < STATEMENTS / 4; at++) {
        for (const sql of [
          `CREATE TABLE many.made${at} (a int)`,
          `ALTER TABLE many.made${at} ADD b text`,
          `CREATE INDEX ON many.made${at} (a)`,
          `COMMENT ON TABLE many.made${at} IS 'made'`,
        ])
          expect(errors(await say(client, sql))).toEqual([])
      }
    })
    expect(headers.filter(({ kind }) => kind === 'intent').length).toBeGreaterThanOrEqual(STATEMENTS)
    // In the background, a few times a second at most.
    expect(headers.filter(({ kind, session }) => kind === 'probe' && session === NO_SESSION).length).toBeLessThan(20)
    expect(rows(await say(client, 'SELECT count(*) FROM many.made1'))).toEqual([['0']])
  })

  it('goes by its own changes at once where rules could depend on them', async () => {
    const client = await bed.wire('officer')
    await say(client, 'CREATE TEMP TABLE scratch (a int)')
    expect(tags(await say(client, 'DELETE FROM scratch'))).toEqual(['DELETE 0'])
    await say(client, 'DROP TABLE scratch; CREATE TABLE many.scratch (a int)')
    expect(errors(await say(client, 'DELETE FROM many.scratch'))[0]?.message).toContain('CHP-POLICY-REFUSED')
    expect(of(await say(client, 'SELECT 1'), 'DataRow')).toHaveLength(1)
  })
})
