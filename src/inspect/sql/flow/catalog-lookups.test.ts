import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { flow } from './flow-test-support.ts'

beforeAll(() => loadModule())

describe('what of the catalog an analysis rests on', () => {
  it('relations, and what unqualified names were found to be', () => {
    expect(flow('SELECT 1 FROM people, report.costs, pg_class, nowhere').catalogUse).toMatchObject({
      relations: [20_001, 20_010],
      names: [
        { name: 'nowhere', oid: null },
        { name: 'people', oid: 20_001 },
        { name: 'pg_class', oid: null },
      ],
    })
    expect(flow('WITH people AS (SELECT 1) SELECT 1 FROM people').catalogUse.names).toEqual([])
    expect(flow('UPDATE visits SET code = $1').catalogUse).toMatchObject({
      relations: [20_002],
      names: [{ name: 'visits', oid: 20_002 }],
    })
    expect(flow('COPY people TO STDOUT').catalogUse.relations).toEqual([20_001])
  })

  it('names of functions and operators, in whatever schema', () => {
    const { functions, operators } = flow(
      'SELECT pg_catalog.lower(code), upper(code), (id).age, 1 OPERATOR(pg_catalog.+) 1 FROM visits WHERE id = 1 AND id BETWEEN 1 AND 2',
    ).catalogUse
    expect(functions).toEqual(['age', 'lower', 'upper'])
    expect(operators).toEqual(['+', '<', '<=', '=', '>', '>='])
  })
})
