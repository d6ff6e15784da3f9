import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { analyse } from './analyse.ts'
import { DEFINES_CODE } from './defines-code.ts'
import { surroundingsOf } from './surroundings.ts'
import { NO_PHI } from './test-catalog.ts'

const EMPTY = { epoch: 'one', serverMajor: 18, relations: [], userFunctions: [], userOperators: [], userTypes: [] }

describe('DEFINES_CODE', () => {
  beforeAll(() => loadModule())

  it('names node types that the grammar has', () => {
    const require = createRequire(import.meta.url)
    const types = readFileSync(join(dirname(require.resolve('@pgsql/types/package.json')), 'types.d.ts'), 'utf8')
    expect([...DEFINES_CODE].filter((name) => !types.includes(`export interface ${name} `))).toEqual([])
  })

  it.each([
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'CREATE CAST (int AS text) WITH INOUT',
    'CREATE DOMAIN d AS int CHECK (value > 0)',
    'CREATE RULE r AS ON INSERT TO t DO ALSO SELECT 1',
    'CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()',
    'CREATE OPERATOR + (function = f)',
    'CREATE AGGREGATE x (int) (sfunc = f, stype = int)',
    'CREATE EXTENSION hstore',
    'CREATE POLICY p ON t',
    'CREATE FOREIGN TABLE t (a int) SERVER s',
  ])('is a hazard: %s', (sql) => {
    const around = surroundingsOf(EMPTY, NO_PHI, ['public'])
    const verdict = analyse(sql, around, 1000)
    if (verdict.kind !== 'analysed') throw new Error(verdict.kind)
    expect(verdict.statements[0]?.hazards.map(({ kind }) => kind)).toContain('construct-not-analysed')
  })
})
