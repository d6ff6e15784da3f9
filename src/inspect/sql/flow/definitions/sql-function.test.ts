import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Flow } from '../analyse-flow.ts'
import {
  analysing,
  DATE,
  type Definitions,
  hazardsOf,
  INT4,
  outputs,
  sqlFunction,
  TEXT,
  UUID,
  view,
} from './definitions-test-support.ts'

beforeAll(loadModule)

const RECORD = 2249
const PATIENTS_ROW = 31_001

const FUNCTIONS: Definitions = {
  functions: [
    sqlFunction('ehr.patient_name', ['p_id'], " select first || ' ' || last from ehr.patients where id = p_id ", {
      argumentTypes: [UUID],
    }),
    sqlFunction('ehr.patient_card', ['p_id'], 'select last || ssn from patients where id = p_id', {
      argumentTypes: [UUID],
      settings: ['search_path=ehr, pg_temp'],
    }),
    sqlFunction(
      'ehr.contact_sheet',
      ['p_id'],
      `select 'last', last from ehr.patients where id = p_id
        union all select 'race', race from ehr.patients where id = p_id`,
      {
        argumentTypes: [UUID],
        outputNames: ['kind', 'value'],
        outputTypes: [TEXT, TEXT],
        returnType: RECORD,
        returnsSet: true,
      },
    ),
    sqlFunction('ehr.born', ['p_id'], 'select birthdate from ehr.patients where id = $1', {
      argumentTypes: [UUID],
      returnType: DATE,
    }),
    sqlFunction('ehr.born_as_text', ['p_id'], 'select birthdate from ehr.patients where id = $1', {
      argumentTypes: [UUID],
    }),
    sqlFunction('ehr.age_band', ['d'], "select case when d >= date '2003-01-01' then '0-17' else '18+' end", {
      argumentTypes: [DATE],
    }),
    sqlFunction('ehr.same', ['x'], 'select x'),
    sqlFunction('ehr.any_value', ['x'], 'select $1', { argumentTypes: [2283], returnType: 2283 }),
    sqlFunction('ehr.strange', ['x'], 'select $1', { returnType: 99_999 }),
    sqlFunction('ehr.same_date', ['x'], 'select $1', { argumentTypes: [DATE], returnType: DATE }),
    sqlFunction('ehr.find', ['q'], "select * from ehr.patients where last like q || '%' order by id", {
      returnType: PATIENTS_ROW,
      returnsSet: true,
    }),
    sqlFunction('ehr.one', ['p_id'], 'select p from ehr.patients p where p.id = p_id', {
      argumentTypes: [UUID],
      returnType: PATIENTS_ROW,
    }),
    sqlFunction('ehr.full_name', ['p'], "select p.first || ' ' || (p).last", { argumentTypes: [PATIENTS_ROW] }),
    sqlFunction('ehr.race_of', ['p'], 'select $1.race', { argumentTypes: [PATIENTS_ROW] }),
    sqlFunction('ehr.total', ['c'], 'select count(*)::text from ehr.encounters where code = c'),
    sqlFunction('ehr.has_digit', ['d'], "select exists (select from ehr.patients where ssn like d || '%')::text"),
    sqlFunction('ehr.number_of', ['d'], "select count(*)::text from ehr.patients where ssn like d || '%'"),
    sqlFunction('ehr.parts', ['x'], "select string_to_table(x, '-')", { returnsSet: true }),
    sqlFunction('ehr.elderly', [], "select count(*)::text from ehr.patients where birthdate < '1950-06-07'"),
    sqlFunction(
      'ehr.parsed',
      ['p_id', 'n', 't'],
      `BEGIN ATOMIC
 SELECT patients.race
    FROM ehr.patients;
 SELECT p.id,
     p.ssn,
     p.first,
     p.last,
     p.birthdate,
     p.zip,
     p.race,
     p.data
    FROM ehr.patients p
   WHERE (p.id = parsed.p_id)
  LIMIT parsed.n;
END`,
      {
        parsed: true,
        argumentTypes: [UUID, INT4, TEXT],
        defaults: 2,
        defaultValues: "3, 'a,b'::text",
        returnType: PATIENTS_ROW,
        returnsSet: true,
      },
    ),
    sqlFunction(
      'ehr.returned',
      ['p_id'],
      'RETURN (SELECT patients.last FROM ehr.patients WHERE (patients.id = returned.p_id))',
      {
        parsed: true,
        argumentTypes: [UUID],
      },
    ),
    sqlFunction('ehr.nested', ['p_id'], 'select upper(ehr.patient_name(p_id))', { argumentTypes: [UUID] }),
    sqlFunction('ehr.forever', ['x'], 'select ehr.forever(x)'),
    sqlFunction('ehr.ping', ['x'], 'select ehr.pong(x)'),
    sqlFunction('ehr.pong', ['x'], 'select ehr.ping(x)'),
    sqlFunction('ehr.many', ['a', 'b'], 'select array_to_string(b, a)', {
      variadic: true,
      argumentTypes: [TEXT, 1009],
    }),
    sqlFunction('ehr.nothing', ['x'], 'select ssn from ehr.patients', { returnType: 2278 }),
    sqlFunction('ehr.series', ['n'], 'select generate_series(1, n)', {
      argumentTypes: [INT4],
      returnType: INT4,
      returnsSet: true,
    }),
    { schema: 'ehr', name: 'vouched', builtInNamesake: false },
    { schema: 'ehr', name: 'procedural', builtInNamesake: false },
  ],
  trusted: ['ehr.vouched'],
}

describe('the result of a function', () => {
  it.each([
    ['is what its body makes', 'SELECT patient_name($1)', 'whole(name)'],
    ['is found on a path of its own', 'SELECT patient_card($1)', 'whole(name ssn)'],
    ['keeps what it is a copy of', 'SELECT born($1)', 'birthdate'],
    ['does not when it may be cast', 'SELECT born_as_text($1)', 'whole(date-of-birth)'],
    ['carries its arguments', 'SELECT same(race), same(ssn || 1) FROM patients', 'clean, whole(ssn)'],
    ['carries a plain column as it is', 'SELECT same_date(birthdate), same(first) FROM patients', 'birthdate, first'],
    ['carries a named argument', 'SELECT same(x => first) FROM patients', 'first'],
    ['has columns in FROM', 'SELECT * FROM contact_sheet($1)', 'clean, last'],
    ['is of any type', 'SELECT any_value(birthdate) FROM patients', 'birthdate'],
    [
      'may have any columns when it is of any type',
      'SELECT upper(c) FROM (SELECT m.*, p.ssn, p.race FROM patients p, any_value(p.id) m) AS s(a, b, c)',
      'whole(ssn)',
    ],
    [
      'may have any columns when its type is not known',
      'SELECT upper(c) FROM (SELECT m.*, p.ssn, p.race FROM patients p, strange(p.race) m) AS s(a, b, c)',
      'whole(ssn)',
    ],
    ['has columns under other names', 'SELECT c.v, c.k FROM contact_sheet($1) AS c(k, v)', 'last, clean'],
    [
      'has a column of its own name',
      'SELECT born, extract(year FROM born) FROM born($1)',
      'birthdate, year(birthdate)',
    ],
    ['has a column of the alias', 'SELECT b, b.b FROM born($1) AS b', 'birthdate, birthdate'],
    ['is a plain value under a name of its own', 'SELECT b, to_jsonb(b) FROM born($1) AS b(c)', 'birthdate, birthdate'],
    ['has an ordinality', 'SELECT kind, ordinality FROM contact_sheet($1) WITH ORDINALITY', 'clean, clean'],
    [
      'is one of several in ROWS FROM',
      'SELECT * FROM ROWS FROM (contact_sheet($1), born($1))',
      'clean, last, birthdate',
    ],
    ['is made row by row', 'SELECT e.id, n FROM encounters e, patient_name(e.patient) n', 'origin, whole(name)'],
    ['is the rows of a table', 'SELECT id, ssn, race, upper(last) FROM one($1)', 'clean, ssn, clean, whole(name)'],
    ['is a row', 'SELECT one($1)', '(clean, ssn, first, last, birthdate, zip, clean, data)'],
    ['is taken apart', 'SELECT (one($1)).race, (one($1)).ssn', 'clean, ssn'],
    ['is expanded', 'SELECT (contact_sheet($1)).*', 'clean, last'],
    ['takes rows', 'SELECT full_name(p), race_of(p) FROM patients p', 'whole(name), clean'],
    ['is clean where PHI does not flow in', "SELECT total('x'), total(code) FROM encounters", 'clean, clean'],
    ['of BEGIN ATOMIC', 'SELECT id, ssn FROM parsed($1, 5)', 'clean, ssn'],
    ['with defaults', 'SELECT id, ssn FROM parsed($1)', 'clean, ssn'],
    ['of RETURN', 'SELECT returned($1)', 'last'],
    ['may come from another function', 'SELECT nested($1)', 'whole(name)'],
    [
      'of a variadic function',
      "SELECT many(',', race, first, last), many(',', VARIADIC ARRAY[race]) FROM patients",
      'whole(name), clean',
    ],
    ['may be nothing', "SELECT nothing('x')", 'clean'],
    ['may be vouched for', 'SELECT vouched(race), vouched(first || last) FROM patients', 'clean, whole(name)'],
  ])('%s', (_, sql, expected) => {
    const found = analysing(FUNCTIONS)(sql)
    expect({ outputs: outputs(found), hazards: hazardsOf(found) }).toEqual({ outputs: expected, hazards: '' })
  })
})

describe('functions that are not known', () => {
  it.each([
    ['are procedural', 'SELECT procedural(1)', 'procedural'],
    ['call themselves', "SELECT forever('x')", 'forever'],
    ['call each other', "SELECT ping('x')", 'ping'],
    ['take fewer arguments', 'SELECT patient_name()', 'patient_name'],
    ['take other names', 'SELECT patient_name(id => $1)', 'patient_name'],
    ['are called as aggregates', 'SELECT same(DISTINCT race) FROM patients', 'same'],
    ['are called over windows', 'SELECT same(race) OVER () FROM patients', 'same'],
    ['are called with a filter', 'SELECT same(race) FILTER (WHERE true) FROM patients', 'same'],
    ['are in no schema of the search path', 'SELECT elsewhere($1)', 'elsewhere'],
    ['are in no schema', 'SELECT ehr.elsewhere($1)', 'ehr.elsewhere'],
    ['are in FROM', 'SELECT * FROM procedural(1)', 'procedural'],
  ])('%s', (_, sql, name) => {
    expect(hazardsOf(analysing(FUNCTIONS)(sql))).toBe(`function-not-known-safe ${name}`)
  })

  it.each([
    ['insert', "insert into report.codes values ('a', 'b') returning code"],
    ['delete in WITH', 'with d as (delete from report.codes returning code) select code from d'],
    ['lock', 'select code from report.codes for update'],
    ['make tables', 'select code into report.more from report.codes'],
    ['run utilities', 'vacuum; select 1'],
    ['change settings', "select set_config('jit', 'off', false)"],
    ['count sequences', "select nextval('report.seq')::text"],
    ['notify', "select pg_notify('c', 'x')::text"],
    ['read statistics', 'select most_common_vals::text from pg_stats'],
    ['read what is not there', 'select x from report.nothing'],
    ['read files', "select pg_read_file('x')"],
    ['run text', "select query_to_xml('select 1', true, true, '')::text"],
    ['are no SQL', 'this is no SQL'],
    ['are empty', ''],
    ['return another number of columns', 'select code, title from report.codes'],
    ['return an unknown number of columns', 'select * from pg_class'],
    ['end in a comment that hides the rest', "select 'a' -- \n; drop table report.codes"],
    ['hide statements in strings that are none', "select 'a\\'; delete from report.codes; select ''"],
  ])('%s', (_, body) => {
    const functions = [sqlFunction('ehr.f', [], body)]
    const found = analysing({ functions })('SELECT f()')
    expect(hazardsOf(found)).toBe('function-not-known-safe f')
    expect(outputs(found)).toBe('unproven')
    expect(found.knownCalls.size).toBe(0)
  })

  it('have settings that could mean anything', () => {
    for (const setting of [
      'role=postgres',
      'standard_conforming_strings=off',
      'search_path="$user", public',
      'a.b=c',
    ]) {
      const functions = [sqlFunction('ehr.f', [], 'select title from report.codes', { settings: [setting] })]
      expect(hazardsOf(analysing({ functions })('SELECT f()')), setting).toBe('function-not-known-safe f')
    }
    for (const setting of ['work_mem=64MB', 'enable_seqscan=off', 'jit=off', 'search_path=""']) {
      const functions = [sqlFunction('ehr.f', [], 'select title from report.codes', { settings: [setting] })]
      expect(hazardsOf(analysing({ functions })('SELECT f()')), setting).toBe('')
    }
  })

  it('are looked at in time however deep they are nested', () => {
    const calls = `${'procedural('.repeat(60)}1${')'.repeat(60)}`
    const started = performance.now()
    analysing(FUNCTIONS)(`SELECT ${calls}`)
    analysing(FUNCTIONS)(`SELECT ${'forever('.repeat(60)}'x'${')'.repeat(60)}`)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('are doubled in every body and still looked at in time', () => {
    const functions = Array.from({ length: 40 }, (_, i) =>
      sqlFunction(`ehr.f${i}`, ['x'], i === 0 ? 'select x' : `select ehr.f${i - 1}(x) || ehr.f${i - 1}(x)`),
    )
    const started = performance.now()
    expect(hazardsOf(analysing({ functions })('SELECT f39(race) FROM patients'))).not.toBe('')
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

function reading(schema: string, column: string): ReturnType<typeof sqlFunction> {
  return sqlFunction(`${schema}.f`, ['x'], `select ${column} from ehr.patients where race = x`)
}

describe('which function is meant', () => {
  it('may be any of an overloaded one', () => {
    const two = sqlFunction('ehr.f', ['x', 'y'], 'select ssn from ehr.patients where race = x')
    const analyse = analysing({
      functions: [reading('ehr', 'race'), two, { schema: 'ehr', name: 'g', builtInNamesake: false }],
    })
    expect(outputs(analyse("SELECT f('a'), f('a', 'b')"))).toBe('clean, ssn')
    const dates = sqlFunction('ehr.f', ['x'], 'select first from ehr.patients', { argumentTypes: [DATE] })
    expect(outputs(analysing({ functions: [reading('ehr', 'last'), dates] })("SELECT f('a')"))).toBe('whole(name)')
    const unknown = { schema: 'ehr', name: 'f', builtInNamesake: false }
    expect(hazardsOf(analysing({ functions: [reading('ehr', 'race'), unknown] })("SELECT f('a')"))).not.toBe('')
  })

  it('may be any in the search path, and only those', () => {
    const functions = [reading('ehr', 'race'), reading('other', 'ssn')]
    expect(outputs(analysing({ functions }, ['ehr', 'other'])("SELECT f('a')"))).toBe('ssn')
    expect(outputs(analysing({ functions }, ['ehr'])("SELECT f('a'), other.f('a')"))).toBe('clean, ssn')
  })

  it('may be a built-in one of the same name', () => {
    for (const builtInNamesake of [true, undefined]) {
      const { builtInNamesake: _, ...routine } = sqlFunction('ehr.pg_read_file', ['x'], "select 'harmless'")
      const functions = [builtInNamesake === undefined ? routine : { ...routine, builtInNamesake }]
      const analyse = analysing({ functions })
      expect(hazardsOf(analyse("SELECT pg_read_file('x')"))).toBe('function-not-known-safe pg_read_file')
      expect(hazardsOf(analyse("SELECT ehr.pg_read_file('x')"))).toBe('')
    }
  })

  it('may be none but a column of the argument', () => {
    const functions = [sqlFunction('ehr.ssn', ['x'], "select 'harmless'", { argumentTypes: [DATE] })]
    const analyse = analysing({ functions })
    expect(outputs(analyse('SELECT ssn(p) FROM patients p'))).not.toContain('clean')
    expect(outputs(analyse('SELECT ssn(s) FROM (SELECT last AS ssn FROM patients) s'))).toBe('whole(name)')
    expect(outputs(analyse('SELECT ssn(birthdate) FROM patients'))).toBe('clean')
  })

  it('may be none but a cast', () => {
    const functions = [sqlFunction('ehr.patients', ['x'], "select 'harmless'")]
    expect(outputs(analysing({ functions })('SELECT ehr.patients(ssn) FROM ehr.patients'))).toBe('whole(ssn)')
  })
})

describe('names in a body', () => {
  it('are arguments unless there is a column of that name', () => {
    const f = sqlFunction(
      'ehr.f',
      ['race', 'who'],
      'select race || who || f.race from ehr.patients where id::text = $2',
    )
    const found = analysing({ functions: [f] })("SELECT f(ssn, 'x') FROM patients")
    // f.race is the argument; without its qualifier the column comes first.
    expect(outputs(found)).toBe('whole(ssn)')
    const plain = sqlFunction('ehr.f', ['race'], 'select race from ehr.patients')
    expect(outputs(analysing({ functions: [plain] })('SELECT f(ssn) FROM patients'))).toBe('clean')
  })

  it('are arguments beside a system catalog, of which not all columns are known', () => {
    const f = sqlFunction('ehr.f', ['x'], 'select x from pg_class limit 1')
    expect(outputs(analysing({ functions: [f] })('SELECT f(ssn) FROM patients'))).toBe('whole(ssn)')
  })

  it('are not columns named like the placeholder of an argument', () => {
    const f = sqlFunction('ehr.f', ['x'], 'select $1 from (select race as "$1" from ehr.patients) p')
    expect(outputs(analysing({ functions: [f] })('SELECT f(ssn) FROM patients'))).toBe('ssn')
  })

  it('are not output columns named after the placeholder', () => {
    const f = sqlFunction(
      'ehr.f',
      ['x'],
      'select (select "?column?" from (select $1) s) from (select race as "?column?" from patients) t',
    )
    expect(outputs(analysing({ functions: [f] })('SELECT f(ssn) FROM patients'))).toBe('ssn')
  })

  it('are found on the search path of the session when the body is text', () => {
    const functions = [sqlFunction('ehr.f', [], 'select first from patients')]
    expect(outputs(analysing({ functions }, ['ehr', 'other'])('SELECT ehr.f()'))).toBe('first')
    expect(outputs(analysing({ functions }, ['other', 'ehr'])('SELECT ehr.f()'))).toBe('clean')
    expect(hazardsOf(analysing({ functions }, ['report'])('SELECT ehr.f()'))).toBe('function-not-known-safe ehr.f')
  })

  it('are found on a path of its own, and in functions inside', () => {
    const inner = sqlFunction('ehr.inner', [], 'select first from patients')
    const outer = sqlFunction('ehr.outer', [], 'select ehr.inner()', { settings: ['search_path=Ehr'] })
    const quoted = sqlFunction('ehr.quoted', [], 'select ehr.inner()', { settings: ['search_path="Ehr", "ehr"'] })
    const analyse = analysing({ functions: [inner, outer, quoted] }, ['other'])
    expect(outputs(analyse('SELECT ehr.outer()'))).toBe('first')
    // Somebody could yet make a table patients in the schema "Ehr".
    expect(hazardsOf(analyse('SELECT ehr.quoted()'))).toBe('function-not-known-safe ehr.quoted')
  })

  it('are not looked up again on another path than that of the session', () => {
    const f = sqlFunction('ehr.f', [], 'select first from patients', { settings: ['search_path=ehr, pg_temp'] })
    const { catalogUse } = analysing({ functions: [f] }, ['other'])('SELECT ehr.f()')
    expect(catalogUse).toEqual({ relations: [30_001], names: [], functions: ['f'], operators: [] })
    const text = 'BEGIN ATOMIC SELECT upper(patients.race) || ehr.f() FROM ehr.patients; END'
    const fixed = sqlFunction('ehr.g', [], text, { parsed: true })
    expect(analysing({ functions: [f, fixed] }, ['other'])('SELECT ehr.g()').catalogUse).toEqual(catalogUseOf('f', 'g'))
  })

  it('could be another relation for the owner than for the caller', () => {
    const f = sqlFunction('ehr.f', [], 'select first from patients')
    const functions = [f]
    expect(
      hazardsOf(analysing({ functions, unusableSchemas: ['other'] }, ['other', 'ehr'])('SELECT ehr.f()')),
    ).not.toBe('')
    expect(hazardsOf(analysing({ functions, unusableSchemas: ['other'] }, ['ehr', 'other'])('SELECT ehr.f()'))).toBe('')
  })

  it('could be a temporary table', () => {
    const f = sqlFunction('ehr.f', [], 'select first from patients')
    const own = view(41_001, 'pg_temp_3.patients', ['first'], null, { kind: 'r', dependsOn: [] })
    expect(outputs(analysing({ functions: [f], relations: [own] })('SELECT ehr.f()'))).toBe('unproven')
  })
})

function catalogUseOf(...functions: readonly string[]): Flow['catalogUse'] {
  return { relations: [30_001], names: [], functions, operators: [] }
}

describe('rows as arguments', () => {
  it('have the fields of the declared type, by position, whatever their names are', () => {
    const columns = 'id AS a, race, first AS c, last AS d, birthdate AS e, zip AS f, ssn AS g, data AS h'
    const found = analysing(FUNCTIONS)(`SELECT race_of(q) FROM (SELECT ${columns} FROM patients) q`)
    expect(found.outputs).not.toContainEqual({ kind: 'clean' })
  })
})

describe('questions in a body', () => {
  it('are those of the caller, who chooses the arguments', () => {
    const found = analysing(FUNCTIONS)("SELECT id FROM find('A')")
    expect(found.questions).toContainEqual({
      use: 'condition',
      released: false,
      classes: ['name'],
      columns: ['ehr.patients.last'],
    })
  })

  it('are those of the owner when it takes nothing from the caller', () => {
    const found = analysing(FUNCTIONS)('SELECT elderly()')
    expect({ outputs: outputs(found), questions: found.questions }).toEqual({ outputs: 'clean', questions: [] })
  })

  it("are the caller's as well where the names could be", () => {
    const f = sqlFunction('ehr.f', [], "select count(*)::text from patients where ssn like '9%'")
    expect(analysing({ functions: [f] })('SELECT ehr.f()').questions).toHaveLength(1)
  })

  it('are released where the columns release them', () => {
    const found = analysing(FUNCTIONS)('SELECT age_band(birthdate) FROM patients')
    expect(outputs(found)).toBe('clean')
    expect(found.questions.filter(({ released }) => !released)).toEqual([])
    const other = analysing(FUNCTIONS)('SELECT age_band(start::date) FROM encounters')
    expect(outputs(other)).toBe('clean')
  })

  it('are released of parts of columns that are passed as they are', () => {
    const adult = sqlFunction('ehr.adult', ['y'], 'select (y < 2003)::text', { argumentTypes: [1700] })
    const text = sqlFunction('ehr.as_text', ['y'], "select (y < '2003')::text")
    const beyond = (sql: string): number =>
      analysing({ functions: [adult, text] })(sql).questions.filter(({ released }) => !released).length
    expect(beyond('SELECT count(*) FROM patients WHERE adult(extract(year FROM birthdate)) IS NOT NULL')).toBe(0)
    expect(beyond('SELECT count(*) FROM patients WHERE as_text(birthdate::text) IS NOT NULL')).not.toBe(0)
  })

  it('answered row by row are PHI', () => {
    const analyse = analysing(FUNCTIONS)
    expect(outputs(analyse('SELECT g, has_digit(g::text) FROM generate_series(0, 9) g'))).toBe('whole(ssn), whole(ssn)')
    expect(outputs(analyse("SELECT number_of('9')"))).toBe('clean')
    expect(outputs(analyse('SELECT g, number_of(g::text) FROM generate_series(0, 9) g'))).toBe('whole(ssn), whole(ssn)')
  })

  it('are not hidden by the name of a built-in function that is NULL for NULL only', () => {
    const lower = sqlFunction('ehr.lower', ['x'], "select case when x like '9%' then x end")
    const found = analysing({ functions: [lower] })('SELECT id, count(ehr.lower(ssn)) FROM ehr.patients GROUP BY id')
    expect(outputs(found)).toBe('origin, whole(ssn)')
  })

  it('tie what the caller compares', () => {
    const sql = "SELECT g FROM generate_series(0, 9) g WHERE has_digit(g::text) = 'true'"
    expect(outputs(analysing(FUNCTIONS)(sql))).toBe('whole(ssn)')
    const lateral = 'SELECT g, f.id FROM generate_series(0, 9) g, find(g::text) f'
    expect(outputs(analysing(FUNCTIONS)(lateral))).toBe('whole(name), clean')
  })

  it('are none for a function that the operator vouches for', () => {
    expect(analysing(FUNCTIONS)('SELECT vouched(ssn) FROM patients').questions).toEqual([])
  })
})

describe('functions in statements that show or keep more than their result', () => {
  it.each([
    ['EXPLAIN SELECT patient_name($1)', 'phi-in-utility EXPLAIN'],
    ["EXPLAIN SELECT 1 FROM report.codes WHERE code = patient_name('x')", 'phi-in-utility EXPLAIN'],
    ['EXPLAIN SELECT code FROM ehr.v_named', 'phi-in-utility EXPLAIN'],
    ["EXPLAIN SELECT total('x')", ''],
    ["EXECUTE q(patient_name('x'))", 'function-not-known-safe patient_name'],
    ["CALL patient_name('x')", 'function-not-known-safe patient_name'],
    ["COPY report.codes FROM STDIN WHERE code = patient_name('x')", 'function-not-known-safe patient_name'],
    ["ALTER TABLE report.codes ALTER title SET DEFAULT patient_name('x')", 'function-not-known-safe patient_name'],
    [
      "CREATE TABLE more PARTITION OF report.codes FOR VALUES IN (patient_name('x'))",
      'function-not-known-safe patient_name',
    ],
    ["INSERT INTO report.codes VALUES ('a', patient_name('x'))", 'phi-copied report.codes.title'],
    ["UPDATE report.codes SET title = (SELECT last FROM find('x'))", 'phi-copied report.codes.title'],
    ["CREATE TABLE more AS SELECT patient_name('x') AS n", 'phi-copied more'],
    ["SELECT 1 LIMIT length(patient_name('x'))", 'construct-not-analysed LIMIT over PHI'],
    ["INSERT INTO report.codes VALUES ('a', total('x'))", ''],
  ])('%s', (sql, expected) => {
    const relations = [
      view(
        41_001,
        'ehr.v_named',
        ['code'],
        " SELECT c.code FROM report.codes c WHERE c.title = ehr.patient_name('x');",
      ),
    ]
    expect(hazardsOf(analysing({ ...FUNCTIONS, relations })(sql))).toBe(expected)
  })
})

describe('arguments that turn out to be tied to PHI', () => {
  it('after the call', () => {
    const sql = 'SELECT x.x FROM report.codes c, series(length(c.code)) x, patients p WHERE c.code = left(p.ssn, 1)'
    expect(outputs(analysing(FUNCTIONS)(sql))).toBe('whole(ssn)')
  })

  it('after the call, through subqueries', () => {
    const deep = sqlFunction('ehr.deep', ['x'], 'select y from (select z as y from (select x || 1 as z) a) b', {
      returnsSet: true,
    })
    const sql = 'SELECT f FROM report.codes c, deep(c.code) f, patients p WHERE c.code = left(p.ssn, 1)'
    expect(outputs(analysing({ functions: [deep] })(sql))).toBe('whole(ssn)')
    const lateral = `SELECT t.y FROM report.codes c, LATERAL (SELECT y FROM (SELECT c.code || 1 AS y) s) t, patients p
      WHERE c.code = left(p.ssn, 1)`
    expect(outputs(analysing({})(lateral))).toBe('whole(ssn)')
  })

  it('make a call unknown that must not have them', () => {
    const sleepy = sqlFunction('ehr.sleepy', ['x'], 'select pg_sleep(length(x))::text')
    const sql = 'SELECT 1 FROM report.codes c, sleepy(c.code) x, patients p WHERE c.code = left(p.ssn, 1)'
    expect(hazardsOf(analysing({ functions: [sleepy] })(sql))).toBe('function-not-known-safe sleepy')
    expect(hazardsOf(analysing({ functions: [sleepy] })('SELECT sleepy(code) FROM report.codes'))).toBe('')
  })

  it('make the number of rows PHI', () => {
    expect(outputs(analysing(FUNCTIONS)('SELECT count(*) FROM patients p, parts(p.ssn)'))).toBe('whole(ssn)')
    expect(hazardsOf(analysing(FUNCTIONS)('SELECT count(*) FROM patients p, series(length(p.ssn))'))).not.toBe('')
  })
})

describe('what an analysis rests on', () => {
  it('is the function and what its body reads', () => {
    const found = analysing(FUNCTIONS)('SELECT ehr.patient_name($1)')
    expect(found.catalogUse).toMatchObject({ relations: [30_001], names: [], functions: ['patient_name'] })
    expect(found.relations).toEqual([
      { schema: 'ehr', name: 'patients', oid: 30_001, action: 'read', columns: ['first', 'id', 'last'], phi: true },
    ])
    expect(found.phiReachable).toBe(true)
    expect(found.knownCalls.size).toBe(1)
  })

  it('has no PHI when the body reads none', () => {
    expect(analysing(FUNCTIONS)("SELECT ehr.total('x')").phiReachable).toBe(false)
  })
})
