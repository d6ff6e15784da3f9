import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Flow } from '../analyse-flow.ts'
import { beyond, hospitalFlow } from '../questions/questions-test-support.ts'

beforeAll(() => loadModule())

/** `output: column number by output that holds the size` of each output that sums up a group. */
function sums({ outputs }: Flow): readonly string[] {
  if (outputs === 'unknown') return ['unknown']
  return outputs.flatMap((output, i) =>
    output.kind === 'phi' && output.aggregate !== undefined
      ? [`${i}: ${output.aggregate.column.attnum} by ${output.aggregate.distinct}`]
      : [],
  )
}

describe('sums over a column of one table, with the number of its different values', () => {
  it.each<[sql: string, sums: readonly string[]]>([
    ['SELECT avg(age), count(DISTINCT age) FROM patients', ['0: 18 by 1']],
    ['SELECT count(DISTINCT age) AS n, gender, sum(age) AS x FROM patients GROUP BY gender', ['2: 18 by 0']],
    [
      'SELECT avg(age), stddev(age), stddev_pop(age), stddev_samp(age), variance(age), var_pop(age), var_samp(age), count(DISTINCT age) FROM patients',
      [0, 1, 2, 3, 4, 5, 6].map((i) => `${i}: 18 by 7`),
    ],
    ['SELECT avg(p.age), count(DISTINCT p.age) FROM ehr.patients AS p WHERE gender = $1', ['0: 18 by 1']],
    ['SELECT avg(patients.age), count(DISTINCT age) FROM ONLY ehr.patients', ['0: 18 by 1']],
    ['SELECT round(avg(age), 1), round(avg(age)), count(DISTINCT age) FROM patients', ['0: 18 by 2', '1: 18 by 2']],
    [
      'SELECT avg(extract(year FROM birthdate)), count(DISTINCT extract(year FROM birthdate)) FROM patients',
      ['0: 8 by 1'],
    ],
    [
      "SELECT avg(date_part('year', birthdate)), count(DISTINCT extract('year' FROM birthdate)) FROM patients",
      ['0: 8 by 1'],
    ],
    ['SELECT avg(age), sum(balance), count(DISTINCT balance) FROM patients', ['1: 16 by 2']],
    [
      'SELECT avg(age), sum(balance), count(DISTINCT balance), count(DISTINCT age) FROM patients',
      ['0: 18 by 3', '1: 16 by 2'],
    ],
    [
      'SELECT gender, avg(age), count(DISTINCT age) FROM patients GROUP BY gender ORDER BY gender LIMIT 3',
      ['1: 18 by 2'],
    ],
    [
      'SELECT avg(age), count(DISTINCT age) FROM patients WHERE id IN (SELECT patient FROM conditions WHERE code = $1)',
      ['0: 18 by 1'],
    ],
    ['PREPARE s AS SELECT avg(age), count(DISTINCT age) FROM patients', ['0: 18 by 1']],
  ])('%s', (sql, expected) => {
    const found = hospitalFlow(sql)
    expect(sums(found)).toEqual(expected)
    expect(beyond(found)).toEqual([])
  })
})

describe('no size, or that of something else', () => {
  it.each([
    'SELECT avg(age) FROM patients',
    // All rows but one may have no age, or all that of one person.
    'SELECT avg(age), count(*) FROM patients',
    'SELECT avg(age), count(age) FROM patients',
    'SELECT avg(age), count(DISTINCT mrn_no) FROM patients',
    'SELECT avg(age), count(DISTINCT gender) FROM patients',
    'SELECT avg(age), count(DISTINCT (age, gender)) FROM patients',
    'SELECT avg(age), count(DISTINCT age) FILTER (WHERE true) FROM patients',
    'SELECT avg(age), count(DISTINCT age)::text FROM patients',
    'SELECT avg(age), count(DISTINCT age) + 1000 FROM patients',
    'SELECT avg(age), 1000 AS count FROM patients',
    'SELECT avg(age), 1000::bigint FROM patients',
    'SELECT avg(age), (SELECT count(DISTINCT age) FROM patients) FROM patients GROUP BY gender',
    'SELECT avg(age), count(age) OVER () FROM patients GROUP BY age',
    'SELECT avg(age), sum(count(DISTINCT age)) OVER () FROM patients GROUP BY gender',
    'SELECT avg(age) FROM patients HAVING count(DISTINCT age) > 1000',
    'SELECT avg(age) FROM patients ORDER BY count(DISTINCT age)',
    // Dates of one year.
    'SELECT avg(extract(year FROM birthdate)), count(DISTINCT birthdate) FROM patients',
    'SELECT avg(extract(year FROM birthdate)), count(DISTINCT extract(year FROM deathdate)) FROM patients',
    'SELECT avg(extract(year FROM birthdate)), count(DISTINCT extract(month FROM birthdate)) FROM patients',
  ])('%s', (sql) => {
    expect(sums(hospitalFlow(sql))).toEqual([])
  })

  it('that of a function of somebody else', () => {
    expect(sums(hospitalFlow('SELECT mine.avg(age), count(DISTINCT age) FROM patients'))).toEqual([])
    const year =
      "SELECT avg(date_part('year', birthdate)), count(DISTINCT date_part('year', birthdate)) FROM ehr.patients"
    expect(sums(hospitalFlow(year, ['ehr', 'mine']))).toEqual([])
  })
})

describe('what is no sum over the whole group', () => {
  it.each([
    'min(age)',
    'max(age)',
    'avg(DISTINCT age)',
    'sum(age) FILTER (WHERE id = $1)',
    'sum(age ORDER BY id)',
    'sum(age) OVER ()',
    'percentile_cont(0.5) WITHIN GROUP (ORDER BY age)',
    'array_agg(age)',
    'avg(age) - 1',
    'avg(age::int8)',
    'avg(age + 0)',
    'sum(age * 1)',
    'sum(CASE WHEN gender = $1 THEN age END)',
    'sum(coalesce(age, 0))',
    'avg((age))::text',
    'sum(VARIADIC ARRAY[age])',
    'round(max(age), 1)',
    'round(avg(age), id)',
    'avg(extract(month FROM birthdate))',
    'avg(extract(year FROM age))',
    'avg(ratio)',
    '(SELECT avg(age) FROM patients)',
  ])('%s', (expression) => {
    const sql = `SELECT ${expression}, count(DISTINCT age), count(DISTINCT extract(year FROM birthdate)), count(DISTINCT ratio) FROM patients GROUP BY id`
    expect(sums(hospitalFlow(sql))).toEqual([])
  })

  it('in parentheses it still is one', () => {
    expect(sums(hospitalFlow('SELECT (avg((age))), (count(DISTINCT (age))) FROM patients'))).toEqual(['0: 18 by 1'])
  })
})

describe('rows that count more than once, or rows of which is not known where they come from', () => {
  it.each([
    'SELECT avg(p.age), count(DISTINCT p.age) FROM patients p, digits',
    'SELECT avg(p.age), count(DISTINCT p.age) FROM patients p JOIN conditions c ON c.patient = p.id',
    'SELECT avg(p.age), count(DISTINCT p.age) FROM patients p CROSS JOIN LATERAL generate_series(1, 5)',
    'SELECT avg(age), count(DISTINCT age) FROM (SELECT age FROM patients) s',
    'SELECT avg(age), count(DISTINCT age) FROM (SELECT age FROM patients UNION ALL SELECT age FROM patients) s',
    'WITH s AS (SELECT age FROM patients) SELECT avg(age), count(DISTINCT age) FROM s',
    'WITH patients AS (SELECT age FROM ehr.patients) SELECT avg(age), count(DISTINCT age) FROM patients',
    'SELECT avg(age), count(DISTINCT age) FROM patients TABLESAMPLE bernoulli (50)',
    'SELECT avg(mrn_no), count(DISTINCT mrn_no) FROM patients UNION ALL SELECT 1, 1000',
    'SELECT * FROM (SELECT avg(age), count(DISTINCT age) FROM patients) s',
    'SELECT avg(dob), count(DISTINCT dob) FROM v_people',
    'SELECT gender, avg(age), count(DISTINCT age) FROM patients GROUP BY ROLLUP (gender)',
    'SELECT gender, avg(age), count(DISTINCT age) FROM patients GROUP BY GROUPING SETS ((gender), ())',
    // Other names for other columns.
    'SELECT avg(ssn), count(DISTINCT ssn) FROM patients p(age, id, ssn)',
    // Numbers of columns that are not those of the list.
    'SELECT p.*, avg(age), count(DISTINCT age) FROM patients p',
    'SELECT (p).*, avg(age), count(DISTINCT age) FROM patients p',
    // No rows that RowDescription describes.
    'COPY (SELECT avg(age), count(DISTINCT age) FROM patients) TO STDOUT',
    'DECLARE c CURSOR FOR SELECT avg(age), count(DISTINCT age) FROM patients',
    'EXPLAIN SELECT avg(age), count(DISTINCT age) FROM patients',
    'SELECT avg(age), count(DISTINCT age) INTO TEMP t FROM patients',
  ])('%s', (sql) => {
    expect(sums(hospitalFlow(sql))).toEqual([])
  })
})
