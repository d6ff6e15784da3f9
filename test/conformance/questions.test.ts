import type { Client, DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestbed, type Testbed } from '../support/testbed.ts'

// What a masked client may not find out by asking, over the wire. The cases one by one are in src/inspect/sql/flow.

let bed: Testbed
let agent: Client
let officer: Client

beforeAll(async () => {
  bed = await startTestbed({
    patients: 60,
    configure: (document) => {
      document['phi'].predicates = { classes: { mrn: 'allow', city: 'refuse', phone: 'hold' } }
    },
  })
  agent = await bed.connect('agent')
  officer = await bed.connect('officer')
})
afterAll(() => bed?.stop())

async function refusal(asked: Promise<unknown>): Promise<DatabaseError> {
  return asked.then(
    () => expect.unreachable('it was not refused'),
    (thrown: DatabaseError) => thrown,
  )
}

const PATIENTS = 'from hospital.patients'

describe('a question beyond the released form', () => {
  it.each([
    ['condition', `select count(*) ${PATIENTS} where ssn like '9%'`],
    ['condition', `select count(*) ${PATIENTS} where birth_date >= '1950-03-17'`],
    ['condition', `select sex, count(*) filter (where last_name < 'M') ${PATIENTS} group by sex`],
    ['condition', `select sex ${PATIENTS} group by sex having max(ssn) > '5'`],
    ['condition', `select case when email like 'a%' then 1 end ${PATIENTS}`],
    ['condition', `select exists (select 1 ${PATIENTS} where street = '1 Main Street')`],
    ['order', `select sex ${PATIENTS} order by last_name limit 1`],
    ['order', `select rank() over (order by ssn) ${PATIENTS}`],
    ['group', `select count(*) ${PATIENTS} group by left(last_name, 1)`],
    ['condition', `select count(*) ${PATIENTS} where age(birth_date) > '70 years'`],
    ['condition', `select count(*) ${PATIENTS} where zip = '02139'`],
    ['condition', `select count(*) ${PATIENTS} where zip like '0213%'`],
    ['condition', `select count(*) ${PATIENTS} where ssn = '919-15-5087'`],
    ['condition', `select count(*) ${PATIENTS} a join hospital.patients b on a.ssn < b.ssn`],
    ['condition', `select count(*) ${PATIENTS} a join hospital.patients b on lower(a.email) = b.email`],
    ['condition', `select count(*) ${PATIENTS} where length(ssn) = 11`],
    ['order', `select sex ${PATIENTS} order by left(zip, 3)`],
    ['order', `select sex ${PATIENTS} order by birth_date`],
    ['computation', `select ssn ~ '^9' ${PATIENTS}`],
    ['computation', `select last_name::int ${PATIENTS}`],
    ['computation', `select 1 / (length(ssn) - 11) ${PATIENTS}`],
  ])('is refused as a %s: %s', async (use, sql) => {
    const error = await refusal(agent.query(sql))
    expect(error).toMatchObject({ code: '42501', severity: 'ERROR', hint: expect.any(String) })
    expect(error.message).toContain(`[CHP-MASK-PREDICATE] (rule masking.${use})`)
    expect((await agent.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  it('is one with a bound constant, which cannot be judged beforehand', async () => {
    const error = await refusal(agent.query(`select count(*) ${PATIENTS} where birth_date >= $1`, ['1950-01-01']))
    expect(error.message).toContain('CHP-MASK-PREDICATE')
  })

  it('aborts its transaction, of which nothing is kept', async () => {
    await agent.query('begin')
    await agent.query(`insert into scratch.item values (77, 'gone')`)
    await refusal(agent.query(`select count(*) ${PATIENTS} where ssn like '9%'`))
    expect(await refusal(agent.query('select 1'))).toMatchObject({ code: '25P02' })
    await agent.query('commit')
    expect((await agent.query('select * from scratch.item where id = 77')).rows).toEqual([])
  })
})

describe('a question in released form', () => {
  it.each([
    `select count(*) ${PATIENTS} where birth_date >= '1950-01-01' and birth_date < '1980-01-01'`,
    `select count(*) ${PATIENTS} where extract(year from birth_date) between 1960 and 1990`,
    `select count(*) ${PATIENTS} where left(zip, 3) = '021'`,
    `select count(*) ${PATIENTS} where ssn is null or ssn = ''`,
    `select count(*) ${PATIENTS} a join hospital.patients b on a.ssn = b.ssn`,
    `select count(*) as n ${PATIENTS} group by ssn order by n`,
    `select sex ${PATIENTS} order by date_trunc('year', birth_date), sex`,
    `select extract(year from birth_date) >= 1980 as late, count(*) ${PATIENTS} group by 1 order by 1`,
    `select count(distinct last_name), count(distinct id) ${PATIENTS}`,
    `select count(*) ${PATIENTS} p join hospital.encounters e on e.patient_id = p.id`,
    `select sex, count(*) ${PATIENTS} group by sex order by sex`,
    `select e.department, count(*) from hospital.encounters e where exists (select 1 ${PATIENTS} p where p.id = e.patient_id and p.sex = 'F') group by 1 order by 2 desc, 1`,
  ])('is answered truly: %s', async (sql) => {
    const { rows } = await agent.query(sql)
    expect(rows).toEqual((await officer.query(sql)).rows)
  })
})

it('computes in a result what cannot fail, and masks it whole', async () => {
  const sql = `select upper(last_name) as a, first_name || last_name as b, md5(ssn) as c, sex || state as d ${PATIENTS} where ssn is not null`
  const { rows } = await agent.query(sql)
  const raw = await officer.query(sql)
  expect(rows).toEqual(raw.rows.map(({ d }) => ({ a: '[redacted]', b: '[redacted]', c: '[redacted]', d })))
})

it('explains, but not what rows a condition met', async () => {
  for (const sql of [`explain select ssn ${PATIENTS}`, `explain (verbose) select ssn ${PATIENTS}`]) {
    expect((await agent.query(sql)).rows.length).toBeGreaterThan(0)
  }
  const error = await refusal(agent.query(`explain (analyze) select ssn ${PATIENTS}`))
  expect(error.message).toContain('(rule masking.phi-in-utility)')
})

describe('phi.predicates', () => {
  it('allows a class what it says', async () => {
    const sql = `select count(*) ${PATIENTS} where mrn like 'MRN1%'`
    expect((await agent.query(sql)).rows).toEqual((await officer.query(sql)).rows)
  })

  it('refuses a class even the released form', async () => {
    const error = await refusal(agent.query(`select count(distinct city) ${PATIENTS}`))
    expect(error.message).toContain('CHP-MASK-PREDICATE')
  })

  it('holds for approval what goes beyond', async () => {
    const error = await refusal(agent.query(`select count(*) ${PATIENTS} where phone like '%0101'`))
    expect(error.message).toContain('CHP-POLICY-HELD')
    await agent.query(`select count(distinct phone) ${PATIENTS}`)
  })
})
