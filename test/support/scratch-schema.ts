/** Columns with values of many types, all of them identifiers: type and a value of it, by column name. */
export const SECRET_COLUMNS = {
  c_text: ['text', 'Zebediah Quux'],
  c_varchar: ['varchar(40)', 'Xylophia Quux'],
  c_char: ['char(12)', 'QX-77123'],
  c_name: ['name', 'quux_name'],
  c_bool: ['boolean', 'true'],
  c_int2: ['smallint', '31234'],
  c_int4: ['integer', '1987654321'],
  c_int8: ['bigint', '987654321987654321'],
  c_numeric: ['numeric(20,4)', '7654321.1234'],
  c_float4: ['real', '76543.25'],
  c_float8: ['double precision', '7654321.625'],
  c_money: ['money', '76543.21'],
  c_date: ['date', '1951-03-17'],
  c_time: ['time', '03:17:51'],
  c_timetz: ['timetz', '03:17:51+02'],
  c_timestamp: ['timestamp', '1951-03-17 03:17:51'],
  c_timestamptz: ['timestamptz', '1951-03-17 03:17:51+00'],
  c_interval: ['interval', '51 years 3 days'],
  c_uuid: ['uuid', '7e57ab1e-dead-4bee-8bad-f00dcafe0001'],
  c_bytea: ['bytea', '\\x7155555851555558'],
  c_json: ['json', '{"who":"Zebediah Quux"}'],
  c_jsonb: ['jsonb', '{"who": "Zebediah Quux"}'],
  c_inet: ['inet', '203.0.113.77'],
  c_cidr: ['cidr', '203.0.113.64/26'],
  c_macaddr: ['macaddr', '08:00:2b:01:02:77'],
  c_bit: ['bit(8)', '10110111'],
  c_varbit: ['varbit', '1011011101'],
  c_point: ['point', '(17.51,3.25)'],
  c_text_array: ['text[]', '{Zebediah,Quux}'],
  c_int_array: ['integer[]', '{1987654321,77}'],
  c_date_array: ['date[]', '{1951-03-17}'],
  c_range: ['int4range', '[7654,7777)'],
  c_enum: ['scratch.colour', 'puce'],
  c_domain: ['scratch.short', 'Quux Zebediah'],
  c_composite: ['scratch.pair', '("Zebediah Quux",77)'],
} as const satisfies Readonly<Record<string, readonly [type: string, value: string]>>

export type SecretColumn = keyof typeof SECRET_COLUMNS

export const isSecretColumn = (name: string): name is SecretColumn => Object.hasOwn(SECRET_COLUMNS, name)

const columns = Object.entries(SECRET_COLUMNS)

/** What tests write to, and what they read back masked. */
export const SCRATCH_SQL = `
CREATE SCHEMA scratch;
CREATE TYPE scratch.colour AS ENUM ('red', 'puce');
CREATE DOMAIN scratch.short AS text CHECK (length(value) < 60);
CREATE TYPE scratch.pair AS (label text, number integer);
CREATE TABLE scratch.item (id integer PRIMARY KEY, label text);
CREATE TABLE scratch.secret (
  id integer PRIMARY KEY,
  ${columns.map(([name, [type]]) => `${name} ${type}`).join(',\n  ')}
);
INSERT INTO scratch.secret VALUES (1, ${columns.map(([, [type, value]]) => `'${value}'::${type}`).join(', ')});
INSERT INTO scratch.secret (id) VALUES (2);
CREATE TABLE scratch.child (
  id integer PRIMARY KEY,
  item_id integer REFERENCES scratch.item DEFERRABLE INITIALLY DEFERRED
);
GRANT USAGE ON SCHEMA scratch TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA scratch TO chaperone_app;
`

/** Labels of the above, for `phi.labels.hospital`. */
export const SCRATCH_LABELS: Readonly<Record<string, string>> = {
  'scratch.item.*': 'none',
  'scratch.child.*': 'none',
  'scratch.secret.*': 'other-id',
  'scratch.secret.id': 'none',
}
