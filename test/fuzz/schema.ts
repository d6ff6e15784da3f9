import { PATIENTS, type Side, TwinValues, VISITS } from './twins.ts'

/** Label in `phi.labels`; null where there shall be none, so that the column is masked as unlabelled. */
type Label = string | null | Readonly<Record<string, unknown>>

/** Kinds of values that the grammar tells apart. */
export type Kind = 'text' | 'int' | 'num' | 'date' | 'ts' | 'bool' | 'json' | 'uuid' | 'bytea' | 'texts' | 'contact'

export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly kind: Kind
  readonly label: Label
}

const column = (name: string, type: string, kind: Kind, label: Label): TableColumn => ({ name, type, kind, label })

const DOCUMENT = {
  class: 'free-text',
  members: { who: 'name', born: 'date-of-birth', 'home.zip': 'zip', code: 'none', visits: 'none' },
}

export const PATIENT: readonly TableColumn[] = [
  column('id', 'integer PRIMARY KEY', 'int', 'none'),
  column('ward', 'text', 'text', 'none'),
  column('sex', 'text', 'text', 'none'),
  column('score', 'integer', 'int', 'none'),
  column('admitted', 'date', 'date', 'none'),
  column('active', 'boolean', 'bool', 'none'),
  column('name', 'text', 'text', 'name'),
  column('alias', 'varchar(80)', 'text', 'name'),
  column('ssn', 'text', 'text', 'ssn'),
  column('mrn', 'text', 'text', 'mrn'),
  column('born', 'date', 'date', 'date-of-birth'),
  column('seen', 'timestamptz', 'ts', 'date'),
  column('zip', 'text', 'text', 'zip'),
  column('age', 'integer', 'int', 'age'),
  column('weight', 'numeric', 'num', 'other-id'),
  column('member', 'bigint', 'int', 'health-plan'),
  column('token', 'uuid', 'uuid', 'other-id'),
  column('photo', 'bytea', 'bytea', 'photo'),
  column('tags', 'text[]', 'texts', 'name'),
  column('phone', 'text', 'text', 'phone'),
  column('initials', 'char(8)', 'text', 'name'),
  column('digits', 'text', 'text', 'account'),
  column('doc', 'jsonb', 'json', DOCUMENT),
  column('raw', 'json', 'json', null),
  column('contact', 'clinic.contact', 'contact', 'name'),
]

export const VISIT: readonly TableColumn[] = [
  column('id', 'integer PRIMARY KEY', 'int', 'none'),
  column('patient_id', 'integer', 'int', 'none'),
  column('kind', 'text', 'text', 'none'),
  column('stay', 'integer', 'int', 'none'),
  column('reason', 'text', 'text', 'free-text'),
  column('day', 'date', 'date', 'date'),
  column('at', 'timestamp', 'ts', 'date'),
  column('referrer', 'text', 'text', 'name'),
  column('cost', 'numeric', 'num', null),
]

export const LAB: readonly TableColumn[] = [
  column('id', 'integer', 'int', 'none'),
  column('ward', 'text', 'text', 'none'),
  column('patient_name', 'text', 'text', 'name'),
  column('level', 'integer', 'int', 'none'),
]

export const ITEM: readonly TableColumn[] = [
  column('id', 'integer PRIMARY KEY', 'int', 'none'),
  column('label', 'text', 'text', 'none'),
  column('stock', 'integer', 'int', 'none'),
]

const clear = (columns: readonly TableColumn[]) => columns.filter(({ label }) => label === 'none')

/** Columns that are PHI in a partition have no label there. */
const LABELLED: Readonly<Record<string, readonly TableColumn[]>> = {
  patient: PATIENT,
  visit: VISIT,
  lab: LAB,
  lab_north: clear(LAB),
  lab_rest: clear(LAB),
  item: ITEM,
  basket: ITEM,
  archive: ITEM,
}

/** For `phi.labels`; views, functions and generated columns have none: theirs must follow. */
export function fuzzLabels(): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(LABELLED).flatMap(([table, columns]) =>
      columns.flatMap(({ name, label }) => (label === null ? [] : [[`clinic.${table}.${name}`, label]])),
    ),
  )
}

const create = (table: string, columns: readonly TableColumn[], more = ''): string =>
  `CREATE TABLE clinic.${table} (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}${more})`

/** So that no table has more pages on one side, and no worker changes what the planner knows. */
const STORED = 'WITH (fillfactor = 10, autovacuum_enabled = off)'

/** All without rows: one database is copied from the other, so that every OID is the same. */
export const FUZZ_SCHEMA = `
CREATE SCHEMA clinic;
CREATE TYPE clinic.contact AS (label text, number text);
${create('patient', PATIENT, ", shouted text GENERATED ALWAYS AS (upper(name) || '/' || ward) STORED")} ${STORED};
${create('visit', VISIT)} ${STORED};
${create('lab', LAB)} PARTITION BY LIST (ward);
CREATE TABLE clinic.lab_north PARTITION OF clinic.lab FOR VALUES IN ('north') ${STORED};
CREATE TABLE clinic.lab_rest PARTITION OF clinic.lab DEFAULT ${STORED};
${create('item', ITEM)} ${STORED};
${create('basket', ITEM)};
CREATE TABLE clinic.archive (note text) INHERITS (clinic.item) ${STORED};
CREATE VIEW clinic.directory AS SELECT id, ward, name || ' <' || phone || '>' AS title, born, zip FROM clinic.patient;
CREATE VIEW clinic.everything AS SELECT * FROM clinic.patient;
CREATE VIEW clinic."Odd ""View""" AS SELECT d.title AS "Ward", d.ward AS "Title", v.kind FROM clinic.directory d JOIN clinic.visit v ON v.patient_id = d.id;
CREATE VIEW clinic.census AS SELECT ward, count(*)::integer AS patients, sum(score)::integer AS score FROM clinic.patient GROUP BY ward;
CREATE VIEW clinic.documents AS SELECT p.id, row_to_json(p) AS body, p.doc -> 'who' AS who FROM clinic.patient p;
CREATE MATERIALIZED VIEW clinic.kept ${STORED} AS SELECT id, sex, ssn AS number, name FROM clinic.patient WITH NO DATA;
CREATE FUNCTION clinic.name_of(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT name FROM clinic.patient WHERE id = $1';
CREATE FUNCTION clinic.loud(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1) || ''!''';
CREATE FUNCTION clinic.people() RETURNS SETOF clinic.patient LANGUAGE sql STABLE AS 'SELECT * FROM clinic.patient';
CREATE FUNCTION clinic.wards(low integer) RETURNS TABLE (ward text, who text) LANGUAGE sql STABLE
  BEGIN ATOMIC SELECT p.ward, p.name FROM clinic.patient p WHERE p.id > low; END;
CREATE FUNCTION clinic.twice(integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN $1 * 2;
GRANT USAGE ON SCHEMA clinic TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA clinic TO chaperone_app;`

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`
const document = (value: unknown): string => literal(JSON.stringify(value))

/** The rows of one side, in the same order on both. */
export function fuzzRows(side: Side): string {
  const values = new TwinValues(side)
  const patients = range(PATIENTS).map((index) => patientRow(values, index))
  const visits = range(VISITS).map((index) => {
    const { reason, day, at, referrer, cost } = values.visit(index)
    const texts = [reason, day, at, referrer].map(literal).join(', ')
    return `(${index + 1}, ${(index % PATIENTS) + 1}, '${['ward', 'ambulatory', 'home'][index % 3]}', ${index % 5}, ${texts}, ${cost})`
  })
  const labs = range(PATIENTS).map(
    (index) => `(${index + 1}, '${ward(index)}', ${literal(values.patient(index).name)}, ${index % 4})`,
  )
  const names = PATIENT.map(({ name }) => name).join(', ')
  return `
INSERT INTO clinic.patient (${names}) VALUES ${patients.join(', ')};
INSERT INTO clinic.patient (id, ward, sex, score) VALUES (${PATIENTS + 1}, 'west', 'X', 3);
INSERT INTO clinic.visit VALUES ${visits.join(', ')};
INSERT INTO clinic.lab VALUES ${labs.join(', ')};
INSERT INTO clinic.item VALUES (1, 'one', 4), (2, 'two', 2), (3, 'three', 0);
INSERT INTO clinic.basket SELECT * FROM clinic.item;
INSERT INTO clinic.archive VALUES (4, 'old', 1, 'dusty');
REFRESH MATERIALIZED VIEW clinic.kept;`
}

const range = (count: number): number[] => Array.from({ length: count }, (_none, index) => index)

const ward = (index: number): string => ['north', 'south', 'west'][index % 3] ?? ''

function patientRow(values: TwinValues, index: number): string {
  const one = values.patient(index)
  const doc = {
    who: one.name,
    born: one.born,
    home: { zip: one.zip, street: one.mrn },
    code: `c${index % 3}`,
    visits: index % 4,
    [one.initials]: [one.phone, { deep: one.ssn }],
  }
  const cells = [
    String(index + 1),
    literal(ward(index)),
    literal('FM'.charAt(index % 2)),
    String((index * 3) % 5),
    literal(`2023-0${1 + (index % 5)}-12`),
    index % 2 === 0 ? 'true' : 'false',
    ...[one.name, one.alias].map(literal),
    index === 7 ? 'NULL' : literal(one.ssn),
    ...[one.mrn, one.born, one.seen, one.zip].map(literal),
    String(one.age),
    one.weight,
    one.member,
    literal(one.token),
    `'\\x${one.photo}'`,
    `ARRAY[${one.tags.map(literal).join(', ')}]`,
    ...[one.phone, one.initials, one.digits].map(literal),
    document(doc),
    document({ [one.initials]: one.name, list: [one.ssn, index] }),
    `ROW(${literal(one.name)}, ${literal(one.phone)})`,
  ]
  return `(${cells.join(', ')})`
}
