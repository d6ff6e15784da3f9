import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, DatabaseError } from 'pg'
import { pino } from 'pino'
import { parse, stringify } from 'yaml'
import { DEMO_TARGET } from '../../demo/chaperone.yaml.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { type Gateway, startGateway } from '../../src/main.ts'
import type { ConfigDocument, Testbed } from '../support/testbed.ts'

/** Callers of a telephone desk: what the suites about scopes, keys and stores look at, with one column a form that they need. */
export const CALLERS = 8
export const nameOf = (id: number): string => `Quuxalot Zebediah ${id}`

export const DESK_SQL = `
CREATE SCHEMA desk;
CREATE TABLE desk.caller (id integer PRIMARY KEY, kind text, full_name text, record_no integer);
INSERT INTO desk.caller SELECT n, 'first', 'Quuxalot Zebediah ' || n, 71000000 + n FROM generate_series(1, ${CALLERS}) n;
GRANT USAGE ON SCHEMA desk TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.caller TO chaperone_app;
`

const DESK_LABELS: ConfigDocument = {
  'desk.caller.*': 'none',
  'desk.caller.full_name': { class: 'name', transform: 'token' },
  'desk.caller.record_no': { class: 'mrn', transform: 'token' },
}

/** Labels the desk and lets its clients write tokens back. */
export function labelDesk(document: ConfigDocument, target = DEMO_TARGET): void {
  document['phi'].labels[target] = { ...document['phi'].labels[target], ...structuredClone(DESK_LABELS) }
  document['packs'] = { guardrails: { disable: ['phi-change'] } }
}

/** A second configuration beside the one of the testbed: a gateway with a state of its own. */
export async function configBeside(
  bed: Pick<Testbed, 'environment'>,
  name: string,
  change: (document: ConfigDocument) => void = () => undefined,
): Promise<string> {
  const { directory, configFile } = bed.environment
  const document: ConfigDocument = parse(await readFile(configFile, 'utf8'))
  document['state'] = join(directory, name)
  change(document)
  const file = join(directory, `${name}.yaml`)
  await writeFile(file, stringify(document))
  return file
}

export interface RunningGateway extends Gateway {
  readonly config: Config
  readonly log: readonly string[]
}

/** A gateway in this process. `adjust`: what no configuration file may say. */
export async function gatewayOf(
  configFile: string,
  adjust: (config: Config) => Config = (config) => config,
): Promise<RunningGateway> {
  const config = adjust(loadConfig(configFile, {}, policyChecks))
  const log: string[] = []
  const gateway = await startGateway(config, {
    environment: {},
    log: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }),
  })
  return { ...gateway, config, log }
}

interface DeskLogin {
  readonly port: number
  readonly ca: string
  readonly token: string
  readonly target?: string
}

/** A client of any gateway. The caller ends it. */
export async function clientOf({ port, ca, token, target = DEMO_TARGET }: DeskLogin): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'somebody',
    database: target,
    password: token,
    ssl: { ca, host: 'localhost' },
  })
  // Without a listener the loss of a connection would end the process.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** The first column of the first row. */
export async function one(client: Client, text: string, values: readonly unknown[] = []): Promise<unknown> {
  const { rows } = await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' })
  return rows[0]?.[0]
}

/** What is shown of the name of a caller. */
export async function shownName(client: Client, id: number): Promise<string> {
  return String(await one(client, `SELECT full_name FROM desk.caller WHERE id = ${id}`))
}

/** Ids of callers that have this name, as far as a session can tell. */
export async function idsBy(client: Client, name: string): Promise<readonly number[]> {
  const sql = `SELECT id FROM desk.caller WHERE full_name = $1 ORDER BY id`
  const { rows } = await client.query<{ id: number }>(sql, [name])
  return rows.map(({ id }) => id)
}

/** SQLSTATE and code of what a statement is refused with; undefined if it is not. */
export async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return `${error.code} ${/CHP-[A-Z-]+/u.exec(error.message)?.[0] ?? error.message}`
  }
}
