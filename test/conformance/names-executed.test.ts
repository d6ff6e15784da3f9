import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { of, type Received, type WireClient } from '../support/wire-client.ts'

// A Parse message, unlike PREPARE, can prepare PREPARE, DEALLOCATE, DECLARE and CLOSE, and EXECUTE runs them. If that changed
// what a name stands for behind the gateway's back, the result of one statement would leave by the plan of another.

const CLEAN = `SELECT upper('nothing') AS n FROM scratch.item`
const SECRET = 'SELECT upper(c_text) AS n FROM scratch.secret WHERE id = 1'
const CANARY = 'ZEBEDIAH'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({
    patients: 5,
    configure: (document) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], { 'scratch.item.*': 'none' })
    },
    prepare: (admin) => admin.query(`INSERT INTO scratch.item VALUES (1, 'one')`),
  })
})
afterAll(() => bed?.stop())

/** The name of a statement that a Parse message prepares, and its text. */
type Prepares = Readonly<Record<string, string>>

const contents = (told: readonly Received[]): string =>
  [...of(told, 'DataRow').flatMap(({ values }) => values.map(String)), ...of(told, 'CopyData').map(String)]
    .join('\n')
    .toUpperCase()

async function attack(client: WireClient, prepares: Prepares, flights: readonly (string | readonly Buffer[])[]) {
  const told: Received[] = []
  for (const [name, sql] of Object.entries(prepares)) {
    client.send(encodeParse(name, sql), encodeSync())
    told.push(...(await client.ready()))
  }
  for (const flight of flights) {
    client.send(typeof flight === 'string' ? encodeQuery(flight) : [...flight, encodeSync()])
    told.push(...(await client.ready()))
  }
  return contents(told)
}

const ofStatement = (name: string): Buffer[] => [encodeBind({ statement: name }), encodeExecute('')]

describe('what EXECUTE runs', () => {
  const ways: Readonly<Record<string, readonly [Prepares, readonly (string | readonly Buffer[])[]]>> = {
    'DEALLOCATE and PREPARE': [
      { away: 'DEALLOCATE x', anew: `PREPARE x AS ${SECRET}` },
      [`PREPARE x AS ${CLEAN}`, 'EXECUTE x', 'EXECUTE away', 'EXECUTE anew', 'EXECUTE x', ofStatement('x')],
    ],
    'DEALLOCATE and PREPARE in one text': [
      { away: 'DEALLOCATE x', anew: `PREPARE x AS ${SECRET}` },
      [`PREPARE x AS ${CLEAN}; EXECUTE away; EXECUTE anew; EXECUTE x`],
    ],
    'DEALLOCATE ALL': [
      { away: 'DEALLOCATE ALL' },
      [`PREPARE x AS ${CLEAN}`, 'EXECUTE away', [encodeParse('x', SECRET)], 'EXECUTE x', ofStatement('x')],
    ],
    'DEALLOCATE and PREPARE by portals': [
      { away: 'DEALLOCATE x', anew: `PREPARE x AS ${SECRET}`, runAway: 'EXECUTE away', runAnew: 'EXECUTE anew' },
      [
        `PREPARE x AS ${CLEAN}`,
        [...ofStatement('runAway'), ...ofStatement('runAnew'), ...ofStatement('x')],
        'EXECUTE x',
      ],
    ],
    'CLOSE and DECLARE': [
      { away: 'CLOSE c', anew: `DECLARE c CURSOR FOR ${SECRET}` },
      [
        'BEGIN',
        `DECLARE c CURSOR FOR ${CLEAN}`,
        'EXECUTE away',
        'EXECUTE anew',
        'FETCH ALL FROM c',
        [encodeExecute('c')],
      ],
    ],
    'CLOSE ALL and DECLARE in one text': [
      { away: 'CLOSE ALL', anew: `DECLARE c CURSOR FOR ${SECRET}` },
      ['BEGIN', `DECLARE c CURSOR FOR ${CLEAN}; EXECUTE away; EXECUTE anew; FETCH ALL FROM c`],
    ],
    'COMMIT, behind which a cursor has gone': [
      { away: 'COMMIT', anew: `DECLARE c CURSOR WITH HOLD FOR ${SECRET}` },
      ['BEGIN', `DECLARE c CURSOR FOR ${CLEAN}; EXECUTE away; EXECUTE anew; FETCH ALL FROM c`],
    ],
  }
  it.each(Object.keys(ways))('cannot give a name to something else: %s', async (way) => {
    const [prepares, flights] = ways[way]!
    const client = await bed.wire('agent')
    const told = await attack(client, prepares, flights)
    expect(told.includes(CANARY)).toBe(false)
    client.destroy()
  })

  it('is what was prepared, when nothing was changed', async () => {
    const client = await bed.wire('agent')
    expect(await attack(client, { x: CLEAN }, ['EXECUTE x', ofStatement('x')])).toBe('NOTHING\nNOTHING')
    client.destroy()
  })
})
