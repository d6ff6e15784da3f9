import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from '../analyse.ts'
import type { Catalog, CatalogRelation, PhiView } from '../catalog.ts'
import { completeExecution } from '../execute.ts'
import type { PatientConstant, SqlFacts } from '../facts.ts'
import { skeletonOf } from '../skeleton.ts'
import { surroundingsOf } from '../surroundings.ts'
import { patientKeysOf } from './patient-keys.ts'

const INT8 = 20
const TEXT = 25
const UUID = 2950

function table(oid: number, name: string, columns: Readonly<Record<string, number>>): CatalogRelation {
  const listed = Object.entries(columns).map(([column, typeOid], i) => ({ attnum: i + 1, name: column, typeOid }))
  const isPlain = { dependsOn: [], callsUserFunctions: false, parents: [] }
  return { oid, schema: 'ehr', name, kind: 'r', columns: listed, ...isPlain }
}

const PATIENT = table(20_001, 'patient', { id: INT8, name: TEXT, zip: TEXT, active: 16 })
const ENCOUNTER = table(20_002, 'encounter', { id: INT8, patient_id: INT8, note: TEXT, day: 1082 })
const CODE = table(20_003, 'code', { id: INT8, label: TEXT })
const NOTE = table(20_004, 'loose_note', { id: INT8, encounter_id: INT8, body: TEXT })
const MERGED = table(20_005, 'merged', { patient_id: INT8, into_id: INT8 })
const SAMPLE = table(20_006, 'sample', { patient: UUID, kind: TEXT })
const PART = {
  ...table(20_007, 'encounter_2024', { id: INT8, patient_id: INT8, note: TEXT, day: 1082 }),
  parents: [20_002],
}
const view = (
  oid: number,
  name: string,
  columns: Readonly<Record<string, number>>,
  definition: string,
  on: number[],
) => ({
  ...table(oid, name, columns),
  kind: 'v',
  definition,
  usesWholeRows: false,
  dependsOn: on.map((one) => ({ oid: one, attnum: 0 })),
})
const VIEW = view(
  20_008,
  'chart',
  { pid: INT8, note: TEXT },
  'SELECT e.patient_id AS pid, e.note FROM ehr.encounter e JOIN ehr.patient p ON ((p.id = e.patient_id))',
  [20_001, 20_002],
)
const NEWEST = view(
  20_009,
  'newest',
  { pid: INT8, note: TEXT },
  'SELECT patient_id AS pid, note FROM ehr.encounter ORDER BY day LIMIT 1',
  [20_002],
)
const FIXED = view(
  20_010,
  'fixed',
  { pid: INT8, note: TEXT },
  'SELECT patient_id AS pid, note FROM ehr.encounter WHERE patient_id = 5',
  [20_002],
)
const NAMED = table(20_011, 'person', { key: 1042, n: 1700, v: 1043, name: TEXT })

const CATALOG: Catalog = {
  epoch: 'test',
  serverMajor: 18,
  relations: [PATIENT, ENCOUNTER, CODE, NOTE, MERGED, SAMPLE, PART, VIEW, NEWEST, FIXED, NAMED],
  userFunctions: [],
  userOperators: [],
  userTypes: [],
}
const KEYS = [
  'patient.id',
  'encounter.patient_id',
  'merged.patient_id',
  'merged.into_id',
  'sample.patient',
  'person.key',
]
const PHI: PhiView = {
  phiColumns: new Set(['20001.2', '20001.3', '20002.3', '20004.3', '20006.2', '20007.3', '20011.4']),
  phiRelations: new Set([20_001, 20_002, 20_004, 20_006, 20_007, 20_008, 20_009, 20_010, 20_011]),
  labels: new Map(),
  labelledViewColumns: new Map(),
  trustedFunctions: new Set(),
  patientKeys: patientKeysOf(
    CATALOG.relations,
    KEYS.map((key) => ({ schema: 'ehr', table: key.split('.')[0] ?? '', column: key.split('.')[1] ?? '' })),
  ),
}

beforeAll(() => loadModule())

function factsOf(sql: string): SqlFacts {
  const found = analyse(sql, surroundingsOf(CATALOG, PHI, ['ehr']), 20_000)
  if (found.kind !== 'analysed' || found.statements[0] === undefined) throw new Error(`not analysed: ${sql}`)
  return found.statements[0]
}

/** Constants as they are spelled. */
function spelled(sql: string, constants: readonly (PatientConstant | undefined)[] | undefined): string | undefined {
  const spans = skeletonOf(sql)?.spans ?? []
  return constants
    ?.map((one) => {
      if (one === undefined) return '?'
      const { at } = one
      if (at.kind === 'parameter') return `$${at.number}`
      if (at.kind === 'span') return sql.slice(at.start, at.end)
      return `${at.negative ? '-' : ''}${sql.slice(spans[at.ordinal * 2], spans[at.ordinal * 2 + 1])}`
    })
    .toSorted()
    .join(' ')
}

const listed = (count: number): string => Array.from({ length: count }, (_, i) => `$${i + 1}`).join(', ')

const boundOf = (sql: string): string | undefined => spelled(sql, factsOf(sql).patients?.bound)

describe('patients a statement is bound to', () => {
  it.each([
    ['SELECT * FROM patient WHERE id = 5', '5'],
    ['SELECT * FROM patient WHERE 5 = id', '5'],
    ['SELECT * FROM patient WHERE id = -5', '-5'],
    ["SELECT * FROM patient WHERE id = '5'", "'5'"],
    ["SELECT * FROM patient WHERE id = '5'::int", "'5'"],
    ['SELECT * FROM patient WHERE id = $1', '$1'],
    ['SELECT * FROM patient WHERE id = $1::bigint', '$1'],
    ['SELECT * FROM patient WHERE id IN (5, 6)', '5 6'],
    ["SELECT * FROM patient WHERE id = ANY('{5,6}')", "'{5,6}'"],
    ["SELECT * FROM patient WHERE id = ANY('{5,6}'::bigint[])", "'{5,6}'"],
    ['SELECT * FROM patient WHERE id = ANY(ARRAY[5, $1])', '$1 5'],
    ['SELECT * FROM patient WHERE id = ANY($1)', '$1'],
    ["SELECT * FROM patient WHERE id = 5 AND (name = 'x' OR zip = 'y')", '5'],
    ['SELECT * FROM patient p, encounter e WHERE p.id = e.patient_id AND p.id = 5', '5'],
    ['SELECT * FROM patient p JOIN encounter e ON e.patient_id = p.id WHERE e.patient_id = 5', '5'],
    ['SELECT * FROM patient p JOIN encounter e ON e.patient_id = p.id AND p.id = 5', '5'],
    ['SELECT * FROM patient p LEFT JOIN encounter e ON e.patient_id = p.id WHERE p.id = 5', '5'],
    ['SELECT * FROM encounter e RIGHT JOIN patient p ON e.patient_id = p.id WHERE p.id = 5', '5'],
    ['SELECT * FROM patient AS a (patient_id) JOIN encounter e USING (patient_id) WHERE a.patient_id = 5', '5'],
    ['SELECT * FROM (SELECT id AS pid, name FROM patient) s WHERE pid = 5', '5'],
    ['SELECT * FROM (SELECT patient_id, count(*) FROM encounter GROUP BY patient_id) s WHERE patient_id = 5', '5'],
    ['SELECT * FROM (SELECT patient_id, count(*) FROM encounter GROUP BY 1) s WHERE patient_id = 5', '5'],
    ['SELECT * FROM (SELECT id FROM patient UNION ALL SELECT patient_id FROM encounter) s WHERE id = 5', '5'],
    ['WITH s AS (SELECT * FROM patient) SELECT * FROM s WHERE id = 5', '5'],
    ['WITH s AS (SELECT * FROM patient WHERE id = $1) SELECT * FROM s, s AS t', '$1'],
    ['SELECT (SELECT max(note) FROM encounter e WHERE e.patient_id = p.id) FROM patient p WHERE id = 5', '5'],
    ['SELECT * FROM patient p WHERE id = 5 AND EXISTS (SELECT FROM encounter e WHERE e.patient_id = p.id)', '5'],
    ['SELECT * FROM patient WHERE id IN (SELECT patient_id FROM encounter WHERE patient_id = 5)', '5'],
    [
      'SELECT * FROM patient p, LATERAL (SELECT * FROM encounter e WHERE e.patient_id = p.id LIMIT 1) s WHERE p.id = 5',
      '5',
    ],
    ['SELECT * FROM chart WHERE pid = 5', '5'],
    ['SELECT * FROM encounter_2024 WHERE patient_id = 5', '5'],
    ['SELECT * FROM ONLY encounter WHERE patient_id = 5', '5'],
    [
      "SELECT * FROM sample WHERE patient = '6b3a1f0e-0000-4000-8000-000000000001'",
      "'6b3a1f0e-0000-4000-8000-000000000001'",
    ],
    ['SELECT * FROM patient WHERE id = 5 UNION SELECT * FROM patient WHERE id = 6', '5 6'],
    ['UPDATE encounter SET note = NULL WHERE patient_id = 5', '5'],
    ['DELETE FROM encounter WHERE patient_id = $1', '$1'],
    ['UPDATE encounter e SET note = p.name FROM patient p WHERE p.id = e.patient_id AND p.id = 5', '5'],
    ['DELETE FROM encounter e USING patient p WHERE p.id = e.patient_id AND p.id = 5', '5'],
    ['DECLARE c CURSOR FOR SELECT * FROM patient WHERE id = 5', '5'],
    ['COPY (SELECT * FROM patient WHERE id = 5) TO STDOUT', '5'],
    ['EXPLAIN SELECT * FROM patient WHERE id = 5', '5'],
    ['SELECT p.id, c.label FROM patient p, code c WHERE p.id = 5', '5'],
    ['SELECT * FROM merged WHERE patient_id = 5 AND into_id = 6', '5 6'],
  ])('%s: %s', (sql, constants) => {
    expect(boundOf(sql)).toBe(constants)
  })

  it.each([
    'SELECT * FROM patient',
    'SELECT * FROM patient WHERE true',
    'SELECT * FROM patient WHERE id = id',
    'SELECT * FROM patient WHERE id = 5 OR true',
    "SELECT * FROM patient WHERE id = 5 OR name = 'x'",
    'SELECT * FROM patient WHERE NOT (id = 5)',
    'SELECT * FROM patient WHERE NOT (NOT (id = 5))',
    'SELECT * FROM patient WHERE id <> 5',
    'SELECT * FROM patient WHERE id >= 5 AND id <= 5',
    'SELECT * FROM patient WHERE CASE WHEN id = 5 THEN true ELSE true END',
    'SELECT * FROM patient WHERE (id = 5) IS NOT NULL',
    'SELECT * FROM patient WHERE (id = 5) = false',
    'SELECT * FROM patient WHERE coalesce(id, 5) = 5',
    'SELECT * FROM patient WHERE id + 0 = 5',
    'SELECT * FROM patient WHERE id::text = $1',
    'SELECT * FROM patient WHERE id % 10 = 5',
    'SELECT * FROM patient WHERE id = 5 + 1',
    'SELECT * FROM patient WHERE id = (SELECT max(id) FROM patient)',
    'SELECT * FROM patient WHERE id = 5::float8',
    'SELECT * FROM patient WHERE id = $1::numeric::int',
    "SELECT * FROM patient WHERE id = E'5'",
    'SELECT * FROM patient WHERE id = $1 AND zip = $1',
    'SELECT * FROM patient WHERE id NOT IN (5)',
    'SELECT * FROM patient WHERE id IN (5, id)',
    'SELECT * FROM patient WHERE id = ANY(ARRAY[5, id])',
    'SELECT * FROM patient WHERE id <> ALL(ARRAY[5])',
    'SELECT * FROM patient WHERE id IS NOT DISTINCT FROM 5',
    'SELECT * FROM patient p, encounter e WHERE p.id = 5',
    'SELECT * FROM patient p, encounter e WHERE p.id = 5 AND e.id = p.id',
    'SELECT * FROM patient p LEFT JOIN encounter e ON p.id = 5',
    'SELECT * FROM patient p LEFT JOIN encounter e ON e.patient_id = p.id AND e.patient_id = 5',
    'SELECT * FROM patient p LEFT JOIN encounter e ON e.patient_id = p.id AND p.id = 5',
    'SELECT * FROM patient p FULL JOIN encounter e ON e.patient_id = p.id AND p.id = 5',
    'SELECT * FROM patient p FULL JOIN encounter e ON e.patient_id = p.id WHERE p.id = 5',
    'SELECT * FROM patient p LEFT JOIN LATERAL (SELECT FROM encounter e WHERE e.patient_id = p.id AND e.patient_id = 5) s ON true',
    'SELECT * FROM patient p WHERE EXISTS (SELECT FROM encounter e WHERE e.patient_id = 5)',
    'SELECT * FROM patient p WHERE NOT EXISTS (SELECT FROM encounter e WHERE e.patient_id = p.id AND p.id = 5)',
    'SELECT * FROM patient WHERE id NOT IN (SELECT patient_id FROM encounter WHERE patient_id = 5)',
    'SELECT * FROM patient WHERE id IN (SELECT patient_id FROM encounter WHERE patient_id = 5) OR true',
    'SELECT * FROM patient WHERE id = 5 AND zip IN (SELECT zip FROM patient)',
    'SELECT (SELECT max(name) FROM patient), name FROM patient WHERE id = 5',
    'SELECT * FROM (SELECT id FROM patient ORDER BY name LIMIT 1) s WHERE id = 5',
    'SELECT * FROM (SELECT id FROM patient OFFSET 3) s WHERE id = 5',
    'SELECT * FROM (SELECT DISTINCT ON (zip) id FROM patient) s WHERE id = 5',
    'SELECT * FROM (SELECT id, max(name) OVER () FROM patient) s WHERE id = 5',
    'SELECT * FROM (SELECT patient_id, count(*) FROM encounter GROUP BY ROLLUP (patient_id)) s WHERE patient_id = 5',
    'SELECT * FROM (SELECT id FROM patient EXCEPT SELECT patient_id FROM encounter) s WHERE id = 5',
    'SELECT * FROM (SELECT id FROM patient UNION SELECT id FROM code) s, patient WHERE s.id = 5',
    'WITH s AS (SELECT * FROM patient) SELECT * FROM s, s AS t WHERE s.id = 5',
    'WITH RECURSIVE s AS (SELECT id FROM patient WHERE id = 5 UNION SELECT p.id FROM patient p, s) SELECT * FROM s',
    'WITH RECURSIVE s AS (SELECT * FROM t), t AS (SELECT * FROM patient) SELECT * FROM s WHERE id = 5',
    'WITH d AS (DELETE FROM encounter RETURNING *) SELECT * FROM patient WHERE id = 5',
    'WITH d AS (DELETE FROM encounter RETURNING *) SELECT * FROM d WHERE patient_id = 5',
    'WITH d AS (DELETE FROM encounter RETURNING patient_id) DELETE FROM patient WHERE id IN (SELECT patient_id FROM d) AND id = 5',
    'SELECT * FROM newest WHERE pid = 5',
    'SELECT * FROM fixed',
    'SELECT * FROM merged WHERE patient_id = 5',
    "SELECT * FROM person WHERE key = 'a'",
    "SELECT * FROM sample WHERE patient = '6b3a1f0e-0000-4000-8000-000000000001'::text::uuid",
    'UPDATE encounter SET note = NULL',
    'UPDATE encounter SET note = NULL FROM patient p WHERE p.id = 5',
    'DELETE FROM encounter USING patient p WHERE p.id = 5',
    'DELETE FROM encounter WHERE CURRENT OF c',
    'MERGE INTO encounter e USING patient p ON p.id = e.patient_id AND p.id = 5 WHEN MATCHED THEN DELETE',
    'INSERT INTO encounter (id, patient_id) VALUES (7, 5) ON CONFLICT (id) DO UPDATE SET note = NULL',
    'COPY patient TO STDOUT',
    'TRUNCATE encounter',
    'PREPARE s AS SELECT * FROM patient WHERE id = $1',
    'EXECUTE s(5)',
    'SELECT my_function(id) FROM patient WHERE id = 5',
    'DO $$ BEGIN DELETE FROM encounter WHERE patient_id = 5; END $$',
    'SELECT * FROM patient WHERE id OPERATOR(ehr.=) 5',
  ])('not bound: %s', (sql) => {
    expect(boundOf(sql)).toBeUndefined()
  })

  it.each([
    ['INSERT INTO encounter (id, patient_id) VALUES (7, 5), (8, $1)', '$1 5'],
    ['INSERT INTO encounter VALUES (7, 5)', '5'],
    ['INSERT INTO encounter (id) VALUES (7)', '?'],
    ['INSERT INTO encounter DEFAULT VALUES', '?'],
    ['INSERT INTO encounter (id, patient_id) VALUES (7, 5 + 1)', '?'],
    ['INSERT INTO encounter (id, patient_id) SELECT 7, 5', '5'],
    ['INSERT INTO encounter (id, patient_id) SELECT 7, id FROM patient WHERE id = 5', '5'],
    ['INSERT INTO encounter (id, patient_id) SELECT 7, id FROM patient', '?'],
    ['UPDATE encounter SET patient_id = 6 WHERE patient_id = 5', '6'],
    ['UPDATE encounter SET (note, patient_id) = (NULL, 6) WHERE patient_id = 5', '?'],
    ['COPY encounter FROM STDIN', '?'],
  ])('stored: %s: %s', (sql, constants) => {
    expect(spelled(sql, factsOf(sql).patients?.stored)).toBe(constants)
  })

  it('keeps for EXECUTE and FETCH what does not depend on places in another text', () => {
    const declared = factsOf('DECLARE c CURSOR FOR SELECT name, id FROM patient WHERE id = 5')
    const fetched = completeExecution(factsOf('FETCH 5 FROM c'), declared)
    expect(fetched.patients).toEqual({ output: 1, outputForm: 'integer', declared: true })
    expect(fetched.reading).toEqual({ bound: 'keyed', isPage: true })
    const executed = completeExecution(factsOf('EXECUTE s'), factsOf('SELECT name, id FROM patient WHERE id = 5'))
    expect(executed.patients).toEqual({ output: 1, outputForm: 'integer' })
  })

  it('binds what is stored alone to nobody, and nothing to whom it copies into views', () => {
    expect(factsOf('INSERT INTO encounter (id, patient_id) VALUES (7, 5)').patients?.bound).toEqual([])
    expect(factsOf('INSERT INTO chart (pid) VALUES (5)').patients?.bound).toBeUndefined()
  })

  it('says when PHI that names no patient is used, and nothing where no key is', () => {
    expect(factsOf('SELECT * FROM patient, loose_note WHERE patient.id = 5').patients?.hasUnkeyed).toBe(true)
    expect(factsOf('INSERT INTO loose_note VALUES (1, 2, $1)').patients).toBeUndefined()
    expect(factsOf('SELECT * FROM patient, code WHERE patient.id = 5').patients?.hasUnkeyed).toBeUndefined()
    expect(factsOf('SELECT * FROM loose_note').patients).toBeUndefined()
  })

  it('says nothing of long lists, and takes no longer for them', () => {
    expect(factsOf(`SELECT * FROM patient WHERE id IN (${listed(1000)})`).patients?.bound).toHaveLength(1000)
    const start = performance.now()
    const facts = factsOf(`SELECT * FROM patient WHERE id IN (${listed(4000)})`)
    expect(performance.now() - start).toBeLessThan(5000)
    expect(facts.patients?.bound).toBeUndefined()
    expect(facts.reading?.bound).toBe('keyed')
  })

  it('says nothing once more levels are named than it looks at', () => {
    const unions = Array.from({ length: 500 }, () => 'SELECT id FROM patient WHERE id = 5').join(' UNION ALL ')
    expect(boundOf(unions)).toBeUndefined()
  })
})

describe('the output that names the patient of a row', () => {
  it.each([
    ['SELECT name, id FROM patient', 1],
    ['SELECT * FROM encounter', 1],
    ['SELECT e.note, p.id FROM patient p LEFT JOIN encounter e ON e.patient_id = p.id', 1],
    ['SELECT note, pid FROM chart', 1],
    ['SELECT id FROM patient UNION ALL SELECT patient_id FROM encounter', 0],
    ['SELECT count(*), patient_id FROM encounter GROUP BY patient_id', 1],
    ['SELECT id FROM patient ORDER BY name LIMIT 5', 0],
    ['COPY encounter (note, patient_id) TO STDOUT', 1],
    ['COPY encounter TO STDOUT', 1],
    ['UPDATE encounter SET note = NULL RETURNING note, patient_id', 1],
    ['DELETE FROM encounter RETURNING *', 1],
    ['UPDATE encounter e SET note = p.name FROM patient p WHERE p.id = e.patient_id RETURNING p.id', 0],
    ['DECLARE c CURSOR FOR SELECT name, id FROM patient', 1],
    ['SELECT p.id, (SELECT max(note) FROM encounter e WHERE e.patient_id = p.id) FROM patient p', 0],
  ])('%s: %d', (sql, output) => {
    expect(factsOf(sql).patients?.output).toBe(output)
  })

  it.each([
    'SELECT name FROM patient',
    'SELECT id + 1 FROM patient',
    'SELECT max(id) FROM patient',
    'SELECT p.id, e.note FROM patient p, encounter e',
    'SELECT e.patient_id, p.name FROM patient p LEFT JOIN encounter e ON e.patient_id = p.id',
    'SELECT id, (SELECT max(note) FROM encounter) FROM patient',
    'SELECT id, max(name) OVER () FROM patient',
    'SELECT id FROM patient EXCEPT SELECT patient_id FROM encounter',
    'SELECT patient_id, into_id FROM merged',
    'SELECT e.id FROM encounter e',
    'UPDATE encounter SET patient_id = 5 RETURNING patient_id',
    'UPDATE encounter e SET note = p.name FROM patient p RETURNING p.id',
    'UPDATE encounter SET note = NULL RETURNING WITH (OLD AS o) o.patient_id',
    'INSERT INTO encounter (id, patient_id) VALUES (1, 2) RETURNING patient_id',
    'WITH d AS (DELETE FROM encounter RETURNING *) SELECT patient_id FROM d',
  ])('none: %s', (sql) => {
    expect(factsOf(sql).patients).toBeDefined()
    expect(factsOf(sql).patients?.output).toBeUndefined()
  })
})

describe('how much is read', () => {
  it.each([
    ['SELECT * FROM patient', 'all', undefined, false],
    ['SELECT * FROM patient WHERE true', 'all', undefined, false],
    ['SELECT * FROM patient WHERE active = true', 'filtered', undefined, false],
    ["SELECT * FROM patient WHERE name LIKE 'A%'", 'filtered', undefined, false],
    ['SELECT * FROM encounter WHERE id = $1', 'keyed', undefined, false],
    ['SELECT * FROM encounter e JOIN patient p ON p.id = e.patient_id WHERE e.id = $1', 'keyed', undefined, false],
    [
      "SELECT * FROM encounter e JOIN patient p ON p.id = e.patient_id WHERE e.day > '2024-01-01'",
      'filtered',
      undefined,
      false,
    ],
    ['SELECT * FROM encounter e, patient p WHERE e.id = $1', 'all', undefined, false],
    ['SELECT * FROM patient LIMIT 1000', 'all', 1000, false],
    ['SELECT * FROM patient LIMIT ALL', 'all', undefined, false],
    ['SELECT * FROM patient LIMIT $1', 'all', 'unknown', false],
    ['SELECT * FROM patient LIMIT 10 OFFSET 20', 'all', 10, true],
    ['SELECT * FROM patient WHERE id > $1 ORDER BY id LIMIT 10', 'filtered', 10, true],
    ['SELECT * FROM patient WHERE (zip, id) > ($1, $2) ORDER BY zip, id LIMIT 10', 'filtered', 10, true],
    ['DECLARE c CURSOR FOR SELECT * FROM patient', 'all', undefined, true],
    ['COPY patient TO STDOUT', 'all', undefined, false],
  ])('%s', (sql, bound, limit, isPage) => {
    expect(factsOf(sql).reading).toEqual({ bound, ...(limit === undefined ? {} : { limit }), isPage })
  })

  it.each([
    'SELECT * FROM code',
    'SELECT 1',
    'INSERT INTO encounter (id, patient_id) VALUES (1, 2)',
    'TRUNCATE encounter',
  ])('nothing: %s', (sql) => {
    expect(factsOf(sql).reading).toBeUndefined()
  })
})

describe('of how many rows one of a result is made', () => {
  it.each<[string, SqlFacts['rowsInOne']]>([
    ['SELECT label FROM code', undefined],
    ['SELECT note FROM encounter', 1],
    ['SELECT note FROM chart', 2],
    ['SELECT e.note, p.name FROM encounter e, patient p', 2],
    ['SELECT name, (SELECT note FROM encounter WHERE id = 7) FROM patient', 2],
    ['SELECT name FROM patient WHERE EXISTS (SELECT FROM encounter) AND id = ANY (SELECT into_id FROM merged)', 1],
    ['SELECT count(*), row_number() OVER () FROM patient', 1],
    ['SELECT max(name) FROM patient', 2],
    ['SELECT sum(n) FILTER (WHERE key = $$a$$), sum(n) FROM person', 3],
    ['SELECT name, lag(name) OVER (), first_value(name) OVER () FROM patient', 3],
    ['SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY name) FROM patient', 2],
    ['SELECT percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY name) FROM patient', 'any'],
    ['SELECT string_agg(name, $$,$$) FROM patient', 'any'],
    ['SELECT xmlagg(xmlelement(name a, name)) FROM patient', 'any'],
    ['SELECT jsonb_object_agg_unique(id, name) FROM patient', 'any'],
    ['SELECT json_objectagg(id : name) FROM patient', 'any'],
    ['SELECT ARRAY(SELECT name FROM patient)', 'any'],
    ['SELECT x FROM (SELECT array_agg(name) FROM patient) s (x)', 'any'],
    ['SELECT 1 FROM code WHERE EXISTS (SELECT array_agg(name) FROM patient)', 1],
    ['WITH RECURSIVE r AS (SELECT name FROM patient UNION SELECT r.name || p.name FROM r, patient p) TABLE r', 'any'],
    ['WITH d AS (DELETE FROM encounter RETURNING note) SELECT a.note, b.note FROM d a, d b', 3],
    ['SELECT name, unheard_of(1) FROM patient', 'any'],
    ['MERGE INTO patient p USING code c ON c.id = p.id WHEN MATCHED THEN DELETE RETURNING p.name', 'any'],
  ])('%s: %s', (sql, rows) => expect(factsOf(sql).rowsInOne).toBe(rows))

  it('is known of what a cursor gives', () => {
    const declared = factsOf('DECLARE c CURSOR FOR SELECT string_agg(name, $$,$$) FROM patient')
    expect(completeExecution(factsOf('FETCH c'), declared).rowsInOne).toBe('any')
  })
})
