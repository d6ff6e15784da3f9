import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseTestFile } from './test-file.ts'
import { testCatalog } from './test-schema.ts'

const DOCUMENTATION = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8')
const EXAMPLE = /```yaml\n(version: 1\nschemas:[^]*?)```/.exec(DOCUMENTATION)?.[1] ?? ''

describe('parseTestFile', () => {
  it('reads the documented example', () => {
    const { schemas, tests } = parseTestFile(EXAMPLE, 'example')
    expect(tests.map(({ name }) => name)).toEqual(['agents see names masked', 'nobody truncates'])
    expect(tests[0]).toMatchObject({ given: [], recent: { rows: 0 }, expect: { access: 'granted', masked: ['name'] } })
    expect(schemas['hospital']?.searchPath).toEqual(['ehr'])
  })

  it.each([
    ['', 'these are no policy tests'],
    ['version: 2\ntests: []', 'f:1:1: version'],
    [EXAMPLE.replace('outcome: allow', 'outcome: perhaps'), 'tests.0.expect.outcome'],
    [EXAMPLE.replace('kind: agent', 'kind: robot'), 'tests.0.principal.kind'],
    [EXAMPLE.replace('ehr.patients:', 'patients:'), 'schemas.hospital.tables.patients'],
    [EXAMPLE.replace('born: date', 'born: year'), 'schemas.hospital.tables.ehr.patients.born'],
    [EXAMPLE.replace('sql: TRUNCATE', 'sq: TRUNCATE'), 'tests.1'],
    [`${EXAMPLE}\nversion: 1`, 'f:'],
  ])('says where %# is wrong', (text, message) => {
    expect(() => parseTestFile(text, 'f')).toThrow(message)
  })
})

it('makes a catalog of the schema', () => {
  const { relations } = testCatalog({ searchPath: [], tables: { 'a.b.c': { x: 'int', y: 'nothing' }, 'a.d': {} } })
  expect(relations).toMatchObject([
    {
      schema: 'a',
      name: 'b.c',
      columns: [
        { name: 'x', attnum: 1, typeOid: 23 },
        { name: 'y', attnum: 2, typeOid: 0 },
      ],
    },
    { schema: 'a', name: 'd', columns: [] },
  ])
})
