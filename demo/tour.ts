import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Terminal } from '../cli/terminal.ts'
import type { Config } from '../src/config/config.ts'
import { usesTransform } from '../src/config/transform-use.ts'
import { readJournal } from '../src/record/reader.ts'
import { verifyJournal } from '../src/record/verify.ts'
import type { AlertReceiver } from './alert-receiver.ts'
import { CONTROL_STOPS, showControls } from './control-stops.ts'
import type { DemoClient, DemoEnvironment } from './environment.ts'
import { BY_TOKEN, proveNobodySaw } from './token-stop.ts'
import { nodeClient, psqlClient, type Shown, type Statement, type TourClient } from './tour-client.ts'

export interface TourOptions {
  readonly demo: DemoEnvironment
  readonly config: Config
  readonly port: number
  /** Of the web listener. */
  readonly url: string
  readonly receiver: AlertReceiver
  readonly psql: string | undefined
  readonly out: Terminal
  /** Settles when the reader wants to stop. */
  readonly stopped: Promise<void>
}

interface Stop {
  readonly title: string
  readonly as: DemoClient
  readonly statements: readonly Statement[]
  /** Only where the configuration has tokens. */
  readonly needsTokens?: true
}

/** What the tour shows, in order. Each is one session with a token of its own. */
export const STOPS: readonly Stop[] = [
  {
    title:
      'The agent reads patients. Names and numbers are replaced; the year of birth and three digits of the ZIP code stay.',
    as: 'agent',
    statements: [
      'SELECT mrn, last_name, birth_date, ssn, zip, sex FROM hospital.patients LIMIT 3',
      'SELECT patient_id, department, started_at FROM hospital.encounters LIMIT 1',
    ],
  },
  {
    title:
      'Ordinary work goes on: joins, counts, whatever the masked value itself would tell. The numbers are the real ones.',
    as: 'agent',
    statements: [
      `SELECT c.description, count(*) AS cases, count(DISTINCT p.mrn) AS patients
  FROM hospital.conditions c JOIN hospital.patients p ON p.id = c.patient_id
  WHERE p.birth_date < '1960-01-01'
  GROUP BY c.description ORDER BY cases DESC, c.description LIMIT 3`,
    ],
  },
  {
    title:
      'Tokens travel both ways: the agent looks a patient up by a token, reads the history, and books a follow-up. It never learns who that is: a token is a value only where it is compared with, or stored in, its own column.',
    as: 'agent',
    needsTokens: true,
    statements: BY_TOKEN,
  },
  {
    title: 'Structure stays: a row as JSON, a view and an export are masked inside, column by column.',
    as: 'agent',
    statements: [
      "SELECT json_build_object('sex', sex, 'name', json_build_array(first_name, last_name), 'born', birth_date) AS patient FROM hospital.patients LIMIT 1",
      'SELECT full_name, birth_date, phone, state FROM hospital.patient_directory LIMIT 2',
      'COPY (SELECT mrn, email, zip, state FROM hospital.patients LIMIT 2) TO STDOUT (FORMAT csv, HEADER)',
    ],
  },
  {
    title: 'Sneaky questions: another name, a subquery, an expression, one letter at a time.',
    as: 'agent',
    statements: [
      'SELECT sex AS harmless, x AS also_harmless FROM (SELECT sex, ssn AS x FROM hospital.patients) q LIMIT 2',
      "SELECT upper(last_name) || ', ' || first_name AS shout FROM hospital.patients LIMIT 1",
      'SELECT reverse(substr(ssn, 1, 3)) AS digits FROM hospital.patients LIMIT 1',
    ],
  },
  {
    title:
      'What is masked cannot be found out by asking either: no condition, order or error goes beyond the masked value.',
    as: 'agent',
    statements: [
      "SELECT count(*) FROM hospital.patients WHERE ssn LIKE '9%'",
      "SELECT count(*) FROM hospital.patients WHERE birth_date >= '1950-03-17'",
      "SELECT count(*) FROM hospital.patients WHERE birth_date >= '1950-01-01'",
      'SELECT sex FROM hospital.patients ORDER BY last_name LIMIT 1',
      'SELECT last_name::int FROM hospital.patients LIMIT 1',
    ],
  },
  {
    title: 'Around the columns: statistics, files, code, copies. Refused by what they do, not by how they are written.',
    as: 'agent',
    statements: [
      "SELECT most_common_vals FROM pg_stats WHERE tablename = 'patients'",
      "SELECT pg_read_file('/etc/passwd')",
      "DO $$ BEGIN RAISE NOTICE '%', (SELECT ssn FROM hospital.patients LIMIT 1); END $$",
      'CREATE TEMP TABLE mine AS SELECT ssn FROM hospital.patients',
    ],
  },
  {
    title:
      'A DELETE without a WHERE that limits it is refused; inside a transaction, nothing of the transaction is kept.',
    as: 'agent',
    statements: [
      'DELETE FROM hospital.medications',
      'DELETE FROM hospital.medications WHERE 1 = 1',
      'BEGIN',
      'DELETE FROM hospital.observations WHERE id IS NOT NULL',
      'COMMIT',
      'SELECT count(*) AS still_there FROM hospital.observations',
    ],
  },
  {
    title: 'A privacy officer, cleared for everything, asks the first question with the same client.',
    as: 'officer',
    statements: ['SELECT mrn, last_name, birth_date, ssn, zip, sex FROM hospital.patients LIMIT 2'],
  },
  {
    title: 'Somebody with a valid token and no grant learns nothing, not even whether the hospital exists.',
    as: 'stranger',
    statements: ['SELECT 1'],
  },
]

const PACK_IN_FORCE: Readonly<Record<Config['phi']['pack'], string>> = {
  'minimum-necessary':
    'Masking: the pack minimum-necessary, which keeps internal keys and dates of events, with tokens for names and numbers. It is not de-identification; "--pack hipaa-safe-harbor" shows the strict one.',
  'hipaa-safe-harbor': 'Masking: the pack hipaa-safe-harbor; none of the 18 identifiers stays, internal keys included.',
}

/** Takes the reader through what the gateway does, with a real client, and ends with the evidence. */
export async function runTour(options: TourOptions): Promise<void> {
  const { demo, config, port, psql, out } = options
  const place = { port, caFile: demo.caFile }
  const client = psql === undefined ? await nodeClient(place) : psqlClient(psql, place)
  out.line('')
  out.line(out.bold('The tour'))
  out.line(`Client: ${client.name}, unchanged; its password is a token of the identity provider that lives 15 minutes.`)
  out.line(PACK_IN_FORCE[config.phi.pack])
  let left = false
  void options.stopped.then(() => {
    left = true
  })
  const hasTokens = usesTransform(config.phi, 'token')
  const stops = STOPS.filter(({ needsTokens }) => hasTokens || needsTokens !== true)
  const ofAgent: string[] = []
  for (const [index, stop] of stops.entries()) {
    if (left) return
    const shown = await showStop(index + 1, stop, client, options)
    if (stop.as === 'agent') ofAgent.push(...shown.map(({ output }) => output))
  }
  if (left) return
  await showControls(stops.length + 1, { demo, config, client, out, receiver: options.receiver, url: options.url })
  const next = stops.length + CONTROL_STOPS + 1
  if (hasTokens) await showProof(next, ofAgent, options)
  await showEvidence(next + (hasTokens ? 1 : 0), options)
}

async function showStop(
  number: number,
  stop: Stop,
  client: TourClient,
  { demo, out }: TourOptions,
): Promise<readonly Shown[]> {
  out.line('')
  out.line(out.bold(`${number}. ${stop.title}`))
  const shown = await client.run(await demo.token(stop.as), stop.statements)
  for (const { statement, output } of shown) {
    const prompt = `   ${stop.as}> `
    out.line(out.dim(`${prompt}${statement.replaceAll('\n', `\n${' '.repeat(prompt.length)}`)}`))
    for (const line of output.split('\n')) if (line !== '') out.line(`   ${line}`)
  }
  return shown
}

async function showProof(
  number: number,
  ofAgent: readonly string[],
  { config, out, demo }: TourOptions,
): Promise<void> {
  out.line('')
  out.line(out.bold(`${number}. Nobody but the database has seen whom the follow-up is for.`))
  for (const place of await proveNobodySaw(demo, config, ofAgent)) {
    out.line(`   ${place}: ${out.green('neither the name nor the record number')}`)
  }
}

async function showEvidence(number: number, { config, out, demo }: TourOptions): Promise<void> {
  out.line('')
  out.line(out.bold(`${number}. All of it is on record, and the record shows when it was touched.`))
  const kinds = new Map<string, number>()
  for await (const { header } of readJournal(config.journal.directory))
    kinds.set(header.kind, (kinds.get(header.kind) ?? 0) + 1)
  out.line(`   ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
  const bodyKey = Buffer.from((await readFile(config.journal.bodyKeyFile, 'utf8')).trim(), 'hex')
  const report = await verifyJournal(config.journal.directory, { bodyKey })
  out.line(
    `   the journal: ${report.ok ? out.green('intact') : out.red('NOT intact')} (${report.records} records, chain ${report.head?.chain.slice(0, 16) ?? '-'}…)`,
  )
  const forged = join(demo.directory, 'forged-journal')
  await forge(config.journal.directory, forged)
  const found = await verifyJournal(forged, { bodyKey })
  const first = found.problems[0]
  out.line(
    `   a copy in which one refusal was turned into a permission: ${found.ok ? out.red('intact?!') : out.green('NOT intact')}`,
  )
  if (first !== undefined) out.line(`   ${first.segment}:${first.line}: ${first.message}`)
  if (!report.ok || found.ok) throw new Error('the journal of the tour did not verify as it should')
}

/** Copies a journal and changes one word of it, as somebody with access to the disk could. */
async function forge(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) if (name.endsWith('.jsonl')) await copyFile(join(from, name), join(to, name))
  const [segment] = (await readdir(to)).toSorted()
  if (segment === undefined) throw new Error('the journal has no segment')
  const text = await readFile(join(to, segment), 'utf8')
  await writeFile(join(to, segment), text.replace('"decision":"refuse"', '"decision":"allow"'))
}
