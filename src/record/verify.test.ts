import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fragment } from './canonical.ts'
import { segmentName } from './format.ts'
import { Journal } from './journal.ts'
import { openBodies, readJournal, unseal } from './reader.ts'
import { verifyJournal } from './verify.ts'
import type { VerifyReport } from './verify-report.ts'

const SESSION = '01890a5d-ac96-774b-bcce-b302099a8057'
const SEGMENTS = 3
const bodyKey = randomBytes(32)
let root: string
let original: string
/** A copy to tamper with. */
let directory: string
let identity: string
let whole: VerifyReport

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'verify-'))
  original = join(root, 'original')
  identity = await generateX25519Identity()
  const sealRecipients = [await identityToRecipient(identity)]
  for (let segment = 0; segment < SEGMENTS; segment++) {
    const journal = await Journal.open({
      directory: original,
      durability: 'process-crash',
      bodyKey,
      sealRecipients,
      minimumFreeBytes: 0,
      reserveBytes: 0,
      origin: 'gateway-1',
      clock: () => 1_800_000_000_000 + segment,
      onWarning: () => undefined,
    })
    const who = fragment({ sub: 'agent' })
    for (let batch = 0; batch < 3; batch++) {
      for (let op = 0; op < 2; op++) {
        const what = fragment({ batch, op, name: 'ä' })
        journal.append({ kind: 'response', session: SESSION, op, what, who }, `{"segment":${segment}}`, `select ${op}`)
      }
      journal.flush()
    }
    await journal.close()
  }
  whole = await verifyJournal(original, { bodyKey })
})

beforeEach(() => {
  directory = join(root, 'copy')
  rmSync(directory, { recursive: true, force: true })
  cpSync(original, directory, { recursive: true })
})

afterAll(() => {
  rmSync(root, { recursive: true })
})

const path = (number: number): string => join(directory, segmentName(number))
const read = (number: number): string[] => readFileSync(path(number), 'utf8').split('\n').slice(0, -1)
const write = (number: number, lines: readonly string[]): void =>
  writeFileSync(path(number), lines.map((line) => `${line}\n`).join(''))

/** A change is seen when it is a problem, or stated as a tail that is not covered. */
const seen = (report: VerifyReport): boolean => !report.ok || report.tail.tornBytes > 0

describe('a whole journal', () => {
  it('verifies, with the same report every time, as JSON', async () => {
    expect(whole).toMatchObject({
      ok: true,
      origin: 'gateway-1',
      segments: SEGMENTS,
      records: 18,
      firstSeq: 1,
      lastSeq: 18,
      clockSteps: 0,
      firstTime: '2027-01-15T08:00:00.000Z',
      lastTime: '2027-01-15T08:00:00.002Z',
      problems: [],
      tail: { segment: segmentName(3), tornBytes: 0, lastKind: 'response' },
      bodies: { committed: 18, opened: 18, missing: 0, unopened: 0 },
      sealed: { batches: 9, missing: 0 },
    })
    expect(await verifyJournal(original, { bodyKey })).toEqual(whole)
    expect(JSON.parse(JSON.stringify(whole))).toEqual(whole)
  })

  it('verifies without the key as well, and says that bodies were not opened', async () => {
    expect(await verifyJournal(original)).toMatchObject({ ok: true, bodies: { opened: 0, unopened: 18 } })
  })

  it('imports nothing of the writer', () => {
    const writers =
      /from '\.\/(batch|byte-builder|canonical|journal|lock|recovery|reserve|segment-file|segment-keys|sync-loop|free-space)/
    const room = import.meta.dirname
    const readers = [
      'verify',
      'verify-segment',
      'verify-blocks',
      'verify-head',
      'verify-header',
      'verify-report',
      'open-block',
      'open-work',
      'read-lines',
      'format',
    ]
    for (const name of readers) expect(readFileSync(join(room, `${name}.ts`), 'utf8')).not.toMatch(writers)
  })
})

describe('tampering', () => {
  it('sees any changed byte', async () => {
    for (const number of [1, SEGMENTS]) {
      const bytes = readFileSync(path(number))
      for (let position = number; position < bytes.length; position += 7) {
        const changed = Buffer.from(bytes)
        changed[position] = (changed[position] ?? 0) ^ (position % 2 === 0 ? 0x01 : 0xff)
        writeFileSync(path(number), changed)
        const report = await verifyJournal(directory, { bodyKey })
        expect(seen(report), `byte ${position} of segment ${number}`).toBe(true)
      }
      writeFileSync(path(number), bytes)
    }
  })

  it('sees a dropped, doubled or moved line that may not be deleted', async () => {
    for (const number of [1, 2, SEGMENTS]) {
      const lines = read(number)
      for (const [index, line] of lines.entries()) {
        const dropped = lines.toSpliced(index, 1)
        const doubled = lines.toSpliced(index, 0, line)
        const moved = dropped.toSpliced(index === dropped.length ? index - 1 : index + 1, 0, line)
        write(number, doubled)
        expect(seen(await verifyJournal(directory, { bodyKey })), `line ${index} of ${number} doubled`).toBe(true)
        write(number, moved)
        expect(seen(await verifyJournal(directory, { bodyKey })), `line ${index} of ${number} moved`).toBe(true)
        write(number, dropped)
        const report = await verifyJournal(directory, { bodyKey })
        const deletable = /^\{"(bodiesKey|sealedKey|bodies|sealed)"/.test(line)
        if (deletable) expect(report.bodies.missing + report.sealed.missing).toBeGreaterThan(0)
        else expect(seen(report), `line ${index} of ${number} dropped`).toBe(true)
      }
      write(number, lines)
    }
  })

  it('sees exchanged batches', async () => {
    const lines = read(2)
    const [head, batches] = [lines.slice(0, 3), [lines.slice(3, 8), lines.slice(8, 13), lines.slice(13)]]
    expect(batches.every((batch) => batch.at(-1)?.startsWith('{"batch"'))).toBe(true)
    for (const order of [
      [1, 0, 2],
      [0, 2, 1],
      [2, 1, 0],
      [0, 2],
      [0, 1],
    ]) {
      write(2, [...head, ...order.flatMap((index) => batches[index] ?? [])])
      expect((await verifyJournal(directory, { bodyKey })).ok).toBe(false)
    }
  })

  it('sees a missing, exchanged or doubled segment', async () => {
    for (const number of [1, 2]) {
      rmSync(path(number))
      const report = await verifyJournal(directory, { bodyKey })
      expect(report.problems.map(({ code }) => code)).toContain('directory')
      cpSync(join(original, segmentName(number)), path(number))
    }
    cpSync(join(original, segmentName(1)), path(2))
    expect((await verifyJournal(directory)).ok).toBe(false)
    cpSync(join(original, segmentName(2)), path(2))
    cpSync(join(original, segmentName(3)), path(4))
    expect((await verifyJournal(directory)).ok).toBe(false)
  })

  it('sees a cut anywhere but at the end of a batch of the last segment, where the head tells', async () => {
    const size = readFileSync(path(SEGMENTS)).length
    const ends = new Set<number>()
    let offset = 0
    for (const [index, line] of read(SEGMENTS).entries()) {
      offset += Buffer.byteLength(line) + 1
      if (line.startsWith('{"batch"') || index < 3) ends.add(offset)
    }
    for (let length = size - 1; length >= 0; length -= 13) {
      truncateSync(path(SEGMENTS), length)
      const report = await verifyJournal(directory, { bodyKey })
      expect(report.ok).toBe(true)
      expect(report.tail.tornBytes > 0).toBe(!ends.has(length) && length > 0)
      expect(report.head).not.toEqual(whole.head)
    }
    cpSync(join(original, segmentName(SEGMENTS)), path(SEGMENTS))
    const middle = readFileSync(path(2)).length
    for (let length = middle - 1; length >= 0; length -= 37) {
      truncateSync(path(2), length)
      expect((await verifyJournal(directory)).ok).toBe(false)
    }
  })

  it('names place and kind, and does not report what follows from one change', async () => {
    const lines = read(2)
    write(2, lines.with(9, (lines[9] ?? '').replace('"op":1', '"op":2')))
    expect((await verifyJournal(directory, { bodyKey })).problems).toEqual([
      { segment: segmentName(2), line: 13, code: 'chain', message: expect.any(String) },
    ])
    write(2, lines.with(9, (lines[9] ?? '').replace('"op":1', '"op": 1')))
    expect((await verifyJournal(directory)).problems.map(({ line, code }) => [line, code])).toEqual([
      [10, 'header-form'],
      [13, 'chain'],
    ])
    rmSync(path(2))
    write(2, lines.toSpliced(9, 1))
    expect((await verifyJournal(directory)).problems.map(({ code }) => code)).toContain('sequence')
  })

  it('sees a body block of another batch', async () => {
    const lines = read(2)
    write(2, lines.with(5, lines[10] ?? ''))
    expect((await verifyJournal(directory)).problems.map(({ line, code }) => [line, code])).toEqual([
      [8, 'block-altered'],
    ])
  })
})

describe('deletion', () => {
  it.each([
    ['blocks', /^\{"(bodies|sealed)"/],
    ['keys', /^\{"(bodies|sealed)Key"/],
    ['keys and blocks', /^\{"(bodies|sealed)(Key)?"/],
  ])('of %s keeps the proof and says what is missing', async (_name, deleted) => {
    write(
      1,
      read(1).filter((line) => !deleted.test(line)),
    )
    const report = await verifyJournal(directory, { bodyKey })
    expect(report).toMatchObject({
      ok: true,
      records: 18,
      bodies: { committed: 18, opened: 12, missing: 6, unopened: 0 },
      sealed: { batches: 9, missing: 3 },
    })
    expect(report.head).toEqual(whole.head)
    const states: boolean[] = []
    for await (const { missing } of openBodies(directory, { bodyKey })) states.push(missing)
    expect(states).toEqual([...Array<boolean>(6).fill(true), ...Array<boolean>(12).fill(false)])
    const statements: (string | undefined)[] = []
    for await (const { exact } of unseal(directory, { identity, from: 6, to: 7 })) statements.push(exact)
    expect(statements).toEqual([undefined, 'select 0'])
  })
})

describe('a journal that is being written', () => {
  it('leaves out an incomplete last batch and says so', async () => {
    const size = readFileSync(path(SEGMENTS)).length
    truncateSync(path(SEGMENTS), size - 100)
    const report = await verifyJournal(directory, { bodyKey })
    expect(report).toMatchObject({ ok: true, records: 16, lastSeq: 16, tail: { segment: segmentName(SEGMENTS) } })
    expect(report.tail.tornBytes).toBeGreaterThan(0)
    let last = 0
    for await (const { header } of readJournal(directory)) last = header.seq
    expect(last).toBe(16)
  })

  it('is not whole when all of it is gone', async () => {
    for (const name of readdirSync(directory)) rmSync(join(directory, name))
    const report = await verifyJournal(directory)
    expect(report).toMatchObject({ ok: false, segments: 0, records: 0, head: null })
    expect(report.problems.map(({ code }) => code)).toEqual(['directory'])
  })

  it('takes a hole in the last batch for a torn tail, but not one before it', async () => {
    const bytes = readFileSync(path(SEGMENTS))
    const hole = (from: number): Buffer => Buffer.from(bytes).fill(0, from, from + 40)
    writeFileSync(path(SEGMENTS), hole(bytes.length - 600))
    expect(await verifyJournal(directory, { bodyKey })).toMatchObject({ ok: true, records: 16 })
    writeFileSync(path(SEGMENTS), hole(Math.floor(bytes.length / 2)))
    expect((await verifyJournal(directory, { bodyKey })).ok).toBe(false)
  })
})

describe('work without an end', () => {
  it('is listed', async () => {
    const sessions = [1, 2, 3].map((n) => `00000000-0000-7000-8000-00000000000${n}`)
    const journal = await Journal.open({
      directory,
      durability: 'process-crash',
      bodyKey,
      sealRecipients: [],
      minimumFreeBytes: 0,
      reserveBytes: 0,
      origin: 'gateway-1',
      clock: () => 1_800_000_000_000,
      onWarning: () => undefined,
    })
    const nothing = fragment({})
    const add = (
      kind: 'gateway-start' | 'session-start' | 'session-end' | 'intent' | 'outcome',
      session = 0,
      op = 0,
    ): number => journal.append({ kind, session: sessions[session] ?? '', op, what: nothing, who: nothing })
    add('session-start', 0)
    const lost = add('intent', 0, 1)
    add('gateway-start')
    add('session-start', 1)
    add('intent', 1, 1)
    add('outcome', 1, 1)
    const forgotten = add('intent', 1, 2)
    add('session-end', 1)
    const running = add('session-start', 2)
    const open = add('intent', 2, 1)
    await journal.close()
    const report = await verifyJournal(directory)
    expect(report.clockSteps).toBe(1)
    expect(report.intentsWithoutOutcome).toEqual({
      count: 3,
      first: [
        { seq: lost, session: sessions[0], op: 1 },
        { seq: forgotten, session: sessions[1], op: 2 },
        { seq: open, session: sessions[2], op: 1 },
      ],
    })
    expect(report.sessionsWithoutEnd).toEqual({
      count: 2,
      first: [
        { seq: lost - 1, session: sessions[0] },
        { seq: running, session: sessions[2] },
      ],
    })
  })
})
