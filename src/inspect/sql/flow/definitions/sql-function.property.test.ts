import * as fc from 'fast-check'
import { loadModule } from 'libpg-query'
import { beforeAll, expect, it } from 'vitest'
import type { Flow } from '../analyse-flow.ts'
import { analysing, hazardsOf, sqlFunction, view } from './definitions-test-support.ts'

beforeAll(loadModule)

/** Expressions over two names. */
const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie('expression')
  const pair = fc.tuple(inner, inner)
  const triple = fc.tuple(inner, inner, inner)
  return {
    expression: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom('a', 'b', "'k'"),
      inner.map((x) => `upper(${x})`),
      inner.map((x) => `(SELECT ${x})`),
      inner.map((x) => `(SELECT min(title) FROM report.codes WHERE code = ${x})`),
      inner.map((x) => `(SELECT y FROM (SELECT ${x} AS y) s)`),
      inner.map((x) => `ehr.same(${x})`),
      pair.map(([x, y]) => `(${x} || ${y})`),
      pair.map(([x, y]) => `coalesce(${x}, ${y})`),
      pair.map(([x, y]) => `nullif(${x}, ${y})`),
      pair.map(([x, y]) => `(${x} < ${y})::text`),
      pair.map(([x, y]) => `CASE WHEN ${x} IS NULL THEN ${y} END`),
      triple.map(([x, y, z]) => `CASE WHEN ${x} = ${y} THEN ${z} END`),
    ),
  }
})

/** The classes in each output, and what is asked beyond the released form. */
function told({ outputs, questions }: Flow): { readonly classes: unknown; readonly asked: readonly string[] } {
  const classes = outputs === 'unknown' ? '?' : outputs.map((output) => (output.kind === 'phi' ? output.classes : []))
  const asked = questions.filter(({ released }) => !released).map(({ use, columns }) => `${use} ${columns.join(' ')}`)
  return { classes, asked: asked.toSorted() }
}

const SAME = sqlFunction('ehr.same', ['x'], 'select x')

it('a function tells and asks what its body does in its place', () => {
  fc.assert(
    fc.property(expression, (text) => {
      const functions = [SAME, sqlFunction('ehr.f', ['a', 'b'], `SELECT ${text}`)]
      const analyse = analysing({ functions }, ['report'])
      const source = '(SELECT upper(ssn) AS a, upper(race) AS b FROM ehr.patients) s'
      const called = analyse(`SELECT ehr.f(a, b) FROM ${source}`)
      const inPlace = analyse(`SELECT (SELECT ${text}) FROM ${source}`)
      expect(hazardsOf(called)).toBe(hazardsOf(inPlace))
      expect(told(called)).toEqual(told(inPlace))
    }),
    { numRuns: 300 },
  )
})

it('a view tells what its query does in its place, and asks nothing', () => {
  fc.assert(
    fc.property(expression, (text) => {
      const source = '(SELECT upper(ssn) AS a, upper(race) AS b FROM ehr.patients) s'
      const relations = [view(41_001, 'ehr.v', ['x', 'race'], `SELECT ${text} AS x, s.b FROM ${source}`)]
      const analyse = analysing({ functions: [SAME], relations }, ['report'])
      const viewed = analyse('SELECT upper(x), upper(race) FROM ehr.v')
      const inPlace = analyse(`SELECT upper(x), upper(b) FROM (SELECT ${text} AS x, s.b FROM ${source}) v`)
      expect(hazardsOf(viewed)).toBe('')
      expect(told(viewed)).toEqual({ classes: told(inPlace).classes, asked: [] })
    }),
    { numRuns: 300 },
  )
})
