import { randomBytes } from 'node:crypto'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asChaperoneError, type ChaperoneError } from '../lib/errors.ts'
import type { JournalRecord } from './batch.ts'
import { fragment } from './canonical.ts'
import { segmentName } from './format.ts'
import { Journal } from './journal.ts'
import { type JournalFs, nodeFs } from './journal-fs.ts'
import type { JournalOptions } from './journal-options.ts'
import { readJournal } from './reader.ts'
import { verifyJournal } from './verify.ts'

const SESSION = '01890a5d-ac96-774b-bcce-b302099a8057'
const bodyKey = randomBytes(32)
/** At least so many in each run. */
const RECORDS = 12
const BODY = JSON.stringify({ text: 'x'.repeat(400) })
let directory: string

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'fault-')), 'j')
})

afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true })
})

function options(fs: JournalFs = nodeFs, more: Partial<JournalOptions> = {}): JournalOptions {
  return {
    directory,
    durability: 'fsync',
    bodyKey,
    sealRecipients: [],
    minimumFreeBytes: 0,
    reserveBytes: 4096,
    segmentBytes: 3000,
    origin: 'gateway-1',
    clock: () => 1_800_000_000_000,
    onWarning: () => undefined,
    fs,
    ...more,
  }
}

const record = (op: number, kind: JournalRecord['kind'] = 'intent'): JournalRecord => ({
  kind,
  session: SESSION,
  op,
  what: fragment({ n: op }),
  who: fragment({ sub: 'agent' }),
})

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

const CALLS = [
  'openSync',
  'closeSync',
  'writeSync',
  'fdatasync',
  'fsyncSync',
  'ftruncateSync',
  'mkdirSync',
  'readdirSync',
  'readFileSync',
  'statSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
] as const
type Call = (typeof CALLS)[number]

/** Lets the `nth` call of one kind fail, and with `sticky` every later one too. Counts what was called. */
function faulty(
  call: Call,
  nth: number,
  code: string,
  sticky = false,
): { readonly fs: JournalFs; readonly hits: () => number } {
  let count = 0
  const fail = (): void => {
    count++
    if (sticky ? count >= nth : count === nth) throw systemError(code)
  }
  const failing = Object.fromEntries(
    CALLS.map((name) => [
      name,
      (...args: readonly unknown[]): unknown => {
        if (name === call) fail()
        return Reflect.apply(nodeFs[name], nodeFs, args)
      },
    ]),
  )
  const fdatasync: JournalFs['fdatasync'] = (fd, done) => {
    try {
      if (call === 'fdatasync') fail()
      nodeFs.fdatasync(fd, done)
    } catch {
      setImmediate(() => done(systemError(code)))
    }
  }
  const writeSync: JournalFs['writeSync'] = (fd, bytes, offset, length) => {
    try {
      if (call === 'writeSync') fail()
      return nodeFs.writeSync(fd, bytes, offset, length)
    } catch (error) {
      if (code === 'short write') return nodeFs.writeSync(fd, bytes, offset, 7)
      throw error
    }
  }
  return { fs: { ...nodeFs, ...failing, fdatasync, writeSync }, hits: () => count }
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(() => setTimeout(done, 1)))

interface Run {
  readonly durable: number
  readonly appended: number
  readonly failures: readonly ChaperoneError[]
  readonly failed: ChaperoneError | undefined
  readonly opened: boolean
}

const segments = (): number => readdirSync(directory).filter((name) => name.endsWith('.jsonl')).length

/** Works as a gateway does, to the first failure or until there are so many new segments. How long that takes is the disk's affair. */
async function work(fs: JournalFs, more: Partial<JournalOptions> = {}, rotations = 2): Promise<Run> {
  const failures: ChaperoneError[] = []
  let journal: Journal
  try {
    journal = await Journal.open(options(fs, more))
  } catch (error) {
    return { durable: 0, appended: 0, failures: [asChaperoneError(error)], failed: undefined, opened: false }
  }
  journal.onFailure((error) => failures.push(error))
  let appended = 0
  const wanted = segments() + rotations
  for (let op = 1; (op <= RECORDS || segments() < wanted) && journal.failed === undefined; op++) {
    appended = journal.append(record(op), BODY)
    if (op % 2 === 0) await turn()
  }
  const { durableSeq, failed } = journal
  if (failed !== undefined) {
    await turn()
    expect(() => journal.append(record(0))).toThrow(failed)
  }
  await journal.close()
  return { durable: Math.max(durableSeq, journal.durableSeq), appended, failures, failed: journal.failed, opened: true }
}

/** After any fault: the journal opens again, is whole, and has every record that was said to be durable. */
async function expectWhole(durable: number): Promise<void> {
  rmSync(join(directory, 'lock'), { force: true })
  const journal = await Journal.open(options())
  await journal.close()
  const report = await verifyJournal(directory, { bodyKey })
  expect(report.problems).toEqual([])
  expect(report.lastSeq ?? 0).toBeGreaterThanOrEqual(durable)
}

describe('one call fails once', () => {
  const faults = CALLS.flatMap((call) =>
    (call === 'writeSync' ? ['EIO', 'ENOSPC', 'EBADF', 'short write'] : ['EIO', 'ENOSPC']).map(
      (code) => [call, code] as const,
    ),
  )

  let crashed: string
  let durableBefore: number

  beforeEach(async () => {
    // The run begins with a torn tail and an old reserve, so that the recovery makes its calls too.
    durableBefore = (await work(nodeFs)).durable
    expect(durableBefore).toBeGreaterThanOrEqual(RECORDS)
    const last =
      readdirSync(directory)
        .filter((name) => name.endsWith('.jsonl'))
        .toSorted()
        .at(-1) ?? ''
    writeFileSync(join(directory, last), '{"kind":', { flag: 'a' })
    writeFileSync(join(directory, 'reserve'), 'old')
    crashed = join(directory, '..', 'crashed')
    renameSync(directory, crashed)
  })

  it.each(faults)('%s: %s', { timeout: 60_000 }, async (call, code) => {
    for (let nth = 1; nth < 200; nth++) {
      rmSync(directory, { recursive: true, force: true })
      cpSync(crashed, directory, { recursive: true })
      const { fs, hits } = faulty(call, nth, code)
      const run = await work(fs)
      if (hits() < nth) return
      const failure = run.failed ?? run.failures[0]
      expect(failure?.code).toBe('CHP-RECORD-FAILED')
      expect(run.failures).toEqual([failure])
      expect(failure?.reason).not.toContain(directory)
      await expectWhole(Math.max(durableBefore, run.durable))
    }
    throw new Error('the fault never ran out of calls')
  })
})

describe('a full disk', () => {
  it('uses the reserve once: what was taken is written, sessions can be ended, nothing else is taken', async () => {
    await (await Journal.open(options())).close()
    // Opening writes the lock and the first lines; the third write is the first batch.
    const full = faulty('writeSync', 3, 'ENOSPC')
    const second = await Journal.open(options(full.fs))
    const failures: ChaperoneError[] = []
    let commitSawFailure = false
    second.onFailure((error) => failures.push(error))
    second.onCommit(() => {
      commitSawFailure = second.failed !== undefined
    })
    second.append(record(1), BODY)
    second.flush()
    expect(second.state).toBe('ending')
    expect(failures).toEqual([second.failed])
    expect(second.failed?.reason).toBe('write: ENOSPC')
    expect(commitSawFailure).toBe(true)
    expect(second.writtenSeq).toBe(1)
    expect(readdirSync(directory)).not.toContain('reserve')
    for (const kind of ['intent', 'outcome', 'refusal', 'session-start'] as const) {
      expect(() => second.append(record(2, kind))).toThrow(second.failed)
    }
    second.append(record(0, 'session-end'))
    second.append(record(0, 'gateway-stop'))
    await second.close()
    expect(second.durableSeq).toBe(3)
    const kinds: string[] = []
    for await (const { header } of readJournal(directory)) kinds.push(header.kind)
    expect(kinds).toEqual(['intent', 'session-end', 'gateway-stop'])
    await expectWhole(3)
    expect(statSync(join(directory, 'reserve')).size).toBe(4096)
  })

  it('begins with a short write', async () => {
    let writes = 0
    const writeSync: JournalFs['writeSync'] = (fd, bytes, offset, length) => {
      writes++
      if (writes === 4) return nodeFs.writeSync(fd, bytes, offset, 20)
      if (writes === 5) throw systemError('ENOSPC')
      return nodeFs.writeSync(fd, bytes, offset, length)
    }
    const journal = await Journal.open(options({ ...nodeFs, writeSync }))
    journal.append(record(1), BODY)
    await turn()
    expect(journal.state).toBe('ending')
    journal.append(record(0, 'session-end'))
    await journal.close()
    await expectWhole(2)
  })

  it('is the end without a reserve', async () => {
    const full = faulty('writeSync', 3, 'ENOSPC')
    const journal = await Journal.open(options(full.fs, { reserveBytes: 0 }))
    journal.append(record(1), BODY)
    journal.flush()
    expect(journal.state).toBe('failed')
    expect(() => journal.append(record(0, 'session-end'))).toThrow(journal.failed)
    await journal.close()
  })

  it('is the end when it stays full', async () => {
    const full = faulty('writeSync', 4, 'ENOSPC', true)
    const journal = await Journal.open(options(full.fs))
    journal.append(record(1), BODY)
    journal.flush()
    expect(journal.state).toBe('failed')
    expect(journal.writtenSeq).toBe(0)
    await journal.close()
    await expectWhole(0)
  })

  it('at a rotation keeps the old segment in use', async () => {
    let creating = 0
    const openSync: JournalFs['openSync'] = (path, flags, mode) => {
      if (path.endsWith(segmentName(2)) && creating++ === 0) throw systemError('ENOSPC')
      return nodeFs.openSync(path, flags, mode)
    }
    const run = await work({ ...nodeFs, openSync })
    expect(creating).toBe(1)
    expect(run.failed?.reason).toBe('write: ENOSPC')
    expect(run.durable).toBe(run.appended)
    expect(readdirSync(directory).filter((name) => name.endsWith('.jsonl'))).toEqual([segmentName(1)])
    await expectWhole(run.appended)
  })
})

describe('a failed sync', () => {
  it('is never tried again', async () => {
    const { fs, hits } = faulty('fdatasync', 1, 'EIO')
    const journal = await Journal.open(options(fs))
    const failures: ChaperoneError[] = []
    journal.onFailure((error) => failures.push(error))
    journal.append(record(1))
    journal.flush()
    journal.append(record(2))
    journal.flush()
    await turn()
    expect(failures.map(({ reason }) => reason)).toEqual(['sync: EIO'])
    expect(journal.durableSeq).toBe(0)
    expect(() => journal.append(record(0, 'session-end'))).toThrow(journal.failed)
    await journal.close()
    expect(hits()).toBe(1)
  })
})

async function tornJournal(): Promise<{ readonly path: string; readonly bytes: Buffer }> {
  await work(nodeFs, { segmentBytes: 1_000_000 }, 0)
  const path = join(directory, segmentName(1))
  return { path, bytes: readFileSync(path) }
}

describe('opening after a crash', () => {
  it('moves a torn tail aside, whole, and says so in the next segment', async () => {
    const { path, bytes } = await tornJournal()
    truncateSync(path, bytes.length - 33)
    const journal = await Journal.open(options())
    await journal.close()
    const torn = readFileSync(join(directory, '00000001.torn'))
    expect(Buffer.concat([readFileSync(path), torn])).toEqual(bytes.subarray(0, -33))
    const report = await verifyJournal(directory, { bodyKey })
    expect(report).toMatchObject({ ok: true, recovered: [{ segment: segmentName(2), tornBytes: torn.length }] })
    const last: unknown = JSON.parse(readFileSync(join(directory, segmentName(2)), 'utf8').split('\n')[0] ?? '')
    expect(last).toMatchObject({ segment: { recovered: { files: [{ file: '00000001.torn', bytes: torn.length }] } } })
    const kinds: string[] = []
    for await (const { header } of readJournal(directory, { from: report.lastSeq ?? 0 })) kinds.push(header.kind)
    expect(kinds).toEqual(['journal-warning'])
  })

  it('uses the number of a segment again that was never begun', async () => {
    await tornJournal()
    for (const content of ['', '{"segment":{"bodiesKey":"0', '\0\0\0\0']) {
      writeFileSync(join(directory, segmentName(2)), content)
      const journal = await Journal.open(options())
      await journal.close()
      expect((await verifyJournal(directory)).problems).toEqual([])
      rmSync(join(directory, segmentName(2)))
    }
    expect(readdirSync(directory).filter((name) => name.endsWith('.torn'))).toHaveLength(3)
  })

  it('refuses damage anywhere before the tail', async () => {
    const { path, bytes } = await tornJournal()
    const refused = { code: 'CHP-RECORD-FAILED', reason: expect.stringContaining(segmentName(1)) }
    for (const position of [20, 700, Math.floor(bytes.length / 2), bytes.length - 100]) {
      const changed = Buffer.from(bytes)
      changed[position] = (changed[position] ?? 0) ^ 1
      writeFileSync(path, changed)
      await expect(Journal.open(options())).rejects.toMatchObject(refused)
      expect(readFileSync(path)).toEqual(changed)
    }
    writeFileSync(path, bytes)
    await expectWhole(RECORDS)
  })

  it('refuses a missing or damaged earlier segment', async () => {
    await tornJournal()
    await expectWhole(RECORDS)
    await expectWhole(RECORDS)
    const path = join(directory, segmentName(2))
    const bytes = readFileSync(path)
    rmSync(path)
    await expect(Journal.open(options())).rejects.toMatchObject({ reason: `${segmentName(2)} is missing` })
    writeFileSync(path, bytes.subarray(0, -10))
    await expect(Journal.open(options())).rejects.toMatchObject({ code: 'CHP-RECORD-FAILED' })
  })
})
