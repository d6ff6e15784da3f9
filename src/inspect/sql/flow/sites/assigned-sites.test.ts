import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { hospitalSites, printedSites } from '../questions/questions-test-support.ts'

beforeAll(() => loadModule())

/** = assigned as it is; ~ part of what is stored; ? compared. */
function short(sql: string): string {
  return printedSites(sql, hospitalSites(sql))
    .replaceAll('assignment ', '= ')
    .replaceAll('embedded ', '~ ')
    .replaceAll('comparison ', '? ')
}

const sorted = (text: string): readonly string[] => text.split('; ').toSorted()

describe('constants that are stored in protected columns', () => {
  it.each<readonly [sql: string, sites: string]>([
    [
      "INSERT INTO patients (ssn, gender, last) VALUES ('a', 'F', $1), ($2, 'M', 'b')",
      "= ssn ssn 'a'; = last name $1; = ssn ssn $2; = last name 'b'",
    ],
    ["INSERT INTO digits VALUES ('1', 'a')", ''],
    ["INSERT INTO insurance VALUES ('1', '2', 'a', 'p', 'b')", "= subscriber_ssn ssn 'a'; = last name 'b'"],
    ['INSERT INTO patients (ssn, last) VALUES (DEFAULT, NULL)', ''],
    [
      "INSERT INTO patients (mrn_no, secret) VALUES (-2000000000, 'x')",
      "= mrn_no mrn -2000000000; = secret unlabelled 'x'",
    ],
    [
      "INSERT INTO patients (ssn) VALUES ('a'::text), ('b'::varchar(3)), (lower('c')), ('d' || $1)",
      "= ssn ssn 'a'; ~ ssn ssn 'b'; ~ ssn ssn 'c'; ~ ssn ssn 'd'; ~ ssn ssn $1",
    ],
    ["INSERT INTO patients (ssn) SELECT 'a' FROM conditions WHERE code = 'c' LIMIT 1", "= ssn ssn 'a'"],
    [
      "INSERT INTO patients (ssn, last) SELECT 'a', $1 UNION ALL VALUES ('b', 'c')",
      "= ssn ssn 'a'; = last name $1; = ssn ssn 'b'; = last name 'c'",
    ],
    [
      "INSERT INTO patients (ssn) SELECT subscriber_ssn FROM insurance WHERE subscriber_ssn = 'a'",
      "? ? subscriber_ssn ssn 'a'",
    ],
    // More is made of it than to store it: nothing is resolved.
    ["INSERT INTO patients (ssn) VALUES ('a'), ('b') ORDER BY 1", "~ ssn ssn 'a'; ~ ssn ssn 'b'"],
    ["INSERT INTO patients (ssn) SELECT DISTINCT 'a'", "~ ssn ssn 'a'"],
    ["INSERT INTO patients (ssn) SELECT 'a' GROUP BY 1", "~ ssn ssn 'a'"],
    ["INSERT INTO patients (ssn) SELECT 'a' UNION SELECT 'b'", "~ ssn ssn 'a'; ~ ssn ssn 'b'"],
    ["INSERT INTO patients (ssn) SELECT 'a' UNION ALL SELECT 'b' ORDER BY 1", "~ ssn ssn 'a'; ~ ssn ssn 'b'"],
    ["INSERT INTO patients (ssn) (SELECT 'a' EXCEPT ALL SELECT subscriber_ssn FROM insurance)", "~ ssn ssn 'a'"],
    ["INSERT INTO contacts (numbers[1]) VALUES ('a')", "~ numbers phone 'a'"],
    ["INSERT INTO contacts (numbers) VALUES ('{a,b}'), (ARRAY['a'])", "= numbers phone '{a,b}'; = numbers phone 'a'"],
    ['UPDATE contacts SET numbers = $1::text[]', '= numbers phone $1'],
    ["UPDATE contacts SET numbers = '{a}'::varchar[]::TEXT[]", "= numbers phone '{a}'"],
    [
      "UPDATE contacts SET numbers = ARRAY['a', $1, lower('b')]::text[]",
      "= numbers phone 'a'; = numbers phone $1; ~ numbers phone 'b'",
    ],
    // A number beside it would give it its type.
    ["UPDATE contacts SET big_no = coalesce('a', CASE kind WHEN 'k' THEN 5 END)", "~ big_no mrn 'a'; ~ big_no mrn 5"],
    ["UPDATE contacts SET big_no = coalesce('a'::int8, 5)", "= big_no mrn 'a'; = big_no mrn 5"],
    ['INSERT INTO contacts (big_no) SELECT $1 UNION ALL SELECT 5', '~ big_no mrn $1; ~ big_no mrn 5'],
    ["UPDATE contacts SET numbers = ARRAY['a', NULL] || 'b'", "~ numbers phone 'a'; ~ numbers phone 'b'"],
    ["UPDATE contacts SET numbers = ARRAY[ARRAY['a']]", "~ numbers phone 'a'"],
    ["UPDATE contacts SET numbers = ARRAY['a']::varchar(3)[]", "~ numbers phone 'a'"],
    ["UPDATE contacts SET numbers = '{a}'::bpchar[]", "~ numbers phone '{a}'"],
    ["UPDATE patients SET ssn = ARRAY['a']", "~ ssn ssn 'a'"],
    // ON CONFLICT
    [
      "INSERT INTO patients (id, ssn) VALUES ('1', 'a') ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn, last = 'b' WHERE patients.ssn <> 'c'",
      "? ? ssn ssn 'c'; = ssn ssn 'a'; = last name 'b'",
    ],
    ["INSERT INTO patients (id, ssn) VALUES ('1', $1) ON CONFLICT (id) DO UPDATE SET ssn = $1", '= ssn ssn $1'],
    [
      "INSERT INTO patients (id, ssn) VALUES ('1', $1) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn",
      '= ssn ssn $1',
    ],
    [
      "INSERT INTO patients (ssn, last) SELECT $1, 'a' ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn, last = excluded.last",
      "= ssn ssn $1; = last name 'a'",
    ],
    // UPDATE
    [
      "UPDATE patients SET ssn = 'a', gender = 'F', last = $1 WHERE ssn = $2",
      "? ? ssn ssn $2; = ssn ssn 'a'; = last name $1",
    ],
    ["UPDATE patients SET (ssn, gender, last) = ('a', 'F', $1)", "= ssn ssn 'a'; = last name $1"],
    ["UPDATE patients SET (ssn, last) = ROW ('a', lower('b'))", "= ssn ssn 'a'; ~ last name 'b'"],
    ["UPDATE patients SET (ssn, gender) = (SELECT 'a', 'F')", "~ ssn ssn 'a'; ~ ssn ssn 'F'"],
    [
      "UPDATE patients SET ssn = coalesce($1, 'a', ssn), last = CASE WHEN gender = 'F' THEN 'b' ELSE $2 END",
      "= ssn ssn $1; = ssn ssn 'a'; = last name 'b'; = last name $2",
    ],
    // The server gives results one type, which others may decide.
    ["UPDATE patients SET ssn = coalesce('a', patients.ssn)", "= ssn ssn 'a'"],
    ["UPDATE patients p SET ssn = coalesce('a', p.ssn, NULL::text)", "= ssn ssn 'a'"],
    ["UPDATE patients SET ssn = coalesce('a', gender)", "~ ssn ssn 'a'"],
    ["UPDATE patients SET ssn = coalesce('a', NULL::name)", "~ ssn ssn 'a'"],
    ["UPDATE patients SET ssn = coalesce('a', v.ssn) FROM (SELECT NULL::name AS ssn) v", "~ ssn ssn 'a'"],
    ['UPDATE patients SET mrn_no = CASE WHEN id IS NULL THEN $1 ELSE NULL::int2 END', '~ mrn_no mrn $1'],
    [
      'UPDATE patients SET mrn_no = coalesce($1, CASE WHEN true THEN $2::int8 ELSE NULL::int2 END)',
      '~ mrn_no mrn $1; ~ mrn_no mrn $2',
    ],
    ["UPDATE contacts SET big_no = coalesce('a', 5), id = '1'", "~ big_no mrn 'a'; ~ big_no mrn 5"],
    ['INSERT INTO contacts (big_no) SELECT $1 UNION ALL SELECT -5', '~ big_no mrn $1; ~ big_no mrn -5'],
    ["UPDATE contacts SET numbers = ARRAY['a', NULL::name]", "~ numbers phone 'a'"],
    ["UPDATE contacts SET numbers = ARRAY['a', NULL::name]::text[]", "= numbers phone 'a'"],
    ["INSERT INTO patients (id, ssn) VALUES ('1', 'a'), ('2', NULL::name)", "= ssn ssn 'a'"],
    ["INSERT INTO patients (ssn) SELECT 'a' UNION ALL SELECT $1 UNION ALL SELECT NULL", "= ssn ssn 'a'; = ssn ssn $1"],
    ["INSERT INTO patients (ssn) SELECT 'a' UNION ALL SELECT NULL::bpchar", "~ ssn ssn 'a'"],
    ["UPDATE patients SET last = CASE ssn WHEN 'a' THEN 'b' ELSE last END", "? ? ssn ssn 'a'; = last name 'b'"],
    ["UPDATE patients SET ssn = nullif('a', '')", "~ ssn ssn 'a'; ~ ssn ssn ''"],
    [
      "UPDATE patients SET ssn = (SELECT 'a'), last = (SELECT last FROM insurance i WHERE i.subscriber_ssn = 'b')",
      "? ~ ssn ssn 'a'; ? subscriber_ssn ssn 'b'",
    ],
    ['UPDATE patients SET mrn_no = mrn_no + 1, age = -5', '~ mrn_no mrn 1; ~ age age -5'],
    ['UPDATE patients SET ssn = \'a\' COLLATE "C"', "~ ssn ssn 'a'"],
    // What is shown in part takes no value of a stand-in: it would show a part of it.
    ["UPDATE contacts SET initials = 'a', email = 'b'", "~ initials name 'a'; = email email 'b'"],
    [
      "UPDATE patients SET zip = '02100', birthdate = '1950-01-01', phone = 'x'",
      "~ zip zip '02100'; ~ birthdate date-of-birth '1950-01-01'; = phone phone 'x'",
    ],
    // Documents are looked into by whoever has the label.
    [`UPDATE documents SET body = '{"family": "a"}'`, `= body free-text '{"family": "a"}'`],
    ['UPDATE documents SET body = $1::jsonb', '= body free-text $1'],
    [
      `UPDATE documents SET body = jsonb_set(body, '{family}', '"a"')`,
      `~ body free-text '{family}'; ~ body free-text '"a"'`,
    ],
    [`UPDATE documents SET body['family'] = '"a"'`, `~ body free-text '"a"'`],
    [
      "UPDATE documents SET body = body || jsonb_build_object('family', $1::text)",
      "~ body free-text 'family'; ~ body free-text $1",
    ],
    // MERGE
    [
      "MERGE INTO patients p USING conditions c ON p.id = c.patient AND p.ssn = 'x' WHEN MATCHED THEN UPDATE SET last = 'y', gender = 'F' WHEN NOT MATCHED THEN INSERT (gender, ssn) VALUES ('F', 'z')",
      "? ? ssn ssn 'x'; = last name 'y'; = ssn ssn 'z'",
    ],
    // A view stores it in another place.
    ["INSERT INTO v_people (dob) VALUES ('1950-01-01')", "~ birthdate date-of-birth '1950-01-01'"],
    ["UPDATE v_people SET label = 'a'", "~ label unlabelled 'a'"],
    // Written so that nothing is put there: what it says is looked at all the same.
    [
      "UPDATE patients SET ssn = E'a', last = $$b$$, first = U&'c'",
      "~ ssn ssn E'a' (span); ~ last name $$b$$ (span); ~ first name U&'c' (span)",
    ],
    [
      "UPDATE patients SET ssn = 'a'\n'b', last = 'plain', mrn_no = -1e3",
      "~ ssn ssn 'a'\n'b' (span); = last name 'plain' (span); ~ mrn_no mrn -1e3 (span)",
    ],
    [
      String.raw`INSERT INTO patients (ssn, mrn_no) VALUES ('a\b', 0x1F)`,
      String.raw`~ ssn ssn 'a\b' (span); ~ mrn_no mrn 0x1F (span)`,
    ],
    // What is read from a query of constants may be any of those that it returns. Columns of VALUES: see stand-in-columns.test.ts.
    [
      "UPDATE patients p SET last = v.l FROM (VALUES (1, 'a'), (2, $1)) v(i, l) WHERE p.mrn_no = v.i",
      "? ? mrn_no mrn 1; = last name 'a'; ? mrn_no mrn 2; = last name $1",
    ],
    [
      "WITH v AS (SELECT 'a' AS t) UPDATE patients SET last = v.t FROM v WHERE ssn = 'b'",
      "? ? ssn ssn 'b'; = last name 'a'",
    ],
    [
      "INSERT INTO patients (ssn) SELECT p0::varchar FROM (VALUES ($1, 0), ('a', 1)) v(p0, n) ORDER BY n",
      "= ssn ssn $1; = ssn ssn 'a'",
    ],
    ["INSERT INTO digits (digit, title) SELECT * FROM (VALUES ('a', 'b')) v", ''],
    ["INSERT INTO patients (ssn) SELECT * FROM (VALUES ('a')) v", "= ssn ssn 'a'"],
    [
      "MERGE INTO patients p USING (VALUES ('1', 'a')) v(i, s) ON p.id = v.i::uuid WHEN NOT MATCHED THEN INSERT (ssn) VALUES (v.s)",
      "= ssn ssn 'a'",
    ],
    ["UPDATE patients SET ssn = i.subscriber_ssn FROM insurance i WHERE i.payer = 'a'", ''],
    // … and so may be what a function makes rows of.
    ["INSERT INTO patients (ssn) SELECT v FROM unnest(ARRAY['a', $1]) v WHERE v <> 'b'", "~ ssn ssn 'a'; ~ ssn ssn $1"],
    ["INSERT INTO patients (ssn) SELECT unnest('{a,b}'::text[])", "~ ssn ssn '{a,b}'"],
    [`UPDATE patients SET ssn = r.s FROM jsonb_to_recordset('[{"s": "a"}]') AS r(s text)`, `~ ssn ssn '[{"s": "a"}]'`],
    [
      "UPDATE patients SET ssn = (SELECT v FROM string_to_table('a,b', ',') v LIMIT 1)",
      "~ ssn ssn 'a,b'; ~ ssn ssn ','",
    ],
    // Whoever runs it has to know that its arguments are stored.
    ['PREPARE p (text) AS UPDATE patients SET ssn = $1 WHERE id = $2', '~ ssn ssn $1'],
    ['PREPARE p (text) AS INSERT INTO patients (ssn) SELECT v FROM (VALUES ($1)) x(v)', '~ ssn ssn $1'],
    // However long it takes to find out that no constant is only compared, what is stored is looked at.
    [
      "UPDATE patients SET ssn = 'a' WHERE length($1) > 0 AND (ssn, last) = ($1, $2) AND (last, ssn) = ($2, $3) AND (ssn, last) = ($3, $4) AND (last, ssn) = ($4, $5) AND (ssn, last) = ($5, $6) AND (last, ssn) = ($6, $7) AND (ssn, last) = ($7, $8)",
      "~ ssn ssn 'a'",
    ],
    // What is stored elsewhere is no constant; what may be something else is looked at.
    ["INSERT INTO patients (ssn, gender) SELECT ssn, 'a' FROM patients", ''],
    ["INSERT INTO patients (ssn, gender) SELECT s.ssn, 'a' FROM (SELECT ssn FROM patients) s", ''],
    [
      "INSERT INTO patients (ssn, gender) SELECT s.n, 'b' FROM (SELECT coalesce(ssn, 'a') AS n FROM patients) s",
      "~ ssn ssn 'a'; ~ ssn ssn 'b'",
    ],
    ["UPDATE patients p SET ssn = s.n FROM (SELECT ssn AS n, 'a' AS other FROM patients) s", ''],
    ["UPDATE patients SET ssn = excluded.n FROM (VALUES ('a')) excluded(n)", "= ssn ssn 'a'"],
    [
      "MERGE INTO patients p USING (SELECT ssn, 'a' AS x FROM patients) s ON p.ssn = s.ssn WHEN MATCHED THEN UPDATE SET ssn = s.ssn",
      '',
    ],
    [
      "MERGE INTO patients p USING (SELECT ssn, 'a' AS x FROM patients) s ON p.ssn = s.ssn WHEN MATCHED THEN UPDATE SET ssn = s.x",
      "= ssn ssn 'a'",
    ],
    // In common tables, too
    [
      "WITH w AS (UPDATE patients SET ssn = 'a' WHERE last = 'b' RETURNING id) SELECT id FROM w",
      "? ? last name 'b'; = ssn ssn 'a'",
    ],
  ])('%s', (sql, sites) => {
    const found = short(sql)
    expect([found.startsWith('? '), sorted(found.replace(/^\? /, ''))]).toEqual([
      sites.startsWith('? '),
      sorted(sites.replace(/^\? /, '')),
    ])
  })

  it.each<readonly [what: string, sql: string, sites: string]>([
    [
      'stored in two columns of a class',
      'UPDATE patients SET first = $1, last = $1',
      '= first name $1; = last name $1',
    ],
    ['stored and compared', 'UPDATE patients SET ssn = $1 WHERE ssn <> $1', '? ? ssn ssn $1; = ssn ssn $1'],
    ['stored in columns of two classes', 'UPDATE patients SET ssn = $1, last = $1', '~ ssn ssn $1; ~ last name $1'],
    ['stored where it is shown', 'UPDATE patients SET ssn = $1, gender = $1', '~ ssn ssn $1'],
    ['returned', 'UPDATE patients SET ssn = $1 RETURNING $1', '~ ssn ssn $1'],
    ['tested for NULL', 'UPDATE patients SET ssn = $1 WHERE $1 IS NOT NULL', '= ssn ssn $1'],
    ['tested', "UPDATE patients SET ssn = $1 WHERE $1 <> ''", '~ ssn ssn $1'],
    ['compared in another way', 'UPDATE patients SET ssn = $1 WHERE gender < $1', '~ ssn ssn $1'],
    [
      'part of another',
      "UPDATE patients SET ssn = $1, last = 'x' || $1",
      "~ ssn ssn $1; ~ last name 'x'; ~ last name $1",
    ],
    ['the argument of a function', 'INSERT INTO patients (ssn, gender) VALUES ($1, left($1, 1))', '~ ssn ssn $1'],
  ])('and a parameter that is %s', (_, sql, sites) => {
    expect(sorted(short(sql))).toEqual(sorted(sites))
  })
})

describe('COPY … FROM STDIN', () => {
  it.each<readonly [sql: string, columns: string]>([
    ['COPY patients (gender, ssn, zip) FROM STDIN', '-, ssn, zip!'],
    ["COPY insurance FROM STDIN (FORMAT csv, HEADER MATCH, FREEZE, NULL '')", '-, -, ssn, -, name'],
    ['COPY documents (body) FROM STDIN WITH CSV HEADER', 'free-text'],
    ['COPY v_people (dob) FROM STDIN', 'date-of-birth!'],
    ['COPY patients (secret) FROM STDIN (FORMAT binary)', 'unlabelled'],
    ["COPY patients (ssn) FROM STDIN (FORCE_NULL (ssn), DEFAULT '#', DELIMITER ';', FORMAT csv)", 'ssn'],
    ['COPY digits FROM STDIN', ''],
    ['COPY patients (gender) FROM STDIN', ''],
    // Refused: what is read cannot be told.
    ["COPY patients (ssn) FROM STDIN (ENCODING 'LATIN1')", 'options of COPY FROM'],
    ['COPY patients (ssn) FROM STDIN (ON_ERROR ignore)', 'options of COPY FROM'],
    ['COPY patients (ssn) FROM STDIN (FORMAT other)', 'options of COPY FROM'],
    // What is NULL elsewhere is stored here, and is not looked at.
    ["COPY patients (ssn) FROM STDIN (FORMAT csv, NULL 'x', FORCE_NOT_NULL (ssn))", 'options of COPY FROM'],
    ["COPY patients (ssn) FROM '/tmp/x'", 'COPY FROM a file or program'],
    ["COPY patients (ssn) FROM PROGRAM 'x'", 'COPY FROM a file or program'],
    ["COPY digits FROM STDIN (ENCODING 'LATIN1')", ''],
  ])('%s', (sql, columns) => {
    const { copyIn, hazards } = hospitalSites(sql)
    const named = copyIn?.classes.map(
      (one, i) => `${one ?? '-'}${one !== null && copyIn.takesStandIns[i] === false ? '!' : ''}`,
    )
    const refused = hazards.filter(({ kind }) => kind === 'construct-not-analysed').map(({ subject }) => subject)
    expect(named?.join(', ') ?? refused.at(0) ?? '').toBe(columns)
    expect(copyIn?.columns.map((column) => column === null)).toEqual(copyIn?.classes.map((one) => one === null))
  })

  it('says how rows are written', () => {
    const { copyIn } = hospitalSites("COPY patients (ssn) FROM STDIN (FORMAT csv, HEADER match, QUOTE '''', NULL 'x')")
    expect(copyIn).toMatchObject({ format: 'csv', delimiter: ',', header: true, quote: "'", escape: "'", null: 'x' })
    expect(hospitalSites('COPY patients TO STDOUT').copyIn).toBeUndefined()
  })
})
