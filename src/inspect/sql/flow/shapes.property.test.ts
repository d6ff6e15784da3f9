import * as fc from 'fast-check'
import { loadModule, parseSync } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OutputShape } from '../facts.ts'
import { analyseFlow } from './analyse-flow.ts'
import { buildContext } from './context.ts'
import { CATALOG, PHI_VIEW } from './flow-test-support.ts'

beforeAll(() => loadModule())

type Json = null | string | number | readonly Json[] | { readonly [name: string]: Json }

/** An expression of type jsonb and what PostgreSQL makes of it for the row below. */
interface Made {
  readonly sql: string
  readonly value: Json
}

/** What is PHI in the row starts with a mark. */
const SECRET = '§'
const ROW: Readonly<Record<string, string>> = { ssn: '§ssn', surname: '§name', sex: 'F', code: 'c' }

const NAMES = ['a', 'b', 'ssn'] as const

function quoted(name: string): string {
  return `'${name}'`
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function memberOf(value: Json, name: string): Json {
  return isObject(value) ? (value[name] ?? null) : null
}

function elementOf(value: Json, index: number): Json {
  return Array.isArray(value) ? ((value as readonly Json[])[index] ?? null) : null
}

const column: fc.Arbitrary<Made> = fc
  .constantFrom(...Object.keys(ROW))
  .map((name) => ({ sql: `to_jsonb(${name})`, value: ROW[name] ?? null }))

const { json } = fc.letrec<{ json: Made }>((tie) => {
  const inner = tie('json')
  const name = fc.constantFrom(...NAMES)
  return {
    json: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      column,
      fc.array(fc.tuple(name, inner), { maxLength: 3 }).map((pairs) => ({
        sql: `jsonb_build_object(${pairs.map(([key, { sql }]) => `${quoted(key)}, ${sql}`).join(', ')})`,
        value: Object.fromEntries(pairs.map(([key, { value }]) => [key, value])),
      })),
      fc.array(inner, { maxLength: 3 }).map((items) => ({
        sql: `jsonb_build_array(${items.map(({ sql }) => sql).join(', ')})`,
        value: items.map(({ value }) => value),
      })),
      inner.map(({ sql, value }) => ({ sql: `to_jsonb(ARRAY[${sql}])`, value: [value] })),
      fc.tuple(inner, inner).map(([left, right]) => ({
        sql: `to_jsonb(ROW(${left.sql}, ${right.sql}))`,
        value: { f1: left.value, f2: right.value },
      })),
      fc.tuple(inner, inner).map(([left, right]) => ({
        sql: `(SELECT to_jsonb(q) FROM (SELECT ${left.sql} AS a, ${right.sql} AS ssn) q)`,
        value: { a: left.value, ssn: right.value },
      })),
      fc.tuple(inner, inner).map(([left, right]) => ({
        sql: `to_jsonb(ARRAY[ROW(${left.sql}, ${right.sql})])`,
        value: [{ f1: left.value, f2: right.value }],
      })),
      inner.map(({ sql, value }) => ({
        sql: `(SELECT jsonb_agg(q.v) FROM (SELECT ${sql} AS v) q)`,
        value: [value],
      })),
      fc.tuple(inner, inner).map(([left, right]) => ({
        sql: `(SELECT jsonb_object_agg(code, v.column1) FROM (VALUES (${left.sql}), (${right.sql})) v)`,
        value: { c: right.value },
      })),
      fc.tuple(inner, name).map(([{ sql, value }, key]) => ({
        sql: `(${sql} -> ${quoted(key)})`,
        value: memberOf(value, key),
      })),
      fc.tuple(inner, fc.nat(2)).map(([{ sql, value }, index]) => ({
        sql: `(${sql} -> ${index})`,
        value: elementOf(value, index),
      })),
      fc.tuple(inner, name, name).map(([{ sql, value }, first, second]) => ({
        sql: `(${sql} #> '{${first},${second}}')`,
        value: memberOf(memberOf(value, first), second),
      })),
      fc.tuple(inner, inner).map(([left, right]) => ({
        sql: `coalesce(${left.sql}, ${right.sql})`,
        value: left.value ?? right.value,
      })),
      fc.tuple(inner, inner, fc.boolean()).map(([left, right, chooses]) => ({
        sql: `(CASE WHEN sex = ${chooses ? "'F'" : "'M'"} THEN ${left.sql} ELSE ${right.sql} END)`,
        value: chooses ? left.value : right.value,
      })),
      fc.tuple(inner, inner).map(([left, right]) => ({
        sql: `(jsonb_build_object('a', ${left.sql}) || jsonb_build_object('b', ${right.sql}))`,
        value: { a: left.value, b: right.value },
      })),
      fc.tuple(inner, inner, name).map(([left, right, key]) => ({
        sql: `jsonb_set(jsonb_build_object('a', ${left.sql}), '{${key}}', ${right.sql})`,
        value: { a: left.value, [key]: right.value },
      })),
    ),
  }
})

/** Whether a shape leaves a value as it is somewhere where there is PHI in it. */
function leaks(value: Json, shape: OutputShape): boolean {
  switch (shape.kind) {
    case 'clean':
      return JSON.stringify(value).includes(SECRET)
    case 'column':
    case 'whole':
    case 'year':
      return false
    case 'object': {
      if (!isObject(value)) return Array.isArray(value) && (value as readonly Json[]).some((item) => leaks(item, shape))
      const members = new Map(shape.members)
      return Object.entries(value).some(([name, member]) => leaks(member, members.get(name) ?? shape.rest))
    }
    case 'elements':
      // What does not fit is masked whole.
      return Array.isArray(value) && (value as readonly Json[]).some((item) => leaks(item, shape.element))
    case 'fields':
      return (
        Array.isArray(value) &&
        (value as readonly Json[]).length === shape.fields.length &&
        (value as readonly Json[]).some((item, i) => leaks(item, shape.fields[i] ?? { kind: 'clean' }))
      )
    default:
      return shape satisfies never
  }
}

describe('the shape of JSON', () => {
  it('covers every secret that is in the value', () => {
    const context = buildContext(CATALOG, PHI_VIEW, ['clinic'])
    fc.assert(
      fc.property(json, ({ sql, value }) => {
        const statement = parseSync(`SELECT ${sql} FROM people, visits`).stmts?.[0]?.stmt
        if (statement === undefined) throw new Error('no statement')
        const { hazards, outputs } = analyseFlow(statement, context)
        expect(hazards).toEqual([])
        const output = outputs === 'unknown' ? undefined : outputs[0]
        if (output?.kind === 'clean') expect(leaks(value, { kind: 'clean' })).toBe(false)
        if (output?.kind === 'phi') expect(leaks(value, output.shape)).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })
})
