import { loadModule } from 'libpg-query'
import type { DeleteStmt, Node, SelectStmt, UpdateStmt } from '@pgsql/types'
import { deparseSync } from 'pgsql-deparser'
import { onlyStatement } from './parsed-again.ts'
import { bodyOf, walkSyntax } from './syntax-tree.ts'

/** A value in the place of a parameter. */
export interface PreviewParameter {
  /** Null for NULL. */
  readonly text: string | null
  /** Name of a type of pg_catalog; undefined where its type follows from where it stands. */
  readonly type: string | undefined
}

export interface PreviewQuery {
  /** The rows that the statement would change, as they are: the first few. */
  readonly rows: string
  /** How many there are, as far as is counted. */
  readonly count: string
}

/** Longer statements have no preview: they are parsed outside the worker. */
const MAX_LENGTH = 32 * 1024
const SHOWN_ROWS = 20
/** One more says that there are more. */
export const COUNTED_ROWS = 1000

/**
 * What has to be asked to see the rows that an UPDATE or DELETE would change, without it. Undefined for any other statement, one
 * without a WHERE clause, and one in which something else is changed.
 */
export async function previewQuery(
  sql: string,
  parameters: readonly PreviewParameter[],
): Promise<PreviewQuery | undefined> {
  if (sql.length > MAX_LENGTH) return undefined
  await loadModule()
  const statement = onlyStatement(sql)
  const write = bodyOf(statement, 'UpdateStmt') ?? bodyOf(statement, 'DeleteStmt')
  if (write === undefined || !canBeShown(write)) return undefined
  const select = touchedRows(write)
  if (select === undefined) return undefined
  const filled = withValues({ SelectStmt: select }, parameters)
  if (filled === undefined) return undefined
  const all = printed(filled)
  return {
    rows: `${all} LIMIT ${SHOWN_ROWS}`,
    count: `SELECT count(*) FROM (${all} LIMIT ${COUNTED_ROWS + 1}) AS touched`,
  }
}

/** Whether it has a condition, and reads only besides what it changes. */
function canBeShown({ whereClause, withClause }: UpdateStmt | DeleteStmt): boolean {
  if (whereClause === undefined) return false
  let reads = true
  walkSyntax([whereClause, withClause?.ctes], (name) => {
    if (name === 'CurrentOfExpr' || (name.endsWith('Stmt') && name !== 'SelectStmt')) reads = false
    if (name === 'LockingClause' || name === 'IntoClause') reads = false
    return reads
  })
  return reads
}

function touchedRows(write: UpdateStmt | DeleteStmt): SelectStmt | undefined {
  const { relation, whereClause, withClause } = write
  const name = relation?.alias?.aliasname ?? relation?.relname
  if (relation === undefined || name === undefined) return undefined
  const from = ('fromClause' in write ? write.fromClause : 'usingClause' in write ? write.usingClause : undefined) ?? []
  const all: Node = { ColumnRef: { fields: [{ String: { sval: name } }, { A_Star: {} }] } }
  return {
    targetList: [{ ResTarget: { val: all } }],
    fromClause: [{ RangeVar: relation }, ...from],
    ...(whereClause === undefined ? {} : { whereClause }),
    ...(withClause === undefined ? {} : { withClause }),
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  }
}

const printed = (node: Node): string => deparseSync(node)

/** The tree with values in the places of parameters; undefined when one is missing. */
function withValues(node: Node, parameters: readonly PreviewParameter[]): Node | undefined {
  let isComplete = true
  const replaced = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replaced)
    if (typeof value !== 'object' || value === null) return value
    const fields = Object.entries(value)
    const [first] = fields
    if (first?.[0] !== 'ParamRef') return Object.fromEntries(fields.map(([field, inner]) => [field, replaced(inner)]))
    const parameter = parameters[numberOf(first[1]) - 1]
    if (parameter === undefined) isComplete = false
    return parameter === undefined ? value : constantOf(parameter)
  }
  // Every node stays one of the grammar.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const result = replaced(node) as Node
  return isComplete ? result : undefined
}

function numberOf(parameter: unknown): number {
  const number = typeof parameter === 'object' && parameter !== null && 'number' in parameter ? parameter.number : 0
  return typeof number === 'number' ? number : 0
}

function constantOf({ text, type }: PreviewParameter): Node {
  const arg: Node = { A_Const: text === null ? { isnull: true } : { sval: { sval: text } } }
  if (type === undefined) return arg
  const names: Node[] = ['pg_catalog', type].map((sval) => ({ String: { sval } }))
  return { TypeCast: { arg, typeName: { names, typemod: -1 } } }
}
