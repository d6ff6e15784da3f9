import type { ExplainStmt, FuncCall, Node, SelectStmt } from '@pgsql/types'
import { functionEffects } from './effects-functions.ts'
import { commandOf, statementRule } from './effects-statements.ts'
import type { Effect, Hazard } from './facts.ts'
import type { Surroundings } from './surroundings.ts'
import { bodyOf, nameParts, type SyntaxBody, unwrap, walkSyntax } from './syntax-tree.ts'

export interface StatementEffects {
  readonly command: string
  readonly effects: ReadonlySet<Effect>
  /** Functions called anywhere, as `name` or `schema.name`. */
  readonly functions: ReadonlySet<string>
  readonly hazards: readonly Hazard[]
  /** Whether it, or a statement inside it, destroys without a predicate. */
  readonly destroys: boolean
}

/**
 * The effects of a statement and of everything nested in it. A node that is not known counts as an effect on the server, and a
 * call of the user's functions runs code, unless it is among `knownCalls`, which only read.
 */
export function effectsOf(
  statement: Node,
  around: Pick<Surroundings, 'isUserFunction'>,
  knownCalls: ReadonlySet<FuncCall> = new Set(),
): StatementEffects {
  const top = unwrap(statement)
  const rule = statementRule(top.name)
  const effects = new Set<Effect>()
  const functions = new Set<string>()
  const hazards: Hazard[] = []
  let destroys = false
  // EXPLAIN plans and does not run, unless it is told to; the functions it would call still count.
  const runs = top.name !== 'ExplainStmt' || explainRuns(top.body)

  const visit = (name: string, body: SyntaxBody): boolean => {
    if (name === 'FuncCall') {
      addFunction(body, around, functions, effects, knownCalls)
    } else if (!name.endsWith('Stmt')) {
      if (runs && name === 'IntoClause' && top.name === 'SelectStmt') effects.add('schema').add('write')
      if (runs && name === 'LockingClause') effects.add('lock')
      if (runs && name === 'ReturningClause') effects.add('read')
    } else if (body !== top.body && runs) {
      const nested = statementRule(name)
      if (nested === undefined) hazards.push(unknownConstruct(name, effects))
      else if (name !== 'SelectStmt' || readsRows(body)) {
        for (const effect of [...nested.effects, ...(nested.more?.(body) ?? [])]) effects.add(effect)
        destroys ||= nested.unbounded === true
        if (name === 'ExecuteStmt') hazards.push({ kind: 'construct-not-analysed', subject: 'EXECUTE' })
      }
    }
    return true
  }
  walkSyntax(statement, visit)

  if (rule === undefined) {
    hazards.push(unknownConstruct(top.name, effects))
    return { command: 'UNKNOWN', effects, functions, hazards, destroys: true }
  }
  for (const effect of [...rule.effects, ...(rule.more?.(top.body) ?? [])]) effects.add(effect)
  const command = hasInto(top.name, top.body) ? 'SELECT INTO' : commandOf(rule, top.body)
  if (command === 'UNKNOWN') hazards.push(unknownConstruct(top.name, effects))
  return { command, effects, functions, hazards, destroys: destroys || rule.unbounded === true }
}

function unknownConstruct(name: string, effects: Set<Effect>): Hazard {
  effects.add('server')
  return { kind: 'construct-not-analysed', subject: name }
}

function addFunction(
  call: FuncCall,
  around: Pick<Surroundings, 'isUserFunction'>,
  functions: Set<string>,
  effects: Set<Effect>,
  knownCalls: ReadonlySet<FuncCall>,
): void {
  const parts = nameParts(call.funcname)
  const name = parts.at(-1) ?? ''
  const schema = parts.at(-2) ?? null
  functions.add(parts.join('.'))
  for (const effect of functionEffects(name)) effects.add(effect)
  if (around.isUserFunction(schema, name)) effects.add(knownCalls.has(call) ? 'read' : 'code')
}

/** A nested SELECT without FROM (VALUES, constants) reads nothing. */
function readsRows(body: SyntaxBody): boolean {
  return (body as SelectStmt).fromClause !== undefined
}

function hasInto(name: string, body: SyntaxBody): boolean {
  if (name !== 'SelectStmt') return false
  for (let select: SelectStmt | undefined = body; select !== undefined; select = select.larg) {
    if (select.intoClause !== undefined) return true
  }
  return false
}

const OFF: ReadonlySet<string> = new Set(['off', 'false', '0'])

/** Whether EXPLAIN executes its statement: ANALYZE that is not switched off. The last mention counts, but any will do here. */
export function explainRuns(explain: ExplainStmt): boolean {
  return (explain.options ?? []).some((node) => {
    const option = bodyOf(node, 'DefElem')
    if (option?.defname?.toLowerCase() !== 'analyze') return false
    const { arg } = option
    if (arg === undefined) return true
    const text =
      bodyOf(arg, 'String')?.sval ?? String(bodyOf(arg, 'Integer')?.ival ?? bodyOf(arg, 'Boolean')?.boolval ?? 0)
    return !OFF.has(text.toLowerCase())
  })
}
