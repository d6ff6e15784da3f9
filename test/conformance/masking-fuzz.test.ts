import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anyStep, answersTo, portalStep } from '../support/message-grammar.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'

// Whatever a masked client sends, in whatever order: what the gateway believes of names must be what the server knows, or
// the rows of one statement would be masked by the plan of another.

let bed: Testbed
let secrets: readonly Buffer[]
beforeAll(async () => {
  bed = await startTestbed({
    patients: 20,
    // Otherwise statements that order by identifiers would be refused, and show nothing.
    configure: (document) => {
      document['phi'].predicates = { default: 'allow' }
    },
  })
  const admin = await bed.direct()
  const { rows } = await admin.query<{ v: string }>(
    `select unnest(array[ssn, email, mrn, phone, id::text, street, substr(ssn, 5)]) as v from hospital.patients`,
  )
  secrets = rows.flatMap(({ v }) => (v === null ? [] : [Buffer.from(v)]))
  await admin.query(`insert into scratch.item select g, 'label ' || g from generate_series(1, 5) g`)
})
afterAll(() => bed?.stop())

const EXPRESSION = `select ssn || '', email, id::text from hospital.patients`
const CLEAN = `select 'x' || label, label, id::text from scratch.item`

const STATEMENTS = [
  'select ssn, sex, mrn from hospital.patients order by id',
  'select sex, ssn, sex from hospital.patients order by id',
  'select sex, sex, sex from hospital.patients',
  EXPRESSION,
  CLEAN,
  'begin',
  'commit',
  'rollback',
  'savepoint a',
  'rollback to savepoint a',
  'select 1/0',
  `prepare s1 as ${CLEAN}`,
  `prepare s1 as ${EXPRESSION}`,
  `prepare s2 as ${EXPRESSION}`,
  'execute s1',
  'execute s2',
  'deallocate s1',
  'deallocate all',
  `declare p1 cursor for ${CLEAN}`,
  `declare p1 cursor for ${EXPRESSION}`,
  `declare p1 cursor with hold for ${EXPRESSION}`,
  `declare p1 cursor with hold for ${CLEAN}`,
  'fetch 2 from p1',
  'close p1',
  'close all',
  'discard all',
] as const

const TEXTS = [
  `deallocate s1; prepare s1 as ${EXPRESSION}; execute s1`,
  `deallocate s1; prepare s1 as ${CLEAN}; select 1/0`,
  `prepare s1 as ${CLEAN}; select 1/0`,
  `begin; declare p1 cursor for ${CLEAN}; fetch 1 from p1; rollback`,
  `begin; savepoint a; declare p1 cursor for ${CLEAN}; rollback to savepoint a; declare p1 cursor for ${EXPRESSION}`,
  `${CLEAN}; ${EXPRESSION}; ${CLEAN}`,
] as const

const SELECTS = [
  'select ssn, sex from hospital.patients order by id',
  'select sex, sex from hospital.patients',
  'select email, sex from hospital.patients',
  `select ssn || '', sex from hospital.patients`,
  'select id, label from scratch.item',
] as const

it.each([
  ['messages', anyStep(STATEMENTS, TEXTS)],
  ['portals', portalStep(SELECTS)],
])(
  'no sequence of %s shows a masked client a value',
  async (_name, step) => {
    const password = await bed.token('agent')
    let shown = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 20 }), async (steps) => {
        for (const message of await answersTo(await bed.wire('agent', { password }), steps, true)) {
          if (message.kind !== 'DataRow') continue
          shown++
          const leaked = message.values.some(
            (value) => value !== null && secrets.some((secret) => value.includes(secret)),
          )
          // The steps and not the values, which would be shown when it fails.
          expect(leaked, steps.map(({ what }) => what).join(' | ')).toBe(false)
        }
      }),
      {
        numRuns: Number(process.env['MASKING_RUNS'] ?? 80),
        seed: Number(process.env['MASKING_SEED'] ?? 20_260),
        interruptAfterTimeLimit: 60_000,
      },
    )
    // Otherwise nothing was tried.
    expect(shown).toBeGreaterThan(100)
  },
  120_000,
)
