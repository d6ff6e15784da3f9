import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Testbed } from '../support/testbed.ts'
import { errors, type Received } from '../support/wire-client.ts'
import { startMatrixBed, withPairs } from './bed.ts'
import { sample } from './cases.ts'
import { type Oracle, oracles } from './oracles.ts'
import type { Answer } from './prober.ts'
import { type Judged, listed, table } from './summary.ts'
import type { Verdict } from './verdict.ts'

// Values that are not shown can be asked for: two statements of one form, of which only one guesses right. Directly their
// answers differ; a masked agent has to be told the same, or be refused.

const { MATRIX = '', MATRIX_ONLY = '' } = process.env
const SAMPLE = 400
const TIMEOUT_MS = 600_000

let bed: Testbed
let judged: readonly Judged[]

beforeAll(async () => {
  bed = await startMatrixBed()
  const found: Judged[] = []
  await withPairs(bed, 'agent', chosen(), async ({ id, way, ask }, { direct, gateway }) => {
    const [right, wrong] = ask
    const without = [await direct.ask(right), await direct.ask(wrong)] as const
    const through = [await gateway.ask(right), await gateway.ask(wrong)] as const
    const verdict = verdictOf(without, through)
    found.push({ id, way, verdict })
    return verdict.outcome === 'lost'
  })
  judged = found
  process.stdout.write(table(judged))
}, TIMEOUT_MS)
afterAll(() => bed?.stop())

function chosen(): Oracle[] {
  const all = oracles()
  if (MATRIX_ONLY !== '') return all.filter(({ id }) => id.includes(MATRIX_ONLY))
  return MATRIX === 'full' ? all : sample(all, SAMPLE)
}

type Two = readonly [Answer, Answer]

function verdictOf(direct: Two, gateway: Two): Verdict {
  const [failure] = gateway.flatMap(({ told }) => errors(told))
  const detail = failure === undefined ? '' : (/\[CHP-[A-Z-]+\].*/.exec(failure.message)?.[0] ?? failure.code)
  if (same(direct))
    return { outcome: 'no control', detail: direct.flatMap(({ told }) => errors(told))[0]?.message ?? '' }
  if (gateway.some(({ lost, usable }) => lost || !usable)) return { outcome: 'lost', detail }
  if (!same(gateway)) return { outcome: 'leaked', detail }
  if (failure === undefined) return { outcome: 'masked', detail }
  return { outcome: /CHP-(MASK|POLICY)/.test(detail) ? 'refused' : 'broken', detail }
}

const same = ([one, other]: Two): boolean => seen(one) === seen(other)

/** All that can be told from an answer but the time it took. */
const seen = ({ told }: Answer): string =>
  JSON.stringify(told.filter(({ kind }) => kind !== 'ParameterStatus').map(readable))

function readable(message: Received): unknown {
  if (message.kind === 'DataRow') return message.values.map((value) => value?.toString('latin1') ?? null)
  if (message.kind === 'CopyData') return message.data.toString('latin1')
  return 'fields' in message ? [...message.fields] : message
}

it('is of questions that tell a value without the gateway', () => {
  expect(judged.length).toBeGreaterThan(0)
  expect(listed(judged, 'no control')).toEqual([])
})

it('tells a masked agent nothing', () => {
  expect(listed(judged, 'leaked')).toEqual([])
})

it('leaves every session usable, and refuses with a code', () => {
  expect(listed(judged, 'lost', 'broken')).toEqual([])
})
