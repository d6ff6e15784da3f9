import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newToken, TOKEN_RANDOM_BYTES } from '../../src/phi/tokens/token-text.ts'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import type { Testbed } from '../support/testbed.ts'
import type { WireClient } from '../support/wire-client.ts'
import { type Answer, bound, query } from './modes.ts'
import { rawValue, startWard, TOKEN_COLUMNS } from './ward.ts'

let bed: Testbed
let agent: WireClient
let admin: Client
/** Of person 7. */
let name: string
let recordNo: string
let external: string
let secrets: readonly string[]

beforeAll(async () => {
  bed = await startWard()
  agent = await bed.wire('agent')
  admin = await bed.direct()
  const { rows } = await query(agent, 'select full_name, record_no, external from ward.person where id = 7')
  ;[name = '', recordNo = '', external = ''] = (rows[0] ?? []).map((cell) => cell ?? '')
  const values = await Promise.all(TOKEN_COLUMNS.map((column) => rawValue(admin, column, 7)))
  secrets = values.flatMap((value) => (value === null ? [] : [value.trimEnd(), value.trimEnd().toUpperCase()]))
})
afterAll(() => bed?.stop())

/** Token, and one that is spelled as well but was never given out. */
const forged = (token: string): string => {
  const random = randomBytes(TOKEN_RANDOM_BYTES)
  if (token.startsWith('tok_')) return newToken('text', random)
  return newToken(token.startsWith('-') ? 'integer' : 'uuid', random)
}

/** An answer in which the token no longer tells which one it was. */
function anonymous(answer: Answer, token: string): string {
  const text = JSON.stringify(answer)
  // Without what quoting in SQL and JSON puts between the letters.
  const letters = text.replaceAll(/['"\\\\]/g, '')
  expect(secrets.filter((secret) => letters.includes(secret.replaceAll(/['"\\\\]/g, '')))).toEqual([])
  return text.replaceAll(token, '<token>').replaceAll(token.toUpperCase(), '<TOKEN>')
}

/** Where a token must stay a token: an answer that depends on what it stands for would be an oracle. */
const POSITIONS = [
  `select '?'`,
  `select '?' as full_name from ward.person where id = 7`,
  `select '?'::text, '?'::varchar, cast('?' as text)`,
  `select '?' || ''`,
  `select upper('?')`,
  `select length('?')`,
  `select '?' like 'tok%', md5('?') = md5('Quux')`,
  `select json_build_object('k', '?')`,
  `select array['?']`,
  `select row('?')`,
  `select coalesce('?', 'x'), nullif('?', 'x'), greatest('?', 'a')`,
  `select case when id = 7 then '?' else '' end from ward.person`,
  `select '?' = '?'`,
  `select '?' > 'm'`,
  `select x from (values ('?')) v(x)`,
  `select x from unnest(array['?']) x`,
  `select 1 where '?' like 'Q%'`,
  `with t as (select '?' as x) select x, length(x) from t`,
  `with t as (select '?'::text as x) select t.x from t, ward.person p where p.id = 7`,
  `select id from ward.person where full_name like '?'`,
  `select id from ward.person where full_name like '?%'`,
  `select id from ward.person where full_name ~ '?'`,
  `select id from ward.person where full_name ilike '?'`,
  `select id from ward.person where full_name < '?'`,
  `select id from ward.person where full_name >= '?'`,
  `select id from ward.person where full_name between '?' and '?'`,
  `select id from ward.person where lower(full_name) = lower('?')`,
  `select id from ward.person where lower(full_name) = '?'`,
  `select id from ward.person where full_name = lower('?')`,
  `select id from ward.person where full_name = '?' || ''`,
  `select id from ward.person where full_name || '' = '?'`,
  `select id from ward.person where left(full_name, 3) = left('?', 3)`,
  `select id from ward.person where left(full_name, 4) = '?'`,
  `select id from ward.person where length(full_name) = length('?')`,
  `select id from ward.person where position('?' in full_name) > 0`,
  `select id from ward.person where full_name = '?'::varchar(3)`,
  `select id from ward.person where full_name = '?'::char(4)`,
  `select id from ward.person where full_name = any (string_to_array('?', ','))`,
  `select id from ward.person where full_name > any (array['?'])`,
  `select id from ward.person where full_name = (select '?' || '')`,
  `select id from ward.person where full_name = (select '?' order by 1)`,
  `select id from ward.person where full_name in (select '?' union select 'Quux')`,
  `select id from ward.person where full_name in (select x from (values ('?'), ('b')) v(x) order by x limit 1)`,
  `select id from ward.person p join (values ('?')) v(x) on p.full_name = v.x and v.x like 'Q%'`,
  `select id from ward.person p join (values ('?')) v(x) on p.full_name = v.x order by x`,
  `select id from ward.person p join (values ('?')) v(x) on p.full_name = v.x or v.x = 'Quux'`,
  `select v.x, p.id from (values ('?'), ('Quuxling 3')) v(x) join ward.person p on p.nickname = v.x`,
  `select s.id from ward.scrap s join (values ('?')) v(x) on s.line = v.x join ward.person p on p.full_name = v.x`,
  `with v(x) as (values ('?')), s as (insert into ward.scrap (line) select x from v returning line) select s.line from s, v, ward.person p where p.full_name = v.x`,
  `select p.id from unnest(array['?', 'Quux']) t join ward.person p on p.full_name = t`,
  `select p.id from unnest(array['?']) t join ward.person p on p.full_name = upper(t)`,
  `select p.id from unnest(array['?']) t join ward.person p on p.full_name = t where t > 'm'`,
  `select id from ward.person where concat(full_name) = '?'`,
  `select id from ward.person where row(full_name) < row('?')`,
  `select id from ward.person where kind_of('?') = full_name`,
  `select id from ward.person order by full_name < '?', length('?')`,
  `select id from ward.person order by id limit length('?')`,
  `select id from ward.person where id = length('?')`,
  `select grp, count(*) from ward.person group by grp having max(full_name) > '?'`,
  `select string_agg(nickname, '?') from ward.person`,
  `select format('%s', '?'), quote_literal('?'), concat('?', '')`,
  `select '?' from ward.person where full_name = 'x'`,
  `select x.t, p.id from (select '?'::text as t) x join ward.person p on p.full_name = x.t || ''`,
  `select id from ward.person where ssn = '?'`,
  `select id from ward.person where email = '?'`,
  `select id from ward.visit where note = '?'`,
  `select id from ward.visit where kind = '?' or note like '%?%'`,
  `insert into ward.scrap (line) values ('?') returning line`,
  `insert into ward.scrap (line) select '?' returning length(line)`,
  `update ward.visit set note = '?' where id = 1 returning note`,
  `update ward.visit set note = 'see ?' where id = 1 returning note`,
  `update ward.person set full_name = '?' || 'x' where id = 20`,
  `update ward.person set full_name = upper('?') where id = 20`,
  `update ward.person set full_name = concat('?', '') where id = 20`,
  `update ward.person set ssn = '?' where id = 20`,
  `update ward.person set full_name = case when '?' > 'm' then 'a' else 'b' end where id = 20`,
  `copy (select '?') to stdout`,
  `prepare misuse as select '?'; execute misuse; deallocate misuse`,
  `explain (costs off) select 1 from ward.scrap where line = '?'`,
  `explain (costs off) select 1 from ward.person where full_name = '?'`,
  `prepare misuse2 as select id from ward.person where full_name = '?'; explain (costs off) execute misuse2; deallocate misuse2`,
  `explain (verbose, costs off) select id from ward.person where full_name in ('?', 'x')`,
  `begin; declare misuse3 cursor for select id from ward.person where full_name = '?'; select statement from pg_cursors; rollback`,
  `select current_query(), id from ward.person where full_name = '?'`,
  `do $$ begin raise notice '%', '?'; end $$`,
  `set application_name = '?'`,
  `select set_config('application_name', '?', false)`,
  `notify ward, '?'`,
  `comment on table ward.scrap is '?'`,
  `create view ward.found as select id from ward.person where full_name = '?'`,
  `select '?'::xml`,
  `select xmlelement(name x, '?')`,
  `select '{"k": "?"}'::jsonb`,
  `select id from ward.person where doc @> '{"name": {"family": "?"}}'`,
  `select id from ward.person where doc @@ '$.name.family == "?"'`,
  `select id from ward.person where doc->'name'->>'given' = '?'`,
  `select id from ward.person where doc::text like '%?%'`,
]

it.each(POSITIONS)('stays a token in %s', async (position) => {
  const other = forged(name)
  const [real, never] = [
    await query(agent, position.replaceAll('?', name)),
    await query(agent, position.replaceAll('?', other)),
  ]
  expect(anonymous(real, name)).toBe(anonymous(never, other))
  await query(agent, 'rollback; set application_name = default')
})

/** As positions, for numbers and uuids. */
const NUMBER_POSITIONS = [
  `select ?`,
  `select ?::text, abs(?), ? + 1, ? % 1000`,
  `select -(?)`,
  `select id from ward.person where record_no < ?`,
  `select id from ward.person where record_no between ? and 0`,
  `select id from ward.person where record_no = ? + 0`,
  `select id from ward.person where record_no + 0 = ?`,
  `select id from ward.person where record_no = abs(?)`,
  `select id from ward.person where record_no = - ?`,
  `select id from ward.person where abs(record_no) = ?`,
  `select id from ward.person where record_no::text < '?'`,
  `select id from ward.person where record_no::text || '' = '?'`,
  `select id from ward.person where record_no::text::int = ?`,
  `select id from ward.person p join (values (?)) v(x) on p.record_no = v.x and v.x > 0`,
  `select id from ward.person p join (values (?)) v(x) on p.record_no = v.x order by x`,
  `select id from ward.person p join (values (?)) v(x) on p.record_no = v.x limit (select ?)`,
  `select id from ward.person where record_no % 10 = ? % 10`,
  `select id from ward.person where account = ?`,
  `select id from ward.person order by id limit ?`,
  `select * from generate_series(?, ?)`,
  `insert into ward.scrap (amount) values (?) returning amount`,
  `update ward.person set record_no = ? + 1 where id = 20`,
  `update ward.person set grp = ? where id = 20 returning grp`,
]

it.each(NUMBER_POSITIONS)('stays a number in %s', async (position) => {
  const other = forged(recordNo)
  const [real, never] = [
    await query(agent, position.replaceAll('?', recordNo)),
    await query(agent, position.replaceAll('?', other)),
  ]
  // What is computed from the token itself tells the token, which the client has.
  if (real.error === undefined && /abs|\+ 1|-\(|% /.test(position) && position.startsWith('select ')) {
    expect(secrets.filter((secret) => JSON.stringify(real).includes(secret))).toEqual([])
    return
  }
  expect(anonymous(real, recordNo)).toBe(anonymous(never, other))
})

it.each([
  `select '?'::uuid`,
  `select '?'::uuid::text`,
  `select id from ward.person where external < '?'`,
  `select id from ward.person where external::text < '?'`,
  `select id from ward.person where left(external::text, 8) = left('?', 8)`,
])('stays a uuid in %s', async (position) => {
  const other = forged(external)
  const [real, never] = [
    await query(agent, position.replaceAll('?', external)),
    await query(agent, position.replaceAll('?', other)),
  ]
  expect(anonymous(real, external)).toBe(anonymous(never, other))
})

describe('a parameter that is used twice', () => {
  it.each([
    'select $1::text, id from ward.person where full_name = $1',
    'select id, $1 from ward.person where full_name = $1 and id < 100',
    'select id from ward.person where full_name = $1 and length($1) > 3',
    'select id from ward.person where full_name = $1 or ward.person.nickname like $1',
    'select id from ward.person where full_name = $1 and ssn = $1',
    'update ward.visit set full_name = $1, note = $1 where id = 1 returning note',
    'insert into ward.visit (id, full_name, note) values (2000, $1, $1) returning note',
    'with n as (select $1::text as x) select x, id from n, ward.person where full_name = $1',
    'select id from ward.person where full_name = coalesce($1, nickname) and nickname <> $1 || full_name',
  ])('is not resolved in %s', async (sql) => {
    const other = forged(name)
    for (const format of [0, 1]) {
      const ask = (token: string) => bound(agent, sql, [{ value: Buffer.from(token), format, typeOid: 25 }])
      expect(anonymous(await ask(name), name)).toBe(anonymous(await ask(other), other))
    }
  })
})

const before = () => admin.query('select * from ward.person order by id')

describe('what was masked is not written back', () => {
  it.each([
    [`update ward.person set full_name = '[redacted]' where id = 20`, '22000'],
    [`update ward.person set born = '1972-01-01' where id = 20`, '22000'],
    [`update ward.person set born = date '1972-01-01' where id = 20`, '22000'],
    [`update ward.person set zip = '021' where id = 20`, '22000'],
    [`insert into ward.visit (id, full_name) values (2001, '[redacted]')`, '22000'],
    [`insert into ward.visit (id, born) values (2002, '1972-01-01')`, '22000'],
    [`update ward.person set full_name = coalesce('[redacted]', full_name) where id = 20`, '22000'],
    [`update ward.person set doc = '{"mrn": 5, "name": {"family": "[redacted]"}}' where id = 20`, '22000'],
  ])('%s', async (sql, code) => {
    const there = await before()
    const { error } = await query(agent, sql)
    expect(error?.code).toBe(code)
    expect((await before()).rows).toEqual(there.rows)
  })

  it('nor a token of another class, one that is malformed, or one that was never given out', async () => {
    const there = await before()
    const malformed = name.slice(0, -1) + (name.endsWith('1') ? '2' : '1')
    for (const value of [
      forged(name),
      malformed,
      name.toUpperCase(),
      (await query(agent, 'select ssn from ward.person where id = 7')).rows[0]?.[0],
    ]) {
      for (const format of [0, 1]) {
        const { error } = await bound(agent, 'update ward.person set full_name = $1 where id = 20', [
          { value: Buffer.from(value ?? ''), format, typeOid: 25 },
        ])
        expect(error?.code).toBe('22000')
      }
    }
    expect((await before()).rows).toEqual(there.rows)
  })

  it('and it is told in the journal', async () => {
    const headers = await bed.recorded(
      // Another session than the one that has raised many alerts.
      async () => query(await bed.wire('agent'), `update ward.person set full_name = '${forged(name)}' where id = 20`),
      (found) => found.some(({ kind }) => kind === 'alert'),
    )
    const alert = headers.find(({ kind }) => kind === 'alert')
    expect(alert).toBeDefined()
    expect(JSON.stringify(alert)).not.toContain('tok_')
  })
})

it('resolves nothing for a session of another scope', async () => {
  // The officer sees everything; a token is a text to them, and no value has it.
  const officer = await bed.wire('officer')
  expect((await query(officer, `select id from ward.person where full_name = '${name}'`)).rows).toEqual([])
})

/** With the name of person 7, which a client might guess. */
function guess(sql: string): string {
  return sql.replaceAll('?', TOKEN_COLUMNS[0]?.value(3).replaceAll("'", "''") ?? '')
}

/** Whoever gets the token of a value that they have put in themselves can try all values there are. */
describe('the token of a guess', () => {
  it.each([
    `select full_name from ward.person where id = 7 union all select '?'`,
    `select '?' union all select full_name from ward.person where id = 7`,
    `select full_name from ward.person where id = 7 union all select line from ward.scrap`,
    `select coalesce(full_name, '?') from ward.person where id in (7, 8)`,
    `select coalesce(null, '?', full_name) from ward.person where id = 7`,
    `select coalesce(p.full_name, v.x) from (values ('?')) v(x) left join ward.person p on p.id = -1`,
    `select case when id = 7 then '?' else full_name end from ward.person`,
    `select lag(full_name, 1, '?') over (order by id) from ward.person`,
    `select array[full_name, '?'] from ward.person where id = 7`,
    `select (array['?', full_name])[1] from ward.person where id = 7`,
    `select x from unnest((select array['?', full_name] from ward.person where id = 7)) x`,
    `select json_agg(coalesce(full_name, '?')) from ward.person`,
    `select doc from ward.person where id = 7 union all select '{"name": {"family": "Quuxling 3"}}'`,
    `select jsonb_build_object('n', full_name) from ward.person where id = 7 union all select '{"n": "?"}'`,
    `with recursive r(n, x) as (select 1, full_name from ward.person where id = 7 union all select n + 1, '?' from r where n < 2) select x from r`,
    `copy (select full_name from ward.person where id = 7 union all select '?') to stdout`,
  ])('is not given by %s', async (sql) => {
    await query(agent, `insert into ward.scrap (line) values ('${guess('?')}')`)
    agent.send(encodeQuery(guess(sql)))
    const answered = JSON.stringify(await agent.ready())
    expect(answered).not.toMatch(/"code":/)
    expect(answered).not.toContain(name)
    expect(answered).not.toContain('tok_')
  })

  it.each([
    `select count(*) from (select full_name from ward.person union select '?') s`,
    `select count(distinct x) from (select full_name as x from ward.person union all select '?') s`,
    `select x, count(*) from (select full_name as x from ward.person union all select '?') s group by x`,
    `select count(*) from ward.person where full_name in (values ('?'))`,
    `select count(*) from ward.person p join ward.scrap s on s.line = p.full_name`,
    `select id from ward.person where coalesce(null, '?', full_name) = full_name`,
  ])('nor is it asked for by %s', async (sql) => {
    expect((await query(agent, guess(sql))).error?.code).toBe('42501')
  })
})

/** Placeholders and tokens that take a detour to a protected column. */
describe('what comes to a column by a detour', () => {
  it.each([
    `update ward.person p set full_name = v.n from (values (20, '?')) v(id, n) where p.id = v.id`,
    `with n as (select '?' as x) update ward.person set full_name = n.x from n where id = 20`,
    `update ward.person set full_name = (select '?') where id = 20`,
    `update ward.person set full_name = (select v.n from (values ('?')) v(n)) where id = 20`,
    `update ward.person set (full_name, grp) = (select '?', 1) where id = 20`,
    `update ward.person set full_name = coalesce(nullif('?', ''), full_name) where id = 20`,
    `update ward.person set full_name = E'?' where id = 20`,
    `update ward.person set full_name = $$?$$ where id = 20`,
    `update ward.person set full_name = ('?')::varchar(60) where id = 20`,
    `update ward.person set aliases = array_append(aliases, '?') where id = 20`,
    `update ward.person set aliases = aliases || array['?'] where id = 20`,
    `update ward.person set doc = jsonb_set(doc, '{name,family}', '"?"') where id = 20`,
    `update ward.person set doc = doc || '{"name": {"family": "?"}}' where id = 20`,
    `insert into ward.visit (id, full_name) select * from (values (3000, '?')) v`,
    `insert into ward.visit (id, full_name) select 3000, n from unnest(array['?']) n`,
    `insert into ward.visit (id, full_name) select * from unnest('{3000}'::int[], '{"?"}'::text[])`,
    `insert into ward.visit (id, full_name) select id, n from jsonb_to_recordset('[{"id": 3000, "n": "?"}]') x(id int, n text)`,
    `insert into ward.visit select * from jsonb_populate_recordset(null::ward.visit, '[{"id": 3000, "full_name": "?"}]')`,
    `insert into ward.visit (id, full_name) select 3000, '?' union select 3001, 'x'`,
    `merge into ward.person p using (values (20, '?')) s(id, n) on p.id = s.id when matched then update set full_name = s.n`,
    `merge into ward.visit v using (values (3000, '?')) s(id, n) on v.id = s.id when not matched then insert (id, full_name) values (s.id, s.n)`,
    `prepare detour(text) as update ward.person set full_name = $1 where id = 20; execute detour('?')`,
  ])('is not stored: %s', async (sql) => {
    for (const value of ['[redacted]', forged(name)]) {
      expect((await query(agent, sql.replaceAll('?', value))).error).toBeDefined()
      await query(agent, 'rollback; deallocate all')
    }
    const { rows } = await admin.query(
      `select from ward.person p where concat(p) ~ 'redacted|tok_'
       union all select from ward.visit where concat(full_name, doc) ~ 'redacted|tok_'`,
    )
    expect(rows).toEqual([])
  })

  it.each([
    `insert into ward.visit (id, full_name, zip, born, kind) select id + 4000, full_name, zip, born, '2024-01-01' from ward.person`,
    `insert into ward.visit (id, zip, born) values (100, '02139', '1984-07-23') on conflict (id) do update set zip = excluded.zip, born = excluded.born`,
    `update ward.visit v set full_name = p.full_name from ward.person p where p.id = 7 and v.id = 3`,
    `update ward.person p set zip = v.zip from (values (100, '02139')) v(id, zip) where p.id = v.id`,
  ])('is not seen where there is none: %s', async (sql) => {
    expect((await query(agent, sql)).error).toBeUndefined()
  })
})
