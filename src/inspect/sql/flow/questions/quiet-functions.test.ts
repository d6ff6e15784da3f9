import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { NO_PHI, TEST_CATALOG } from '../../test-catalog.ts'
import { buildContext } from '../context.ts'
import { beyond, hospitalFlow } from './questions-test-support.ts'
import { isQuietCall, QUIET_FUNCTIONS } from './quiet-functions.ts'
import { CLEAN_ARGUMENTS, SAFE_FUNCTIONS } from '../known/safe-functions.ts'
import { TAINTED } from '../values/types.ts'

beforeAll(() => loadModule())

describe('the list of quiet functions', () => {
  it('holds functions that may be called, and none that must not be given PHI', () => {
    const unknown = QUIET_FUNCTIONS.filter((name) => !SAFE_FUNCTIONS.has(name))
    expect(unknown).toEqual([])
    expect(QUIET_FUNCTIONS.filter((name) => CLEAN_ARGUMENTS.has(name))).toEqual([])
  })

  it('holds none that reads text as something else, repeats, splits, searches or takes patterns', () => {
    const loud = [
      'to_date',
      'to_number',
      'to_timestamp',
      'decode',
      'convert_from',
      'repeat',
      'regexp_match',
      'regexp_split_to_table',
      'string_to_array',
      'array_position',
      'array_remove',
      'jsonb_path_query',
      'factorial',
      'sqrt',
      'chr',
      'get_byte',
      'make_date',
      'json_object_agg_unique',
      'xpath',
    ]
    expect(loud.filter((name) => QUIET_FUNCTIONS.includes(name))).toEqual([])
  })

  it('knows no function without its arguments', () => {
    const context = buildContext(TEST_CATALOG, NO_PHI, ['public'])
    const phi = { node: undefined, value: TAINTED }
    expect(isQuietCall('lower', [phi], context)).toBe(true)
    expect(isQuietCall('lower', [phi, phi], context)).toBe(false)
    expect(isQuietCall('lower', [], context)).toBe(false)
    expect(isQuietCall('left', [phi, phi], context)).toBe(false)
    expect(isQuietCall('constructor', [phi], context)).toBe(false)
    // What has no letter is not let through.
    expect(isQuietCall('unnest', [phi], context)).toBe(false)
  })
})

describe('quiet values', () => {
  it.each([
    "SELECT first || ' ' || last, upper(last), lower(first), initcap(last), length(last), md5(ssn), reverse(ssn) FROM patients",
    "SELECT left(last, 1), right(ssn, 4), substr(ssn, 1, 3), 'XXX-XX-' || right(ssn, 4), overlay(ssn PLACING 'XXX' FROM 1 FOR 3) FROM patients",
    "SELECT concat(first, ' ', last), concat_ws(', ', last, first), format('%s %s', first, last), coalesce(maiden, last, '-') FROM patients",
    "SELECT replace(phone, '-', ''), translate(phone, '-', ''), split_part(phone, '-', 1), regexp_replace(phone, '\\D', '', 'g') FROM patients",
    "SELECT trim(last), lpad(mrn_no::text, 10, '0'), last COLLATE \"C\", encode(photo, 'base64'), encode(sha256(convert_to(ssn, 'UTF8')), 'hex') FROM patients",
    "SELECT ssn LIKE '9%', ssn > '5', ssn = '1', mrn_no BETWEEN 1 AND 2, ssn IN ('1', '2'), NOT ssn = '1' FROM patients",
    "SELECT to_char(birthdate, 'YYYY-MM-DD'), extract(month FROM birthdate), date_trunc('month', birthdate), age(birthdate), current_date - birthdate FROM patients",
    'SELECT birthdate::timestamp, registered_at::date, mrn_no::bigint, mrn_no::text, ssn::varchar(3), phones::text[] FROM patients',
    'SELECT to_jsonb(p), row_to_json(p)::jsonb, json_build_object($1::text, ssn), jsonb_agg(last), array_agg(ssn), string_agg(last, $2) FROM patients p GROUP BY p.id',
    'SELECT max(ssn), min(birthdate), avg(mrn_no), sum(balance), count(last), round(avg(balance), 2), mode() WITHIN GROUP (ORDER BY last) FROM patients',
    'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY balance), rank(5) WITHIN GROUP (ORDER BY mrn_no) FROM patients',
    "SELECT body -> 'family' -> 0 ->> 1, body #>> '{family,0}', body['family'], jsonb_extract_path_text(body, 'gender', 'b'), jsonb_pretty(body) FROM documents",
    "SELECT jsonb_path_query(body, '$.family[*]'), jsonb_path_query_first(body, '$ ? (@.gender == \"male\").family') FROM documents",
    'SELECT phones[1], array_length(phones, 1), cardinality(phones), u FROM patients, unnest(phones) u',
    "SELECT e.value FROM documents, jsonb_array_elements(body -> 'family') e",
    'SELECT lag(last) OVER (ORDER BY id), first_value(ssn) OVER (PARTITION BY gender ORDER BY id) FROM patients',
    'SELECT greatest(birthdate, deathdate), (SELECT max(ssn) FROM patients), ARRAY(SELECT last FROM patients) FROM patients',
    "SELECT CASE gender WHEN 'F' THEN last ELSE first END, CASE WHEN birthdate >= '1950-01-01' THEN last END FROM patients",
    'SELECT json_object($1::text: ssn), json_array(last), xmlelement(name a, last), xmlforest(ssn) FROM patients',
  ])('%s', (sql) => {
    expect(beyond(hospitalFlow(sql))).toEqual([])
  })
})
