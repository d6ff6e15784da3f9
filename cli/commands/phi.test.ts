import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { DEMO_TARGET } from '../../demo/chaperone.yaml.ts'
import { type DemoEnvironment, startDemoEnvironment } from '../../demo/environment.ts'
import { TABLES } from '../../demo/hospital/tables.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { terminal } from '../terminal.ts'
import { phiCommand } from './phi.ts'

/** What a hostile or an unlucky schema has: values in names of members, errors that quote values, rights that are missing. */
const CANARY_SQL = `
CREATE SCHEMA canary;
CREATE TYPE canary.home AS (street text, zip text);
CREATE TABLE canary.thing (
  a text, b jsonb, c text[], d bytea, e xml, f canary.home, g int8, "Mixed Case" text, wide text, code text);
INSERT INTO canary.thing SELECT
  'zebediah' || n || '@quux.example', jsonb_build_object('Zebediah Quux', jsonb_build_object('phone', '555-0134'), 'email', 'zebediah' || n || '@quux.example'),
  ARRAY['900-12-' || lpad(n::text, 4, '0')], 'Zebediah'::bytea, '<p>Zebediah Quux</p>'::xml, ROW('1 Zebediah Street', '98765')::canary.home, 98765000 + n,
  'Dr. Zebediah Quux', repeat('Zebediah ', 20000), 'C1'
FROM generate_series(1, 500) n;
CREATE TABLE canary.unreadable (ssn text);
CREATE TABLE canary.partly (ssn text, open text);
INSERT INTO canary.partly VALUES ('900-12-7777', 'Zebediah');
CREATE TABLE canary.guarded (note text);
INSERT INTO canary.guarded VALUES ('Zebediah');
CREATE TABLE canary.parent (email text);
CREATE TABLE canary.child (own_phone text) INHERITS (canary.parent);
CREATE FUNCTION canary.fails(t text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'secret of %', t; END $$;
ALTER TABLE canary.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON canary.guarded USING (canary.fails(note));
CREATE VIEW canary.seen AS SELECT a AS email FROM canary.thing;
CREATE FUNCTION canary.cast_spy(canary.home) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'a cast was called'; END $$;
CREATE CAST (canary.home AS text) WITH FUNCTION canary.cast_spy(canary.home);
GRANT USAGE ON SCHEMA canary TO chaperone_app;
GRANT SELECT ON canary.thing, canary.guarded, canary.parent, canary.child, canary.seen TO chaperone_app;
GRANT SELECT (open) ON canary.partly TO chaperone_app;
ANALYZE canary.thing;
`

let environment: DemoEnvironment
let unlabelledFile: string
let admin: Client

beforeAll(async () => {
  environment = await startDemoEnvironment({
    patients: 300,
    seed: 7,
    durability: 'process-crash',
    onStep: () => undefined,
  })
  const { host, port, superuser, password } = environment.postgres
  admin = new Client({ host, port, user: superuser, password, database: DEMO_TARGET })
  await admin.connect()
  await admin.query(CANARY_SQL)
  const document = parse(await readFile(environment.configFile, 'utf8'))
  document.phi.labels = {}
  unlabelledFile = join(environment.directory, 'unlabelled.yaml')
  await writeFile(unlabelledFile, stringify(document))
})

afterAll(async () => {
  await admin?.end()
  await environment?.stop()
})

interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number
}

// A function, because the compiler thinks that nobody has changed it.
const exitStatus = (): number => Number(process.exitCode ?? 0)

/** Runs `chaperone phi …` in this process. */
async function phi(...args: readonly string[]): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const out = terminal({
    stdout: { write: (text) => ((stdout += text), true) },
    // As on a terminal, so that progress is among what is looked at.
    stderr: { write: (text) => ((stderr += text), true), isTTY: true },
    env: {},
  })
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await phiCommand({ environment: {}, out }).parseAsync([...args], { from: 'user' })
    return { stdout, stderr, status: exitStatus() }
  } finally {
    process.exitCode = before
  }
}

interface JsonColumn {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly standing: string
  readonly finding: {
    readonly class: string
    readonly members?: readonly { readonly path: readonly string[] }[]
  } | null
}
interface JsonDiscovery {
  readonly columns: readonly JsonColumn[]
  readonly skipped: readonly { readonly table: string; readonly reason: string }[]
}

const discovered = async (...args: readonly string[]): Promise<JsonDiscovery> =>
  JSON.parse((await phi('discover', DEMO_TARGET, '--json', ...args)).stdout)

describe('phi discover', () => {
  it('finds the identifiers of the demo hospital, and little else', async () => {
    const { columns } = await discovered('--config', unlabelledFile)
    const found = new Map(
      columns
        .filter(({ schema, finding }) => schema === 'hospital' && finding !== null)
        .map(({ table, column, finding }) => [`${table}.${column}`, finding?.class]),
    )
    const truth = TABLES.flatMap(({ name, columns: all }) =>
      all.map(([column, , label]) => [`${name}.${column}`, label] as const),
    )
    const identifiers = truth.filter(([, label]) => label !== 'none')
    const recalled = identifiers.filter(([column]) => found.has(column))
    expect(recalled.length / identifiers.length).toBeGreaterThanOrEqual(0.95)
    expect(recalled.length / found.size).toBeGreaterThanOrEqual(0.9)
    expect(
      recalled.filter(([column, label]) => found.get(column) === label).length / recalled.length,
    ).toBeGreaterThanOrEqual(0.9)
  })

  it('prints labels that the configuration takes, and exits with 2', async () => {
    const { stdout, stderr, status } = await phi('discover', DEMO_TARGET, '--config', unlabelledFile)
    expect(status).toBe(2)
    expect(stderr).toMatch(/\d+ columns: 0 labelled, \d+ proposed/)
    const document = parse(await readFile(unlabelledFile, 'utf8'))
    document.phi.labels = parse(stdout).phi.labels
    const file = join(environment.directory, 'proposed.yaml')
    await writeFile(file, stringify(document))
    expect(loadConfig(file, {}, policyChecks).phi.labels[DEMO_TARGET]?.length).toBeGreaterThan(40)
    // What was taken over is not proposed again.
    const again = await discovered('--config', file)
    expect(again.columns.filter(({ standing }) => standing !== 'unknown')).toEqual([])
    expect((await phi('discover', DEMO_TARGET, '--config', file)).status).toBe(0)
  })

  it('proposes by values, and members of documents by their names', async () => {
    const { columns } = await discovered('--config', unlabelledFile)
    const canary = Object.fromEntries(
      columns
        .filter(({ schema }) => schema === 'canary')
        .map(({ table, column, finding }) => [`${table}.${column}`, finding?.class ?? '-']),
    )
    expect(canary).toEqual({
      'thing.a': 'email',
      'thing.b': 'free-text',
      'thing.c': 'ssn',
      'thing.d': 'free-text',
      'thing.e': 'free-text',
      'thing.f': 'address',
      'thing.g': 'other-id',
      'thing.Mixed Case': 'name',
      'thing.wide': 'free-text',
      'thing.code': '-',
      'unreadable.ssn': 'ssn',
      'partly.ssn': 'ssn',
      'partly.open': '-',
      'guarded.note': 'free-text',
      // Inherited columns have the labels of the parent's.
      'parent.email': 'email',
      'child.own_phone': 'phone',
    })
    expect(columns.find(({ column }) => column === 'b')?.finding?.members?.map(({ path }) => path)).toEqual([['email']])
  })

  it('says what it could not read, without what the server said', async () => {
    const { skipped } = await discovered('--config', unlabelledFile)
    expect(skipped.map(({ table, reason }) => `${table}: ${reason}`)).toEqual([
      'unreadable: no right to read all of its columns',
      'partly: no right to read all of its columns',
      'guarded: the server refused with SQLSTATE P0001',
    ])
  })

  it('never prints a value', async () => {
    const outputs = await Promise.all([
      phi('discover', DEMO_TARGET, '--config', unlabelledFile),
      phi('discover', DEMO_TARGET, '--config', unlabelledFile, '--json'),
      phi('discover', DEMO_TARGET, '--config', environment.configFile, '--all'),
      phi('discover', DEMO_TARGET, '--config', environment.configFile, '--all', '--json'),
    ])
    const printed = outputs.map(({ stdout, stderr }) => `${stdout}\n${stderr}`).join('\n')
    expect(printed).not.toMatch(/zebediah|quux|98765|900-12|555-0134|a cast was called|secret of/i)
    for (const { name, columns } of TABLES) {
      for (const [column, , label] of columns) {
        if (label === 'none') continue
        const { rows } = await admin.query(`SELECT DISTINCT ${column}::text AS value FROM hospital.${name}`)
        const shown = rows.filter(
          ({ value }) => typeof value === 'string' && value.length > 4 && printed.includes(value),
        )
        expect(shown.length, `values of ${name}.${column} that were printed`).toBe(0)
      }
    }
  })

  it('leaves out what is labelled unless asked, and then shows labels in doubt', async () => {
    const document = parse(await readFile(environment.configFile, 'utf8'))
    document.phi.labels[DEMO_TARGET]['hospital.patients.ssn'] = 'none'
    const file = join(environment.directory, 'wrong.yaml')
    await writeFile(file, stringify(document))
    const quiet = await phi('discover', DEMO_TARGET, '--config', file)
    expect(quiet.stdout).not.toContain('hospital.patients')
    expect(quiet.stderr).toContain('1 label(s) in doubt (--all shows them)')
    const all = await phi('discover', DEMO_TARGET, '--config', file, '--all')
    expect(all.stderr).toContain('hospital.patients.ssn is labelled none, looks like ssn (high)')
    expect(all.status).toBe(2)
  })

  it('names the targets there are', async () => {
    await expect(phi('discover', 'nowhere', '--config', unlabelledFile)).rejects.toMatchObject({
      code: 'CHP-CONFIG-INVALID',
      message: 'there is no target "nowhere"',
    })
  })
})

describe('phi coverage', () => {
  it('counts what is labelled and names what is not, with what happens to it', async () => {
    const { stdout, stderr, status } = await phi('coverage', '--config', environment.configFile)
    expect(stdout).toMatch(/hospital\.patients +12 +2 +0 +0/)
    expect(stdout).toMatch(/canary\.seen +0 +0 +0 +1/)
    expect(stdout).toContain('no label: canary."thing"'.replaceAll('"', ''))
    expect(stdout).toContain('no label: canary.thing."Mixed Case": masked whole')
    expect(`${stdout}${stderr}`).not.toContain('PASSES')
    expect(status).toBe(0)
    expect((await phi('coverage', DEMO_TARGET, '--config', environment.configFile, '--strict')).status).toBe(1)
  })

  it('is loud when unlabelled columns pass, and about labels that match nothing', async () => {
    const document = parse(await readFile(environment.configFile, 'utf8'))
    document.targets[DEMO_TARGET].unlabelledColumns = 'pass'
    document.phi.labels[DEMO_TARGET]['hospital.patients.gone'] = 'name'
    const file = join(environment.directory, 'pass.yaml')
    await writeFile(file, stringify(document))
    const { stdout, stderr } = await phi('coverage', DEMO_TARGET, '--config', file)
    expect(stdout).toContain('canary.thing.a: PASSES AS IT IS (unlabelledColumns: pass)')
    expect(stdout).toContain('the label hospital.patients.gone matches no column')
    expect(stderr).toMatch(/\d+ column\(s\) that nobody has labelled reach every principal unmasked/)
    const json = JSON.parse((await phi('coverage', DEMO_TARGET, '--config', file, '--json')).stdout)
    expect(json.targets).toMatchObject([
      { target: DEMO_TARGET, unlabelledColumns: 'pass', labelsOfNothing: ['hospital.patients.gone'] },
    ])
  })

  it('is content with --strict when everything is classified', async () => {
    const document = parse(await readFile(environment.configFile, 'utf8'))
    document.phi.labels[DEMO_TARGET]['canary.*'] = 'free-text'
    const file = join(environment.directory, 'strict.yaml')
    await writeFile(file, stringify(document))
    expect((await phi('coverage', '--config', file, '--strict')).status).toBe(0)
  })
})
