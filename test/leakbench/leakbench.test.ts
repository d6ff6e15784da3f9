import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { psqlVersion } from '../support/psql.ts'

const { LEAKBENCH_DATA: data = '', LEAKBENCH_DIR: bench = '' } = process.env
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const CASES = fileURLToPath(new URL('./cases', import.meta.url))

interface Result {
  readonly id: string
  readonly kind: string
  readonly verdict: string
}

interface Report {
  readonly summary: { readonly damage: number; readonly lost: number; readonly gateway_crashes: number }
  readonly results: readonly Result[]
}

function run(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
    })
  })
}

describe('the command', () => {
  it('says what it needs', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('--data DIR') })
    expect(await run()).toMatchObject({ code: 2, output: expect.stringContaining('--data DIR is required') })
    expect(await run('--data', tmpdir(), '--bench', tmpdir())).toMatchObject({
      code: 2,
      output: expect.stringContaining('there is no load.sql'),
    })
    expect(await run('--colour', 'red')).toMatchObject({ code: 2 })
  })
})

const missing = data === '' || bench === '' || psqlVersion === undefined
describe.skipIf(missing)(
  'leakbench (skipped unless LEAKBENCH_DATA and LEAKBENCH_DIR name its folders, and psql is there)',
  () => {
    it('finds no leak of values, no damage, and no crash', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'chaperone-leakbench-test-'))
      try {
        const report = join(directory, 'report.json')
        await run('--data', data, '--bench', bench, '--json', report)
        const { summary, results }: Report = JSON.parse(await readFile(report, 'utf8'))
        expect(summary).toMatchObject({ damage: 0, lost: 0, gateway_crashes: 0 })
        const leaks = results.filter(({ kind, verdict }) => kind === 'leak' && verdict === 'leaked')
        expect(leaks.map(({ id }) => id)).toEqual([])
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    }, 300_000)

    it('passes its own cases', async () => {
      const corpora = ['leaks', 'utility'].flatMap((name) => ['--corpus', join(CASES, `${name}.jsonl`)])
      expect(await run('--data', data, '--bench', bench, '--jobs', '2', ...corpora)).toMatchObject({ code: 0 })
    }, 600_000)
  },
)
