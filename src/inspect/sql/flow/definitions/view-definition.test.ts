import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analysing, type Definitions, hazardsOf, outputs, sqlFunction, UUID, view } from './definitions-test-support.ts'

beforeAll(loadModule)

/** Texts as PostgreSQL 15 prints them. */
const VIEWS: Definitions = {
  relations: [
    view(
      40_001,
      'ehr.v_rename',
      ['patient_id', 'Born On', 'ssn', 'race'],
      ` SELECT patients.id AS patient_id,
    patients.birthdate AS "Born On",
    patients.ssn,
    patients.race
   FROM ehr.patients;`,
    ),
    view(
      40_002,
      'ehr.V Label',
      ['patient_id', 'label', 'race'],
      ` SELECT patients.id AS patient_id,
    ((patients.first || ' '::text) || patients.last) AS label,
    patients.race
   FROM ehr.patients;`,
    ),
    view(
      40_003,
      'ehr.v_ward',
      ['patient_id', 'ward_label', 'race'],
      ` SELECT "V Label".patient_id,
    upper("V Label".label) AS ward_label,
    "V Label".race
   FROM ehr."V Label";`,
    ),
    view(
      40_004,
      'ehr.v_counts',
      ['code', 'n', 'top'],
      ` SELECT e.code,
    count(*) AS n,
    max(p.ssn) AS top
   FROM (ehr.patients p
     JOIN ehr.encounters e ON ((e.patient = p.id)))
  GROUP BY e.code;`,
    ),
    view(
      40_005,
      'ehr.v_cte',
      ['last', 'start'],
      ` WITH recent AS (
         SELECT encounters.patient,
            encounters.start
           FROM ehr.encounters
          WHERE (encounters.cost > (10)::numeric)
        )
 SELECT p.last,
    r.start
   FROM (recent r
     JOIN ehr.patients p ON ((p.id = r.patient)));`,
    ),
    view(
      40_006,
      'ehr.v_union',
      ['kind', 'name'],
      ` SELECT 'patient'::text AS kind,
    patients.first AS name
   FROM ehr.patients
UNION ALL
 SELECT 'code'::text AS kind,
    codes.title AS name
   FROM report.codes;`,
    ),
    view(
      40_007,
      'ehr.v_lateral',
      ['id', 'part'],
      ` SELECT p.id,
    x.part
   FROM ehr.patients p,
    LATERAL ( SELECT p.first AS part) x;`,
    ),
    view(
      40_008,
      'ehr.v_stats',
      ['tablename', 'attname', 'common'],
      ` SELECT pg_stats.tablename,
    pg_stats.attname,
    (pg_stats.most_common_vals)::text AS common
   FROM pg_stats;`,
      { dependsOn: [{ oid: 30_003, attnum: 1 }] },
    ),
    view(
      40_009,
      'ehr.v_doc',
      ['id', 'doc', 'whole', 'phone'],
      ` SELECT p.id,
    jsonb_build_object('name', p.last, 'race', p.race) AS doc,
    p.*::ehr.patients AS whole,
    (p.data ->> 'phone'::text) AS phone
   FROM ehr.patients p;`,
    ),
    view(
      40_010,
      'ehr.v_numbers',
      ['g', 'race'],
      ` SELECT g.g,
    p.race
   FROM ehr.patients p,
    generate_series(0, 9) g(g)
  WHERE (substr(p.ssn, 1, 1) = (g.g)::text);`,
    ),
    view(
      40_011,
      'ehr.mv',
      ['id', 'display_name', 'race', 'birthdate', 'encounters'],
      ` SELECT p.id,
    ((p.last || ', '::text) || p.first) AS display_name,
    p.race,
    p.birthdate,
    (count(e.id))::integer AS encounters
   FROM (ehr.patients p
     LEFT JOIN ehr.encounters e ON ((e.patient = p.id)))
  GROUP BY p.id;`,
      { kind: 'm' },
    ),
    view(
      40_012,
      'ehr.v_function',
      ['code', 'who'],
      ` SELECT e.code,
    ehr.patient_name(e.patient) AS who
   FROM ehr.encounters e;`,
      { dependsOn: [{ oid: 30_002, attnum: 2 }], callsUserFunctions: true },
    ),
    view(40_013, 'ehr.v_code', ['id', 'race'], ' SELECT p.id, p.race FROM ehr.patients p WHERE ehr.audited(p.race);', {
      callsUserFunctions: true,
    }),
    view(40_014, 'ehr.v_two', ['code', 'copy'], ' SELECT codes.code, codes.code AS copy FROM report.codes;', {
      dependsOn: [{ oid: 30_003, attnum: 1 }],
    }),
    view(
      40_015,
      'ehr.v_born',
      ['id', 'birthdate'],
      ` SELECT p.id, p.birthdate FROM ehr.patients p WHERE p.ssn ~~ '9%'::text;`,
    ),
    view(40_016, 'ehr.v_system', ['relname'], ' SELECT c.relname FROM pg_class c;', { dependsOn: [] }),
    view(
      40_017,
      'ehr.v_guess',
      ['code', 'hit'],
      ' SELECT c.code, (p.ssn = c.code) AS hit FROM ehr.patients p, report.codes c;',
    ),
  ],
  functions: [
    sqlFunction('ehr.patient_name', ['p_id'], "select first || ' ' || last from ehr.patients where id = p_id", {
      argumentTypes: [UUID],
    }),
    { schema: 'ehr', name: 'audited', builtInNamesake: false },
  ],
}

describe('the columns of a view', () => {
  it.each([
    ['are what its definition says', 'SELECT * FROM v_rename', 'clean, birthdate, ssn, clean'],
    ['keep that through aliases', 'SELECT v.b, v.i FROM v_rename AS v(i, b)', 'birthdate, clean'],
    [
      'keep that in quotes',
      'SELECT "Born On", label FROM ehr."V Label" JOIN v_rename USING (patient_id)',
      'birthdate, whole(name)',
    ],
    ['are computed in views over views', 'SELECT * FROM v_ward', 'clean, whole(name), clean'],
    ['may be counts', 'SELECT * FROM v_counts', 'clean, clean, ssn'],
    ['come from WITH', 'SELECT last, start FROM v_cte', 'last, clean'],
    ['come from set operations', 'SELECT * FROM v_union', 'clean, first'],
    ['come from LATERAL', 'SELECT * FROM v_lateral', 'clean, first'],
    [
      'may be documents and rows',
      'SELECT * FROM v_doc',
      'clean, {name: last, race: clean}, (clean, ssn, first, last, birthdate, zip, clean, data), whole(free-text)',
    ],
    [
      'may be taken apart',
      `SELECT doc->>'race', doc->>'name', (whole).ssn, (whole).race FROM v_doc`,
      'clean, last, ssn, clean',
    ],
    ['are stored in a materialised view', 'SELECT * FROM mv', 'clean, whole(name), clean, birthdate, clean'],
    ['come from functions by their bodies', 'SELECT * FROM v_function', 'clean, whole(name)'],
    [
      'are known as a whole row',
      'SELECT to_jsonb(v) FROM v_rename v',
      '{patient_id: clean, Born On: birthdate, ssn: ssn, race: clean}',
    ],
    [
      'are computed with',
      'SELECT extract(year FROM "Born On"), upper(ssn), count(ssn) FROM v_rename GROUP BY 1, 2',
      'year(birthdate), whole(ssn), clean',
    ],
    ['are clean where they are clean', 'SELECT upper(race), patient_id FROM v_rename', 'clean, clean'],
    ['come from system catalogs on the list', 'SELECT * FROM v_system', 'clean'],
  ])('%s', (_, sql, expected) => {
    const found = analysing(VIEWS)(sql)
    expect({ outputs: outputs(found), hazards: hazardsOf(found) }).toEqual({ outputs: expected, hazards: '' })
  })

  it('are anything when the definition reads what nobody may read, and then this is no hazard of the reader', () => {
    const found = analysing(VIEWS)('SELECT * FROM v_stats')
    expect(outputs(found)).toBe('unproven, unproven, unproven')
    expect(hazardsOf(found)).toBe('')
    expect(found.phiReachable).toBe(true)
    expect(found.relations).toMatchObject([{ name: 'v_stats', phi: true }])
  })

  it('are anything when it calls code that is not known', () => {
    const found = analysing(VIEWS)('SELECT id, race FROM v_code')
    expect(outputs(found)).toBe('unproven, unproven')
    expect(hazardsOf(found)).toBe('')
  })

  it.each([
    ['cannot be read', null],
    ['cannot be parsed', 'SELECT FROM WHERE'],
    ['is several statements', 'SELECT 1 AS id; SELECT 2'],
    ['is no query', 'DELETE FROM report.codes'],
    ['has another number of columns', 'SELECT p.id, p.race FROM ehr.patients p'],
    ['has an unknown number of columns', 'SELECT * FROM pg_class'],
    ['locks', 'SELECT p.id FROM ehr.patients p FOR UPDATE'],
    ['writes', 'WITH d AS (DELETE FROM report.codes RETURNING code) SELECT d.code FROM d'],
    ['names what is not there', 'SELECT x.id FROM ehr.nothing x'],
    ['uses a type that is not there', 'SELECT p.id::ehr.nothing FROM ehr.patients p'],
    ['refers to itself', 'SELECT v.id FROM ehr.v v'],
  ])('are anything when the definition %s', (_, definition) => {
    const found = analysing({ relations: [view(41_001, 'ehr.v', ['id'], definition)] })('SELECT * FROM v')
    expect(outputs(found)).toBe('unproven')
    expect(hazardsOf(found)).toBe('')
    expect(found.phiReachable).toBe(true)
  })

  it('are anything while two views refer to each other', () => {
    const relations = [
      view(41_001, 'ehr.a', ['id'], 'SELECT b.id FROM ehr.b'),
      view(41_002, 'ehr.b', ['id'], 'SELECT a.id FROM ehr.a'),
    ]
    expect(outputs(analysing({ relations })('SELECT * FROM a, b'))).toBe('unproven, unproven')
  })
})

describe('a view and its query in its place', () => {
  /** In place they are hazards; and where a row is tied to PHI, it is no more told apart. */
  const OTHER = new Set(['v_stats', 'v_code', 'v_numbers'])
  const same = (VIEWS.relations ?? []).filter(({ name }) => !OTHER.has(name))

  it.each(same.map(({ name, definition }) => [name, definition ?? ''] as const))('%s', (name, definition) => {
    const analyse = analysing(VIEWS, ['ehr'])
    const viewed = analyse(`SELECT to_jsonb(s) FROM ehr."${name}" s`)
    const inPlace = analyse(`SELECT to_jsonb(s) FROM (${definition.replace(';', '')}) s`)
    expect([outputs(viewed), hazardsOf(inPlace)]).toEqual([outputs(inPlace), ''])
  })
})

describe('names in a definition', () => {
  const relations = [view(41_001, 'ehr.v', ['id', 'first'], 'SELECT patients.id, patients.first FROM ehr.patients;')]

  it('do not follow the search path', () => {
    expect(outputs(analysing({ relations }, ['other', 'ehr'])('SELECT first FROM ehr.v'))).toBe('first')
  })

  it('reach into schemas that the role may not use', () => {
    const hidden = [
      view(41_002, 'public.staff', ['id', 'first'], 'SELECT s.id, s.first FROM hidden.staff s;', {
        dependsOn: [{ oid: 30_005, attnum: 1 }],
      }),
    ]
    const found = analysing({ relations: hidden, unusableSchemas: ['hidden'] })('SELECT first FROM staff')
    expect({ outputs: outputs(found), reachable: found.phiReachable }).toEqual({ outputs: 'clean', reachable: false })
  })

  it('of functions kept as text are looked up on the search path of the session', () => {
    const functions = [
      sqlFunction('ehr.first_of', ['p_id'], 'select first from patients where id = p_id', { argumentTypes: [UUID] }),
    ]
    const caller = [
      view(41_003, 'ehr.v', ['who'], 'SELECT ehr.first_of(e.patient) AS who FROM ehr.encounters e;', {
        callsUserFunctions: true,
      }),
    ]
    const found = analysing({ relations: caller, functions }, ['ehr'])('SELECT who FROM ehr.v')
    expect(outputs(found)).toBe('first')
    expect(found.catalogUse.names).toEqual([{ name: 'patients', oid: 30_001 }])
    expect(outputs(analysing({ relations: caller, functions }, ['other'])('SELECT who FROM ehr.v'))).toBe('clean')
    expect(outputs(analysing({ relations: caller, functions }, ['report'])('SELECT who FROM ehr.v'))).toBe('unproven')
  })
})

describe('what a view ties to PHI', () => {
  it('shows in its columns', () => {
    expect(outputs(analysing(VIEWS)('SELECT g, race FROM v_numbers'))).toBe('whole(ssn), clean')
  })

  it('shows in counts of its rows', () => {
    expect(outputs(analysing(VIEWS)('SELECT count(*) FROM v_numbers'))).toBe('whole(ssn)')
  })

  it('spreads to columns that hold the same', () => {
    const sql = 'SELECT v.copy FROM v_two v JOIN patients p ON left(p.ssn, 1) = v.code'
    expect(outputs(analysing(VIEWS)(sql))).toBe('whole(ssn)')
  })

  it('spreads when rows are chosen by what is computed in it', () => {
    expect(outputs(analysing(VIEWS)('SELECT code FROM v_guess WHERE hit'))).toBe('whole(ssn)')
  })

  it('does not stay from one statement to the next', () => {
    const analyse = analysing(VIEWS)
    analyse('SELECT v.copy FROM v_two v JOIN patients p ON left(p.ssn, 1) = v.code')
    analyse('SELECT 1 FROM v_doc v, report.codes c WHERE c.code = (v.whole).ssn AND c.code = (v.whole).race')
    expect(outputs(analyse('SELECT v.copy FROM v_two v'))).toBe('clean')
    expect(outputs(analyse('SELECT (whole).race FROM v_doc'))).toBe('clean')
  })
})

describe('whether a value is there', () => {
  const relations = [
    view(
      41_001,
      'ehr.v_hit',
      ['id', 'hit', 'ssn'],
      " SELECT p.id, CASE WHEN (p.ssn ~~ '9%'::text) THEN 1 ELSE NULL::integer END AS hit, p.ssn FROM ehr.patients p;",
    ),
  ]

  it('tells PHI of what is computed', () => {
    const analyse = analysing({ relations })
    expect(outputs(analyse('SELECT id, hit IS NULL FROM v_hit'))).toBe('clean, whole(ssn)')
    expect(outputs(analyse('SELECT id, count(hit) FROM v_hit GROUP BY id'))).toBe('clean, whole(ssn)')
  })

  it('tells nothing of what is stored', () => {
    const analyse = analysing({ relations })
    expect(outputs(analyse('SELECT id, ssn IS NULL FROM v_hit'))).toBe('clean, clean')
    expect(outputs(analyse('SELECT id, count(ssn) FROM v_hit GROUP BY id'))).toBe('clean, clean')
  })
})

describe('questions about PHI', () => {
  it('in a definition are those of its owner', () => {
    expect(analysing(VIEWS)('SELECT id, birthdate FROM v_born').questions).toEqual([])
  })

  it('about columns of a view are those of the reader', () => {
    const { questions } = analysing(VIEWS)("SELECT patient_id FROM v_rename WHERE ssn LIKE '9%'")
    expect(questions).toMatchObject([
      { use: 'condition', released: false, classes: ['ssn'], columns: ['ehr.patients.ssn'] },
    ])
  })

  it('are released where the column below releases them', () => {
    const { questions } = analysing(VIEWS)(`SELECT patient_id FROM v_rename WHERE "Born On" < '1950-01-01'`)
    expect(questions.filter(({ released }) => !released)).toEqual([])
  })
})

describe('labels of view columns', () => {
  const label = { class: 'account-number', releases: { kind: 'nothing' } } as const
  const viewLabels = { 'ehr.v_rename.ssn': null, 'ehr.v_rename.race': label }

  it('come before the definition', () => {
    const found = analysing({ ...VIEWS, viewLabels })('SELECT ssn, race, "Born On" FROM v_rename')
    expect(outputs(found)).toBe('origin, origin, birthdate')
  })

  it('flow on', () => {
    const found = analysing({ ...VIEWS, viewLabels })('SELECT upper(ssn), upper(race) FROM v_rename')
    expect(outputs(found)).toBe('clean, whole(account-number)')
  })

  it('are masked as such wherever a copy goes', () => {
    const sql = 'SELECT race FROM (SELECT race FROM v_rename UNION ALL SELECT race FROM v_rename) u GROUP BY race'
    const found = analysing({ ...VIEWS, viewLabels })(sql)
    expect(found.outputs).toMatchObject([{ kind: 'phi', shape: { kind: 'column', oid: 40_001 } }])
    expect(found.questions.filter(({ released }) => !released)).toEqual([])
  })

  it('do not change what other views make of the columns below', () => {
    const found = analysing({ ...VIEWS, viewLabels: { 'ehr.V Label.label': null } })('SELECT ward_label FROM v_ward')
    expect(outputs(found)).toBe('clean')
  })
})

describe('what an analysis rests on', () => {
  it('is the view and what is below it', () => {
    const { catalogUse, relations, phiReachable } = analysing(VIEWS)('SELECT race FROM v_ward')
    expect(catalogUse.relations).toEqual([30_001, 40_002, 40_003])
    expect(catalogUse.names).toEqual([{ name: 'v_ward', oid: 40_003 }])
    expect(relations).toEqual([
      { schema: 'ehr', name: 'v_ward', oid: 40_003, action: 'read', columns: ['race', 'ward_label'], phi: true },
    ])
    expect(phiReachable).toBe(true)
  })

  it('is every function that a view calls', () => {
    const { catalogUse } = analysing(VIEWS)('SELECT code FROM ehr.v_function')
    expect(catalogUse.functions).toEqual(['patient_name'])
    expect(catalogUse.relations).toEqual([30_001, 30_002, 40_012])
  })

  it('has no PHI when nothing below has', () => {
    expect(analysing(VIEWS)('SELECT code FROM v_two').phiReachable).toBe(false)
  })
})

it('what is written to a view is judged by its columns', () => {
  const found = analysing(VIEWS)("UPDATE v_rename SET race = 'x' WHERE patient_id = $1 RETURNING race, ssn")
  expect(outputs(found)).toBe('clean, ssn')
  expect(hazardsOf(analysing(VIEWS)('UPDATE v_rename SET race = ssn'))).toContain('phi-copied ehr.v_rename.race')
})
