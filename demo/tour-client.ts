import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import * as consumers from 'node:stream/consumers'
import type { Client } from 'pg'
import { DEMO_TARGET } from './chaperone.yaml.ts'

/** A statement, or one that is made of what the client has shown of those before it. */
export type Statement = string | ((shown: readonly string[]) => string)

/** A statement as it was sent, and what the client showed. */
export interface Shown {
  readonly statement: string
  readonly output: string
}

export interface TourClient {
  /** What it is, for the tour's text. */
  readonly name: string
  /** Runs statements in one session; for the first it also shows what it said on the way in. */
  run(token: string, statements: readonly Statement[]): Promise<readonly Shown[]>
}

const textOf = (statement: Statement, shown: readonly Shown[]): string =>
  typeof statement === 'string' ? statement : statement(shown.map(({ output }) => output))

interface Place {
  readonly port: number
  readonly caFile: string
}

/** The psql that is installed: the client that everybody knows, unchanged. */
export function psqlClient(psql: string, { port, caFile }: Place): TourClient {
  return {
    name: 'psql',
    run: async (token, statements) => {
      const dsn = `host=localhost port=${port} user=agent dbname=${DEMO_TARGET} sslmode=verify-full sslrootcert=${caFile}`
      const child = spawn(psql, ['-X', '-q', '-P', 'pager=off', '-P', 'footer=off', dsn], {
        env: { PATH: process.env['PATH'] ?? '', PGPASSWORD: token, LC_ALL: 'C.UTF-8', PGCLIENTENCODING: 'UTF8' },
      })
      const output = new MarkedOutput(child)
      const shown: Shown[] = []
      for (const [index, one] of statements.entries()) {
        const statement = textOf(one, shown)
        // The two markers tell when everything that the statement caused has arrived on both streams.
        const mark = `--- end of ${index} ---`
        child.stdin.write(`${statement};\n\\echo ${mark}\n\\warn ${mark}\n`)
        shown.push({ statement, output: await output.until(mark) })
      }
      child.stdin.end()
      await output.ended
      return shown
    },
  }
}

class MarkedOutput {
  readonly ended: Promise<void>
  #out = ''
  #errors = ''
  #over = false
  #wake: () => void = () => undefined

  constructor(child: ChildProcessWithoutNullStreams) {
    child.stdout.on('data', (chunk: Buffer) => {
      this.#out += chunk.toString('utf8')
      this.#wake()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString('utf8')
      this.#wake()
    })
    // A client that was turned away has closed its input.
    child.stdin.on('error', () => undefined)
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => {
        this.#over = true
        this.#wake()
        resolve()
      })
    })
  }

  async until(mark: string): Promise<string> {
    const line = `${mark}\n`
    while (!this.#over && !(this.#out.includes(line) && this.#errors.includes(line))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const [out, restOut] = cut(this.#out, line)
    const [errors, restErrors] = cut(this.#errors, line)
    this.#out = restOut
    this.#errors = restErrors
    return `${out}${errors}`.trimEnd()
  }
}

function cut(text: string, at: string): readonly [string, string] {
  const index = text.indexOf(at)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)]
}

/** The fallback where psql is missing: node-postgres, with rows printed like psql prints them. */
export async function nodeClient({ port, caFile }: Place): Promise<TourClient> {
  const [{ default: pg }, ca] = await Promise.all([import('pg'), readFile(caFile, 'utf8')])
  return {
    name: 'node-postgres (psql is not installed; "npm run setup:extras" installs it)',
    run: async (token, statements) => {
      const client = new pg.Client({
        host: 'localhost',
        port,
        user: 'agent',
        database: DEMO_TARGET,
        password: token,
        ssl: { ca },
      })
      // A fatal error also rejects the query that runs or comes next.
      client.on('error', () => undefined)
      const shown: Shown[] = []
      let statement = ''
      try {
        for (const one of statements) {
          statement = textOf(one, shown)
          if (shown.length === 0) await client.connect()
          shown.push({ statement, output: await show(client, statement) })
        }
        await client.end()
      } catch (error) {
        shown.push({ statement, output: describe(error) })
      }
      return shown
    },
  }
}

async function show(client: Client, statement: string): Promise<string> {
  try {
    if (statement.startsWith('COPY')) return await copied(client, statement)
    const { fields, rows } = await client.query<(string | null)[]>({
      text: statement,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    })
    return fields.length === 0
      ? ''
      : asTable(
          fields.map(({ name }) => name),
          rows,
        )
  } catch (error) {
    return describe(error)
  }
}

async function copied(client: Client, statement: string): Promise<string> {
  const { to } = await import('pg-copy-streams')
  return await consumers.text(client.query(to(statement)))
}

function asTable(heading: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const widths = heading.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly (string | null)[]) =>
    cells.map((cell, column) => ` ${(cell ?? '').padEnd(widths[column] ?? 0)} `).join('|')
  return [line(heading), widths.map((width) => '-'.repeat(width + 2)).join('+'), ...rows.map(line)].join('\n')
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hint = 'hint' in error && typeof error.hint === 'string' ? `\nHINT:  ${error.hint}` : ''
  return `ERROR:  ${error.message}${hint}`
}
