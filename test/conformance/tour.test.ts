import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PACKS } from '../../src/phi/packs.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

function tour(pack: string): Promise<{ readonly code: number; readonly text: string }> {
  const args = [MAIN, 'demo', '--no-stay', '--patients', '200', '--pack', pack, '--json']
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      const lines = stdout.split('\n').filter((line) => line !== '')
      const text = lines.map((line) => JSON.parse(line).text).join('\n')
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, text: `${text}\n${stderr}` })
    })
  })
}

/** It waits for an approval that nobody gives, and for alerts. */
const PATIENT_MS = 180_000

describe('the tour of the demo', { timeout: PATIENT_MS }, () => {
  it('books a follow-up by a token, and nobody but the database has seen for whom', async () => {
    const { code, text } = await tour('minimum-necessary')
    expect(code, text).toBe(0)
    expect(text).toMatch(
      /RETURNING kind, department, reason\n(?:.*\n)+? +ambulatory \| Internal Medicine \| Follow-up visit/u,
    )
    for (const place of [
      'what the agent was shown',
      'the log of the gateway',
      'the journal',
      'the files of the store',
    ]) {
      expect(text).toMatch(new RegExp(`${place}.*: neither the name nor the record number`, 'u'))
    }
    expect(text).toContain('the journal: intact')
    // Delegation, approval, budget, policy tests and replay, kill switch, alerts.
    expect(text).toMatch(/"sub":"dr\.rivera@example\.org","act":\{"sub":"agent:care-planner"/u)
    expect(text).toMatch(/officer> sees apr-\w{12} .* and approves it once/u)
    expect(text).toContain('the budget of 40 rows a run is used up [CHP-BUDGET-EXCEEDED]')
    expect(text).toContain('3 of 3 tests passed')
    expect(text).toMatch(/decisions .*, 0 others/u)
    expect(text).toContain('an operator ended this session [CHP-SESSION-TERMINATED]')
    for (const kind of ['first-access', 'budget-exceeded', 'killed']) expect(text).toContain(`${kind}: `)
  })

  it('shows the strict pack without tokens', async () => {
    const { code, text } = await tour(PACKS[0])
    expect(code, text).toBe(0)
    expect(text).not.toMatch(/tok_[0-9a-z]{18}/u)
    expect(text).toContain('[redacted]')
  })
})
