import type { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import type { Testbed } from '../support/testbed.ts'
import { startWard, TOKEN_COLUMNS } from './ward.ts'

let bed: Testbed
let agent: Client
let officer: Client
beforeAll(async () => {
  bed = await startWard()
  agent = await bed.connect('agent')
  officer = await bed.connect('officer')
})
afterAll(() => bed?.stop())

/** Rows with every different value numbered in the order in which it is first seen: what tokens and values have in common. */
function numbered(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  const seen = new Map<unknown, number>()
  return rows.map((row) =>
    row.map((cell) => {
      if (typeof cell !== 'string') return cell
      const known = seen.get(cell) ?? seen.size
      seen.set(cell, known)
      return known
    }),
  )
}

async function rowsOf(client: Client, text: string): Promise<readonly (readonly unknown[])[]> {
  return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows
}

it.each(
  TOKEN_COLUMNS.flatMap(({ name }) => [
    `select ${name}::text, id from ward.person order by id`,
    `select count(distinct ${name}), count(${name}) from ward.person`,
    `select count(*) from (select ${name} from ward.person group by ${name}) g`,
    `select count(*) from (select distinct ${name} from ward.person) g`,
    `select p.${name}::text, v.${name}::text, p.id, v.id from ward.person p join ward.visit v using (${name}) order by p.id, v.id`,
    `select count(*) from ward.person p where exists (select from ward.visit v where v.${name} = p.${name} and v.kind = 'first')`,
  ]),
)('tokens agree with values in %s', async (sql) => {
  expect(numbered(await rowsOf(agent, sql))).toEqual(numbered(await rowsOf(officer, sql)))
})

/** Of rows of value, count and least id: counts by least id, in its order. */
const byFirst = (rows: readonly (readonly unknown[])[]) =>
  rows.map(([, n, first]) => [first, n]).toSorted((a, b) => Number(a[0]) - Number(b[0]))

it('groups by token as by value', async () => {
  const sql = 'select full_name, count(*)::int as n, min(id) as first from ward.person group by full_name'
  const masked = await rowsOf(agent, sql)
  expect(byFirst(masked)).toEqual(byFirst(await rowsOf(officer, sql)))
  expect(new Set(masked.map(([token]) => token)).size).toBe(masked.length)
})

it('gives one token in columns, arrays, rows, JSON and COPY', async () => {
  const [row] = await rowsOf(
    agent,
    `select nickname, aliases, doc, to_jsonb(p), json_build_object('n', nickname), array[nickname] from ward.person p where id = 7`,
  )
  const [nickname, aliases, doc, whole, built, array] = row ?? []
  expect(nickname).toMatch(/^tok_/)
  expect(aliases).toEqual([nickname])
  expect(doc).toMatchObject({ name: { family: nickname }, active: true })
  expect(whole).toMatchObject({ nickname, aliases: [nickname], doc: { name: { family: nickname } } })
  expect(built).toEqual({ n: nickname })
  expect(array).toEqual([nickname])
  const wire = await bed.wire('agent')
  for (const format of ['text', 'csv']) {
    wire.send(encodeQuery(`copy (select nickname from ward.person where id = 7) to stdout (format ${format})`))
    const data = (await wire.ready())
      .flatMap((message) => (message.kind === 'CopyData' ? [message.data.toString()] : []))
      .join('')
    expect(data.trim().replaceAll('"', '')).toBe(nickname)
  }
})

it('keeps its tokens over a session, and gives them to another of the same group', async () => {
  const sql = 'select full_name, record_no, external from ward.person order by id'
  const again = await bed.connect('agent')
  expect(await rowsOf(again, sql)).toEqual(await rowsOf(agent, sql))
})
