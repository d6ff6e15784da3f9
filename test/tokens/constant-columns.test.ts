import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Testbed } from '../support/testbed.ts'
import type { WireClient } from '../support/wire-client.ts'
import { bound, literal, MODES, query, quoted } from './modes.ts'
import { rawValue, startWard, TOKEN_COLUMNS, type TokenColumn } from './ward.ts'

/** Tokens in VALUES, arrays that are unnested, and queries of constants. */

let bed: Testbed
let agent: WireClient
let admin: Client

beforeAll(async () => {
  bed = await startWard()
  agent = await bed.wire('agent')
  admin = await bed.direct()
})
afterAll(() => bed?.stop())

const ID = 7

async function tokenOf({ name }: TokenColumn, id = ID): Promise<string> {
  const { rows } = await query(agent, `select ${name} from ward.person where id = ${id}`)
  return rows[0]?.[0]?.trimEnd() ?? ''
}

/** The type without a length. */
const bare = (type: string): string => (type.startsWith('char(') ? 'bpchar' : type.replace(/\(.*/, ''))

async function answered(sql: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ id: number }>(sql)
  return rows.map(({ id }) => String(id)).toSorted()
}

describe.each(TOKEN_COLUMNS.map((column) => [column.name, column] as const))('%s', (name, column) => {
  const { type, value } = column
  const own = bare(type)
  const raw = value(ID >> 1)
  let token: string
  beforeAll(async () => {
    token = await tokenOf(column)
  })

  it.each([
    `select p.id from ward.person p join (values (?::${own}), (?::${own})) v(t) on p.${name} = v.t`,
    `select p.id from ward.person p join (values (?)) v(t) on p.${name} = v.t::${own}`,
    `with q as (select ?::${own} as t) select p.id from ward.person p, q where p.${name} = q.t`,
    `with q(t) as (values (?::${own})) select id from ward.person where ${name} in (select t from q)`,
    `select id from ward.person where ${name} in (values (?::${own}), (null))`,
    `select id from ward.person p where exists (select from (values (?::${own}, 1)) v(t, n) where v.t = p.${name})`,
    `select id from ward.person where ${name} in (select unnest(array[?, ?]::${own}[]))`,
    `select p.id from unnest(array[?]::${own}[]) with ordinality u(t, n) join ward.person p on p.${name} = t order by n`,
    `select id from (select ?::${own} as ${name}) q join ward.person using (${name})`,
    `select id from ward.person where ${name}::${own} = ?::${own}`,
  ])('finds what the value finds: %s', async (sql) => {
    const expected = await answered(sql.replaceAll('?', literal(raw, type)))
    expect(expected.length).toBeGreaterThan(0)
    for (const mode of MODES) {
      const { rows, error } = await mode.run(agent, sql, token, type)
      expect([mode.name, error]).toEqual([mode.name, undefined])
      expect([mode.name, rows.map(([id]) => id ?? '').toSorted()]).toEqual([mode.name, expected])
    }
  })

  it('comes back as it was sent', async () => {
    const sql = `select v.t, p.id from ward.person p join (values (?::${own})) v(t) on p.${name} = v.t`
    for (const mode of MODES) {
      const { rows, error } = await mode.run(agent, sql, token, type)
      expect(error).toBeUndefined()
      const [[shown] = []] = rows
      // What the type has no room for in a column has a longer token elsewhere.
      if (type === 'varchar(11)') expect(shown).toMatch(/^tok_/)
      else expect(shown).toBe(token)
      expect(rows.every(([one]) => one === shown)).toBe(true)
      const again = await mode.run(agent, `select count(*) from ward.person where ${name} = ?`, shown ?? '', type)
      expect(again.rows).toEqual([['2']])
    }
  })

  it('is stored as the value', async () => {
    for (const sql of [
      `insert into ward.visit (id, ${name}) select 1000 + v.n, v.t from (values (?::${own}, 0), (?::${own}, 1)) v(t, n) order by n`,
      `insert into ward.visit (id, ${name}) select n, t from unnest(array[1000, 1001], array[?, ?]::${own}[]) u(n, t)`,
      `with q as (select ?::${own} as t) insert into ward.visit (id, ${name}) select id, t from q, generate_series(1000, 1001) id`,
      `update ward.visit p set ${name} = v.t from (values (1000, ?::${own}), (1001, ?::${own})) v(id, t) where p.id = v.id`,
      `merge into ward.visit p using (values (1000, ?::${own}), (1001, ?::${own})) v(id, t) on p.id = v.id
         when matched then update set ${name} = v.t when not matched then insert (id, ${name}) values (v.id, v.t)`,
    ]) {
      for (const mode of MODES) {
        if (sql.startsWith('insert') || sql.startsWith('with'))
          await admin.query('delete from ward.visit where id >= 1000')
        else await admin.query(`update ward.visit set ${name} = null where id >= 1000`)
        const { error } = await mode.run(agent, sql, token, type)
        expect([sql, mode.name, error]).toEqual([sql, mode.name, undefined])
        const stored = [await rawValue(admin, column, 1000, 'visit'), await rawValue(admin, column, 1001, 'visit')]
        expect(stored.map((one) => one?.trimEnd() === raw)).toEqual([true, true])
      }
    }
  })

  it('does not take the value itself', async () => {
    for (const sql of [
      `select v.t from ward.person p join (values (?::${own})) v(t) on p.${name} = v.t`,
      `select p.id from unnest(array[?]::${own}[]) t join ward.person p on p.${name} = t`,
      `with q as (select ?::${own} as t) select p.id from ward.person p, q where p.${name} = q.t`,
      `select id from ward.person where ${name}::text = ?::text`,
    ]) {
      for (const mode of MODES) {
        const { rows, error } = await mode.run(agent, sql, raw, type)
        expect([sql, rows, error?.code]).toEqual([sql, [], '42501'])
      }
    }
  })
})

it('binds arrays', async () => {
  const [name] = TOKEN_COLUMNS
  if (name === undefined) throw new Error('no column')
  const tokens = [await tokenOf(name, 3), await tokenOf(name, 8), 'tok_unknown']
  const array = `{${tokens.join(',')}}`
  for (const sql of [
    'select p.id, u.n from unnest($1::text[]) with ordinality u(t, n) join ward.person p on p.full_name = u.t',
    'select p.id, n from ward.person p join (select t, n from unnest($1::text[], array[1, 2]) u(t, n)) x on x.t = p.full_name',
  ]) {
    const { rows, error } = await bound(agent, sql, [{ value: Buffer.from(array), format: 0, typeOid: 1009 }])
    expect(error).toBeUndefined()
    expect(rows.map((row) => row.join(' ')).toSorted()).toEqual(['2 1', '3 1', '8 2', '9 2'])
  }
})

it('shows the text of identifiers as tokens, which find them', async () => {
  for (const column of TOKEN_COLUMNS.filter(({ type }) => /^(?:integer|bigint|uuid)$/.test(type))) {
    const token = await tokenOf(column)
    const { rows } = await query(agent, `select ${column.name}::text from ward.person where id = ${ID}`)
    expect(rows).toEqual([[token]])
    const sql = `select id from ward.person where ${column.name}::text = ?`
    const expected = await answered(sql.replaceAll('?', quoted(column.value(ID >> 1))))
    for (const mode of MODES) {
      const { rows: found, error } = await mode.run(agent, sql, token, 'text')
      const isNumber = mode.name === 'a literal' || mode.name === 'a parsed literal'
      expect([mode.name, error]).toEqual([mode.name, undefined])
      if (!isNumber || column.type === 'uuid') expect(found.map(([id]) => id ?? '').toSorted()).toEqual(expected)
    }
  }
})

/** What stands beside a token can decide its type; whether the value fits that would be a way to weigh it. */
describe('a narrow type beside a token', () => {
  it.each([
    `select v.t from (values (?), (null::int)) v(t) left join ward.person on account = v.t`,
    `select v.t from (select ? as t union all select null::int) v left join ward.person on account = v.t`,
    `select id from ward.person where account in (select ? union all select null::int)`,
    `insert into ward.visit (id, account) select 1700, ? union all select 1701, 5::int`,
    `insert into ward.visit (id, account) select 1700, ? union all select id + 5000, grp from ward.person`,
    `update ward.visit set account = coalesce(?, id) where id = 3`,
    `update ward.visit set account = case when id = 3 then ? else null::int2 end where id = 3`,
    `update ward.visit set account = coalesce(v.t, 1.5::float4) from (values (?::int8)) v(t) where id = 3`,
  ])('is not taken for its value in %s', async (sql) => {
    const account = TOKEN_COLUMNS.find(({ name }) => name === 'account')
    if (account === undefined) throw new Error('no column')
    for (const mode of MODES.filter(({ name }) => name === 'a quoted literal' || name === 'a text parameter')) {
      const { rows, error } = await mode.run(agent, sql, await tokenOf(account), 'text')
      expect([mode.name, rows, /^(?:42501|22000)$/.test(error?.code ?? '')]).toEqual([mode.name, [], true])
    }
  })

  it('nor is a column of stored values compared in it', async () => {
    for (const sql of [
      'select count(distinct x) from (select null::float4 union all select account from ward.person) n(x)',
      'select count(*) from (select null::name union all select full_name from ward.person) n(x), ward.person where full_name = x',
      'select account from ward.person union select null::float4',
    ]) {
      expect((await query(agent, sql)).error?.code).toBe('42501')
    }
  })
})

describe('the type of a number', () => {
  it('does not tell how large it is', async () => {
    const client = await bed.connect('agent')
    await admin.query(`update ward.visit set account = case id when 1 then 5 when 2 then 5000000000 end,
      policy = case id when 1 then 5 when 2 then 5000000000 end where id in (1, 2)`)
    for (const column of ['account', 'policy']) {
      const { rows } = await query(agent, `select ${column} from ward.visit where id in (1, 2) order by id`)
      const [small, large] = rows.map(([token]) => token)
      for (const sql of [
        `select t, array[t], coalesce(t, t) from (values (?)) v(t) join ward.visit on ${column} = t`,
        `select t from unnest(array[?]) t join ward.visit on ${column} = t`,
        `select q.t from (select ? as t) q join ward.visit on ${column} = q.t`,
      ]) {
        const typesWith = async (token: string | null | undefined) =>
          (await client.query(sql.replaceAll('?', token ?? ''))).fields.map(({ dataTypeID }) => dataTypeID)
        expect(await typesWith(small)).toEqual(await typesWith(large))
      }
    }
  })
})
