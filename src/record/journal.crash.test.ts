import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Journal } from './journal.ts'
import type { JournalOptions } from './journal-options.ts'
import { openBodies } from './reader.ts'
import { verifyJournal } from './verify.ts'

const bodyKey = randomBytes(32)
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'crash-'))
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

const room = new URL('.', import.meta.url).href

/** Appends without pause and acknowledges each advance of the durable number on standard output. */
const writer = (durability: string): string => `
import { Journal } from '${room}journal.ts'
import { fragment } from '${room}canonical.ts'
import { writeSync } from 'node:fs'
const journal = await Journal.open({
  directory: '${join(root, 'j')}', durability: '${durability}', bodyKey: Buffer.from('${bodyKey.toString('hex')}', 'hex'),
  sealRecipients: [], minimumFreeBytes: 0, reserveBytes: 4096, segmentBytes: 30000, origin: 'gateway-1',
  clock: Date.now, onWarning: () => undefined,
})
let told = journal.durableSeq
journal.onCommit(() => {
  if (journal.durableSeq === told) return
  try {
    writeSync(1, journal.durableSeq + '\\n')
    told = journal.durableSeq
  } catch (error) {
    // The pipe is full: a later number acknowledges this one too.
    if (error.code !== 'EAGAIN') throw error
  }
})
const [what, who] = [fragment({ command: 'SELECT' }), fragment({ sub: 'agent' })]
let op = 0
const round = () => {
  for (let n = 1 + Math.random() * 20; n > 0; n--) {
    const seq = journal.append({ kind: 'intent', session: '01890a5d-ac96-774b-bcce-b302099a8057', op: op++, what, who }, '{"n":1}')
    if (seq === 0) throw new Error('impossible')
  }
  setImmediate(round)
}
round()
`

/** Runs the writer, kills it after a random moment of work, and returns the last number it acknowledged. */
async function crash(durability: string): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--no-warnings', '-e', writer(durability)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const exited = new Promise<NodeJS.Signals | null>((done) => {
    child.once('close', (_code, signal) => done(signal))
  })
  const working = new Promise<void>((done) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      done()
    })
  })
  await Promise.race([working, exited])
  await new Promise((done) => setTimeout(done, randomInt(40)))
  child.kill('SIGKILL')
  expect(await exited).toBe('SIGKILL')
  const acknowledged = output.slice(0, output.lastIndexOf('\n')).split('\n').map(Number)
  expect(acknowledged.length).toBeGreaterThan(0)
  return acknowledged.at(-1) ?? 0
}

function options(): JournalOptions {
  return {
    directory: join(root, 'j'),
    durability: 'fsync',
    bodyKey,
    sealRecipients: [],
    minimumFreeBytes: 0,
    reserveBytes: 4096,
    origin: 'gateway-1',
    clock: Date.now,
    onWarning: () => undefined,
  }
}

describe('kill -9', () => {
  it.each([
    ['fsync', 6],
    ['process-crash', 4],
  ] as const)('loses nothing acknowledged (%s, %i times)', { timeout: 120_000 }, async (durability, times) => {
    let acknowledged = 0
    for (let time = 0; time < times; time++) {
      // The next writer opens what the last one left, so the crashes add up.
      const last = await crash(durability)
      expect(last).toBeGreaterThan(acknowledged)
      acknowledged = last
      const live = await verifyJournal(join(root, 'j'), { bodyKey })
      expect(live.problems).toEqual([])
      expect(live.lastSeq).toBeGreaterThanOrEqual(acknowledged)
    }
    const journal = await Journal.open(options())
    expect(journal.durableSeq).toBeGreaterThanOrEqual(acknowledged)
    await journal.close()
    const report = await verifyJournal(join(root, 'j'), { bodyKey })
    expect(report).toMatchObject({ ok: true, tail: { tornBytes: 0 }, bodies: { missing: 0, unopened: 0 } })
    let expected = 1
    for await (const { header, missing } of openBodies(join(root, 'j'), { bodyKey })) {
      expect(header.seq).toBe(expected++)
      expect(missing).toBe(false)
    }
    expect(expected - 1).toBe(report.lastSeq)
  })
})
