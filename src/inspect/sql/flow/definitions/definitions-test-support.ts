import { parseSync } from 'libpg-query'
import type { Catalog, CatalogRelation, CatalogRoutine, PhiLabel, SqlRoutine } from '../../catalog.ts'
import { analyseFlow, type Flow } from '../analyse-flow.ts'
import { buildContext } from '../context.ts'
import { table } from '../flow-test-support.ts'
import { buildPhiView, isView } from '../phi-view.ts'
import { printedOutputs } from '../shape-test-support.ts'

export const UUID = 2950
export const TEXT = 25
export const DATE = 1082
export const INT4 = 23
const JSONB = 3802
const PATIENTS_ROW = 31_001

const PATIENTS = 'id ssn first last birthdate zip race data'.split(' ')
const TYPES: ReadonlyMap<string, number> = new Map([
  ['id', UUID],
  ['patient', UUID],
  ['birthdate', DATE],
  ['data', JSONB],
])

function typed(relation: CatalogRelation): CatalogRelation {
  const columns = relation.columns.map((column) => ({ ...column, typeOid: TYPES.get(column.name) ?? TEXT }))
  return { ...relation, columns }
}

/** A view as a catalog of PostgreSQL has it: what pg_get_viewdef prints, and dependencies on all columns of what it reads. */
export function view(
  oid: number,
  name: string,
  columns: readonly string[],
  definition: string | null,
  more: Partial<CatalogRelation> = {},
): CatalogRelation {
  return typed(table(oid, name, columns, { kind: 'v', definition, dependsOn: [{ oid: 30_001, attnum: 0 }], ...more }))
}

/** A function in SQL with text arguments, named in the order given. */
export function sqlFunction(
  name: string,
  argumentNames: readonly string[],
  body: string,
  more: Partial<SqlRoutine> = {},
): CatalogRoutine {
  const [schema = '', routine = ''] = name.split('.')
  const sql: SqlRoutine = {
    body,
    parsed: false,
    argumentNames,
    argumentTypes: argumentNames.map(() => TEXT),
    defaults: 0,
    variadic: false,
    outputNames: [],
    outputTypes: [],
    returnType: TEXT,
    returnsSet: false,
    volatility: 's',
    settings: [],
    ...more,
  }
  return { schema, name: routine, builtInNamesake: false, sql }
}

const TABLES: readonly CatalogRelation[] = [
  typed(table(30_001, 'ehr.patients', PATIENTS, { rowTypeOid: PATIENTS_ROW })),
  typed(table(30_002, 'ehr.encounters', ['id', 'patient', 'code', 'start', 'cost'])),
  table(30_003, 'report.codes', ['code', 'title']),
  table(30_004, 'other.patients', ['id', 'first']),
  table(30_005, 'hidden.staff', ['id', 'first']),
]

/** Patients' ids are no PHI here, as in the everyday pack. */
const LABELS: ReadonlyMap<string, PhiLabel> = new Map<string, PhiLabel>([
  ['ehr.patients.ssn', { class: 'ssn', releases: { kind: 'nothing' } }],
  ['ehr.patients.first', { class: 'name', releases: { kind: 'nothing' } }],
  ['ehr.patients.last', { class: 'name', releases: { kind: 'nothing' } }],
  ['ehr.patients.birthdate', { class: 'date-of-birth', releases: { kind: 'year', since: 1937 } }],
  ['ehr.patients.zip', { class: 'zip', releases: { kind: 'prefix', length: 3, among: new Set(['902']) } }],
  ['ehr.patients.data', { class: 'free-text', releases: { kind: 'nothing' } }],
])

export interface Definitions {
  readonly relations?: readonly CatalogRelation[]
  readonly functions?: readonly CatalogRoutine[]
  /** By `schema.view.column`; null for free of PHI. */
  readonly viewLabels?: Readonly<Record<string, PhiLabel | null>>
  readonly trusted?: readonly string[]
  readonly unusableSchemas?: readonly string[]
}

/** Analyses statements over some definitions; the parser must have been loaded. */
export function analysing(
  { relations = [], functions = [], viewLabels = {}, trusted = [], unusableSchemas = [] }: Definitions,
  searchPath: readonly string[] = ['ehr', 'public'],
): (sql: string) => Flow {
  const catalog: Catalog = {
    epoch: 'test',
    serverMajor: 18,
    relations: [...TABLES, ...relations],
    userFunctions: functions,
    userOperators: [],
    userTypes: [],
    unusableSchemas,
  }
  const phi = buildPhiView(catalog, {
    labelOf: (relation, column) => {
      const key = `${relation.schema}.${relation.name}.${column.name}`
      const own = viewLabels[key]
      if (own !== undefined) return own ?? 'none'
      return LABELS.get(key) ?? (isView(relation) ? 'unlabelled-mask' : 'none')
    },
    trustedFunctions: new Set(trusted),
  })
  const context = buildContext(catalog, phi, searchPath)
  return (sql) => {
    const statement = parseSync(sql).stmts?.[0]?.stmt
    if (statement === undefined) throw new Error('no statement')
    return analyseFlow(statement, context)
  }
}

/** The outputs in short; columns are those of `ehr.patients`. */
export function outputs(found: Flow): string {
  return printedOutputs(found, ({ attnum }) => PATIENTS[attnum - 1] ?? '?')
}

export function hazardsOf({ hazards }: Flow): string {
  return hazards.map(({ kind, subject }) => `${kind} ${subject}`).join('; ')
}
