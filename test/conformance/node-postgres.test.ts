import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { type Client, Pool } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 40 })
})
afterAll(() => bed?.stop())

describe.each(['officer', 'agent'] as const)('node-postgres, as %s', (who) => {
  let client: Client
  beforeAll(async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    client = await bed.connect(who, { applicationName: 'conformance' })
  })

  it('runs simple, parameterised, named and binary queries', async () => {
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect((await client.query('select $1::int * 2 as two', [21])).rows).toEqual([{ two: 42 }])
    for (const number of [1, 2, 3]) {
      const named = { name: 'double', text: 'select $1::int * 2 as two', values: [number] }
      expect((await client.query(named)).rows).toEqual([{ two: number * 2 }])
    }
    const binary = { text: 'select 5::int4 as five, $1::text as t', values: ['x'], binary: true }
    expect((await client.query(binary)).rows).toEqual([{ five: 5, t: 'x' }])
  })

  it('runs transactions', async () => {
    await client.query('begin')
    await client.query(`insert into scratch.item values ($1, $2)`, [1, 'one'])
    await client.query('savepoint s')
    await expect(client.query('insert into scratch.item values (1, null)')).rejects.toMatchObject({ code: '23505' })
    await client.query('rollback to s')
    await client.query('commit')
    expect((await client.query('select label from scratch.item where id = 1')).rows).toEqual([{ label: 'one' }])
  })

  it('survives a refusal between two queries that are queued', async () => {
    const [before, refused, after] = await Promise.allSettled([
      client.query('select 1'),
      client.query('delete from scratch.item'),
      client.query('select 3 as three'),
    ])
    expect(before.status).toBe('fulfilled')
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: '42501', severity: 'ERROR' } })
    expect(after).toMatchObject({ status: 'fulfilled', value: { rows: [{ three: 3 }] } })
  })

  it('copies both ways as a stream', async () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `${10_000 + index}\tline ${index}\n`)
    await pipeline(Readable.from(lines), client.query(copyFrom('copy scratch.item from stdin')))
    let text = ''
    const out = client.query(copyTo('copy (select id from scratch.item where id >= 10000 order by id) to stdout'))
    for await (const chunk of out) text += String(chunk)
    expect(text.trim().split('\n')).toHaveLength(5000)
    expect((await client.query('delete from scratch.item where id >= 10000')).rowCount).toBe(5000)
  })

  it('gets notifications and notices', async () => {
    await client.query('listen ward')
    const heard = once(client, 'notification')
    await (await bed.direct('app')).query('notify ward')
    expect((await heard)[0]).toMatchObject({ channel: 'ward' })
    const noticed = once(client, 'notice')
    await client.query('rollback')
    expect((await noticed)[0]).toMatchObject({ code: '25P01' })
  })

  it('takes a large result and large parameters', async () => {
    const big = 'x'.repeat(900_000)
    const { rows } = await client.query('select length($1) as n', [big])
    expect(rows).toEqual([{ n: 900_000 }])
    const many = await client.query('select g, repeat($1, 100) as t from generate_series(1, 20000) g', ['abc'])
    expect(many.rows).toHaveLength(20_000)
    expect(many.rows.at(-1)).toEqual({ g: 20_000, t: 'abc'.repeat(100) })
  })

  it('works in a pool', async () => {
    const pool = new Pool({
      host: '127.0.0.1',
      port: bed.gateway.port,
      database: DEMO_TARGET,
      user: who,
      password: () => bed.token(who),
      ssl: { ca: bed.ca },
      max: 4,
    })
    try {
      const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => pool.query('select $1::int as n', [n])))
      expect(answers.map(({ rows }) => rows[0].n)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    } finally {
      await pool.end()
    }
  })
})
