import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { letters } from '../flow-test-support.ts'
import { beyond, hospitalFlow } from './questions-test-support.ts'

beforeAll(() => loadModule())

const partitioned = 'SELECT id, state, row_number() OVER (PARTITION BY ssn ORDER BY state) AS r FROM patients'

describe('the order of rows', () => {
  it.each<readonly [what: string, sql: string]>([
    // An aggregate gets its rows in the order that another one needs (PostgreSQL 16).
    ['array_agg', 'SELECT array_agg(id), count(DISTINCT ssn) FROM patients'],
    ['string_agg', "SELECT string_agg(id::text, ','), count(DISTINCT ssn) FROM patients"],
    ['any_value', 'SELECT any_value(id), count(DISTINCT ssn) FROM patients'],
    ['xmlagg', 'SELECT xmlagg(xmlelement(name x, id)), count(DISTINCT ssn) FROM patients'],
    ['JSON_ARRAYAGG', 'SELECT json_arrayagg(id), count(DISTINCT ssn) FROM patients'],
    ['JSON_OBJECTAGG', 'SELECT json_objectagg(state VALUE id), count(DISTINCT ssn) FROM patients'],
    ['jsonb_object_agg', 'SELECT json_object_agg(id, state), count(DISTINCT ssn) FROM patients'],
    ['a group', 'SELECT gender, array_agg(id), count(DISTINCT ssn) FROM patients GROUP BY gender'],
    ['HAVING', 'SELECT array_agg(id) FROM patients GROUP BY gender HAVING count(DISTINCT ssn) > 1'],
    ['ORDER BY', 'SELECT array_agg(id) FROM patients GROUP BY gender ORDER BY count(DISTINCT ssn)'],
    ['FILTER', "SELECT array_agg(id) FILTER (WHERE state = 'MA'), count(DISTINCT ssn) FROM patients"],
    ['an array of the same', 'SELECT array_agg(id), array_agg(DISTINCT ssn) FROM patients'],
    ['an order with ties', 'SELECT array_agg(id ORDER BY state), count(DISTINCT ssn) FROM patients'],
    ['an order that is none', 'SELECT array_agg(id ORDER BY 1), count(DISTINCT ssn) FROM patients'],
    [
      'an order of the keys alone',
      'SELECT json_object_agg(state, id ORDER BY state), count(DISTINCT ssn) FROM patients',
    ],
    ['an aggregate of the query around', 'SELECT array_agg(p.id), (SELECT count(DISTINCT p.ssn)) FROM patients p'],
    [
      'an aggregate of the query around, in one',
      'SELECT count(DISTINCT p.ssn), (SELECT array_agg(p.id)) FROM patients p',
    ],
    // Sorts that a statement can ask for
    ['PARTITION BY', 'SELECT id, row_number() OVER (PARTITION BY ssn) FROM patients'],
    ['PARTITION BY of a named window', 'SELECT id, count(*) OVER w FROM patients WINDOW w AS (PARTITION BY last)'],
    ['PARTITION BY, ordered with ties', 'SELECT id, count(*) OVER (PARTITION BY last) FROM patients ORDER BY state'],
    ['DISTINCT ON', 'SELECT DISTINCT ON (ssn) id FROM patients'],
    ['GROUP BY that cannot hash: DISTINCT', 'SELECT min(state), count(DISTINCT state) FROM patients GROUP BY last'],
    [
      'GROUP BY that cannot hash: ORDER BY',
      'SELECT string_agg(state, state ORDER BY state) FROM patients GROUP BY last',
    ],
    [
      'GROUP BY that cannot hash: WITHIN GROUP',
      'SELECT mode() WITHIN GROUP (ORDER BY state) FROM patients GROUP BY last',
    ],
    ['GROUP BY of a window', 'SELECT row_number() OVER (), count(DISTINCT state) FROM patients GROUP BY last'],
    // Where it goes on
    ['a sub-select', `SELECT id FROM (${partitioned}) t WHERE r = 1`],
    ['a common table', `WITH t AS (${partitioned}) SELECT id FROM t`],
    ['a join', `SELECT t.id FROM conditions c JOIN (${partitioned}) t ON t.state = c.code`],
    ['UNION ALL', `SELECT id FROM (${partitioned}) t UNION ALL SELECT patient FROM conditions`],
    ['array_agg around', `SELECT array_agg(id) FROM (${partitioned}) t`],
    ['ARRAY', 'SELECT ARRAY(SELECT DISTINCT ON (ssn) id FROM patients)'],
    ['numbers', `SELECT max(n) FROM (SELECT row_number() OVER () AS n FROM (${partitioned}) t) u`],
    [
      'another window',
      'SELECT max(n) FROM (SELECT lag(id) OVER () AS n, count(*) OVER (PARTITION BY ssn) FROM patients) u',
    ],
    [
      'a frame',
      `SELECT max(n) FROM (SELECT sum(r) OVER (ORDER BY state ROWS 1 PRECEDING) AS n FROM (${partitioned}) t) u`,
    ],
    ['LIMIT', `SELECT count(*) FROM (${partitioned} LIMIT 3) t`],
    [
      'FETCH FIRST',
      `SELECT id FROM patients WHERE id IN (${partitioned.replace(', state, row_number', ' FROM (SELECT id, row_number')}) t FETCH FIRST 3 ROWS ONLY)`,
    ],
    [
      'LIMIT of a union',
      'SELECT count(*) FROM ((SELECT DISTINCT ON (ssn) id FROM patients) UNION ALL SELECT id FROM patients LIMIT 3) t',
    ],
    [
      'the first row',
      `SELECT count(*) FROM (SELECT DISTINCT ON (gender) id FROM (SELECT *, count(*) OVER (PARTITION BY ssn) FROM patients) t) u`,
    ],
    ['INSERT', `INSERT INTO agent_scratch (k) SELECT id::text FROM (${partitioned}) t`],
    ['UPDATE', `UPDATE agent_scratch SET k = 'a' FROM (${partitioned}) t RETURNING v`],
    ['COPY', `COPY (${partitioned}) TO STDOUT`],
    ['a cursor', `DECLARE c CURSOR FOR ${partitioned}`],
    ['PREPARE', `PREPARE p AS ${partitioned}`],
  ])('is asked about: %s', (_, sql) => {
    expect(beyond(hospitalFlow(sql)).filter((question) => question.startsWith('order '))).not.toEqual([])
  })

  it.each<readonly [what: string, sql: string, outputs: string]>([
    ['no order', 'SELECT array_agg(state), count(DISTINCT gender) FROM patients', 'cc'],
    ['a total order', 'SELECT array_agg(state ORDER BY state DESC), count(DISTINCT ssn) FROM patients', 'cc'],
    [
      'a total order of several',
      "SELECT string_agg(id::text, ',' ORDER BY state, id::text), count(DISTINCT ssn) FROM patients",
      'cc',
    ],
    ['DISTINCT', 'SELECT array_agg(DISTINCT state), count(DISTINCT ssn) FROM patients', 'cc'],
    [
      'aggregates of numbers',
      'SELECT count(*), min(state), bool_or(state = gender), count(DISTINCT ssn) FROM patients',
      'cccc',
    ],
    ['another query', 'SELECT (SELECT count(DISTINCT ssn) FROM patients), state FROM patients', 'co'],
    [
      'a common table',
      'WITH n AS (SELECT count(DISTINCT ssn) AS n FROM patients) SELECT array_agg(state), max(n.n) FROM patients, n',
      'cc',
    ],
    ['years', 'SELECT array_agg(state), count(DISTINCT extract(year FROM birthdate)) FROM patients', 'cc'],
    ['groups', 'SELECT last, count(*), max(state) FROM patients GROUP BY last', 'occ'],
    ['counted', `SELECT count(*) FROM (${partitioned}) t WHERE r > 1`, 'c'],
    ['grouped', `SELECT state, count(*) FROM (${partitioned}) t WHERE r = 1 GROUP BY state`, 'oc'],
    [
      'IN',
      'SELECT id FROM patients WHERE id IN (SELECT i FROM (SELECT DISTINCT ON (ssn) id AS i FROM patients) t)',
      'o',
    ],
    ['EXISTS', `SELECT state FROM patients WHERE EXISTS (${partitioned})`, 'o'],
    ['a scalar', `SELECT (SELECT max(r) FROM (${partitioned}) t)`, 'c'],
    ['ranks', `SELECT max(n) FROM (SELECT rank() OVER (ORDER BY state) AS n FROM (${partitioned}) t) u`, 'c'],
    [
      'a partition by years',
      'SELECT id, count(*) OVER (PARTITION BY extract(year FROM birthdate)) FROM patients',
      'oc',
    ],
    [
      'a partition by what is no PHI',
      'SELECT id, row_number() OVER (PARTITION BY state ORDER BY id) FROM patients',
      'oc',
    ],
  ])('is not asked about: %s', (_, sql, outputs) => {
    const flow = hospitalFlow(sql)
    expect({ beyond: beyond(flow), outputs: letters(flow) }).toEqual({ beyond: [], outputs })
  })
})
