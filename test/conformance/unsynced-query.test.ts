import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, rows, tags } from '../support/wire-client.ts'

// A simple query that has to be asked about waits for the messages before it, if these were not ended by a Sync. Whether its
// text was seen before, so that the verdict is there at once, must make no difference.

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({
    patients: 5,
    prepare: (admin) => admin.query(`INSERT INTO scratch.item VALUES (1, 'one'), (2, 'two')`),
  })
})
afterAll(() => bed?.stop())

const batch = (sql: string): Buffer[] => [encodeParse('', sql), encodeBind(), encodeExecute('')]

describe('a query behind messages without a Sync', () => {
  it.each([
    ['one statement', 'SELECT id FROM scratch.item ORDER BY id', [['1'], ['2']]],
    [
      'several statements',
      `SELECT 'first' AS t; SELECT label FROM scratch.item ORDER BY id`,
      [['first'], ['one'], ['two']],
    ],
  ])('is answered, whether or not it was seen before: %s', async (_, sql, expected) => {
    const client = await bed.wire('agent')
    for (const time of ['never seen', 'seen']) {
      client.send(...batch(`SELECT 'before'`), encodeQuery(sql))
      const told = await client.ready()
      expect(errors(told), time).toEqual([])
      expect(rows(told)).toEqual([['before'], ...expected])
      client.send(encodeSync())
      await client.ready()
    }
    client.destroy()
  })

  it('is passed over when one of them has failed', async () => {
    const client = await bed.wire('agent')
    client.send(
      ...batch('SELECT 1 / (id - 1) FROM scratch.item'),
      encodeQuery(`UPDATE scratch.item SET label = 'changed' WHERE id = 1`),
      encodeSync(),
    )
    const told = await client.ready()
    expect(errors(told).map(({ code }) => code)).toEqual(['22012'])
    expect(tags(told)).toEqual([])
    client.send(encodeQuery('SELECT label FROM scratch.item WHERE id = 1'))
    expect(rows(await client.ready())).toEqual([['one']])
    client.destroy()
  })

  it('ends the session where the target waits for the rows of a COPY, as it does there', async () => {
    const client = await bed.wire('agent')
    client.send(encodeQuery('SELECT id FROM scratch.item'))
    await client.ready()
    client.send(...batch('COPY scratch.item FROM STDIN'), encodeQuery('SELECT id FROM scratch.item'))
    expect(errors(await client.toEnd()).map(({ code }) => code)).toEqual(['08P01'])
  })
})
