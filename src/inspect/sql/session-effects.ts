import type { A_Const, FuncCall, Node, UpdateStmt, VariableSetStmt } from '@pgsql/types'
import type { Hazard, SessionEffect } from './facts.ts'
import { anySettingHazards, settingHazards } from './settings.ts'
import { bodyOf, nameParts, nodeList, type SyntaxBody, walkSyntax } from './syntax-tree.ts'

const NONE: SessionEffect = { kind: 'none' }

/** What a top-level statement does to the session's own state. */
export function sessionEffectOf(name: string, body: SyntaxBody): SessionEffect {
  const text = (field: string): string => (typeof body[field] === 'string' ? body[field] : '')
  switch (name) {
    case 'TransactionStmt':
      return transactionEffect(body['kind'], body['options'])
    case 'VariableSetStmt':
      return setEffect(body)
    case 'PrepareStmt':
      return { kind: 'prepare', name: text('name') }
    case 'ExecuteStmt':
      return { kind: 'execute', name: text('name') }
    case 'DeallocateStmt':
      return { kind: 'deallocate', name: body['isall'] === true ? 'all' : text('name') }
    case 'DeclareCursorStmt':
      return { kind: 'declare-cursor', name: text('portalname') }
    case 'FetchStmt':
      return { kind: 'fetch', name: text('portalname') }
    case 'ClosePortalStmt':
      return { kind: 'close-cursor', name: body['portalname'] === undefined ? 'all' : text('portalname') }
    case 'DiscardStmt':
      return discardEffect(body['target'])
    default:
      return NONE
  }
}

function discardEffect(target: unknown): SessionEffect {
  return target === 'DISCARD_ALL' || target === undefined ? { kind: 'discard-all' } : NONE
}

/** Of a transaction's modes, only READ ONLY can be set at any time (commands/variable.c). */
const comeFirst = (modes: unknown): boolean =>
  nodeList(modes).some((mode) => {
    const { defname, arg } = bodyOf(mode, 'DefElem') ?? {}
    return defname !== 'transaction_read_only' || constantText(arg) !== '1'
  })

function setEffect({ name, kind, args }: SyntaxBody): SessionEffect {
  const first =
    kind === 'VAR_SET_MULTI'
      ? name === 'TRANSACTION SNAPSHOT' || (name === 'TRANSACTION' && comeFirst(args))
      : typeof name === 'string' && TRANSACTION_SETTINGS.has(name.toLowerCase())
  return first ? { kind: 'transaction-modes' } : NONE
}

const TRANSACTION_SETTINGS: ReadonlySet<string> = new Set([
  'transaction_isolation',
  'transaction_read_only',
  'transaction_deferrable',
])

function transactionEffect(kind: unknown, modes: unknown): SessionEffect {
  switch (kind) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START':
      return comeFirst(modes) ? { kind: 'begin', comesFirst: true } : { kind: 'begin' }
    case 'TRANS_STMT_COMMIT':
    // The session is out of the transaction afterwards, whatever becomes of it.
    case 'TRANS_STMT_PREPARE':
      return { kind: 'commit' }
    case 'TRANS_STMT_ROLLBACK':
      return { kind: 'rollback' }
    case 'TRANS_STMT_SAVEPOINT':
    case 'TRANS_STMT_RELEASE':
    case 'TRANS_STMT_ROLLBACK_TO':
      return { kind: 'savepoint' }
    default:
      return NONE
  }
}

/**
 * Hazards of changing settings anywhere in a statement: SET in all its forms, set_config(), and UPDATE pg_settings.
 * Going back to the value of the login (RESET, DISCARD ALL, SET … TO DEFAULT) is none.
 */
export function sessionHazards(statement: Node, searchPath: readonly string[]): readonly Hazard[] {
  const hazards: Hazard[] = []
  walkSyntax(statement, (name, body) => {
    if (name === 'VariableSetStmt') hazards.push(...setHazards(body, searchPath))
    if (name === 'FuncCall') hazards.push(...setConfigHazards(body, searchPath))
    if (name === 'UpdateStmt' && (body as UpdateStmt).relation?.relname === 'pg_settings') {
      hazards.push(...anySettingHazards('pg_settings'))
    }
    return true
  })
  return hazards
}

function setHazards(set: VariableSetStmt, searchPath: readonly string[]): readonly Hazard[] {
  if (set.name === undefined) return []
  switch (set.kind) {
    case 'VAR_SET_VALUE':
      return settingHazards(set.name, (set.args ?? []).map(constantText), searchPath)
    // Only meaningful within CREATE FUNCTION, and harmless there.
    case 'VAR_SET_CURRENT':
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
    case 'VAR_RESET_ALL':
      return []
    // SET TRANSACTION and SET SESSION CHARACTERISTICS name transaction modes only.
    case 'VAR_SET_MULTI':
      return []
    case undefined:
    default:
      return anySettingHazards(set.name)
  }
}

function setConfigHazards(call: FuncCall, searchPath: readonly string[]): readonly Hazard[] {
  if (nameParts(call.funcname).at(-1) !== 'set_config') return []
  const [setting, value] = call.args ?? []
  const name = constantText(setting)
  // Named notation can reorder the arguments.
  if (name === null) return anySettingHazards('set_config')
  const text = constantText(value)
  return settingHazards(name, text === null ? null : text.split(',').map(unquoted), searchPath)
}

/** An element of a list-valued setting, as SplitIdentifierString reads it. */
function unquoted(element: string): string {
  const text = element.trim()
  return /^"[^"]+"$/.test(text) ? text.slice(1, -1) : text.toLowerCase()
}

function constantText(node: Node | undefined): string | null {
  const cast = bodyOf(node, 'TypeCast')
  if (cast !== undefined) return constantText(cast.arg)
  const constant: A_Const | undefined = bodyOf(node, 'A_Const')
  if (constant?.sval !== undefined) return constant.sval.sval ?? ''
  if (constant?.ival !== undefined) return String(constant.ival.ival ?? 0)
  if (constant?.boolval !== undefined) return constant.boolval.boolval === true ? 'true' : 'false'
  return constant?.fval?.fval ?? null
}
