import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JournalRecord } from './batch.ts'
import { fragment, type JsonValue } from './canonical.ts'
import { segmentName } from './format.ts'
import type { JournalWarning } from './free-space.ts'
import { Journal } from './journal.ts'
import { nodeFs } from './journal-fs.ts'
import type { JournalOptions } from './journal-options.ts'
import { openBodies, readJournal, unseal } from './reader.ts'
import { verifyJournal } from './verify.ts'

const SESSION = '01890a5d-ac96-774b-bcce-b302099a8057'
const bodyKey = randomBytes(32)
let directory: string
let warnings: JournalWarning[]

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'journal-')), 'j')
  warnings = []
})

afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true })
})

function options(more: Partial<JournalOptions> = {}): JournalOptions {
  return {
    directory,
    durability: 'process-crash',
    bodyKey,
    sealRecipients: [],
    minimumFreeBytes: 0,
    reserveBytes: 0,
    origin: 'gateway-1',
    clock: () => 1_800_000_000_123,
    onWarning: (warning) => warnings.push(warning),
    ...more,
  }
}

function record(op: number, kind: JournalRecord['kind'] = 'intent', what: JsonValue = { n: op }): JournalRecord {
  return { kind, session: SESSION, op, what: fragment(what), who: fragment({ sub: 'agent' }) }
}

const lines = (number: number): string[] =>
  readFileSync(join(directory, segmentName(number)), 'utf8')
    .split('\n')
    .slice(0, -1)

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(() => setImmediate(done)))

describe('appending', () => {
  it('writes the records of a turn as one batch and tells once', async () => {
    const journal = await Journal.open(options())
    let commits = 0
    journal.onCommit(() => commits++)
    expect([journal.append(record(1)), journal.append(record(2)), journal.append(record(3), '{"a":1}')]).toEqual([
      1, 2, 3,
    ])
    expect(journal.writtenSeq).toBe(0)
    await turn()
    expect(journal.writtenSeq).toBe(3)
    expect(journal.durableSeq).toBe(3)
    expect(commits).toBe(1)
    expect(lines(1)).toHaveLength(2 + 3 + 1 + 1)
    await journal.close()
  })

  it('writes canonical headers, whatever they hold', async () => {
    const value = fc.json({ stringUnit: 'grapheme' }).map((text): JsonValue => JSON.parse(text))
    const journal = await Journal.open(options())
    fc.assert(
      fc.property(value, value, fc.string({ unit: 'grapheme' }), (what, who, body) => {
        const parts = { what: fragment(what), who: fragment(who) }
        journal.append({ kind: 'intent', session: SESSION, op: 7, ...parts }, body)
      }),
    )
    await journal.close()
    const headers = await all(readJournal(directory))
    expect(headers).toHaveLength(100)
    for (const { line } of headers) {
      const parsed: JsonValue = JSON.parse(line)
      expect(fragment(parsed)).toBe(line)
    }
    expect((await verifyJournal(directory, { bodyKey })).problems).toEqual([])
  })

  it('waits for the disk in the durability that promises it', async () => {
    const syncs: ((error: Error | null) => void)[] = []
    const fs = { ...nodeFs, fdatasync: (_fd: number, done: (error: Error | null) => void) => void syncs.push(done) }
    const journal = await Journal.open(options({ durability: 'fsync', fs }))
    const seen: [number, number][] = []
    journal.onCommit(() => seen.push([journal.writtenSeq, journal.durableSeq]))
    journal.append(record(1))
    journal.flush()
    journal.append(record(2))
    journal.append(record(3))
    journal.flush()
    expect(syncs).toHaveLength(1)
    syncs.shift()?.(null)
    expect(syncs).toHaveLength(1)
    syncs.shift()?.(null)
    expect(seen).toEqual([
      [1, 0],
      [3, 0],
      [3, 1],
      [3, 3],
    ])
    const closed = journal.close()
    await turn()
    syncs.shift()?.(null)
    await closed
    expect(journal.state).toBe('closed')
  })

  it('refuses what does not fit, and keeps the rest whole', async () => {
    const journal = await Journal.open(options())
    journal.append(record(1), '{"kept":1}')
    const large = expect.objectContaining({ code: 'CHP-LIMIT-EXCEEDED' })
    expect(() => journal.append(record(2, 'intent', 'x'.repeat(65_536)), '{"lost":1}')).toThrow(large)
    expect(() => journal.append(record(2), 'x'.repeat(17 * 1024 * 1024))).toThrow(large)
    expect(() => journal.append({ ...record(2), session: 'x","v":2' })).toThrow(TypeError)
    expect(() => journal.append({ ...record(2), op: -1 })).toThrow(TypeError)
    expect(journal.append(record(2), '{"kept":2}')).toBe(2)
    await journal.close()
    expect((await all(openBodies(directory, { bodyKey }))).map(({ body }) => body)).toEqual([
      '{"kept":1}',
      '{"kept":2}',
    ])
  })

  it('writes within a turn when a batch grows large', async () => {
    const journal = await Journal.open(options())
    let commits = 0
    journal.onCommit(() => commits++)
    for (let op = 1; op <= 30; op++) journal.append(record(op), `"${'b'.repeat(100_000)}"`)
    expect(journal.writtenSeq).toBeGreaterThan(0)
    expect(commits).toBe(0)
    await journal.close()
    expect(commits).toBeGreaterThan(0)
    expect(await verifyJournal(directory, { bodyKey })).toMatchObject({ ok: true, records: 30, bodies: { opened: 30 } })
  })

  it('takes nothing after it was closed', async () => {
    const journal = await Journal.open(options())
    await journal.close()
    expect(() => journal.append(record(1))).toThrow(expect.objectContaining({ code: 'CHP-RECORD-FAILED' }))
  })
})

describe('bodies and exact statements', () => {
  it('opens bodies with the body key and statements with the identity, and neither without', async () => {
    const identity = await generateX25519Identity()
    const stranger = await generateX25519Identity()
    const journal = await Journal.open(options({ sealRecipients: [await identityToRecipient(identity)] }))
    journal.append(record(1), '{"statement":"$1"}', "select 'Müller'")
    journal.append(record(2))
    journal.flush()
    journal.append(record(3), '{"rows":1}')
    await journal.close()
    const text = lines(1).join('\n')
    expect(text).not.toContain('ller')
    expect(text).not.toContain('statement')
    const bodies = await all(openBodies(directory, { bodyKey }))
    expect(bodies.map(({ body, missing }) => [body, missing])).toEqual([
      ['{"statement":"$1"}', false],
      [undefined, false],
      ['{"rows":1}', false],
    ])
    const exact = await all(unseal(directory, { identity, from: 1, to: 2 }))
    expect(exact.map((found) => found.exact)).toEqual(["select 'Müller'", undefined])
    const failed = expect.objectContaining({ code: 'CHP-RECORD-FAILED' })
    await expect(all(unseal(directory, { identity: stranger }))).rejects.toEqual(failed)
    await expect(all(openBodies(directory, { bodyKey: randomBytes(32) }))).rejects.toEqual(failed)
    expect(await verifyJournal(directory, { bodyKey: randomBytes(32) })).toMatchObject({
      ok: true,
      bodies: { unopened: 2 },
    })
  })

  it('keeps no exact statement without recipients', async () => {
    const journal = await Journal.open(options())
    journal.append(record(1), '', 'select 1')
    await journal.close()
    expect(lines(1).filter((line) => line.startsWith('{"sealed'))).toEqual([])
  })

  it('refuses recipients and keys that cannot work, and leaves the directory free', async () => {
    const invalid = expect.objectContaining({ code: 'CHP-CONFIG-INVALID' })
    await expect(Journal.open(options({ sealRecipients: ['age1nonsense'] }))).rejects.toEqual(invalid)
    await expect(Journal.open(options({ bodyKey: Buffer.alloc(16) }))).rejects.toEqual(invalid)
    await expect(Journal.open(options({ origin: 'two words' }))).rejects.toEqual(invalid)
    await (await Journal.open(options())).close()
  })
})

describe('segments', () => {
  it('rotates under load, and every record is read in order', async () => {
    const identity = await generateX25519Identity()
    const more = { segmentBytes: 20_000, sealRecipients: [await identityToRecipient(identity)] }
    const journal = await Journal.open(options({ ...more, durability: 'fsync' }))
    let records = 0
    // How many records go into a segment depends on the disk: the next one is prepared while the old one is used on.
    const rotated = (): boolean => readdirSync(directory).includes(segmentName(4))
    while (records < 2_000 || !rotated()) {
      for (let count = 0; count < 10; count++) {
        records++
        journal.append(record(records), `{"op":${records}}`, `select ${records}`)
      }
      await turn()
    }
    await journal.close()
    expect(journal.failed).toBeUndefined()
    const report = await verifyJournal(directory, { bodyKey })
    expect(report).toMatchObject({ ok: true, records, lastSeq: records, bodies: { opened: records } })
    expect(report.segments).toBeGreaterThanOrEqual(4)
    const part = await all(openBodies(directory, { bodyKey, from: 1_234, to: 1_500 }))
    expect(part.map(({ body }) => body)).toEqual(Array.from({ length: 267 }, (_, index) => `{"op":${1_234 + index}}`))
    expect((await all(unseal(directory, { identity }))).at(-1)?.exact).toBe(`select ${records}`)
  })

  it('is kept from others and continues over restarts', async () => {
    for (let start = 1; start <= 3; start++) {
      const journal = await Journal.open(options())
      expect(journal.durableSeq).toBe(start - 1)
      expect(journal.append(record(start))).toBe(start)
      await journal.close()
    }
    expect(readdirSync(directory).toSorted()).toEqual([1, 2, 3].map(segmentName))
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, segmentName(3))).mode & 0o777).toBe(0o600)
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, records: 3, segments: 3, recovered: [] })
  })

  it('refuses a directory of another gateway', async () => {
    await (await Journal.open(options())).close()
    const other = Journal.open(options({ origin: 'gateway-2' }))
    await expect(other).rejects.toEqual(expect.objectContaining({ code: 'CHP-RECORD-FAILED' }))
  })
})

describe('the lock', () => {
  it('refuses a second writer, until the first has closed', async () => {
    const first = await Journal.open(options())
    await expect(Journal.open(options())).rejects.toMatchObject({
      code: 'CHP-RECORD-FAILED',
      reason: expect.stringContaining('in use by process'),
    })
    first.append(record(1))
    await first.close()
    const second = await Journal.open(options())
    await second.close()
    expect(readdirSync(directory)).not.toContain('lock')
  })

  // Only Linux tells when a process started, so elsewhere a number that is in use again counts as the holder.
  const tellsStart = process.platform === 'linux'
  const gone = { name: 'a process that is gone', pid: 2 ** 22 + 1, started: '' }
  const earlier = { name: 'an earlier process with this number', pid: process.pid, started: 'another boot 1' }
  it.each(tellsStart ? [gone, earlier] : [gone])('takes over the lock of $name', async (holder) => {
    await (await Journal.open(options())).close()
    writeFileSync(join(directory, 'lock'), JSON.stringify({ host: hostname(), token: 't', ...holder }))
    const journal = await Journal.open(options())
    expect(readdirSync(directory).filter((name) => name.startsWith('lock'))).toEqual(['lock'])
    await journal.close()
  })

  it.each([
    ['on another host', JSON.stringify({ host: 'elsewhere', pid: 1, started: '', token: 't' })],
    ['that it cannot read', 'x'],
  ])('respects a lock %s', async (_name, content) => {
    await (await Journal.open(options())).close()
    writeFileSync(join(directory, 'lock'), content)
    await expect(Journal.open(options())).rejects.toMatchObject({ code: 'CHP-RECORD-FAILED' })
    expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe(content)
  })
})

describe('low space', () => {
  it('says when it cannot be told', async () => {
    const nothing = { bavail: 0, bsize: 0 }
    const error = Object.assign(new Error('injected'), { code: 'EIO' })
    const fs: JournalOptions['fs'] = { ...nodeFs, statfs: (_path, done) => done(error, nothing) }
    const journal = await Journal.open(options({ fs }))
    await journal.close()
    expect(warnings).toEqual([{ kind: 'space-unknown', error: 'EIO' }])
    expect(journal.failed).toBeUndefined()
  })

  it('warns once, in the journal too', async () => {
    let now = 1_800_000_000_000
    const fs: JournalOptions['fs'] = { ...nodeFs, statfs: (_path, done) => done(null, { bavail: 10, bsize: 4096 }) }
    const journal = await Journal.open(options({ fs, minimumFreeBytes: 100_000, clock: () => now }))
    for (let round = 0; round < 3; round++) {
      now += 10_000
      journal.append(record(round))
      journal.flush()
    }
    await journal.close()
    expect(warnings).toEqual([{ kind: 'low-space', freeBytes: 40_960, minimumFreeBytes: 100_000 }])
    const kinds = (await all(readJournal(directory))).map(({ header }) => header.kind)
    expect(kinds).toEqual(['journal-warning', 'intent', 'intent', 'intent'])
  })
})
