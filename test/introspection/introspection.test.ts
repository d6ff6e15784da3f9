import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IntrospectionBed, startIntrospectionBed } from './bed.ts'
import { type Client, jdbcClient, nodeClients, psqlPrograms, pythonClients, run } from './clients.ts'
import { CLOSED_COMMANDS, psqlAnswers, psqlClient } from './psql-commands.ts'

/** What a client printed, by the question that it asked. */
type Answers = Readonly<Record<string, unknown>>

const CLIENT_TIMEOUT_MS = 120_000
const MISSING = 'skipped without it: npm run setup:extras'
const SHOWN = 300

/** As the driver's program prints them: "@@ question", then lines. */
function marked(output: string): Answers {
  const parts = output.split(/^@@ /m).slice(1)
  return Object.fromEntries(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
}

function parsed(output: string): Answers {
  const answers: Answers = JSON.parse(output)
  return answers
}

const textOf = (answer: unknown): string => JSON.stringify(answer) ?? 'no answer'

/** Questions with two answers; the whole of what was answered would be too much to look at. */
function differences(direct: Answers, gateway: Answers): readonly (readonly [string, string, string])[] {
  return [...new Set([...Object.keys(direct), ...Object.keys(gateway)])].flatMap((question) => {
    const [one, two] = [textOf(direct[question]), textOf(gateway[question])]
    return one === two ? [] : [[question, one.slice(0, SHOWN), two.slice(0, SHOWN)] as const]
  })
}

/** Questions of a client that may be refused, and how the refusal shows. */
const MAY_BE_REFUSED: Readonly<Record<string, RegExp>> = {
  // From 2.1 on it asks current_setting($1), and which setting that is does not stand in the statement.
  'sqlalchemy-psycopg': /table_options$|: reflected$/,
  'sqlalchemy-psycopg2': /table_options$|: reflected$/,
}
const REFUSED = /"sqlstate":"42501"/

describe('metadata for who sees PHI masked is what the server says', () => {
  let bed: IntrospectionBed
  beforeAll(async () => {
    bed = await startIntrospectionBed()
  })
  afterAll(() => bed?.testbed.stop())

  async function compared(
    client: Client,
    read: (output: string) => Answers,
  ): Promise<{ readonly questions: number; readonly different: readonly (readonly [string, string, string])[] }> {
    const [direct, gateway] = await Promise.all([run(client, bed.direct), run(client, await bed.gateway())])
    const answers = read(direct)
    return { questions: Object.keys(answers).length, different: differences(answers, read(gateway)) }
  }

  const programs = psqlPrograms()
  it.skipIf(programs.length === 0).each(programs)(
    `psql $version (${MISSING})`,
    async ({ version, file }) => {
      const { questions, different } = await compared(psqlClient(version, file), psqlAnswers)
      expect(questions).toBeGreaterThan(100)
      expect(different.filter(([command]) => !CLOSED_COMMANDS.has(command))).toEqual([])
      for (const [command, , gateway] of different) expect(gateway, command).toMatch(/ERROR: {2}42501/)
    },
    CLIENT_TIMEOUT_MS,
  )

  const jdbc = jdbcClient()
  it.skipIf(jdbc === undefined)(
    `JDBC: java.sql.DatabaseMetaData (${MISSING})`,
    async () => {
      if (jdbc === undefined) return
      const { questions, different } = await compared(jdbc, marked)
      expect(questions).toBeGreaterThan(200)
      expect(different).toEqual([])
    },
    CLIENT_TIMEOUT_MS,
  )

  const clients = [...pythonClients(), ...nodeClients()]
  it.skipIf(clients.length === 0).each(clients)(
    `$name (${MISSING})`,
    async (client) => {
      const { questions, different } = await compared(client, parsed)
      expect(questions).toBeGreaterThan(0)
      const closed = MAY_BE_REFUSED[client.name]
      expect(different.filter(([question, , two]) => closed?.test(question) !== true || !REFUSED.test(two))).toEqual([])
    },
    CLIENT_TIMEOUT_MS,
  )
})
