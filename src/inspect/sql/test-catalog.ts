import type { Catalog, CatalogRelation, PhiView } from './catalog.ts'

/** A small hospital for tests: `patients` has PHI, `notes` has not. */
function relation(oid: number, name: string, columns: readonly (readonly [string, number])[]): CatalogRelation {
  return {
    oid,
    schema: 'public',
    name,
    kind: 'r',
    columns: columns.map(([column, typeOid], i) => ({ attnum: i + 1, name: column, typeOid })),
    dependsOn: [],
    callsUserFunctions: false,
    parents: [],
  }
}

const INT8 = 20
const TEXT = 25
const DATE = 1082
const JSONB = 3802

export const TEST_CATALOG: Catalog = {
  epoch: 'test',
  serverMajor: 18,
  relations: [
    relation(1001, 'patients', [
      ['id', INT8],
      ['ssn', TEXT],
      ['name', TEXT],
      ['born', DATE],
      ['data', JSONB],
    ]),
    relation(1002, 'notes', [
      ['id', INT8],
      ['body', TEXT],
    ]),
  ],
  userFunctions: [{ schema: 'public', name: 'mine' }],
  userOperators: [],
  userTypes: [],
}

/** A target that has none. */
export const NO_PHI: PhiView = {
  phiColumns: new Set(),
  phiRelations: new Set(),
  labels: new Map(),
  labelledViewColumns: new Map(),
  trustedFunctions: new Set(),
}

export const TEST_PHI: PhiView = {
  phiColumns: new Set(['1001.2', '1001.3', '1001.4', '1001.5']),
  phiRelations: new Set([1001]),
  labels: new Map([
    ['1001.2', { class: 'ssn', releases: { kind: 'equality' } }],
    ['1001.3', { class: 'name', releases: { kind: 'nothing' } }],
    ['1001.4', { class: 'date-of-birth', releases: { kind: 'year', since: 1937 } }],
    ['1001.5', { class: 'free-text', releases: { kind: 'nothing' } }],
  ]),
  labelledViewColumns: new Map(),
  trustedFunctions: new Set(),
  patientKeys: new Map([[1001, new Set(['id'])]]),
}
