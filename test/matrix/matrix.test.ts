import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import type { DemoClient } from '../../demo/environment.ts'
import type { Testbed } from '../support/testbed.ts'
import { loginDirectly, startMatrixBed, withPairs } from './bed.ts'
import { readCanaries } from './canaries.ts'
import { type Case, matrix, sample } from './cases.ts'
import type { Canary } from './detector.ts'
import { type Judged, listed, table } from './summary.ts'
import { verdictOf } from './verdict.ts'

// Way out × shape of the expression × type × format × protocol mode, enumerated: see README.md. Each case is asked twice:
// directly, where the value has to be shown, and as a masked agent, where it must not be.

const { MATRIX = '', MATRIX_ONLY = '', MATRIX_REPORT = '' } = process.env
const SAMPLE = 1500
const CLEARED = 100
const TIMEOUT_MS = 900_000

let bed: Testbed
let canaries: ReadonlyMap<string, Canary>
let judged: readonly Judged[]

beforeAll(async () => {
  bed = await startMatrixBed()
  await leaveWitness()
  canaries = await readCanaries(await loginDirectly(bed))
  judged = await judgedAll(chosen(), 'agent')
  const text = table(judged)
  process.stdout.write(text)
  if (MATRIX_REPORT !== '') writeFileSync(MATRIX_REPORT, `${text}\n${JSON.stringify(judged, undefined, 1)}\n`)
}, TIMEOUT_MS)
afterAll(() => bed?.stop())

/** Another session of the same role, whose statements the statistics show. */
async function leaveWitness(): Promise<void> {
  const witness = await loginDirectly(bed)
  for (const sql of [
    `do $$ begin perform 'witness Qvorblaxx Zyndrimm'; end $$`,
    `select 'witness Qvorblaxx Zyndrimm'`,
  ]) {
    witness.send(encodeQuery(sql))
    await witness.ready()
  }
}

function chosen(): Case[] {
  const all = matrix()
  if (MATRIX_ONLY !== '') return all.filter(({ id }) => id.includes(MATRIX_ONLY))
  return MATRIX === 'full' ? all : sample(all, SAMPLE)
}

async function judgedAll(cases: readonly Case[], who: DemoClient): Promise<Judged[]> {
  const found: Judged[] = []
  await withPairs(bed, who, cases, async (one, { direct, gateway }) => {
    const verdict = verdictOf(one, await direct.ask(one.steps), await gateway.ask(one.steps), canaries)
    found.push({ id: one.id, way: one.way, verdict })
    return verdict.outcome === 'lost'
  })
  return found
}

it('is of cases that leak without the gateway', () => {
  expect(judged.length).toBeGreaterThan(0)
  expect(listed(judged, 'no control')).toEqual([])
})

it('shows a masked agent nothing', () => {
  expect(listed(judged, 'leaked')).toEqual([])
})

it('leaves every session usable, with answers of the same form or an error with a code', () => {
  expect(listed(judged, 'lost', 'broken')).toEqual([])
})

it('masks what is ordinary work, and does not refuse it', () => {
  expect(listed(judged, 'over-refused')).toEqual([])
})

it('would see a leak through the gateway, too: somebody who is cleared is shown everything', async () => {
  const cleared = await judgedAll(sample(matrix(), CLEARED), 'officer')
  expect(cleared.length).toBeGreaterThan(0)
  expect(cleared.filter(({ verdict }) => verdict.outcome !== 'leaked')).toEqual([])
})
