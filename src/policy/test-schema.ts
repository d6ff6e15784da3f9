import type { Catalog, CatalogRelation } from '../inspect/sql/catalog.ts'

/** A schema as a test file writes it: tables as `schema.table`, with the type of each column. */
export interface TestSchema {
  readonly searchPath: readonly string[]
  readonly tables: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** pg_type.oid of the types that a test file can name. */
const TYPES: Readonly<Record<string, number>> = {
  bool: 16,
  boolean: 16,
  bytea: 17,
  bigint: 20,
  smallint: 21,
  int: 23,
  integer: 23,
  text: 25,
  json: 114,
  xml: 142,
  cidr: 650,
  real: 700,
  'double precision': 701,
  inet: 869,
  'int[]': 1007,
  'text[]': 1009,
  char: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
}

export const TEST_TYPES: readonly string[] = Object.keys(TYPES)

/** Object ids of users begin here. */
const FIRST_OID = 16_384

/** The catalog of a target that has these tables, and nothing else. */
export function testCatalog({ tables }: TestSchema): Catalog {
  const relations = Object.entries(tables).map(([key, columns], index): CatalogRelation => {
    const dot = key.indexOf('.')
    return {
      oid: FIRST_OID + index,
      schema: key.slice(0, dot),
      name: key.slice(dot + 1),
      kind: 'r',
      columns: Object.entries(columns).map(([name, type], at) => {
        return { attnum: at + 1, name, typeOid: Object.hasOwn(TYPES, type) ? (TYPES[type] ?? 0) : 0 }
      }),
      dependsOn: [],
      usesWholeRows: false,
      callsUserFunctions: false,
      hasRules: false,
      parents: [],
    }
  })
  return { epoch: 'policy test', serverMajor: 18, relations, userFunctions: [], userOperators: [], userTypes: [] }
}
