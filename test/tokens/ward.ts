import type { Client } from 'pg'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

/** A column of people whose values leave as tokens. */
export interface TokenColumn {
  readonly name: string
  readonly type: string
  readonly class: string
  /** Of the n-th person, as SQL writes it in a string. */
  readonly value: (n: number) => string
  /** What every token of it looks like, in text format. */
  readonly shape: RegExp
}

const TEXT_TOKEN = /^tok_[0-9a-hjkmnp-tv-z]{18}$/
const INTEGER_TOKEN =
  /^-1\d{9}$|^-20\d{8}$|^-21[0-3]\d{7}$|^-214[0-6]\d{6}$|^-2147[0-3]\d{5}$|^-21474[0-7]\d{4}$|^-214748[0-2]\d{3}$|^-2147483[0-5]\d{2}$|^-21474836[0-3]\d$|^-214748364[0-7]$/
const BIGINT_TOKEN = /^-[4-9]\d{15}$/
const UUID_TOKEN = /^746f6b[0-9a-f]{2}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const hex = (n: number) => n.toString(16).padStart(4, '0')

/** One column a form of token, and types that share a form. */
export const TOKEN_COLUMNS: readonly TokenColumn[] = [
  { name: 'full_name', type: 'text', class: 'name', value: (n) => `Quux O'Mara "${n}" \\ Zebediah`, shape: TEXT_TOKEN },
  { name: 'nickname', type: 'varchar(40)', class: 'name', value: (n) => `Quuxling ${n}`, shape: TEXT_TOKEN },
  {
    name: 'ward_code',
    type: 'char(24)',
    class: 'name',
    value: (n) => `Quuxward ${n}`,
    shape: /^tok_[0-9a-hjkmnp-tv-z]{18} *$/,
  },
  {
    name: 'ssn',
    type: 'varchar(11)',
    class: 'ssn',
    value: (n) => `917-55-${hex(n + 4096)}`,
    shape: /^~[0-9a-hjkmnp-tv-z]{10}$/,
  },
  {
    name: 'email',
    type: 'text',
    class: 'email',
    value: (n) => `zebediah.${n}@quux.example`,
    shape: /^tok-[0-9a-hjkmnp-tv-z]{18}@token\.invalid$/,
  },
  { name: 'phone', type: 'text', class: 'phone', value: (n) => `+1 617 555 ${n + 1000}`, shape: /^\+999\d{18}$/ },
  { name: 'record_no', type: 'integer', class: 'mrn', value: (n) => String(71_000_000 + n), shape: INTEGER_TOKEN },
  {
    name: 'account',
    type: 'bigint',
    class: 'account',
    value: (n) => String(7_700_000_000_000 + n),
    shape: BIGINT_TOKEN,
  },
  {
    name: 'policy',
    type: 'numeric(12,0)',
    class: 'health-plan',
    value: (n) => String(770_000_000 + n),
    shape: BIGINT_TOKEN,
  },
  {
    name: 'external',
    type: 'uuid',
    class: 'other-id',
    value: (n) => `7e57ab1e-dead-4bee-8bad-f00dcafe${hex(n)}`,
    shape: UUID_TOKEN,
  },
]

export const PEOPLE = 24

const columns = TOKEN_COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')
/** Persons 2k and 2k + 1 have the same values, so that there is something to count and to group. */
const values = (n: number) => TOKEN_COLUMNS.map(({ value }) => `'${value(n >> 1).replaceAll("'", "''")}'`).join(', ')

const SQL = `
create schema ward;
create table ward.person (id integer primary key, grp integer not null, ${columns}, born date, zip char(5), photo bytea, doc jsonb, aliases text[]);
create table ward.visit (id integer primary key, kind text, ${columns}, born date, zip char(5), doc jsonb, note text);
${Array.from(
  { length: PEOPLE },
  (
    _,
    n,
  ) => `insert into ward.person values (${n}, ${n % 3}, ${values(n)}, '19${60 + (n >> 1)}-03-17', '0213${n % 10}', null,
    jsonb_build_object('mrn', ${71_000_000 + (n >> 1)}, 'name', jsonb_build_object('family', 'Quuxling ${n >> 1}'), 'active', true), array['Quuxling ${n >> 1}']);
  insert into ward.visit values (${n * 2}, 'first', ${values(n)}), (${n * 2 + 1}, 'again', ${values(n)});`,
).join('\n')}
create table ward.scrap (id serial primary key, line text, amount bigint, made uuid);
grant usage on schema ward to chaperone_app;
grant select, insert, update, delete on all tables in schema ward to chaperone_app;
grant usage on all sequences in schema ward to chaperone_app;
`

const labels: Readonly<Record<string, unknown>> = Object.fromEntries(
  ['person', 'visit'].flatMap((table) => [
    [`ward.${table}.*`, 'none'],
    [`ward.${table}.born`, 'date-of-birth'],
    [`ward.${table}.zip`, 'zip'],
    ...TOKEN_COLUMNS.map(({ name, class: phiClass }) => [
      `ward.${table}.${name}`,
      { class: phiClass, transform: 'token' },
    ]),
    [
      `ward.${table}.doc`,
      {
        class: 'free-text',
        members: { mrn: { class: 'mrn', transform: 'token' }, 'name.family': { class: 'name', transform: 'token' } },
        others: 'pass',
      },
    ],
  ]),
)

export const WARD_LABELS: Readonly<Record<string, unknown>> = {
  ...labels,
  'ward.person.aliases': { class: 'name', transform: 'token' },
  'ward.visit.note': 'none',
  'ward.scrap.*': 'none',
}

export interface WardOptions {
  /** By default the agent may change protected columns, so that tokens can be written back. */
  readonly disabledGuardrails?: readonly string[]
  /** For clients that have no TLS. */
  readonly allowsPlaintext?: boolean
}

/** A ward whose identifiers leave as tokens. */
export function startWard({
  disabledGuardrails = ['phi-change'],
  allowsPlaintext = false,
}: WardOptions = {}): Promise<Testbed> {
  return startTestbed({
    patients: 20,
    prepare: (admin) => admin.query(SQL),
    configure: (document) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], WARD_LABELS)
      document['packs'] = { guardrails: { disable: [...disabledGuardrails] } }
      if (allowsPlaintext) document['listen'].postgres.allowPlaintextPasswordOnLoopback = true
    },
  })
}

/** What a column holds for a person, as text. */
export async function rawValue(
  admin: Client,
  column: TokenColumn,
  id: number,
  table = 'person',
): Promise<string | null> {
  const { rows } = await admin.query<{ value: string | null }>(
    `select ${column.name}::text as value from ward.${table} where id = $1`,
    [id],
  )
  return rows[0]?.value ?? null
}
