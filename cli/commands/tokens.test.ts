import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET } from '../../demo/chaperone.yaml.ts'
import { startTestbed, type Testbed } from '../../test/support/testbed.ts'
import { type CommandContext, terminal } from '../terminal.ts'
import { checkCommand } from './check.ts'
import { tokensCommand } from './tokens.ts'

const COLUMNS = ['taken', 'taken_big', 'taken_list', 'free', 'born', 'small', 'narrow', 'words'] as const

const SQL = `
CREATE SCHEMA numbered;
CREATE TABLE numbered.things (taken int, taken_big bigint, taken_list int[], free int, born date, small smallint, narrow varchar(5), words text);
INSERT INTO numbered.things VALUES
  (1, 1, '{1}', 1, '1980-05-05', 1, 'a', 'a'),
  (-2000000000, -1500000000, '{7,-1073741824}', -1073741823, '1980-05-05', 1, 'a', 'a');
GRANT USAGE ON SCHEMA numbered TO chaperone_app;
GRANT SELECT ON numbered.things TO chaperone_app;
`

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({
    prepare: (admin) => admin.query(SQL),
    configure: (document) => {
      document['phi'].classes = { mrn: { transform: 'token' } }
      const labels = document['phi'].labels[DEMO_TARGET]
      for (const column of COLUMNS) labels[`numbered.things.${column}`] = { class: 'other-id', transform: 'token' }
    },
  })
})
afterAll(() => bed?.stop())

interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number
}

// A function, because the compiler thinks that nobody has changed it.
const exitStatus = (): number => Number(process.exitCode ?? 0)

async function run(
  command: (context: CommandContext) => ReturnType<typeof tokensCommand>,
  ...args: readonly string[]
): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const out = terminal({
    stdout: { write: (text) => ((stdout += text), true) },
    stderr: { write: (text) => ((stderr += text), true) },
    env: {},
  })
  const before = process.exitCode
  process.exitCode = undefined
  try {
    const all = [...args, '--config', bed.environment.configFile]
    await command({ environment: {}, out }).parseAsync(all, { from: 'user' })
    return { stdout, stderr, status: exitStatus() }
  } finally {
    process.exitCode = before
  }
}

const tokens = (...args: readonly string[]) => run(tokensCommand, ...args)

/** A record number of the demo as an agent sees it. */
async function read(sql: string): Promise<unknown> {
  const client = await bed.connect('agent')
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  return rows[0]?.[0]
}

const SCOPE = ['--group', 'care-agents-read-masked', '--purpose', '', '--target', DEMO_TARGET]

describe('chaperone tokens', () => {
  it('shows the scopes and never a token or a value', async () => {
    const token = await read('SELECT mrn FROM hospital.patients LIMIT 1')
    expect(token).toMatch(/^tok_/u)
    const { stdout } = await tokens('status')
    expect(stdout).toMatch(/care-agents-read-masked +- +hospital +current .*mrn\/text 1 \(0 expired\)/u)
    expect(stdout).not.toContain(String(token))
    const json = JSON.parse((await tokens('status', '--json')).stdout)
    expect(json.scopes).toMatchObject([
      { group: 'care-agents-read-masked', purpose: '', target: DEMO_TARGET, key: json.currentKey },
    ])
  })

  it('expires and rotates, and says what was done', async () => {
    expect(await tokens('expire')).toMatchObject({ stdout: '0 expired token(s) deleted\n', status: 0 })
    expect(JSON.parse((await tokens('rotate-key', '--json')).stdout)).toEqual({ rewrapped: 0 })
  })

  it('deletes a scope only when it is confirmed, and on record', async () => {
    const before = await read('SELECT mrn FROM hospital.patients LIMIT 1')
    await expect(tokens('delete-scope', ...SCOPE)).rejects.toMatchObject({ message: 'nothing was deleted' })
    expect(await read('SELECT mrn FROM hospital.patients LIMIT 1')).toBe(before)
    await expect(
      tokens('delete-scope', '--yes', '--group', 'nobody', '--purpose', '', '--target', DEMO_TARGET),
    ).rejects.toMatchObject({ message: 'the gateway refuses: there is no such scope' })
    const headers = await bed.recorded(
      async () => {
        expect((await tokens('delete-scope', '--yes', ...SCOPE)).stdout).toContain('Deleted: group care-agents')
      },
      (found) => found.some(({ kind }) => kind === 'administration'),
    )
    expect(headers.filter(({ kind }) => kind === 'administration').map(({ what }) => what)).toEqual([
      { action: 'tokens.delete-scope', group: 'care-agents-read-masked', purpose: '', target: DEMO_TARGET },
    ])
    const after = await read('SELECT mrn FROM hospital.patients LIMIT 1')
    expect(after).toMatch(/^tok_/u)
    expect(after).not.toBe(before)
    expect(await read(`SELECT count(*)::int FROM hospital.patients WHERE mrn = '${String(before)}'`)).toBe(0)
    expect(await read(`SELECT count(*)::int FROM hospital.patients WHERE mrn = '${String(after)}'`)).toBe(1)
  })
})

describe('chaperone check', () => {
  it('finds numbers that would be taken for tokens, and types that have none', async () => {
    const { stdout, status } = await run(checkCommand, '--json')
    const { findings } = JSON.parse(stdout)
    const told = (level: string) =>
      findings
        .filter(
          (finding: { level: string; message: string }) =>
            finding.level === level && finding.message.includes('numbered.'),
        )
        .map(({ message }: { message: string }) => /numbered\.things\.\w+/u.exec(message)?.[0])
    expect(told('problem')).toEqual([
      'numbered.things.taken',
      'numbered.things.taken_big',
      'numbered.things.taken_list',
    ])
    expect(told('warning')).toEqual(['numbered.things.born', 'numbered.things.small', 'numbered.things.narrow'])
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'info', message: expect.stringMatching(/^store: .* is there$/u) }),
    )
    expect(status).toBe(1)
    expect(stdout).not.toContain('-2000000000')
  })
})

describe('the key of the tokens', () => {
  it('was made beside the journal, for the gateway alone', async () => {
    const { key } = bed.config.phi.tokens
    if (key.kind !== 'file') expect.fail('a file')
    expect((await readFile(key.file, 'utf8')).trim()).toHaveLength(44)
    expect(bed.log.join('\n')).toContain('made a key for the stored tokens')
  })
})
