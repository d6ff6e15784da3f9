import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Config } from '../src/config/config.ts'
import { codeOf } from '../src/lib/error-code.ts'
import { openBodies, readJournal } from '../src/record/reader.ts'
import type { DemoEnvironment } from './environment.ts'
import type { Statement } from './tour-client.ts'

/** The record number's token of the patient that the tour is about, out of what the client has shown. */
const TOKEN = /tok_[0-9a-hjkmnp-tv-z]{18}/

const tokenIn = (shown: readonly string[]): string => TOKEN.exec(shown.join('\n'))?.[0] ?? 'tok_none'

/** Somebody in need of a follow-up: found, looked up and booked for by the token alone. */
export const BY_TOKEN: readonly Statement[] = [
  `SELECT p.mrn, p.last_name, p.phone, c.description
  FROM hospital.patients p JOIN hospital.conditions c ON c.patient_id = p.id
  WHERE c.code LIKE 'I10%' AND p.phone IS NOT NULL ORDER BY c.id LIMIT 1`,
  (shown) => `SELECT last_name, birth_date, sex FROM hospital.patients WHERE mrn = '${tokenIn(shown)}'`,
  (shown) => `SELECT e.started_at::date AS seen, e.department, e.reason
  FROM hospital.encounters e JOIN hospital.patients p ON p.id = e.patient_id
  WHERE p.mrn = '${tokenIn(shown)}' ORDER BY e.started_at DESC LIMIT 3`,
  (shown) => `INSERT INTO hospital.encounters (patient_id, kind, department, started_at, reason, charge)
  SELECT id, 'ambulatory', 'Internal Medicine', now() + interval '14 days', 'Follow-up visit', 0
  FROM hospital.patients WHERE mrn = '${tokenIn(shown)}'
  RETURNING kind, department, reason`,
  (shown) => `SELECT '${tokenIn(shown)}' AS a_text, length('${tokenIn(shown)}') AS of_a_token`,
  (shown) => `SELECT count(*) FROM hospital.patients WHERE mrn LIKE '${tokenIn(shown).slice(0, 8)}%'`,
  "SELECT count(*) FROM hospital.patients WHERE last_name = 'Smith'",
  (shown) => `UPDATE hospital.patients SET phone = '555' WHERE mrn = '${tokenIn(shown)}'`,
]

/** Whom the follow-up is for, as only the database knows: asked of it directly, by its superuser. */
interface Booked {
  readonly mrn: string
  readonly name: string
}

const BOOKED = `SELECT p.mrn, p.first_name || ' ' || p.last_name AS name
  FROM hospital.encounters e JOIN hospital.patients p ON p.id = e.patient_id
  WHERE e.reason = 'Follow-up visit' AND e.started_at > now() ORDER BY e.id DESC LIMIT 1`

/**
 * Looks for the name and the record number of the patient that was booked for, in all that the agent was shown, in the log, in
 * the journal with its bodies decrypted, and in the files of the store. Throws when one of them is there, or nobody was booked for.
 */
export async function proveNobodySaw(
  demo: DemoEnvironment,
  config: Config,
  shown: readonly string[],
): Promise<readonly string[]> {
  const { mrn, name } = await bookedFor(demo)
  const places = new Map<string, string | Buffer>([
    ['what the agent was shown', shown.join('\n')],
    ['the log of the gateway', await readFile(join(demo.directory, 'gateway.log'))],
    ['the journal, decrypted', await journalText(config)],
    ['the files of the store', await filesBelow(join(config.state, 'store'))],
  ])
  for (const [place, text] of places) {
    if (text.length === 0) throw new Error(`there is nothing in ${place}`)
    for (const word of [mrn, name]) if (text.includes(word)) throw new Error(`the patient's identity is in ${place}`)
  }
  return [...places.keys()]
}

async function bookedFor({ postgres }: DemoEnvironment): Promise<Booked> {
  const { host, port, superuser: user, password } = postgres
  const client = new Client({ host, port, user, password, database: 'hospital' })
  await client.connect()
  try {
    const { rows } = await client.query<Booked>(BOOKED)
    if (rows[0] === undefined) throw new Error('no follow-up was booked')
    return rows[0]
  } finally {
    await client.end()
  }
}

async function journalText({ journal }: Config): Promise<string> {
  const bodyKey = Buffer.from((await readFile(journal.bodyKeyFile, 'utf8')).trim(), 'hex')
  let text = ''
  for await (const { header } of readJournal(journal.directory)) text += JSON.stringify(header)
  for await (const stored of openBodies(journal.directory, { bodyKey })) text += JSON.stringify(stored)
  return text
}

async function filesBelow(directory: string): Promise<Buffer> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Buffer.concat(await Promise.all(files.map(readIfThere)))
}

/** The server deletes files while they are read. One that cannot be read otherwise would prove nothing. */
async function readIfThere(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
