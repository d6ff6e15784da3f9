import { PATIENTS, type Side, TwinValues, VALUE_PIECE, VISITS } from './twins.ts'

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
  members: { who: 'name', born: 'date-of-birth', 'home.zip': 'zip', record: 'mrn', code: 'none', visits: 'none' },
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
  column('record', 'integer', 'int', 'mrn'),
  column('folio', 'bigint', 'int', 'account'),
  column('email', 'text', 'text', 'email'),
  column('badge', 'varchar(12)', 'text', 'license'),
  column('code', 'clinic.code', 'text', 'license'),
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

const OF_A_CHART = [
  'name',
  'alias',
  'ssn',
  'mrn',
  'born',
  'zip',
  'weight',
  'member',
  'token',
  'tags',
  'phone',
  'digits',
]

/** What token statements write to. No query reads it, so that nothing depends on how its pages grow. */
export const CHART: readonly TableColumn[] = [
  column('id', 'integer PRIMARY KEY', 'int', 'none'),
  ...PATIENT.filter(({ name }) => [...OF_A_CHART, 'doc', 'record', 'email', 'badge'].includes(name)),
  column('note', 'text', 'text', 'none'),
  column('amount', 'bigint', 'int', 'none'),
  column('made', 'uuid', 'uuid', 'none'),
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
  chart: CHART,
}

/** Classes whose values leave as tokens, if any do. */
const TOKEN_CLASSES: ReadonlySet<unknown> = new Set(
  'name ssn mrn health-plan other-id account phone email license'.split(' '),
)

/** For `phi.labels`; views, functions and generated columns have none: theirs must follow. */
export function fuzzLabels(tokens: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(LABELLED).flatMap(([table, columns]) =>
      columns.flatMap(({ name, label }) =>
        label === null ? [] : [[`clinic.${table}.${name}`, tokens ? tokenLabel(label) : label]],
      ),
    ),
  )
}

function tokenLabel(label: unknown): unknown {
  if (label !== DOCUMENT) return TOKEN_CLASSES.has(label) ? { class: label, transform: 'token' } : label
  const { members, ...rest } = DOCUMENT
  return { ...rest, members: Object.fromEntries(Object.entries(members).map(([at, one]) => [at, tokenLabel(one)])) }
}

const create = (table: string, columns: readonly TableColumn[], more = ''): string =>
  `CREATE TABLE clinic.${table} (${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}${more})`

/** So that no table has more pages on one side, and no worker changes what the planner knows. */
const STORED = 'WITH (fillfactor = 10, autovacuum_enabled = off)'

const SPELLINGS = [
  'tok[_-][0-9a-z]{18}',
  '~[0-9a-z]{10}',
  '[+]999[0-9]{18}',
  '746f6b[0-9a-f]{2}-',
  '-[12][0-9]{9}',
  '-[4-9][0-9]{15}',
  '[[]redacted[]]',
]

/** SQLSTATEs by which the chart says that a stand-in was stored in place of a value, or a value where it is free to read. */
export const STORED_STAND_IN = 'FZ001'
export const STORED_VALUE = 'FZ002'

/** The warning comes with the answer, also when the change is taken back afterwards. */
function watch(): string {
  const texts = `NEW.name, NEW.alias, NEW.ssn, NEW.mrn, NEW.tags, NEW.phone, NEW.digits, NEW.doc - 'code' - 'visits', NEW.email, NEW.badge`
  const standIns = [
    `concat_ws(' ', ${texts}, NEW.token) ~* '${SPELLINGS.join('|')}'`,
    `NEW.zip ~ '^(021|100|000)(\\*\\*)?$'`,
    `to_char(NEW.born, 'MM-DD') = '01-01'`,
    'NEW.record < 0',
    'NEW.member < 0',
    'NEW.weight < -1000000',
  ]
  const values = [`concat(NEW.note) ~* '${VALUE_PIECE}'`, 'NEW.amount > 70000000', `NEW.made::text ~ '^[789a-f]{8}-'`]
  return `CREATE FUNCTION clinic.watch() RETURNS trigger LANGUAGE plpgsql AS $watch$ BEGIN
  IF ${standIns.join(' OR ')} THEN RAISE WARNING 'a stand-in is stored' USING ERRCODE = '${STORED_STAND_IN}'; END IF;
  IF ${values.join(' OR ')} THEN RAISE WARNING 'a value is stored' USING ERRCODE = '${STORED_VALUE}'; END IF;
  RETURN NULL;
END $watch$;
CREATE TRIGGER watch AFTER INSERT OR UPDATE ON clinic.chart FOR EACH ROW EXECUTE FUNCTION clinic.watch();`
}

/** All without rows: one database is copied from the other, so that every OID is the same. */
export const FUZZ_SCHEMA = `
CREATE SCHEMA clinic;
CREATE TYPE clinic.contact AS (label text, number text);
CREATE DOMAIN clinic.code AS varchar(40);
${create('patient', PATIENT, ", shouted text GENERATED ALWAYS AS (upper(name) || '/' || ward) STORED")} ${STORED};
${create('visit', VISIT)} ${STORED};
${create('lab', LAB)} PARTITION BY LIST (ward);
CREATE TABLE clinic.lab_north PARTITION OF clinic.lab FOR VALUES IN ('north') ${STORED};
CREATE TABLE clinic.lab_rest PARTITION OF clinic.lab DEFAULT ${STORED};
${create('item', ITEM)} ${STORED};
${create('basket', ITEM)};
CREATE TABLE clinic.archive (note text) INHERITS (clinic.item) ${STORED};
${create('chart', CHART)} ${STORED};
${watch()}
CREATE VIEW clinic.directory AS SELECT id, ward, name || ' <' || phone || '>' AS title, born, zip FROM clinic.patient;
CREATE VIEW clinic.everything AS SELECT * FROM clinic.patient;
CREATE VIEW clinic."Odd ""View""" AS SELECT d.title AS "Ward", d.ward AS "Title", v.kind FROM clinic.directory d JOIN clinic.visit v ON v.patient_id = d.id;
CREATE VIEW clinic.census AS SELECT ward, count(*)::integer AS patients, sum(score)::integer AS score FROM clinic.patient GROUP BY ward;
CREATE VIEW clinic.documents AS SELECT p.id, row_to_json(p) AS body, p.doc -> 'who' AS who FROM clinic.patient p;
CREATE MATERIALIZED VIEW clinic.kept ${STORED} AS SELECT id, sex, ssn AS number, name FROM clinic.patient WITH NO DATA;
CREATE FUNCTION clinic.name_of(integer) RETURNS text LANGUAGE sql STABLE AS 'SELECT name FROM clinic.patient WHERE id = $1';
CREATE FUNCTION clinic.found(text) RETURNS SETOF integer LANGUAGE sql STABLE AS 'SELECT id FROM clinic.patient WHERE name = $1 ORDER BY id';
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
  const charted = CHART.filter((one) => PATIENT.includes(one)).map(({ name }) => name)
  return `
INSERT INTO clinic.patient (${names}) VALUES ${patients.join(', ')};
INSERT INTO clinic.patient (id, ward, sex, score) VALUES (${PATIENTS + 1}, 'west', 'X', 3);
INSERT INTO clinic.visit VALUES ${visits.join(', ')};
INSERT INTO clinic.lab VALUES ${labs.join(', ')};
INSERT INTO clinic.chart (id, ${charted.join(', ')}) SELECT id, ${charted.join(', ')} FROM clinic.patient;
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
    record: Number(one.record),
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
    one.record,
    one.folio,
    ...[one.email, one.badge, one.code].map(literal),
  ]
  return `(${cells.join(', ')})`
}
