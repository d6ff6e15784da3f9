import { parseSync, SqlError } from 'libpg-query'
import type { Node } from '@pgsql/types'
import type { CatalogRelation, SqlRoutine } from '../../catalog.ts'
import { functionEffects } from '../../effects-functions.ts'
import { bodyOf, nameParts, walkSyntax } from '../../syntax-tree.ts'

/**
 * The texts of views and functions as trees; null for what cannot be parsed. Any other fault of the parser is thrown, as for
 * a statement. Bodies are parsed once for as long as their catalog is in use; of views more than that is kept, see
 * `view-definition.ts`.
 */
const bodies = new WeakMap<SqlRoutine, readonly Node[] | null>()
const defaults = new WeakMap<SqlRoutine, readonly Node[]>()

/** The query that a view or materialised view stands for. */
export function viewQuery(view: CatalogRelation): Node | null {
  const statements = parsed(view.definition ?? '')
  const [only] = statements ?? []
  return only !== undefined && statements?.length === 1 && isReadOnly(only) ? only : null
}

/**
 * The queries of a function in SQL, in order, the last of which is its result. Null unless all of them only read. `$1` is a
 * reference to a column of a name that nothing else can have, because in there it is no constant.
 */
export function bodyQueries(routine: SqlRoutine): readonly Node[] | null {
  return kept(bodies, routine, () => {
    const statements = routine.parsed ? standardBody(routine.body) : parsed(routine.body)
    const isQuery = statements !== null && statements.length > 0 && statements.every(isReadOnly)
    return isQuery ? statements.map(withNumberedArguments) : null
  })
}

/** The expressions that stand for the last arguments when a call leaves them out; empty when they are not known. */
export function defaultArguments(routine: SqlRoutine): readonly Node[] {
  return kept(defaults, routine, () => {
    const [only, ...others] = parsed(`SELECT ${routine.defaultValues ?? ''}`) ?? []
    const targets = others.length === 0 ? (bodyOf(only, 'SelectStmt')?.targetList ?? []) : []
    const values = targets.flatMap((target) => bodyOf(target, 'ResTarget')?.val ?? [])
    return values.length === routine.defaults ? values : []
  })
}

function kept<K extends object, V>(cache: WeakMap<K, V>, key: K, make: () => V): V {
  const known = cache.get(key)
  if (known !== undefined) return known
  const made = make()
  cache.set(key, made)
  return made
}

function parsed(text: string): readonly Node[] | null {
  // The binding takes an empty text for a mistake of the caller.
  if (text === '') return null
  try {
    return (parseSync(text).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]))
  } catch (error) {
    if (error instanceof SqlError) return null
    throw error
  }
}

/** RETURN and BEGIN ATOMIC are no statements of their own in the grammar. */
function standardBody(body: string): readonly Node[] | null {
  const [only, ...others] = parsed(`CREATE FUNCTION f() RETURNS void LANGUAGE sql\n${body}`) ?? []
  const tree = bodyOf(only, 'CreateFunctionStmt')?.sql_body
  if (tree === undefined || others.length > 0) return null
  const returned = bodyOf(tree, 'ReturnStmt')?.returnval
  if (returned !== undefined)
    return [{ SelectStmt: { targetList: [{ ResTarget: { val: returned } }], op: 'SETOP_NONE' } }]
  const lists = bodyOf(tree, 'List')?.items ?? []
  return lists.flatMap((list) => bodyOf(list, 'List')?.items ?? [list])
}

/** Whether a statement is a query without anything in it that changes, locks or sends. */
function isReadOnly(statement: Node): boolean {
  if (!('SelectStmt' in statement)) return false
  let reads = true
  walkSyntax(statement, (name, body) => {
    const writes = name.endsWith('Stmt') ? name !== 'SelectStmt' : name === 'IntoClause' || name === 'LockingClause'
    const called = name === 'FuncCall' ? (nameParts(body['funcname']).at(-1) ?? '') : null
    if (writes || (called !== null && functionEffects(called).some((effect) => effect !== 'read'))) reads = false
    return reads
  })
  return reads
}

/** The name that stands for an argument by its number. No identifier has NUL in it. */
export function numberedArgument(number: number): string {
  return `\0${number}`
}

export function isNumberedArgument(name: string): boolean {
  return name.startsWith('\0')
}

function withNumberedArguments(statement: Node): Node {
  // Every node stays one of the grammar.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return replaced(statement) as Node
}

function replaced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(replaced)
  if (typeof value !== 'object' || value === null) return value
  const node: Partial<Readonly<Record<string, unknown>>> = { ...value }
  if ('ParamRef' in node) return argumentReference(node['ParamRef'])
  return Object.fromEntries(Object.entries(node).map(([field, inner]) => [field, replaced(inner)]))
}

function argumentReference(parameter: unknown): Node {
  const number = typeof parameter === 'object' && parameter !== null && 'number' in parameter ? parameter.number : 0
  return { ColumnRef: { fields: [{ String: { sval: numberedArgument(typeof number === 'number' ? number : 0) } }] } }
}
