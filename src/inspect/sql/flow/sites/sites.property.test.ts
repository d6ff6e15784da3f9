import * as fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ConstantSite } from '../../facts.ts'
import { skeletonOf } from '../../skeleton.ts'
import { walkSyntax } from '../../syntax-tree.ts'
import { flowsWithoutStandIns, hospitalSites } from '../questions/questions-test-support.ts'

beforeAll(() => loadModule())

const TEMPLATES = [
  'SELECT id FROM patients WHERE ssn = ? AND mrn_no = #',
  'SELECT ?, id FROM patients WHERE ssn IN (?, $1, ?) OR (last, mrn_no) = (?, #)',
  'SELECT CASE ssn WHEN ? THEN ? END FROM patients WHERE mrn_no <> ALL (ARRAY[#, #])',
  'SELECT id /* c */ FROM patients WHERE ssn = ANY (ARRAY[?, ?]::text[]) AND gender = ? AND mrn_no = - #',
  'UPDATE patients SET ssn = ?, mrn_no = #, last = coalesce(?, last), gender = ? WHERE ssn = ? AND state < ?',
  'INSERT INTO patients (ssn, gender, mrn_no) VALUES (?, ?, #), (?, lower(?), -#)',
  'DELETE FROM patients p USING insurance i WHERE ? IN (SELECT subscriber_ssn FROM insurance) AND p.state = ?',
  "WITH t AS (SELECT ssn AS s FROM patients WHERE zip LIKE '021%') SELECT 1 FROM t, contacts WHERE s = ? AND ? = ANY (numbers)",
]

const text = fc
  .oneof(fc.string({ maxLength: 8 }), fc.constantFrom('', 'tok_x', "it's", 'é😀', '$1', '--', '/*', '[redacted]'))
  .filter((value) => !value.includes('\0') && !value.includes('\\') && value.isWellFormed())
const digits = fc
  .oneof(fc.nat({ max: 2_147_483_647 }), fc.constantFrom(0, 3_000_000_000, 9_007_199_254_740_991))
  .map(String)

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`

function filled(template: string, texts: readonly string[], numbers: readonly string[]): string {
  let at = 0
  return template.replaceAll(/[?#]/g, (mark) => {
    at += 1
    return mark === '?' ? quoted(texts[at % texts.length] ?? '') : (numbers[at % numbers.length] ?? '0')
  })
}

const values = fc.tuple(
  fc.array(text, { minLength: 7, maxLength: 7 }),
  fc.array(digits, { minLength: 7, maxLength: 7 }),
)

/** Where each literal stands in the text. */
function spanOf(sql: string, { at }: ConstantSite): readonly [number, number] | null {
  if (at.kind === 'parameter') return null
  if (at.kind === 'span') return [at.start, at.end]
  const spans = skeletonOf(sql)?.spans ?? []
  return [spans[at.ordinal * 2] ?? -1, spans[at.ordinal * 2 + 1] ?? -1]
}

/** The constants of a text in order, as their values are spelled. */
function constants(sql: string): readonly string[] {
  const found: string[] = []
  walkSyntax(parseSync(sql).stmts, (name, body) => {
    if (name === 'A_Const') {
      const { location: _, ...value } = body
      found.push(JSON.stringify(value))
    }
    return true
  })
  return found
}

describe('sites', () => {
  it('do not depend on the constants, nor do the other facts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TEMPLATES), values, values, (template, first, second) => {
        const [a, b] = [first, second].map((one) => filled(template, ...one))
        const [left, right] = [a ?? '', b ?? ''].map((sql) => {
          const { knownCalls: _, sites, ...flow } = hospitalSites(sql)
          return {
            ...flow,
            sites: sites?.map(({ at: { kind: _kind, ...at }, ...site }) => [site, 'ordinal' in at ? at.ordinal : null]),
          }
        })
        // A text without a skeleton has its places by index.
        const isSame = (skeletonOf(a ?? '') === null) === (skeletonOf(b ?? '') === null)
        if (isSame) expect(left).toEqual(right)
        expect(left?.questions).toEqual(right?.questions)
        expect(left?.sites?.length).toBe(right?.sites?.length)
      }),
    )
  })

  it('stand where the constant stands: putting another there changes it alone', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TEMPLATES), values, fc.nat(), (template, one, pick) => {
        const sql = filled(template, ...one)
        const sites = (hospitalSites(sql).sites ?? []).filter(({ at }) => at.kind !== 'parameter')
        const site = sites[pick % sites.length]
        const span = site === undefined ? null : spanOf(sql, site)
        if (site === undefined || span === null) throw new Error('no site')
        const isText = sql.charAt(span[0]) === "'"
        const changed = `${sql.slice(0, span[0])}${isText ? "'put here'" : '1234567'}${sql.slice(span[1])}`
        const [before, after] = [constants(sql), constants(changed)]
        const isNegative = site.at.kind !== 'parameter' && site.at.negative
        const put = isText ? '{"sval":{"sval":"put here"}}' : `{"ival":{"ival":${isNegative ? '-' : ''}1234567}}`
        expect(after.length).toBe(before.length)
        const differing = after.filter((constant, i) => constant !== before[i])
        expect(differing.length <= 1 && differing.every((constant) => constant === put)).toBe(true)
        expect(after.filter((constant) => constant === put).length).toBeGreaterThan(0)
      }),
    )
  })

  it('change nothing where no column arrives as a stand-in: every statement of the leak and utility cases', () => {
    const files = ['leaks', 'utility'].map(
      (name) => new URL(`../../../../../test/leakbench/cases/${name}.jsonl`, import.meta.url),
    )
    const texts = files
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
      .flatMap((line) =>
        [...line.matchAll(/"sql":"((?:[^"\\]|\\.)*)"/g)].map(([, sql]) => String(JSON.parse(`"${sql}"`))),
      )
    expect(texts.length).toBeGreaterThan(500)
    let compared = 0
    for (const sql of texts) {
      let flows: ReturnType<typeof flowsWithoutStandIns>
      try {
        flows = flowsWithoutStandIns(sql)
      } catch {
        // The cases hold statements with faults as well.
        continue
      }
      for (const [without, { sites = [], ...withPlaces }] of flows) {
        expect(withPlaces).toEqual(without)
        expect(sites.filter(({ use }) => use === 'comparison')).toEqual([])
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(500)
  })
})
