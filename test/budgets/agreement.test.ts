import * as fc from 'fast-check'
import { loadModule } from 'libpg-query'
import { Client, DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyse } from '../../src/inspect/sql/analyse.ts'
import type { Catalog, CatalogRelation, PhiView } from '../../src/inspect/sql/catalog.ts'
import type { SqlFacts } from '../../src/inspect/sql/facts.ts'
import { patientKeysOf } from '../../src/inspect/sql/patients/patient-keys.ts'
import { skeletonOf } from '../../src/inspect/sql/skeleton.ts'
import { type Surroundings, surroundingsOf } from '../../src/inspect/sql/surroundings.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'

/**
 * What facts say of patients, held against what a server does: a statement that is bound to some patients gives the same where
 * nobody else is, and a row that names a patient is the same where only that one is.
 */

const TABLES = {
  p: ['id', 'n', 'k'],
  e: ['id', 'pid', 'n', 'k'],
  o: ['id', 'pid', 'n', 'k'],
} as const
type Table = keyof typeof TABLES
const KEY: Readonly<Record<Table, string>> = { p: 'id', e: 'pid', o: 'pid' }
const PATIENTS = [1, 2, 3, 4]

function relation(oid: number, name: string, columns: readonly string[], more: Partial<CatalogRelation> = {}) {
  const listed = columns.map((column, i) => ({ attnum: i + 1, name: column, typeOid: 23 }))
  const plain = { dependsOn: [], callsUserFunctions: false, parents: [] }
  return { oid, schema: 'all_of_them', name, kind: 'r', columns: listed, ...plain, ...more }
}

const VIEWS = {
  v: 'SELECT p.id, e.n, e.k FROM all_of_them.p p LEFT JOIN all_of_them.e e ON (e.pid = p.id)',
  w: 'SELECT e.pid AS id, e.n, e.k FROM all_of_them.e UNION ALL SELECT o.pid, o.n, o.k FROM all_of_them.o',
  x: 'SELECT p.id, p.n, p.k FROM all_of_them.p ORDER BY p.n, p.id LIMIT 2',
} as const

const TABLE_OIDS = [20_001, 20_002, 20_003]
const RELATIONS: readonly CatalogRelation[] = [
  ...Object.entries(TABLES).map(([name, columns], i) => relation(TABLE_OIDS[i] ?? 0, name, columns)),
  ...Object.entries(VIEWS).map(([name, definition], i) =>
    relation(20_100 + i, name, ['id', 'n', 'k'], {
      kind: 'v',
      definition,
      usesWholeRows: false,
      dependsOn: TABLE_OIDS.map((oid) => ({ oid, attnum: 0 })),
    }),
  ),
]
const CATALOG: Catalog = {
  epoch: 'agreement',
  serverMajor: 18,
  relations: RELATIONS,
  userFunctions: [],
  userOperators: [],
  userTypes: [],
}
const VIEW: PhiView = {
  phiColumns: new Set(TABLE_OIDS.map((oid) => `${oid}.3`)),
  phiRelations: new Set(RELATIONS.map(({ oid }) => oid)),
  labels: new Map(),
  labelledViewColumns: new Map(),
  trustedFunctions: new Set(),
  patientKeys: patientKeysOf(
    RELATIONS,
    Object.entries(KEY).map(([table, column]) => ({ schema: 'all_of_them', table, column })),
  ),
}

// ---- statements

const column = fc.constantFrom('id', 'n', 'k')
const constant = fc.constantFrom('1', '2', '3', '7')
const source = fc.constantFrom('p', 'e', 'o', 'v', 'w', 'x')

const keyOf = (name: string): string => (name === 'e' || name === 'o' ? 'pid' : 'id')

interface Item {
  readonly text: string
  readonly alias: string
  readonly key: string
}

const item = (alias: string): fc.Arbitrary<Item> =>
  fc.oneof(
    { weight: 4, arbitrary: source.map((name) => ({ text: `${name} ${alias}`, alias, key: keyOf(name) })) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          source,
          fc.option(condition('z', 'id'), { nil: undefined }),
          fc.constantFrom('', '', ' LIMIT 2', ' OFFSET 1'),
        )
        .map(([name, where, cut]) => {
          const inner = `SELECT ${keyOf(name)} AS id, n, k FROM ${name} z`
          const order = cut === '' ? '' : ` ORDER BY n, k, ${keyOf(name)}${cut}`
          const said = where === undefined ? '' : ` WHERE ${where.replaceAll('z.id', `z.${keyOf(name)}`)}`
          return { text: `(${inner}${said}${order}) ${alias}`, alias, key: 'id' }
        }),
    },
    {
      weight: 1,
      arbitrary: source.map((name) => ({
        text: `(SELECT ${keyOf(name)} AS id, max(n) AS n, count(*)::int AS k FROM ${name} GROUP BY ${keyOf(name)}) ${alias}`,
        alias,
        key: 'id',
      })),
    },
  )

function condition(alias: string, key: string): fc.Arbitrary<string> {
  const own = fc.oneof(
    { weight: 6, arbitrary: constant.map((value) => `${alias}.${key} = ${value}`) },
    { weight: 1, arbitrary: fc.tuple(constant, constant).map(([a, b]) => `${alias}.${key} IN (${a}, ${b})`) },
    { weight: 1, arbitrary: constant.map((value) => `${alias}.${key} = ANY ('{${value}}')`) },
    { weight: 1, arbitrary: fc.tuple(column, constant).map(([, value]) => `${alias}.n > ${value}`) },
    { weight: 1, arbitrary: constant.map((value) => `${alias}.${key} >= ${value}`) },
    { weight: 1, arbitrary: fc.constant(`${alias}.${key} IN (SELECT pid FROM e WHERE pid = 2)`) },
    { weight: 1, arbitrary: fc.constant(`EXISTS (SELECT FROM o WHERE o.pid = ${alias}.${key} AND o.n > 1)`) },
    { weight: 1, arbitrary: fc.constant(`NOT EXISTS (SELECT FROM o WHERE o.pid = ${alias}.${key})`) },
    { weight: 1, arbitrary: fc.constant(`${alias}.n > (SELECT min(n) FROM o)`) },
  )
  return fc.oneof(
    { weight: 6, arbitrary: own },
    { weight: 1, arbitrary: fc.tuple(own, own).map(([a, b]) => `(${a} OR ${b})`) },
    { weight: 1, arbitrary: own.map((a) => `NOT (${a})`) },
  )
}

const join = (left: Item, right: Item) =>
  fc.tuple(
    fc.constantFrom(' JOIN ', ' LEFT JOIN ', ' RIGHT JOIN ', ' FULL JOIN ', ', '),
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(`${left.alias}.${left.key} = ${right.alias}.${right.key}`) },
      { weight: 1, arbitrary: fc.constant(`${left.alias}.n = ${right.alias}.n`) },
      { weight: 1, arbitrary: condition(left.alias, left.key) },
      { weight: 1, arbitrary: condition(right.alias, right.key) },
    ),
    fc.option(condition(right.alias, right.key), { nil: undefined }),
  )

const from = fc.tuple(item('a'), item('b'), item('c'), fc.constantFrom(1, 2, 2, 3)).chain(([a, b, c, count]) => {
  return fc.tuple(join(a, b), join(b, c)).map(([first, second]) => {
    const items = [a, b, c].slice(0, count)
    let text = a.text
    const where: string[] = []
    for (const [i, [kind, on, more]] of [first, second].slice(0, count - 1).entries()) {
      const right = items[i + 1]
      if (right === undefined) continue
      const said = more === undefined ? on : `${on} AND ${more}`
      // A comma binds less than a join.
      if (kind === ', ' && i === count - 2) where.push(said)
      text +=
        kind === ', ' && i === count - 2
          ? `, ${right.text}`
          : `${kind === ', ' ? ' JOIN ' : kind}${right.text} ON ${said}`
    }
    return { items, text, where }
  })
})

const statement = from.chain(({ items, text, where }) => {
  const conditions = fc.array(
    fc.constantFrom(...items).chain(({ alias, key }) => condition(alias, key)),
    { maxLength: 2 },
  )
  const keys = items.map(({ alias, key }) => `${alias}.${key}`)
  const targets = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(...keys).map((key) => `${key}, ${items.map(({ alias }) => `${alias}.n`).join(', ')}`),
    },
    { weight: 1, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: fc.constant('count(*), sum(a.n)') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...keys).map((key) => `${key}, (SELECT sum(n) FROM e WHERE e.pid = ${key})`),
    },
    { weight: 1, arbitrary: fc.constant('a.n, max(a.n) OVER ()') },
    { weight: 1, arbitrary: fc.constantFrom(...keys).map((key) => `${key}, rank() OVER (ORDER BY a.n)`) },
  )
  return fc.tuple(targets, conditions, fc.constantFrom('', '', '', ' GROUP')).map(([list, said, group]) => {
    const all = [...where, ...said]
    const query = `${text}${all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`}`
    const key = keys.at(-1) ?? ''
    return group === ''
      ? `SELECT ${list} FROM ${query}`
      : `SELECT ${key}, count(*), sum(a.n) FROM ${query} GROUP BY ${key}`
  })
})

const query = fc.oneof(
  { weight: 5, arbitrary: statement },
  {
    weight: 1,
    arbitrary: fc
      .tuple(item('a'), item('b'))
      .chain(([a, b]) =>
        fc
          .tuple(condition('a', a.key), condition('b', b.key))
          .map(
            ([x, y]) =>
              `SELECT a.${a.key}, a.n FROM ${a.text} WHERE ${x} UNION ALL SELECT b.${b.key}, b.n FROM ${b.text} WHERE ${y}`,
          ),
      ),
  },
  {
    weight: 1,
    arbitrary: item('a').chain((a) =>
      condition('s', 'id').map(
        (said) =>
          `WITH s AS (SELECT a.${a.key} AS id, a.n FROM ${a.text}) SELECT s.id, t.n FROM s JOIN s t ON t.id = s.id WHERE ${said}`,
      ),
    ),
  },
)

// ---- the server

let server: StoreServer
let client: Client
let around: Surroundings

beforeAll(async () => {
  await loadModule()
  around = surroundingsOf(CATALOG, VIEW, ['all_of_them'])
  server = await StoreServer.start()
  const location = await server.database()
  const { host, port, user, database } = location
  client = new Client({ host, port, user, database, password: (await location.password()) ?? '' })
  await client.connect()
  await client.query(schemaOf('all_of_them', PATIENTS))
  for (let set = 1; set < 2 ** PATIENTS.length; set++) await client.query(schemaOf(`only_${set}`, membersOf(set)))
})
afterAll(async () => {
  await client.end()
  await server.stop()
})

const membersOf = (set: number): readonly number[] => PATIENTS.filter((_, i) => (set >> i) % 2 === 1)
const setOf = (patients: Iterable<number>): number =>
  [...new Set(patients)].reduce(
    (set, patient) => set + (PATIENTS.includes(patient) ? 2 ** PATIENTS.indexOf(patient) : 0),
    0,
  )

function schemaOf(schema: string, patients: readonly number[]): string {
  const rows = (table: Table) =>
    Array.from({ length: table === 'p' ? PATIENTS.length : 9 }, (_, i) => {
      const patient = table === 'p' ? i + 1 : 1 + ((i * (table === 'e' ? 3 : 5)) % 5)
      if (!patients.includes(patient)) return undefined
      return table === 'p' ? [patient, i % 3, i % 2] : [100 + i, patient, (i * 7) % 4, i % 2]
    }).flatMap((row) => (row === undefined ? [] : [`(${row.join(',')})`]))
  const tables = Object.entries(TABLES).map(([name, columns]) => {
    const values = rows(name === 'p' ? 'p' : name === 'e' ? 'e' : 'o')
    const create = `CREATE TABLE ${schema}.${name} (${columns.map((one) => `${one} integer`).join(', ')})`
    return values.length === 0 ? create : `${create}; INSERT INTO ${schema}.${name} VALUES ${values.join(', ')}`
  })
  const views = Object.entries(VIEWS).map(
    ([name, text]) => `CREATE VIEW ${schema}.${name} AS ${text.replaceAll('all_of_them', schema)}`,
  )
  return [`CREATE SCHEMA ${schema}`, ...tables, ...views].join(';')
}

/** Rows in an order of their own; undefined for a statement that the server refuses. */
async function rowsIn(schema: string, sql: string): Promise<readonly string[] | undefined> {
  await client.query(`SET search_path = ${schema}`)
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' })
    return rows.map((row) => JSON.stringify(row)).toSorted()
  } catch (error) {
    if (error instanceof DatabaseError) return undefined
    throw error
  }
}

function factsOf(sql: string): SqlFacts | undefined {
  const found = analyse(sql, around, 10_000)
  return found.kind === 'analysed' ? found.statements[0] : undefined
}

function boundTo(sql: string, { patients }: SqlFacts): readonly number[] | undefined {
  const spans = skeletonOf(sql)?.spans ?? []
  return patients?.bound?.flatMap(({ at }) => {
    if (at.kind !== 'literal') throw new Error('not a literal')
    return [...sql.slice(spans[at.ordinal * 2], spans[at.ordinal * 2 + 1]).matchAll(/\d+/gu)].map(([n]) => Number(n))
  })
}

describe('what facts say of patients', () => {
  it('is what a server does', { timeout: 240_000 }, async () => {
    let bound = 0
    let named = 0
    await fc.assert(
      fc.asyncProperty(query, async (sql) => {
        const facts = factsOf(sql)
        const all = await rowsIn('all_of_them', sql)
        if (facts === undefined || all === undefined) return
        const patients = boundTo(sql, facts)
        if (patients !== undefined && setOf(patients) > 0) {
          bound += 1
          expect(await rowsIn(`only_${setOf(patients)}`, sql)).toEqual(all)
        }
        const output = facts.patients?.output
        if (output === undefined) return
        named += 1
        for (const patient of PATIENTS) {
          const own = (row: string): boolean => cellOf(row, output) === patient
          expect((await rowsIn(`only_${setOf([patient])}`, sql))?.filter(own)).toEqual(all.filter(own))
        }
      }),
      { numRuns: RUNS },
    )
    // It has something to say.
    expect(bound).toBeGreaterThan(RUNS / 50)
    expect(named).toBeGreaterThan(RUNS / 50)
  })
})

const RUNS = Number(process.env['CHAPERONE_AGREEMENT_RUNS'] ?? 1500)

function cellOf(row: string, index: number): unknown {
  const cells: unknown = JSON.parse(row)
  return Array.isArray(cells) ? cells[index] : undefined
}
