import { Kysely, type Generated, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DEMO_TARGET } from '../support/testbed.ts'
import { type BothWays, type Reader, startBothWays, type Told } from './both.ts'

interface Identifiers {
  full_name: string | null
  nickname: string | null
  ward_code: string | null
  ssn: string | null
  email: string | null
  phone: string | null
  record_no: number | null
  /** node-postgres gives numbers that may not fit a double as texts. */
  account: string | null
  policy: string | null
  external: string | null
}

interface Ward {
  person: Identifiers & {
    id: number
    grp: number
    born: Date | null
    doc: { mrn: number; name: { family: string } } | null
    aliases: string[] | null
  }
  visit: Identifiers & { id: number; kind: string | null; doc: unknown; note: string | null }
  scrap: { id: Generated<number>; line: string | null }
}

const COLUMNS = [
  'full_name',
  'nickname',
  'ward_code',
  'ssn',
  'email',
  'phone',
  'record_no',
  'account',
  'policy',
  'external',
] as const satisfies readonly (keyof Identifiers)[]

let ways: BothWays
beforeAll(async () => {
  ways = await startBothWays()
})
afterAll(() => ways?.bed.stop())

/** Everything that a repository of an application does, with nothing but what it reads itself. */
async function application(who: Reader): Promise<Told> {
  const { bed } = ways
  const pool = new Pool({
    host: '127.0.0.1',
    port: bed.gateway.port,
    database: DEMO_TARGET,
    user: who,
    password: await bed.token(who),
    ssl: { ca: bed.ca, host: 'localhost' },
    max: 3,
  })
  const db = new Kysely<Ward>({ dialect: new PostgresDialect({ pool }) }).withSchema('ward')
  const shown: unknown[] = []
  const see = <T>(value: T): T => {
    shown.push(JSON.stringify(value))
    return value
  }
  try {
    const people = see(await db.selectFrom('person').selectAll().where('id', 'in', [3, 7, 9]).orderBy('id').execute())
    const [three, seven, nine] = people
    if (three === undefined || seven === undefined || nine === undefined) throw new Error('there is nobody')
    const answers: Record<string, unknown> = {}

    for (const column of COLUMNS) {
      const value = seven[column]
      const both = [seven[column], nine[column]]
      const persons = db.selectFrom('person').select('id').orderBy('id')
      answers[column] = {
        equal: await persons.where(column, '=', value).execute(),
        in: await persons.where(column, 'in', both).execute(),
        'not in': await persons.where(column, 'not in', both).execute(),
        distinct: await persons.where(column, 'is distinct from', value).execute(),
        or: await persons.where((eb) => eb.or([eb(column, '=', value), eb('id', '=', 0)])).execute(),
        any: await persons.where(sql<boolean>`${sql.ref(column)} = any(${both})`).execute(),
        exists: await persons
          .where((eb) =>
            eb.exists(
              eb
                .selectFrom('visit')
                .select('visit.id')
                .whereRef(`visit.${column}`, '=', `person.${column}`)
                .where(`visit.${column}`, '=', value),
            ),
          )
          .execute(),
        joined: await db
          .selectFrom('person')
          .innerJoin('visit', `visit.${column}`, `person.${column}`)
          .select(['person.id', 'visit.id as visit'])
          .where(`person.${column}`, '=', value)
          .orderBy('visit.id')
          .orderBy('person.id')
          .execute(),
        'common table': await db
          .with('one', (one) => one.selectFrom('person').selectAll().where(column, '=', value))
          .selectFrom('one')
          .select(({ fn }) => [fn.countAll().as('n'), fn.count(column).distinct().as('different')])
          .execute(),
        updated: (await db.updateTable('visit').set({ kind: 'seen' }).where(column, '=', value).executeTakeFirst())
          .numUpdatedRows,
        stored:
          (
            await db
              .updateTable('visit')
              .set({ [column]: nine[column] })
              .where('id', '=', 40)
              .returning([column])
              .executeTakeFirstOrThrow()
          )[column] === nine[column],
        from: await db
          .updateTable('visit')
          .from('person')
          .set((eb) => ({ [column]: eb.ref(`person.${column}`) }))
          .where('visit.id', '=', 41)
          .where('person.id', '=', 7)
          .where(`person.${column}`, '=', value)
          .returning('visit.id')
          .execute(),
      }
    }

    const identifiers = (row: Identifiers) => Object.fromEntries(COLUMNS.map((column) => [column, row[column]]))
    await db
      .insertInto('visit')
      .values(
        Array.from({ length: 20 }, (_, n) => ({
          id: 500 + n,
          kind: 'new',
          ...identifiers([three, seven, nine][n % 3] ?? three),
        })),
      )
      .execute()
    answers['upsert'] = await db
      .insertInto('visit')
      .values([
        { id: 500, kind: 'new', full_name: nine.full_name },
        { id: 520, kind: 'new', full_name: seven.full_name },
      ])
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({ full_name: eb.ref('excluded.full_name'), kind: 'changed' })),
      )
      .returning('id')
      .execute()
    answers['merge'] = (
      await db
        .mergeInto('visit')
        .using('person', 'person.id', 'visit.id')
        .whenMatchedAnd('person.full_name', '=', seven.full_name)
        .thenUpdateSet({ nickname: nine.nickname })
        .executeTakeFirst()
    ).numChangedRows
    answers['copied'] = (
      await db
        .insertInto('visit')
        .columns(['id', 'kind', ...COLUMNS])
        .expression((eb) =>
          eb
            .selectFrom('person')
            .select([sql<number>`id + 700`.as('id'), sql.lit('copied').as('kind'), ...COLUMNS])
            .where('ssn', '=', seven.ssn),
        )
        .executeTakeFirst()
    ).numInsertedOrUpdatedRows
    answers['leaf'] = await db
      .selectFrom('person')
      .select('id')
      .where(sql`doc->'name'->>'family'`, '=', seven.doc?.name.family)
      .where(sql`doc->>'mrn'`, '=', String(seven.doc?.mrn))
      .orderBy('id')
      .execute()
    answers['alias'] = await db
      .selectFrom('person')
      .select('id')
      .where(sql`${seven.aliases?.[0]}`, '=', sql`any(aliases)`)
      .orderBy('id')
      .execute()
    await db
      .updateTable('person')
      .set({ doc: seven.doc, aliases: seven.aliases, full_name: seven.full_name })
      .where('id', '=', 20)
      .execute()

    answers['rolled back'] = await db
      .transaction()
      .execute(async (transaction) => {
        await transaction.deleteFrom('visit').where('full_name', '=', seven.full_name).execute()
        const left = await transaction
          .selectFrom('visit')
          .select('id')
          .where('full_name', '=', seven.full_name)
          .execute()
        throw new Error(`${left.length} left`)
      })
      .catch((error: unknown) => String(error))
    answers['at once'] = await Promise.all(
      people.map((person) =>
        db.selectFrom('visit').select('id').where('phone', '=', person.phone).orderBy('id').execute(),
      ),
    )
    answers['groups'] = await db
      .selectFrom('visit')
      .select(({ fn }) => [fn.countAll().as('n'), fn.min('id').as('first')])
      .groupBy('email')
      .having('email', 'in', [seven.email, nine.email])
      .orderBy('first')
      .execute()
    see(await db.selectFrom('visit').selectAll().orderBy('id').execute())
    return { answers, shown }
  } finally {
    await db.destroy()
  }
}

const ids = (...found: readonly number[]) => found.map((id) => ({ id }))

it('works with tokens as with values', async () => {
  const { answers } = await ways.run(application)
  for (const column of COLUMNS) {
    expect(answers[column]).toMatchObject({ equal: ids(6, 7), in: ids(6, 7, 8, 9), or: ids(0, 6, 7), stored: true })
  }
  expect(answers).toMatchObject({ leaf: ids(6, 7), alias: ids(6, 7), 'rolled back': 'Error: 0 left' })
})
