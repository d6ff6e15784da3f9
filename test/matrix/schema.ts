import type { Client } from 'pg'
import { COLUMNS, type Column } from './columns.ts'

const names = COLUMNS.map(({ name }) => name)
const list = names.join(', ')
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const each = (sql: (column: Column) => string): string => COLUMNS.map(sql).join('\n')

const row = (id: number, which: 0 | 1): string =>
  `(${id}, ${id}, 'plain', ${COLUMNS.map(({ type, values }) => `${literal(values[which])}::${type}`).join(', ')})`

/** Tables of the same columns as `matrix.person`, which hold the same rows. */
const TWINS = `
CREATE TABLE matrix.part (LIKE matrix.person) PARTITION BY LIST (id);
CREATE TABLE matrix.part_one PARTITION OF matrix.part FOR VALUES IN (1);
CREATE TABLE matrix.part_rest PARTITION OF matrix.part DEFAULT;
INSERT INTO matrix.part SELECT * FROM matrix.person;
CREATE TABLE matrix.ancestor (LIKE matrix.person);
CREATE TABLE matrix.heir (extra text) INHERITS (matrix.ancestor);
INSERT INTO matrix.heir SELECT *, 'plain' FROM matrix.person;
CREATE TABLE matrix.generated (id integer PRIMARY KEY, ${COLUMNS.map(
  ({ name, type }) => `${name} ${type}, g_${name} ${type} GENERATED ALWAYS AS (${name}) STORED`,
).join(', ')}, virtual text GENERATED ALWAYS AS (upper(c_text)) VIRTUAL);
INSERT INTO matrix.generated (id, ${list}) SELECT id, ${list} FROM matrix.person;`

const VIEWS = `
CREATE VIEW matrix.v_plain AS SELECT * FROM matrix.person;
CREATE VIEW matrix.v_nested AS SELECT v.* FROM (SELECT * FROM matrix.v_plain WHERE id > 0) v;
CREATE VIEW matrix."V ""odd"" Name" AS SELECT * FROM matrix.v_nested;
CREATE VIEW matrix.v_renamed AS SELECT id, ${names.map((name) => `${name} AS harmless_${name}`).join(', ')} FROM matrix.v_plain;
CREATE VIEW matrix.v_concat AS SELECT id, ${names.map((name) => `${name}::text || '.' AS ${name}`).join(', ')} FROM matrix.person;
CREATE VIEW matrix.v_union AS SELECT * FROM matrix.person UNION ALL SELECT * FROM matrix.part WHERE false;
CREATE VIEW matrix.v_row AS SELECT id, row_to_json(p) AS document FROM matrix.person p;
CREATE VIEW matrix.v_barrier WITH (security_barrier) AS SELECT * FROM matrix.person WHERE id < 9;
CREATE VIEW matrix.v_function AS SELECT * FROM matrix.people();
CREATE RECURSIVE VIEW matrix.v_recursive (id, n, ${list}) AS
  SELECT id, 1, ${list} FROM matrix.person UNION ALL SELECT id, n + 1, ${list} FROM v_recursive WHERE n < 2;
CREATE MATERIALIZED VIEW matrix.m_plain AS SELECT * FROM matrix.person;
CREATE MATERIALIZED VIEW matrix.m_nested AS SELECT * FROM matrix.v_concat;`

const ROUTINES = `
${each(
  ({ name, type }) => `
CREATE FUNCTION matrix.f_${name}(integer) RETURNS ${type} LANGUAGE sql STABLE AS 'SELECT ${name} FROM matrix.person WHERE id = $1';
CREATE FUNCTION matrix.s_${name}() RETURNS SETOF ${type} LANGUAGE sql STABLE AS 'SELECT ${name} FROM matrix.person ORDER BY id';
CREATE FUNCTION matrix.t_${name}() RETURNS TABLE (v ${type}) LANGUAGE sql STABLE AS 'SELECT ${name} FROM matrix.person ORDER BY id';
CREATE FUNCTION matrix.b_${name}(n integer) RETURNS ${type} LANGUAGE sql STABLE BEGIN ATOMIC SELECT ${name} FROM matrix.person WHERE id = n; END;
CREATE FUNCTION matrix.g_${name}(integer) RETURNS ${type} LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT ${name} FROM matrix.person WHERE id = $1); END';`,
)}
CREATE FUNCTION matrix.same(anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION matrix.loud(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
CREATE FUNCTION matrix.person_of(integer) RETURNS matrix.person LANGUAGE sql STABLE AS 'SELECT * FROM matrix.person WHERE id = $1';
CREATE FUNCTION matrix.notice(text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN 1; END';
CREATE FUNCTION matrix.fail(text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''%'', $1; END';
CREATE FUNCTION matrix.run(q text) RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY EXECUTE q; END';
CREATE FUNCTION matrix.frozen() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT c_text FROM matrix.person WHERE id = 1); END';
CREATE FUNCTION matrix.glue(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 || $2; END';
CREATE AGGREGATE matrix.gather(text) (SFUNC = matrix.glue, STYPE = text, INITCOND = '');
CREATE OPERATOR matrix.@+@ (LEFTARG = text, RIGHTARG = text, FUNCTION = matrix.glue);
CREATE PROCEDURE matrix.tell(INOUT v text) LANGUAGE plpgsql AS 'BEGIN v := (SELECT c_text FROM matrix.person WHERE id = 1); END';`

const TRAPS = `
CREATE TABLE matrix.sink (id integer, v text);
CREATE TABLE matrix.keyed (v text PRIMARY KEY, n integer CHECK (n < 5), w text);
CREATE TABLE matrix.listed (v text) PARTITION BY LIST (v);
CREATE TABLE matrix.referring (v text REFERENCES matrix.keyed);
CREATE TABLE matrix.telling (id integer);
CREATE FUNCTION matrix.tell_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', (SELECT c_text FROM matrix.person WHERE id = 1); RETURN NEW; END';
CREATE TRIGGER tell BEFORE INSERT ON matrix.telling FOR EACH ROW EXECUTE FUNCTION matrix.tell_it();
CREATE TABLE matrix.ruled (id integer, v text);
CREATE RULE tell AS ON INSERT TO matrix.ruled DO INSTEAD SELECT c_text FROM matrix.person;
CREATE TABLE matrix.defaulted (id integer, v text DEFAULT matrix.f_c_text(1));
${[1, 2, 3, 4, 5].map((n) => `CREATE SEQUENCE matrix.counter_${n};`).join(' ')}
CREATE TABLE matrix.counted (id integer, n integer, v text);
INSERT INTO matrix.counted SELECT g, 1, CASE WHEN g < 600 THEN 'Qvorblaxx Zyndrimm' ELSE 'other ' || g END FROM generate_series(1, 1000) g;
CREATE STATISTICS matrix.counted_mcv (mcv) ON n, v FROM matrix.counted;
CREATE STATISTICS matrix.counted_expression ON (v || '.') FROM matrix.counted;
ALTER TABLE matrix.counted OWNER TO chaperone_app;
ALTER TABLE matrix.sink OWNER TO chaperone_app;`

/** Objects that leak by themselves, if they are let: statistics, a large object, another server. Run where they can be. */
const OUTSIDE = `
SELECT lo_from_bytea(424242, convert_to('Qvorblaxx Zyndrimm', 'UTF8'));
GRANT SELECT ON LARGE OBJECT 424242 TO chaperone_app;
GRANT SELECT ON pg_statistic, pg_largeobject, pg_statistic_ext_data TO chaperone_app;
CREATE EXTENSION dblink SCHEMA matrix;
CREATE EXTENSION tablefunc SCHEMA matrix;
CREATE EXTENSION postgres_fdw SCHEMA matrix;
CREATE EXTENSION pg_stat_statements SCHEMA matrix;`

/** The schema, made by the superuser; statistics are there at the end. */
export const MATRIX_SQL = `
CREATE SCHEMA matrix;
CREATE TYPE matrix.colour AS ENUM ('puceparrotish', 'tealtoucanish', 'dunnderdodoic');
CREATE DOMAIN matrix.mail AS text CHECK (length(value) < 60);
CREATE TYPE matrix.pair AS (label text, number integer);
CREATE TYPE matrix.bag AS (v text);
CREATE TABLE matrix.person (id integer PRIMARY KEY, grp integer, code text, ${COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')});
INSERT INTO matrix.person VALUES ${row(1, 0)}, ${row(2, 1)};
INSERT INTO matrix.person (id, grp, code) VALUES (3, 3, 'plain');
CREATE FUNCTION matrix.people() RETURNS SETOF matrix.person LANGUAGE sql STABLE AS 'SELECT * FROM matrix.person ORDER BY id';
${TWINS}${VIEWS}${ROUTINES}${TRAPS}${OUTSIDE}
GRANT USAGE, CREATE ON SCHEMA matrix TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA matrix TO chaperone_app;
GRANT ALL ON ALL SEQUENCES IN SCHEMA matrix TO chaperone_app;
ANALYZE matrix.counted, matrix.person;`

/** The foreign table needs to know where its server is: the one that everything is on. */
export const foreignSql = ({ port, user = '', password = '' }: Pick<Client, 'port' | 'user' | 'password'>): string => `
CREATE SERVER mirror FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${port}', dbname 'hospital');
CREATE USER MAPPING FOR chaperone_app SERVER mirror OPTIONS (user ${literal(user)}, password ${literal(password)});
CREATE FOREIGN TABLE matrix.abroad (id integer, c_text text) SERVER mirror OPTIONS (schema_name 'matrix', table_name 'person');
GRANT SELECT ON matrix.abroad TO chaperone_app; GRANT USAGE ON FOREIGN SERVER mirror TO chaperone_app;`

/** For `phi.labels.hospital`. Partitions, heirs, views, functions and generated columns get none: theirs must follow. */
export function matrixLabels(): Record<string, unknown> {
  const labels: Record<string, unknown> = {}
  for (const table of ['person', 'part', 'ancestor', 'generated']) {
    for (const name of ['id', 'grp', 'code'])
      if (table !== 'generated' || name === 'id') labels[`matrix.${table}.${name}`] = 'none'
    for (const { name, label } of COLUMNS) if (label !== undefined) labels[`matrix.${table}.${name}`] = label
  }
  for (const table of ['sink', 'keyed', 'listed', 'referring', 'telling', 'ruled']) labels[`matrix.${table}.*`] = 'none'
  labels['matrix.counted.v'] = 'name'
  labels['matrix.counted.id'] = 'none'
  labels['matrix.counted.n'] = 'none'
  return labels
}
