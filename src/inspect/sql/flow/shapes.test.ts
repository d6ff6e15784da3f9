import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Catalog, CatalogRelation, PhiDocument, PhiLabel } from '../catalog.ts'
import { analyseFlow, type Flow } from './analyse-flow.ts'
import { buildContext } from './context.ts'
import { hazards, table } from './flow-test-support.ts'
import { buildPhiView } from './phi-view.ts'
import { printedOutputs } from './shape-test-support.ts'

beforeAll(() => loadModule())

const COLUMNS = 'id ssn first last born seen zip phones sex body tags mrn token'.split(' ')
const TYPES: ReadonlyMap<string, number> = new Map([
  ['id', 23],
  ['born', 1082],
  ['seen', 1184],
  ['phones', 1009],
  ['body', 3802],
  ['tags', 3802],
  ['mrn', 23],
  ['token', 50_100],
])

function typed(relation: CatalogRelation): CatalogRelation {
  const columns = relation.columns.map((column) => ({ ...column, typeOid: TYPES.get(column.name) ?? 25 }))
  return { ...relation, columns }
}

const CLEAR: PhiDocument = { kind: 'clear' }
const NAME: PhiDocument = { kind: 'phi', class: 'name', releases: { kind: 'nothing' } }

/** As FHIR has it: what is not named is free of PHI. */
const BODY: PhiDocument = {
  kind: 'members',
  members: new Map<string, PhiDocument>([
    ['name', { kind: 'members', members: new Map([['family', NAME]]), others: CLEAR }],
    ['birthDate', { kind: 'phi', class: 'date-of-birth', releases: { kind: 'nothing' } }],
  ]),
  others: CLEAR,
}

const NOTHING = { kind: 'nothing' } as const
const LABELS: ReadonlyMap<string, PhiLabel> = new Map<string, PhiLabel>([
  ['ssn', { class: 'ssn', releases: NOTHING }],
  ['first', { class: 'name', releases: NOTHING }],
  ['last', { class: 'name', releases: NOTHING }],
  ['born', { class: 'date-of-birth', releases: { kind: 'year', since: 1937 } }],
  ['seen', { class: 'date', releases: { kind: 'year', since: 1937 } }],
  ['zip', { class: 'zip', releases: { kind: 'prefix', length: 3, among: new Set(['902']) } }],
  ['phones', { class: 'phone', releases: NOTHING }],
  ['body', { class: 'free-text', releases: NOTHING, document: BODY }],
  ['token', { class: 'other-id', releases: { kind: 'equality' } }],
])

const CATALOG: Catalog = {
  epoch: 'test',
  serverMajor: 18,
  relations: [typed(table(50_001, 'public.p', COLUMNS)), table(50_002, 'public.v', ['id', 'person', 'code'])],
  userFunctions: [],
  userOperators: [],
  userTypes: [{ oid: 50_100, schema: 'public', name: 'token_t', kind: 'd', baseOid: 25 }],
}

const PHI = buildPhiView(CATALOG, {
  labelOf: ({ name }, column) => {
    if (name !== 'p') return 'none'
    return LABELS.get(column.name) ?? (column.name === 'mrn' ? 'unlabelled-mask' : 'none')
  },
  trustedFunctions: new Set(),
})

function flow(sql: string): Flow {
  const statement = parseSync(sql).stmts?.[0]?.stmt
  if (statement === undefined) throw new Error('no statement')
  return analyseFlow(statement, buildContext(CATALOG, PHI, ['public']))
}

/** An expression over `p`, and what comes out. */
type Row = readonly [expression: string, output: string]

function expectShape(expression: string, output: string): void {
  const found = flow(`SELECT ${expression} FROM p, v`)
  expect({
    output: printedOutputs(found, ({ attnum }) => COLUMNS[attnum - 1] ?? '?'),
    hazards: hazards(found),
  }).toEqual({ output, hazards: '' })
}

const WHOLE_ROW = `{id: clean, ssn: ssn, first: first, last: last, born: born, seen: seen, zip: zip, phones: phones, sex: clean, body: body, tags: clean, mrn: mrn, token: token}`
const WHOLE_FIELDS = '(clean, ssn, first, last, born, seen, zip, phones, clean, body, clean, mrn, token)'

describe('classes', () => {
  it.each<Row>([
    ["first || ' ' || last", 'whole(name)'],
    ['upper(ssn) || last', 'whole(name ssn)'],
    ['mrn + 1', 'whole(unlabelled)'],
    ['body::text', 'whole(date-of-birth free-text name)'],
    ['sex || code', 'clean'],
  ])('%s', expectShape)
})

describe('JSON that is made', () => {
  it.each<Row>([
    ["jsonb_build_object('id', p.id, 'name', last, 'n', 1)", '{id: clean, name: last, n: clean}'],
    ["json_build_object('id', p.id, 'code', code)", 'clean'],
    ["json_build_object('a', json_build_object('b', ssn))", '{a: {b: ssn}}'],
    ["json_build_object('a', ssn, 'a', 1)", '{a: ssn}'],
    ["json_build_object('a', ssn, 'a', last)", '{a: whole(name ssn)}'],
    ["json_build_object(code, ssn, 'b', 1)", '{b: ssn, *: ssn}'],
    ['json_build_object(1, ssn)', '{1: ssn}'],
    ['json_build_object(ssn, 1)', 'whole(ssn)'],
    ["json_build_object(VARIADIC ARRAY['a', ssn])", 'whole(ssn)'],
    ["json_build_array(1, ssn, json_build_object('a', last))", '(clean, ssn, {a: last})'],
    ['json_agg(last)', '[last]'],
    ['json_agg(last ORDER BY p.id)', '[last]'],
    ['json_agg(last ORDER BY ssn)', 'whole(name ssn)'],
    ["jsonb_agg(jsonb_build_object('l', last, 'c', code))", '[{l: last, c: clean}]'],
    ['jsonb_agg(DISTINCT token)', 'whole(other-id)'],
    ['json_object_agg(code, last)', '{*: last}'],
    ['json_object_agg(last, code)', 'whole(name)'],
    ['array_agg(upper(last))', '[whole(name)]'],
    ['array_agg(phones)', '[phones]'],
    ['ARRAY[last, NULL]', '[last]'],
    ['ARRAY[last, ssn]', '[whole(name ssn)]'],
    ['ARRAY[[last], [last]]', '[last]'],
    ['array_to_json(ARRAY[born])', '[born]'],
    ['ARRAY(SELECT last FROM p)', '[last]'],
    ["jsonb_build_object('l', last) || jsonb_build_object('c', code)", '{l: last}'],
    ["jsonb_build_object('l', last) || '{\"c\": 1}'", '{l: last}'],
    ["jsonb_build_object('l', last) || code", 'whole(name)'],
    ["json_build_object('l', last) || 'x'", 'whole(name)'],
    ["'x' || (to_jsonb(p) || 'y')", 'whole(date date-of-birth free-text name other-id phone ssn unlabelled zip)'],
    ["to_jsonb(p) - 'ssn'", WHOLE_ROW],
    ["jsonb_set(jsonb_build_object('l', last), '{s}', to_jsonb(ssn))", '{l: last, s: ssn}'],
    ["jsonb_set(jsonb_build_object('l', last), '{l}', '1')", '{l: last}'],
    ["jsonb_set(tags, '{s}', to_jsonb(ssn))", '{s: ssn}'],
    ["jsonb_set(tags, '{0}', to_jsonb(ssn))", 'whole(ssn)'],
    ["jsonb_strip_nulls(jsonb_build_object('l', last))", '{l: last}'],
    ["jsonb_build_object('l', last)::json", '{l: last}'],
    ["jsonb_build_object('l', last)::text", 'whole(name)'],
    ["JSON_OBJECT('l': last, 'c': code)", '{l: last, c: clean}'],
    ["JSON_OBJECT('l': last RETURNING text)", 'whole(name)'],
    ["JSON_OBJECT('l': ssn FORMAT JSON)", '{l: whole(ssn)}'],
    ['JSON_ARRAY(code, last)', '[last]'],
    ['JSON_ARRAY(code, last NULL ON NULL)', '(clean, last)'],
    ['JSON_ARRAY(SELECT last FROM p)', '[last]'],
    ['JSON_ARRAYAGG(last)', '[last]'],
    ['JSON_OBJECTAGG(code: last)', '{*: last}'],
  ])('%s', expectShape)
})

describe('rows', () => {
  it.each<Row>([
    ['p', WHOLE_FIELDS],
    ['to_jsonb(p)', WHOLE_ROW],
    ['row_to_json(p.*)', WHOLE_ROW],
    ['ROW(1, last)', '(clean, last)'],
    ['ROW(v.*, last)', '(clean, clean, clean, last)'],
    ['to_json(ROW(code, last))', '{f1: clean, f2: last}'],
    ['(p).last, (p).sex', 'last, clean'],
    ['v', 'clean'],
    ["to_jsonb(p)->'body'->'name'->>'family'", 'body.name.family'],
    ["to_jsonb(p)->>'sex'", 'clean'],
    ['(SELECT to_jsonb(q) FROM (SELECT last AS l, code) q)', '{l: last, code: clean}'],
  ])('%s', expectShape)

  it.each([
    'SELECT (q.r).ssn FROM (SELECT x AS r FROM p AS x(ssn, id)) q',
    'SELECT s.ssn FROM (SELECT (q.r).* FROM (SELECT x AS r FROM p AS x(ssn, id)) q) s',
    "SELECT to_jsonb(x)->'ssn' FROM p AS x(ssn, id)",
    "SELECT (SELECT p FROM p WHERE p.id = v.person AND ssn LIKE '9%').sex FROM v",
  ])('fields that may be others are not told apart: %s', (sql) => {
    const { outputs } = flow(sql)
    expect(outputs).toHaveLength(1)
    expect(outputs).not.toContainEqual({ kind: 'clean' })
  })

  it('names given by an alias do not show in JSON made from rows of a table', () => {
    const found = flow('SELECT to_jsonb(x), x FROM p AS x(a, id)')
    expect(found.outputs).toMatchObject([
      { kind: 'phi', shape: { kind: 'object', members: [], rest: { kind: 'whole' } } },
      { kind: 'phi', shape: { kind: 'fields' } },
    ])
  })
})

function size(sql: string): number {
  return JSON.stringify(flow(sql).outputs).length
}

describe('shapes without end', () => {
  it('are cut', () => {
    let sql = 'SELECT last AS a, last AS b FROM p'
    for (let i = 0; i < 40; i += 1) sql = `SELECT q AS a, q AS b FROM (${sql}) q`
    expect(size(sql)).toBeLessThan(1_000_000)
    expect(size(`SELECT to_jsonb(z) FROM (${sql}) z`)).toBeLessThan(1_000_000)
    let json = 'to_jsonb(p)'
    for (let i = 0; i < 40; i += 1) json = `(SELECT jsonb_build_object('a', x, 'b', x) FROM (SELECT ${json} AS x) q)`
    expect(size(`SELECT ${json} FROM p`)).toBeLessThan(1_000_000)
  })
})

describe('parts of JSON', () => {
  it.each<Row>([
    ["body->'name'->>'family'", 'body.name.family'],
    ["body->'name'->0->>'family'", 'body.name.family'],
    ["body #>> '{name,0,family}'", 'body.name.family'],
    ["body['name'][0]['family']", 'body.name.family'],
    ["body->'name'", 'body.name'],
    ["body->>'name'", 'whole(free-text name)'],
    ["body->>'gender'", 'clean'],
    ["body->'name'->>'use'", 'clean'],
    ["jsonb_extract_path_text(body, 'birthDate')", 'body.birthDate'],
    ['body->code', 'whole(date-of-birth free-text name)'],
    ["body->lower('NAME')", 'whole(date-of-birth free-text name)'],
    ["jsonb_path_query(body, '$.name[*].family')", 'body.name.family'],
    ['jsonb_path_query(body, \'$.name[*] ? (@.family == "x")\')', 'whole(date-of-birth free-text name)'],
    ["JSON_VALUE(body, '$.name[0].family')", 'body.name.family'],
    ["JSON_VALUE(body, '$.gender')", 'clean'],
    ["JSON_QUERY(body, '$.name')", 'body.name'],
    ["JSON_EXISTS(body, '$.name')", 'whole(date-of-birth free-text name)'],
    ["(body->'name')::text", 'whole(free-text name)'],
    ["jsonb_build_object('a', last, 'b', code)->>'a'", 'last'],
    ["jsonb_build_object('a', last, 'b', code)->>'b'", 'clean'],
    ["jsonb_build_object('a', last, 'b', code)->code", 'last'],
    ["jsonb_agg(jsonb_build_object('a', last))->0->>'a'", 'last'],
    ['json_build_array(code, last)->1', 'last'],
    ['json_build_array(code, last)->-1', 'last'],
    ['jsonb_array_elements(jsonb_agg(last))', 'last'],
    ['phones[1]', 'phones'],
    ['phones[1:2]', 'phones'],
    ['unnest(phones)', 'phones'],
    ['jsonb_object_keys(to_jsonb(p))', 'clean'],
    ['jsonb_object_keys(body)', 'whole(date-of-birth free-text name)'],
  ])('%s', expectShape)

  it.each<Row>([
    ["jsonb_array_elements(body->'name') n(v)", 'n.v'],
    ["jsonb_array_elements(body->'name') v", 'v'],
  ])('in FROM: %s', (item, column) => {
    const found = flow(`SELECT ${column}->>'family', ${column}->>'use' FROM p, ${item}`)
    expect(printedOutputs(found, () => 'body')).toBe('body.name.family, clean')
  })

  it('keys and values in FROM', () => {
    const found = flow("SELECT e.key, e.value FROM p, jsonb_each(jsonb_build_object('a', last, 'b', sex)) e")
    expect(printedOutputs(found, () => 'last')).toBe('clean, last')
    const unnested = flow('SELECT u, w.x FROM p, unnest(phones) u, unnest(p.phones) w(x)')
    expect(printedOutputs(unnested, () => 'phones')).toBe('phones, phones')
  })
})

describe('one of several values', () => {
  it.each<Row>([
    ["coalesce(last, '-')", 'last'],
    ['coalesce(last, first)', 'whole(name)'],
    ["CASE sex WHEN 'F' THEN last END", 'last'],
    ["CASE WHEN ssn LIKE '9%' THEN last END", 'whole(name ssn)'],
    ["nullif(last, '')", 'last'],
    ["greatest(born, '1950-05-05')", 'born'],
    ["greatest(token, 'x')", 'whole(other-id)'],
    ["least(ssn, '5')", 'whole(ssn)'],
    ['(SELECT last FROM p ORDER BY id LIMIT 1)', 'last'],
    ['min(born), max(token)', 'born, whole(other-id)'],
    ['mode() WITHIN GROUP (ORDER BY last)', 'last'],
    ['lag(last) OVER (ORDER BY p.id)', 'last'],
    ["lag(last, 1, '-') OVER (ORDER BY p.id)", 'last'],
    ['first_value(last) OVER (ORDER BY ssn)', 'whole(name ssn)'],
    ['last COLLATE "C"', 'last'],
    ['last::varchar::text', 'last'],
    ['last::varchar(3)', 'whole(name)'],
    ['token::text', 'token'],
    ['token::token_t', 'whole(other-id)'],
    ['born::timestamp::date', 'born'],
    ['born::text', 'whole(date-of-birth)'],
    // Numbers and UUIDs are masked as what is stored, however wide they become.
    ['mrn::text', 'mrn'],
    ['mrn::int8::numeric::varchar', 'mrn'],
    ['mrn::text::int', 'mrn'],
    ['mrn::int2', 'whole(unlabelled)'],
    ['mrn::float8', 'whole(unlabelled)'],
    ['mrn::numeric(3,1)', 'whole(unlabelled)'],
    ['mrn::varchar(3)', 'whole(unlabelled)'],
    ['mrn::bpchar', 'whole(unlabelled)'],
    ['mrn::token_t', 'whole(unlabelled)'],
    ['max(mrn::text)', 'mrn'],
  ])('%s', expectShape)

  it.each<Row>([
    ['SELECT last FROM p UNION ALL SELECT code FROM v', 'last'],
    ['SELECT last FROM p UNION SELECT last FROM p', 'last'],
    ['SELECT last FROM p UNION SELECT first FROM p', 'whole(name)'],
    ['SELECT last FROM p INTERSECT SELECT code FROM v', 'whole(name)'],
    ['SELECT id FROM p EXCEPT SELECT id FROM v', 'clean'],
    ["VALUES ('a'), ((SELECT last FROM p LIMIT 1))", 'last'],
    [
      'WITH RECURSIVE r AS (SELECT id, last FROM p UNION ALL SELECT v.id, r.last FROM r JOIN v ON v.person = r.id) TABLE r',
      'clean, last',
    ],
    ["WITH RECURSIVE r(a, b) AS (SELECT last, '' FROM p UNION ALL SELECT b, a FROM r) TABLE r", 'last, last'],
    [
      'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r, p WHERE n < p.mrn) SELECT n FROM r',
      'whole(unlabelled)',
    ],
    ["UPDATE p SET sex = $1 RETURNING jsonb_build_object($2, sex, 'l', last)", '{l: last}'],
    ['UPDATE p SET last = $1 RETURNING old.last || new.last', 'whole(name)'],
    ['COPY p (id, last) TO STDOUT', 'clean, last'],
    ['COPY (SELECT to_jsonb(p) - 1, born FROM p) TO STDOUT', `${WHOLE_ROW}, born`],
  ])('%s', (sql, output) => {
    expect(printedOutputs(flow(sql), ({ attnum }) => COLUMNS[attnum - 1] ?? '?')).toBe(output)
  })
})

describe('parts that the replacement tells, too', () => {
  it.each<Row>([
    ['extract(year FROM born)', 'year(born)'],
    ["date_part('YEAR', born)::int", 'year(born)'],
    ['extract(year FROM born::timestamp)', 'year(born)'],
    ['extract(month FROM born)', 'whole(date-of-birth)'],
    ['extract(year FROM seen)', 'whole(date)'],
    ['extract(year FROM born + 1)', 'whole(date-of-birth)'],
    ['extract(year FROM max(born))', 'whole(date-of-birth)'],
    ['extract(year FROM born)::text', 'year(born)'],
    ['extract(year FROM born)::varchar(3)', 'whole(date-of-birth)'],
    ["to_char(born, 'YYYY')", 'year(born)'],
    ["to_char(born, 'YYYY')::text", 'year(born)'],
    ["to_char(born, 'YYYYMM')", 'whole(date-of-birth)'],
    ["to_char(seen, 'YYYY')", 'whole(date)'],
    ["to_char(born + 180, 'YYYY')", 'whole(date-of-birth)'],
    ["date_trunc('year', born)::date", 'born'],
    ["date_trunc('year', born)", 'born'],
    ["date_trunc('month', born)", 'whole(date-of-birth)'],
    ['left(zip, 3), substr(zip, 1, 3), substring(zip FROM 1 FOR 3)', 'zip, zip, zip'],
    ['left(zip, 2)', 'whole(zip)'],
    ['substr(zip, 2, 3)', 'whole(zip)'],
    ['substr(zip, 3), substring(zip FROM 3)', 'whole(zip), whole(zip)'],
    ["substring(zip FROM '...')", 'whole(zip)'],
    ['left(zip, -3)', 'whole(zip)'],
    ['left(ssn, 3)', 'whole(ssn)'],
    ['left(zip, v.id)', 'whole(zip)'],
  ])('%s', expectShape)
})

describe('what conditions tie to PHI', () => {
  it.each<Row>([
    ['SELECT g FROM generate_series(0, 9) g, p WHERE substr(ssn, 1, 1) = g::text', 'whole(ssn)'],
    // Somebody may be cleared for names, but not for numbers.
    [
      'SELECT q.n FROM (SELECT g || left(last, 0) AS n FROM generate_series(0, 9) g, p) q, p WHERE q.n = ssn',
      'whole(name ssn)',
    ],
    ['SELECT a.last FROM p a, p b WHERE b.ssn LIKE a.last', 'whole(name ssn)'],
    ["SELECT last FROM p WHERE last LIKE 'A%' AND ssn LIKE '9%'", 'origin'],
    [
      "SELECT q.o FROM (SELECT jsonb_build_object('g', g, 's', ssn) AS o FROM generate_series(0, 9) g, p) q, p WHERE q.o->>'g' = p.ssn",
      'whole(ssn)',
    ],
    ["SELECT to_jsonb(q)->'g' FROM (SELECT g FROM generate_series(0, 9) g) q, p WHERE q.g::text = p.ssn", 'whole(ssn)'],
  ])('%s', (sql, output) => {
    expect(printedOutputs(flow(sql), ({ attnum }) => COLUMNS[attnum - 1] ?? '?')).toBe(output)
  })
})

function copied(sql: string): string {
  return hazards(flow(sql))
}

describe('PHI that is stored', () => {
  it.each([
    'UPDATE p SET ssn = upper(ssn)',
    'UPDATE p SET zip = zip, born = born, token = token, body = body, mrn = mrn',
    "UPDATE p SET zip = coalesce(zip, ''), last = first || last",
    'UPDATE p SET zip = left(zip, 3)',
    "UPDATE p SET body = '{}', born = '1950-01-01', zip = $1",
    'INSERT INTO p (id, zip) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET zip = excluded.zip',
  ])('is masked as before: %s', (sql) => expect(copied(sql)).toBe(''))

  it.each([
    ['UPDATE p SET zip = ssn', 'zip'],
    ['UPDATE p SET zip = substr(zip, 3)', 'zip'],
    ['UPDATE p SET born = born + 1', 'born'],
    ['UPDATE p SET token = left(token, 1)', 'token'],
    ['UPDATE p SET last = ssn', 'last'],
    ['UPDATE p SET sex = last', 'sex'],
    ['UPDATE p SET mrn = length(ssn)', 'mrn'],
    ["UPDATE p SET body = jsonb_set(body, '{gender}', body->'name')", 'body'],
    ["UPDATE p SET body = body->'name'", 'body'],
    ["UPDATE p SET body = jsonb_build_object('gender', last)", 'body'],
    ['UPDATE p SET (sex, last) = (SELECT last, first FROM p)', 'sex'],
  ])('is not told by other replacements: %s', (sql, column) => {
    expect(copied(sql)).toContain(`phi-copied public.p.${column}`)
  })
})
