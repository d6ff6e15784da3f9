import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 40 })
})
afterAll(() => bed?.stop())

describe.each(['officer', 'agent'] as const)('postgres.js, pipelined and prepared, as %s', (who) => {
  let sql: postgres.Sql
  beforeAll(async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
    sql = postgres({
      host: '127.0.0.1',
      port: bed.gateway.port,
      database: DEMO_TARGET,
      username: who,
      password: () => bed.token(who),
      ssl: { ca: bed.ca },
      max: 1,
      onnotice: () => undefined,
    })
  })
  afterAll(() => sql.end())

  it('learns the types that it asks the catalog for, and runs prepared statements', async () => {
    for (const number of [1, 2, 3]) expect(await sql`select ${number}::int + 1 as n`).toEqual([{ n: number + 1 }])
    expect(await sql`select ${[1, 2]}::int[] as a`).toEqual([{ a: [1, 2] }])
    expect(await sql`select ${'x'} as t, ${sql.json({ k: 1 })}::jsonb as j`).toEqual([{ t: 'x', j: { k: 1 } }])
  })

  it('pipelines', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => sql`select ${n}::int as n`))
    expect(answers.map(([row]) => row?.['n'])).toEqual(Array.from({ length: 60 }, (_, n) => n))
  })

  it('keeps the others of a pipeline when one is refused', async () => {
    const answers = await Promise.allSettled([
      sql`insert into scratch.item values (1, 'one')`,
      sql`delete from scratch.item`,
      sql`insert into scratch.item values (2, 'two')`,
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(answers[1]).toMatchObject({ reason: { code: '42501' } })
    expect(await sql`select id from scratch.item order by id`).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('rolls a transaction back when a statement in it is refused', async () => {
    const attempt = sql.begin(async (inside) => {
      await inside`insert into scratch.item values (5, 'five')`
      await inside`delete from scratch.item`
    })
    await expect(attempt).rejects.toMatchObject({ code: '42501' })
    expect(await sql`select id from scratch.item where id = 5`).toEqual([])
  })

  it('keeps savepoints', async () => {
    await sql.begin(async (outer) => {
      await outer`insert into scratch.item values (6, 'six')`
      await outer
        .savepoint(async (inner) => {
          await inner`insert into scratch.item values (7, 'seven')`
          throw new Error('taken back')
        })
        .catch(() => undefined)
    })
    expect(await sql`select id from scratch.item where id in (6, 7)`).toEqual([{ id: 6 }])
  })

  it('reads a portal in pieces', async () => {
    const sizes: number[] = []
    await sql`select g from generate_series(1, 25) g`.cursor(10, (rows) => void sizes.push(rows.length))
    expect(sizes).toEqual([10, 10, 5])
  })

  it('describes without executing', async () => {
    const { columns } = await sql`select id, sex from hospital.patients where sex = ${'F'}`.describe()
    expect(columns.map(({ name }) => name)).toEqual(['id', 'sex'])
  })

  it('streams COPY', async () => {
    const writable = await sql`copy scratch.item from stdin`.writable()
    await new Promise<void>((resolve, reject) => {
      writable.on('error', reject).on('finish', resolve)
      writable.end('70\tseventy\n71\tseventy-one\n')
    })
    const readable = await sql`copy (select id from scratch.item where id >= 70 order by id) to stdout`.readable()
    let text = ''
    for await (const chunk of readable) text += String(chunk)
    expect(text).toBe('70\n71\n')
  })

  it('sees patients as it may', async () => {
    const rows = await sql`select last_name, sex from hospital.patients`
    expect(rows.every((row) => (row['last_name'] === '[redacted]') === (who === 'agent'))).toBe(true)
  })

  it('cancels', async () => {
    const slow = sql`select pg_sleep(20)`.execute()
    const cancelled = expect(slow).rejects.toMatchObject({ code: '57014' })
    await new Promise((resolve) => setTimeout(resolve, 300))
    slow.cancel()
    await cancelled
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
  })
})
