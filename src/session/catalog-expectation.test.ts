import { describe, expect, it } from 'vitest'
import type { Catalog } from '../inspect/sql/catalog.ts'
import type { CatalogUse, SqlFacts } from '../inspect/sql/facts.ts'
import { catalogExpectation, sameExpectation } from './catalog-expectation.ts'

const relation = (oid: number, schema: string, name: string, version: string, types: readonly number[] = []) => ({
  oid,
  schema,
  name,
  kind: 'r',
  columns: types.map((typeOid, at) => ({ attnum: at + 1, name: `c${at}`, typeOid })),
  dependsOn: [],
  callsUserFunctions: false,
  parents: [],
  version,
})

const child = (oid: number, kind: string, parents: readonly number[]) => ({
  ...relation(oid, 'public', `c${oid}`, '1'),
  kind,
  parents,
})

const CATALOG: Catalog = {
  epoch: 'one',
  serverMajor: 18,
  relations: [
    relation(20_001, 'public', 'people', '9223372036854775807'),
    relation(20_002, 'public', 'visits', '9223372036854775807', [30_002]),
    relation(20_004, 'pg_temp_3', 'mine', '1'),
    relation(20_003, 'hidden', 'behind', '-5'),
  ],
  unusableSchemas: ['hidden'],
  userFunctions: [
    { schema: 'public', name: 'lower', version: '100' },
    { schema: 'early', name: 'lower', version: '1000' },
    { schema: 'public', name: 'other', version: '7' },
  ],
  userOperators: [{ schema: 'public', name: '=', version: '10000' }],
  userTypes: [
    {
      oid: 30_001,
      schema: 'public',
      name: 'address',
      kind: 'c',
      baseOid: 0,
      relationOid: 30_000,
      fields: [],
      version: '3',
    },
    { oid: 30_002, schema: 'public', name: '_address', kind: 'b', baseOid: 30_001, relationOid: 0 },
  ],
}

const SESSION = {
  backendPid: 1,
  serverVersion: '18.4',
  searchPath: ['app', 'public'],
  searchPathSetting: '"$user", public',
  role: 'app',
  settings: 'a',
}

const NOTHING: CatalogUse = { relations: [], names: [], functions: [], operators: [] }

const facts = (command: string, use: Partial<CatalogUse>): SqlFacts => ({
  command,
  effects: ['read'],
  relations: [],
  functions: [],
  bounded: 'not-applicable',
  limited: false,
  hazards: [],
  outputs: [],
  phiReachable: false,
  questions: [],
  catalogUse: { ...NOTHING, ...use },
  session: { kind: 'none' },
})

const of = (...statements: readonly SqlFacts[]) => catalogExpectation(statements, CATALOG, SESSION)

describe('what the catalog has to be', () => {
  it('sums versions exactly', () => {
    expect(of(facts('SELECT', { relations: [20_001, 20_003] }))?.version).toBe('9223372036854775802')
    expect(of(facts('SELECT', { relations: [20_001], functions: ['lower', 'upper'] }))?.version).toBe(
      '9223372036854776907',
    )
    expect(of(facts('SELECT', { relations: [20_003], operators: ['=', '<'] }))?.version).toBe('9995')
  })

  it('counts the children that can have children', () => {
    const catalog = {
      ...CATALOG,
      relations: [
        child(1, 'p', []),
        child(2, 'p', [1]),
        child(3, 'r', [2]),
        child(4, 'r', []),
        child(5, 'r', [4]),
        child(6, 'f', [5]),
      ],
    }
    const counted = (oid: number) =>
      catalogExpectation([facts('SELECT', { relations: [oid] })], catalog, SESSION)?.relations
    expect([counted(1), counted(2), counted(4)]).toEqual([[1, 2], [2], [4, 5, 6]])
  })

  it('counts the composite types of columns, also in arrays', () => {
    expect(of(facts('SELECT', { relations: [20_002] }))).toMatchObject({
      relations: [20_002, 30_000],
      version: '9223372036854775810',
    })
  })

  it('needs fewer look-ups where every relation is plain', () => {
    const plain = (oid: number) => ({ ...relation(oid, 'public', `t${oid}`, '1', [30_002]), isPlain: true })
    const catalog = {
      ...CATALOG,
      relations: [plain(1), plain(2), { ...plain(3), isPlain: false }, relation(4, 'public', 't4', '1')],
    }
    const asked = (...relations: number[]) =>
      catalogExpectation([facts('SELECT', { relations })], catalog, SESSION)?.plain
    // With the composite type of a column.
    expect([asked(1, 2), asked(1, 3), asked(4), asked(5)]).toEqual([true, false, false, false])
  })

  it('locks what the session may name', () => {
    expect(of(facts('SELECT', { relations: [20_001, 20_003, 20_004] }))?.lockable).toEqual([
      { oid: 20_001, schema: 'public', name: 'people' },
    ])
  })

  it('takes both spellings of the search path', () => {
    expect(of(facts('SELECT', { relations: [20_001] }))).toMatchObject({
      searchPaths: ['"$user", public', 'app,public'],
      role: 'app',
    })
  })

  it('joins the statements of a text', () => {
    expect(of(facts('SELECT', { relations: [20_001] }), facts('UPDATE', { relations: [20_003] }))?.relations).toEqual([
      20_001, 20_003,
    ])
  })

  it('is nothing when nothing that can change is used', () => {
    expect(of(facts('SELECT', { functions: ['upper'], operators: ['<'] }))).toBeUndefined()
  })

  it.each<readonly [string, Partial<CatalogUse>]>([
    ['a name stands for nothing of the user', { names: [{ name: 'pg_class', oid: null }] }],
    ['a function of the user has the name', { functions: ['other'] }],
  ])('is something when %s', (_, use) => {
    expect(of(facts('SELECT', use))).toBeDefined()
  })

  it('cannot be met by what the snapshot does not have', () => {
    expect(of(facts('SELECT', { relations: [99_999] }))).toMatchObject({ relations: [99_999], version: '0' })
  })
})

describe('the same expectation', () => {
  const names = [{ name: 'people', oid: 20_001 }]
  const base = of(facts('PREPARE', { relations: [20_001], names }))

  it('is that of the same relations and names in the same state', () => {
    expect(sameExpectation(base, of(facts('SELECT', { relations: [20_001], names })))).toBe(true)
    expect(sameExpectation(undefined, undefined)).toBe(true)
  })

  it('is not that of another state', () => {
    const newer = { ...CATALOG, relations: [relation(20_001, 'public', 'people', '1')] }
    const changed = catalogExpectation([facts('SELECT', { relations: [20_001], names })], newer, SESSION)
    expect(sameExpectation(base, changed)).toBe(false)
  })

  it.each<readonly [string, Partial<CatalogUse> | undefined]>([
    ['another relation', { relations: [20_002], names: [{ name: 'people', oid: 20_002 }] }],
    ['another meaning of a name', { relations: [20_001], names: [{ name: 'people', oid: null }] }],
    ['another function', { relations: [20_001], names, functions: ['upper'] }],
    ['nothing at all', undefined],
  ])('is not that of %s', (_, use) => {
    expect(sameExpectation(base, use === undefined ? undefined : of(facts('SELECT', use)))).toBe(false)
  })
})
