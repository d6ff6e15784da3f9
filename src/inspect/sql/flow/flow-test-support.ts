import { parseSync } from 'libpg-query'
import type { Catalog, CatalogRelation } from '../catalog.ts'
import { analyseFlow, type Flow } from './analyse-flow.ts'
import { buildContext } from './context.ts'
import { buildPhiView, isView } from './phi-view.ts'

const INT4 = 23
const TEXT = 25
const NAME = 19

/** A table named `schema.name`; its columns are numbered from 1 and are text, but for `id`. */
export function table(
  oid: number,
  name: string,
  columns: readonly string[],
  more: Partial<CatalogRelation> = {},
): CatalogRelation {
  const [schema = '', relation = ''] = name.split('.')
  return {
    oid,
    schema,
    name: relation,
    kind: 'r',
    columns: columns.map((column, i) => ({ attnum: i + 1, name: column, typeOid: column === 'id' ? INT4 : TEXT })),
    dependsOn: [],
    callsUserFunctions: false,
    usesWholeRows: false,
    parents: [],
    ...more,
  }
}

/** A clinic: people and what is known of them, and reports without PHI. */
export const CATALOG: Catalog = {
  epoch: 'test',
  serverMajor: 18,
  relations: [
    table(20_001, 'clinic.people', ['id', 'sex', 'ssn', 'surname', 'born', 'phones', 'home', 'record_no']),
    table(20_002, 'clinic.visits', ['id', 'person', 'code', 'began', 'cost']),
    table(20_003, 'clinic.notes', ['id', 'person', 'body']),
    table(20_004, 'clinic.log', ['at', 'detail'], { kind: 'p' }),
    table(20_005, 'clinic.log_2026', ['at', 'detail'], { parents: [20_004] }),
    table(20_006, 'clinic.badges', ['id', 'surname', 'colour']),
    table(20_007, 'clinic.desks', ['id'], { columns: [{ attnum: 1, name: 'surname', typeOid: NAME }] }),
    table(20_010, 'report.costs', ['month', 'ward', 'amount']),
    table(20_011, 'report.scratch', ['id', 'k', 'v', 'n']),
    table(20_012, 'report.digits', ['digit', 'title']),
    table(20_014, 'report.ruled', ['id'], { hasRules: true }),
    table(20_013, 'report.tickets', ['last_value'], { kind: 'S' }),
    table(20_020, 'clinic.people_cards', ['id', 'card'], { kind: 'v', dependsOn: [{ oid: 20_001, attnum: 4 }] }),
    table(20_021, 'report.visit_counts', ['code', 'n'], { kind: 'v', dependsOn: [{ oid: 20_002, attnum: 3 }] }),
    table(20_030, 'pg_temp_3.costs', ['month'], {}),
    table(20_031, 'pg_temp_3.own', ['a', 'b'], {}),
    table(20_040, 'public.pg_stat_statements', ['query'], { kind: 'v', callsUserFunctions: true }),
  ],
  userFunctions: [
    { schema: 'clinic', name: 'surname_of' },
    { schema: 'report', name: 'lower' },
    { schema: 'elsewhere', name: 'upper' },
    { schema: 'public', name: 'max', extension: 'citext' },
    { schema: 'public', name: 'similarity', extension: 'pg_trgm' },
    { schema: 'public', name: 'dblink', extension: 'dblink' },
  ],
  userOperators: [
    { schema: 'public', name: '=', extension: 'citext' },
    { schema: 'public', name: '%', extension: 'pg_trgm' },
    { schema: 'report', name: '<+>' },
    { schema: 'report', name: '||' },
    { schema: 'elsewhere', name: '+' },
  ],
  userTypes: [
    { oid: 21_001, schema: 'clinic', name: 'address', kind: 'c', baseOid: 0 },
    { oid: 21_002, schema: 'clinic', name: 'sex', kind: 'e', baseOid: 0 },
  ],
}

/** Classes of the columns that are PHI. */
const PHI: ReadonlyMap<string, string> = new Map([
  ['clinic.people.ssn', 'ssn'],
  ['clinic.people.surname', 'name'],
  ['clinic.people.born', 'date-of-birth'],
  ['clinic.people.phones', 'phone'],
  ['clinic.people.home', 'address'],
  ['clinic.people.record_no', 'mrn'],
  ['clinic.notes.body', 'free-text'],
  ['clinic.log.detail', 'free-text'],
  ['clinic.badges.surname', 'name'],
  ['clinic.desks.surname', 'name'],
])

export const PHI_VIEW = buildPhiView(CATALOG, {
  labelOf: (relation, column) => {
    const label = PHI.get(`${relation.schema}.${relation.name}.${column.name}`)
    if (label !== undefined) return { class: label, releases: { kind: 'nothing' } }
    return isView(relation) ? 'unlabelled-pass' : 'none'
  },
  trustedFunctions: new Set(),
})

/** The flow of the first statement of a text. The parser must have been loaded. */
export function flow(sql: string, searchPath: readonly string[] = ['clinic', 'public']): Flow {
  const statement = parseSync(sql).stmts?.[0]?.stmt
  if (statement === undefined) throw new Error('no statement')
  return analyseFlow(statement, buildContext(CATALOG, PHI_VIEW, searchPath))
}

/** One letter an output: o(rigin), c(lean), p(hi), u(nproven); '?' when their number is not known. */
export function letters({ outputs }: Flow): string {
  return outputs === 'unknown' ? '?' : outputs.map(({ kind }) => kind[0]).join('')
}

/** Kinds and subjects of all hazards, in order of discovery. */
export function hazards({ hazards: found }: Flow): string {
  return found.map(({ kind, subject }) => `${kind} ${subject}`).join('; ')
}
