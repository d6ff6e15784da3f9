import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseLabelPattern } from '../label-pattern.ts'
import { parseMemberPath } from '../member-path.ts'
import type { Finding } from './finding.ts'
import { labelKey, labelYaml, reviewYaml } from './label-yaml.ts'

const column = (schema: string, table: string, name: string) => ({
  schema,
  table,
  column: name,
  finding: undefined,
  values: 3,
})
const finding = (rest: Partial<Finding> = {}): Finding => ({
  class: 'name',
  confidence: 'high',
  reasons: ['by its name'],
  ...rest,
})

describe('labelYaml', () => {
  it('is a label with its reasons above it', () => {
    expect(labelYaml(column('ehr', 'patients', 'first'), finding({ reasons: ['a', 'b'] }))).toEqual([
      '# high: a; b',
      'ehr.patients.first: name',
    ])
  })

  it('writes members of documents', () => {
    const members = [
      { path: ['name', 'family'], class: 'name' },
      { path: ['id'], class: 'none' },
    ] as const
    expect(parse(labelYaml(column('s', 't', 'c'), finding({ class: 'free-text', members })).join('\n'))).toEqual({
      's.t.c': { class: 'free-text', members: { 'name.family': 'name', id: 'none' }, others: 'mask' },
    })
  })

  it('says what the configuration reads, whatever the names are', () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((text) => !text.includes('\0') && text.isWellFormed())
    fc.assert(
      fc.property(name, name, name, (schema, table, last) => {
        const one = column(schema, table, last)
        const lines = labelYaml(one, finding({ reasons: [`refers to ${table}`] }))
        const read = Object.entries(parse(lines.join('\n')) ?? {})
        expect(read).toEqual([[labelKey(one), 'name']])
        expect(parseLabelPattern(labelKey(one))).toEqual({ schema, table, column: last })
        // Nothing that a terminal obeys.
        expect(lines.join('')).not.toMatch(/\p{Cc}/u)
        expect(parse(reviewYaml(one))).toBeNull()
      }),
    )
  })

  it.each([['name.family'], ['"a.b"'], ['"say ""x"""']])('writes the path %s as the configuration reads it', (path) => {
    const parts = parseMemberPath(path) ?? []
    const lines = labelYaml(column('s', 't', 'c'), finding({ members: [{ path: parts, class: 'name' }] }))
    expect(parse(lines.join('\n'))['s.t.c'].members).toEqual({ [path]: 'name' })
  })

  it.each(['true', 'null', 'no', '~', '1', '- a', 'a: b', '#a', "'", '<<', '*a'])(
    'is not misled by the name "%s"',
    (name) => {
      const one = column('s', 't', name)
      expect(Object.keys(parse(labelYaml(one, finding()).join('\n')))).toEqual([labelKey(one)])
    },
  )
})
