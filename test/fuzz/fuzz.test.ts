import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FuzzBed, type FuzzGateway, startFuzzBed } from './bed.ts'
import { Choices, minimised } from './choices.ts'
import { Detector } from './detector.ts'
import { type Finding, fuzz, minimise, shownFinding } from './fuzzer.ts'
import { statement } from './grammar/statement.ts'
import { mutatedSource } from './mutated-tree.ts'
import { MUTANTS, QUICK } from './mutants.ts'
import { hunt } from './seeded.ts'
import { QUICK_TOKEN_MUTANTS, TOKEN_MUTANTS } from './token-mutants.ts'
import { TwinValues } from './twins.ts'

// FUZZ_SECONDS and FUZZ_SEED say how long and which statements; FUZZ=seeded tries every seeded defect. See README.md.

const ROOT = join(import.meta.dirname, '..', '..')
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 60)
const EVERYTHING = process.env['FUZZ'] === 'seeded'
const ALL_MUTANTS = [...MUTANTS, ...TOKEN_MUTANTS]
/** For one defect. Most are found within two hundred statements, the last of them after four thousand. */
const HUNT_SECONDS = EVERYTHING ? 600 : 30
const HUNT_STATEMENTS = 15_000
/** Findings that are minimised; the rest is most likely the same. */
const SHOWN = 5

let bed: FuzzBed
/** Without tokens and with them. */
let gateways: readonly FuzzGateway[]
beforeAll(async () => {
  bed = await startFuzzBed()
  gateways = [await bed.startGateway(ROOT), await bed.startGateway(ROOT, true)]
}, 120_000)
afterAll(() => bed?.stop(), 60_000)

/** At once: a long run may be ended before its report. */
function tell(finding: Finding, seed: number): void {
  process.stderr.write(`fuzz: seed ${seed}: ${shownFinding(finding)}\n`)
}

it.each([0, 1])(
  'no generated statement tells a masked agent PHI, or another answer for other PHI, or a damaged one, or stores what stands for it (gateway %d)',
  async (index) => {
    const gateway = gatewayAt(index)
    const report = await fuzz(bed, gateway, { seed: SEED, seconds: SECONDS / 2, onFinding: tell })
    const shown: string[] = []
    for (const { finding, choices, seed } of report.findings.slice(0, SHOWN)) {
      const simplest = await minimise(bed, gateway, choices, finding.kind)
      shown.push(`seed ${seed}: ${shownFinding(simplest ?? finding)}`)
    }
    const { statements, valid, telling, masked, clean, cleanRefused, resolved, reconnected, unanswered, refusals } =
      report
    process.stderr.write(
      `fuzz: ${JSON.stringify({ tokens: gateway.tokens, statements, valid, telling, masked, clean, cleanRefused, resolved, reconnected, unanswered, refusals: Object.fromEntries(refusals) })}\n`,
    )
    expect(shown.join('\n')).toBe('')
    // Otherwise nothing was tried.
    expect(statements).toBeGreaterThan(SECONDS / 2)
    expect(unanswered / statements).toBeLessThan(0.001)
    expect(valid / statements).toBeGreaterThan(0.7)
    expect(telling / valid).toBeGreaterThan(0.15)
    expect(masked / telling).toBeGreaterThan(0.4)
    expect(cleanRefused / clean).toBeLessThan(0.03)
    if (gateway.tokens) expect(resolved / statements).toBeGreaterThan(0.01)
  },
  (SECONDS + 300) * 1000,
)

describe('the fuzzer catches', () => {
  const tried = ALL_MUTANTS.filter(({ name }) => EVERYTHING || QUICK.has(name) || QUICK_TOKEN_MUTANTS.has(name))
  it.each(tried)(
    '$name',
    async (mutant) => {
      const sound = gatewayAt(mutant.tokens === true ? 1 : 0)
      const { by, statements } = await hunt(bed, mutant, {
        seed: 1,
        seconds: HUNT_SECONDS,
        statements: HUNT_STATEMENTS,
        sound,
      })
      process.stderr.write(`fuzz: ${mutant.name}: ${by ?? 'not caught'} after ${statements} statements\n`)
      expect(by).toBeDefined()
    },
    (HUNT_SECONDS + 60) * 1000,
  )
})

function gatewayAt(index: number): FuzzGateway {
  const gateway = gateways[index]
  if (gateway === undefined) throw new RangeError('there is no such gateway')
  return gateway
}

it.each(ALL_MUTANTS)('the defect "$name" still fits the sources', async (mutant) => {
  await expect(mutatedSource(mutant)).resolves.toBeTypeOf('string')
})

const rows = (...cells: readonly string[]) =>
  cells.map((cell) => ({ kind: 'DataRow' as const, values: [Buffer.from(cell)] }))

describe('the detector', () => {
  const detector = new Detector('a')
  const values = new TwinValues('a')
  const { name, ssn, born, phone, mrn } = values.patient(5)
  const spelledOut = Array.from(mrn).map((letter) => String(letter.codePointAt(0)))

  it.each([
    ['as they are', rows(name)],
    ['in pieces', rows(name.slice(0, 3), `x${name.slice(3, 10)}y`)],
    ['reversed', rows(Array.from(name).toReversed().join(''))],
    ['in upper case', rows(name.toUpperCase())],
    ['in hexadecimal', rows(Buffer.from(name).toString('hex'))],
    ['in base64, shifted', rows(Buffer.from(`ab${name}`).toString('base64'))],
    ['character by character', rows(...Array.from(name))],
    ['as character codes', rows(...spelledOut)],
    ['as an array of codes', rows(`{${spelledOut.join(',')}}`)],
    ['without dashes', rows(ssn.replaceAll('-', ''))],
    ['as numbers', rows(phone)],
    ['as dates', rows(born)],
    ['as dates in another order', rows(born.split('-').toReversed().join('.'))],
    ['in an error', [{ kind: 'ErrorResponse' as const, fields: new Map([['M', `invalid: "${mrn}"`]]) }]],
  ])('finds values %s', (_how, told) => expect(detector.found(told)).not.toEqual([]))

  it('lets pass what may be told', () =>
    expect(detector.found(rows('[redacted]', '1955-01-01', '021**', '34', '{"who":"[redacted]"}'))).toEqual([]))

  it('tells the sides apart', () => {
    const other = new TwinValues('b').patient(5)
    expect(detector.found(rows(other.name, other.ssn, other.mrn, other.born, other.phone))).toEqual([])
  })
})

describe('choices', () => {
  it('make the same statement again', () => {
    for (let seed = 1; seed < 100; seed++) {
      const choices = Choices.seeded(seed)
      const first = statement(choices, seed % 2 === 0)
      expect(statement(Choices.replayed(choices.taken), seed % 2 === 0)).toEqual(first)
    }
  })

  it('make the simplest statement when there are none', () => {
    expect(statement(Choices.replayed([])).texts).toEqual(['SELECT t1.name AS x FROM patient AS t1'])
  })

  it('are minimised to what a failure needs', async () => {
    const list = [4, 8, 15, 16, 23, 42]
    const least = await minimised(list, async (candidate) => candidate.some((value) => value >= 12), 200)
    expect(least).toEqual([12])
  })
})
