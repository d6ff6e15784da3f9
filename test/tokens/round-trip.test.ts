import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Testbed } from '../support/testbed.ts'
import type { WireClient } from '../support/wire-client.ts'
import { literal, MODES, query } from './modes.ts'
import { PEOPLE, rawValue, startWard, TOKEN_COLUMNS, type TokenColumn } from './ward.ts'

let bed: Testbed
let agent: WireClient
let admin: Client

beforeAll(async () => {
  bed = await startWard()
  agent = await bed.wire('agent')
  admin = await bed.direct()
})
afterAll(() => bed?.stop())

/** What the agent gets for a person's column. */
async function tokenOf({ name }: TokenColumn, id: number): Promise<string> {
  const { rows, error } = await query(agent, `select ${name} from ward.person where id = ${id}`)
  expect(error).toBeUndefined()
  const token = rows[0]?.[0]
  if (token == null) throw new Error('no token')
  return token
}

async function ids(sql: string): Promise<readonly string[]> {
  const { rows } = await admin.query<{ id: number }>(sql)
  return rows.map(({ id }) => String(id)).toSorted()
}

/** Ids that a statement of the agent gave. */
const sorted = (rows: readonly (readonly (string | null)[])[]) => rows.map(([id]) => id ?? '').toSorted()

describe.each(TOKEN_COLUMNS.map((column) => [column.name, column] as const))('%s', (_name, column) => {
  const { name, type, shape, value } = column
  const ID = 7
  const raw = value(ID >> 1)
  let token: string
  beforeAll(async () => {
    token = await tokenOf(column, ID)
  })

  it('leaves as a token, the same for the same value and another for another', async () => {
    expect(token).toMatch(shape)
    expect(await tokenOf(column, ID - 1)).toBe(token)
    const { rows } = await query(agent, `select ${name} from ward.person order by id`)
    expect(new Set(rows.map(([one]) => one)).size).toBe(PEOPLE / 2)
    for (const [one] of rows) expect(one).toMatch(shape)
  })

  describe.each(MODES.map((mode) => [mode.name, mode] as const))('as %s', (_mode, mode) => {
    const run = (sql: string) => mode.run(agent, sql, token.trimEnd(), type)
    const truth = (sql: string) => ids(sql.replaceAll('?', literal(raw, type)))

    it.each([
      ['equality', `select id from ward.person where ${name} = ?`],
      ['equality turned round', `select id from ward.person where ? = ${name}`],
      ['IN', `select id from ward.person where ${name} in (?, ?)`],
      ['NOT IN', `select id from ward.person where ${name} not in (?)`],
      ['inequality', `select id from ward.person where ${name} <> ?`],
      ['IS DISTINCT FROM', `select id from ward.person where ${name} is distinct from ?`],
      [
        '= ANY of an array',
        `select id from ward.person where ${name} = any (array[?, ?]::${type.replace(/\(.*/, '').replace('char', 'bpchar').replace('varbpchar', 'varchar')}[])`,
      ],
      [
        'a join',
        `select v.id from ward.person p join ward.visit v on v.${name} = p.${name} where p.${name} = ? and p.id = ${ID}`,
      ],
      ['a subquery', `select id from ward.visit where ${name} in (select ${name} from ward.person where ${name} = ?)`],
      ['a CTE', `with w as (select id, ${name} as x from ward.person) select id from w where x = ?`],
      ['OR', `select id from ward.person where ${name} = ? or id = 0`],
      ['an alias', `select p.id from ward.person as p where p.${name} = ? and p.grp >= 0`],
    ])('finds by %s what the value finds', async (_what, sql) => {
      const { rows, error } = await run(sql)
      expect(error).toBeUndefined()
      const expected = await truth(sql)
      expect(expected.length).toBeGreaterThan(0)
      expect(sorted(rows)).toEqual(expected)
    })

    it('is stored as the value, by UPDATE and by INSERT', async () => {
      await admin.query('begin; delete from ward.visit where id >= 1000; commit')
      expect((await run(`insert into ward.visit (id, kind, ${name}) values (1000, 'new', ?)`)).error).toBeUndefined()
      expect((await rawValue(admin, column, 1000, 'visit'))?.trimEnd()).toBe(raw)
      expect((await run(`update ward.visit set ${name} = ? where id = 1`)).error).toBeUndefined()
      expect((await rawValue(admin, column, 1, 'visit'))?.trimEnd()).toBe(raw)
      const returned = await run(`update ward.visit set ${name} = ? where id = 1 returning ${name}`)
      expect(returned).toEqual({ rows: [[token]], error: undefined })
    })

    it('changes the rows that the value names', async () => {
      await admin.query(`update ward.person set grp = 0`)
      expect((await run(`update ward.person set grp = 9 where ${name} = ?`)).error).toBeUndefined()
      expect(await ids('select id from ward.person where grp = 9')).toEqual(
        await truth(`select id from ward.person where ${name} = ?`),
      )
    })

    it('finds nothing as a value that never was, and tells nobody', async () => {
      const forged = await mode.run(
        agent,
        `select id from ward.person where ${name} = ?`,
        forgedFrom(token, type),
        type,
      )
      expect(forged).toEqual({ rows: [], error: undefined })
    })
  })

  it('does not take the value itself', async () => {
    for (const mode of MODES) {
      const { rows, error } = await mode.run(agent, `select id from ward.person where ${name} = ?`, raw, type)
      expect(rows).toEqual([])
      expect(error?.code).toBe('42501')
      expect(JSON.stringify(error)).not.toContain(raw)
    }
  })
})

/** A token of the same spelling that was never given out: the check characters of texts no longer fit. */
function forgedFrom(token: string, type: string): string {
  const plain = token.trimEnd()
  if (/^-?\d+$/.test(plain) && !type.startsWith('text'))
    return String(BigInt(plain) + (BigInt(plain) % 2n === 0n ? 1n : -1n))
  const at = plain.startsWith('tok-') || plain.startsWith('tok_') ? 5 : plain.length - 3
  const other = plain[at] === '1' ? '2' : '1'
  return plain.slice(0, at) + other + plain.slice(at + 1)
}
