import * as fc from 'fast-check'
import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { letters } from '../flow-test-support.ts'
import { beyond, hospitalFlow, released } from './questions-test-support.ts'

beforeAll(() => loadModule())

describe('released form', () => {
  it.each<readonly [sql: string, outputs: string]>([
    // The four of the public corpus
    ['SELECT count(*) AS n, count(DISTINCT ssn) AS people FROM patients', 'cc'],
    ['SELECT count(*) AS n FROM patients p JOIN insurance i ON i.subscriber_ssn = p.ssn', 'c'],
    [
      "SELECT extract(year FROM birthdate)::int AS y, count(*) FROM patients WHERE birthdate >= '1950-01-01' GROUP BY 1 ORDER BY 1",
      'pc',
    ],
    [
      'SELECT p.gender, c.description, count(DISTINCT p.id) AS patients FROM patients p JOIN conditions c ON c.patient = p.id GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20',
      'ooc',
    ],
    // Years
    ["SELECT id FROM patients WHERE birthdate < '1937-01-01'", 'o'],
    ["SELECT id FROM patients WHERE birthdate > '1936-12-31' AND birthdate <= '1950-12-31'", 'o'],
    ["SELECT id FROM patients WHERE birthdate BETWEEN '1950-01-01' AND '1959-12-31'", 'o'],
    ["SELECT id FROM patients WHERE birthdate NOT BETWEEN '1950-01-01' AND '1959-12-31'", 'o'],
    ["SELECT id FROM patients WHERE birthdate >= date '1950-01-01' AND birthdate < '1960-01-01'::date", 'o'],
    ["SELECT id FROM patients WHERE '1950-01-01' <= birthdate", 'o'],
    ['SELECT id FROM patients WHERE birthdate >= make_date(1950, 1, 1)', 'o'],
    ["SELECT id FROM patients WHERE registered_at >= '2020-01-01' AND registered_at < '2021-01-01 00:00:00'", 'o'],
    ["SELECT id FROM patients WHERE registered_at::date <= '2020-12-31'", 'o'],
    ["SELECT code FROM conditions WHERE start >= timestamp '2020-01-01 00:00:00'", 'o'],
    ['SELECT id FROM patients WHERE extract(year FROM birthdate) = 1950', 'o'],
    ["SELECT id FROM patients WHERE date_part('year', birthdate)::int IN (1950, 1951)", 'o'],
    ['SELECT id FROM patients WHERE extract(year FROM birthdate) BETWEEN 1950 AND 1959', 'o'],
    ['SELECT id FROM patients WHERE extract(year FROM birthdate) > 1936', 'o'],
    ['SELECT id FROM patients WHERE 2021 - extract(year FROM birthdate) < 18', 'o'],
    ["SELECT id FROM patients WHERE 2021 - date_part('year', birthdate)::int BETWEEN 18 AND 84", 'o'],
    [
      'SELECT count(*) FROM patients GROUP BY 2021 - extract(year FROM birthdate) ORDER BY 2021 - extract(year FROM birthdate)',
      'c',
    ],
    ["SELECT id FROM patients WHERE date_trunc('year', birthdate) = '1950-01-01'", 'o'],
    ["SELECT id FROM patients WHERE to_char(birthdate, 'YYYY') = '1950'", 'o'],
    ['SELECT id FROM patients WHERE extract(year FROM deathdate) = 1890', 'o'],
    ["SELECT id FROM patients WHERE birthdate >= '1950-01-01' OR gender = 'F'", 'o'],
    ["SELECT id FROM patients WHERE NOT (birthdate >= '1950-01-01')", 'o'],
    [
      "SELECT birthdate >= '1950-01-01' AS young, CASE WHEN birthdate < '1960-01-01' THEN 'a' ELSE 'b' END FROM patients",
      'cc',
    ],
    ["SELECT count(*) FILTER (WHERE birthdate >= '1950-01-01') FROM patients", 'c'],
    ["SELECT sum(CASE WHEN birthdate >= '1950-01-01' THEN 1 ELSE 0 END) FROM patients", 'c'],
    ['SELECT gender, count(*) FROM patients GROUP BY gender HAVING min(extract(year FROM birthdate)) > 1950', 'oc'],
    [
      "SELECT count(*) FROM patients GROUP BY date_trunc('year', birthdate) ORDER BY date_trunc('year', birthdate)",
      'c',
    ],
    ["SELECT count(*) FROM patients GROUP BY to_char(birthdate, 'YYYY')", 'c'],
    [
      'SELECT y, n FROM (SELECT extract(year FROM birthdate) AS y, count(*) AS n FROM patients GROUP BY 1) q ORDER BY y',
      'pc',
    ],
    ['SELECT row_number() OVER (ORDER BY extract(year FROM birthdate)) FROM patients', 'c'],
    ['SELECT count(*) OVER (PARTITION BY extract(year FROM birthdate)) FROM patients', 'c'],
    ['SELECT DISTINCT extract(year FROM birthdate) FROM patients', 'p'],
    ['SELECT count(*) FROM patients GROUP BY ROLLUP (gender, extract(year FROM birthdate))', 'c'],
    // ZIP codes
    ["SELECT id FROM patients WHERE left(zip, 3) = '021'", 'o'],
    ["SELECT id FROM patients WHERE substr(zip, 1, 3) IN ('021', '100')", 'o'],
    ["SELECT id FROM patients WHERE substring(zip FROM 1 FOR 3) <> '100'", 'o'],
    ["SELECT id FROM patients WHERE zip LIKE '021%' OR zip NOT LIKE '100%'", 'o'],
    ["SELECT id FROM patients WHERE starts_with(zip, '021') AND zip ^@ '021'", 'o'],
    ['SELECT count(*) FROM patients GROUP BY left(zip, 3)', 'c'],
    // Ages
    ['SELECT id FROM patients WHERE age >= 65 AND age < 90', 'o'],
    ['SELECT id FROM patients WHERE age >= 90', 'o'],
    ['SELECT age FROM patients WHERE age = 40 ORDER BY age', 'o'],
    // Equality
    ['SELECT count(DISTINCT ssn), count(ssn), count(DISTINCT (first)) FROM patients', 'ccc'],
    ['SELECT p.id FROM patients p WHERE p.ssn IN (SELECT subscriber_ssn FROM insurance)', 'o'],
    ['SELECT p.id FROM patients p WHERE EXISTS (SELECT 1 FROM insurance i WHERE i.subscriber_ssn = p.ssn)', 'o'],
    ['SELECT p.id FROM patients p WHERE p.ssn NOT IN (SELECT subscriber_ssn FROM insurance)', 'o'],
    ['SELECT p.id FROM patients p JOIN insurance i USING (last)', 'o'],
    ['SELECT p.id FROM patients p, patients q WHERE p.ssn = q.ssn AND p.id <> q.id', 'o'],
    ['SELECT p.id FROM patients p, insurance i WHERE (p.ssn, p.last) = (i.subscriber_ssn, i.last)', 'o'],
    ['SELECT p.id FROM patients p, insurance i WHERE p.last IS NOT DISTINCT FROM i.last', 'o'],
    ['SELECT id FROM patients WHERE last = maiden', 'o'],
    ['SELECT phone = ANY (phones) FROM patients', 'c'],
    ['SELECT ssn, count(*) FROM patients GROUP BY ssn HAVING count(*) > 1', 'oc'],
    ['SELECT DISTINCT ssn, gender FROM patients', 'oo'],
    ['SELECT count(*) FROM (SELECT DISTINCT ON (last) id FROM patients) t', 'c'],
    ['SELECT max(n) FROM (SELECT count(*) OVER (PARTITION BY ssn) AS n FROM patients) t', 'c'],
    ['SELECT ssn FROM patients EXCEPT SELECT subscriber_ssn FROM insurance', 'p'],
    ['SELECT secret, count(*) FROM patients GROUP BY secret', 'oc'],
    ['SELECT p.id FROM patients p JOIN patients q ON p.secret = q.other_secret', 'o'],
    ['SELECT count(DISTINCT (first, last, gender)) FROM patients', 'c'],
    ['SELECT count(*) FROM patients p GROUP BY p', 'c'],
    // Presence
    ["SELECT ssn IS NULL, last IS NOT NULL FROM patients WHERE deathdate IS NULL AND maiden <> ''", 'cc'],
    ["SELECT count(nullif(maiden, '')), count(coalesce(maiden, '')) FROM patients", 'cc'],
    ["SELECT nullif(maiden, '') FROM patients WHERE coalesce(maiden, '') <> ''", 'p'],
    ["SELECT id FROM documents WHERE body ->> 'gender' = 'male'", 'o'],
  ])('%s', (sql, outputs) => {
    const flow = hospitalFlow(sql)
    expect({ beyond: beyond(flow), outputs: letters(flow), hazards: flow.hazards }).toEqual({
      beyond: [],
      outputs,
      hazards: [],
    })
  })

  it('is reported, so that policy can refuse it', () => {
    const flow = hospitalFlow(
      "SELECT count(*) FROM patients WHERE birthdate >= '1950-01-01' AND ssn IS NULL GROUP BY last",
    )
    expect(released(flow)).toEqual(['condition patients.birthdate', 'condition patients.ssn', 'group patients.last'])
  })

  it('needs the functions, operators and types of pg_catalog', () => {
    const path = ['ehr', 'mine']
    for (const condition of [
      "birthdate >= '1950-01-01'",
      "birthdate < date '1950-01-01'",
      "date_part('year', birthdate) = 1950",
    ]) {
      expect(beyond(hospitalFlow(`SELECT id FROM patients WHERE ${condition}`, path))).not.toEqual([])
      expect(beyond(hospitalFlow(`SELECT id FROM patients WHERE ${condition}`))).toEqual([])
    }
  })

  it('does not take what is free of PHI in a document for PHI', () => {
    const sql = "SELECT p.id, p.gender FROM patients p JOIN documents d ON p.gender = d.body ->> 'gender'"
    expect({ outputs: letters(hospitalFlow(sql)), questions: hospitalFlow(sql).questions }).toEqual({
      outputs: 'oo',
      questions: [],
    })
  })

  it('ties no other column', () => {
    expect(
      letters(
        hospitalFlow("SELECT d.title FROM digits d, patients p WHERE p.birthdate >= '1950-01-01' AND d.digit = '1'"),
      ),
    ).toBe('o')
    expect(
      letters(hospitalFlow('SELECT i.payer, i.patient FROM insurance i JOIN patients p ON p.ssn = i.subscriber_ssn')),
    ).toBe('oo')
  })
})

describe('properties', () => {
  const attacks = [
    "ssn LIKE '9%'",
    'mrn_no < 5',
    "last = 'x'",
    "birthdate > '1950-02-01'",
    'age = 91',
    "left(zip, 3) = '036'",
    "phone ~ '1'",
  ]
  const others = ["gender = 'F'", "birthdate >= '1950-01-01'", 'ssn IS NULL', 'last = maiden', "state IN ('MA', 'NY')"]

  it('one more condition never takes a question away', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...attacks),
        fc.array(fc.constantFrom(...attacks, ...others), { maxLength: 3 }),
        fc.constantFrom('AND', 'OR'),
        (attack, more, word) => {
          const alone = beyond(hospitalFlow(`SELECT id FROM patients WHERE ${attack}`))
          const together = hospitalFlow(`SELECT id FROM patients WHERE ${[...more, attack].join(` ${word} `)}`)
          expect(alone).not.toEqual([])
          const columns = beyond(together).join(' ')
          for (const question of alone) expect(columns).toContain(question.split(' ')[1])
        },
      ),
    )
  })

  it('a date in a condition is released at the edges of years alone, on the right side', () => {
    const day = fc.date({ min: new Date('1900-01-01'), max: new Date('2030-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(
        fc.oneof(
          day,
          fc.integer({ min: 1900, max: 2030 }).map((year) => new Date(Date.UTC(year, 0, 1))),
        ),
        fc.constantFrom('=', '<>', '<', '<=', '>', '>='),
        (date, operator) => {
          const text = date.toISOString().slice(0, 10)
          const flow = hospitalFlow(`SELECT id FROM patients WHERE birthdate ${operator} '${text}'`)
          const first = text.endsWith('-01-01') && text >= '1937' && (operator === '<' || operator === '>=')
          const last = text.endsWith('-12-31') && text >= '1936' && (operator === '>' || operator === '<=')
          expect(beyond(flow).length === 0).toBe(first || last)
        },
      ),
    )
  })

  it('a comparison of years is released exactly when it holds for all or none of the years that look the same', () => {
    const holds: Readonly<Record<string, (a: number, b: number) => boolean>> = {
      '=': (a, b) => a === b,
      '<>': (a, b) => a !== b,
      '<': (a, b) => a < b,
      '<=': (a, b) => a <= b,
      '>': (a, b) => a > b,
      '>=': (a, b) => a >= b,
    }
    for (const [operator, compare] of Object.entries(holds)) {
      for (let year = 1930; year <= 1945; year += 1) {
        const hidden = [1900, 1920, 1929, 1930, 1935, 1936].map((one) => compare(one, year))
        const flow = hospitalFlow(`SELECT id FROM patients WHERE extract(year FROM birthdate) ${operator} ${year}`)
        if (new Set(hidden).size > 1) expect(beyond(flow)).not.toEqual([])
        if (year >= 1937) expect(beyond(flow)).toEqual([])
      }
    }
  })
})
