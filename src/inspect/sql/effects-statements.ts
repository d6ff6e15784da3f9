import { objectTypeName } from './effects-objects.ts'
import type { Effect } from './facts.ts'
import { bodyOf, type NodeName, nodeList, type SyntaxBody } from './syntax-tree.ts'

export type StatementName = Extract<NodeName, `${string}Stmt`>

export interface StatementRule {
  readonly command: string | ((body: SyntaxBody) => string)
  readonly effects: readonly Effect[]
  /** Effects that depend on the statement's details, in addition. */
  readonly more?: (body: SyntaxBody) => readonly Effect[]
  /** Destroys without a predicate. */
  readonly unbounded?: true
}

const SCHEMA: readonly Effect[] = ['schema']
const SESSION: readonly Effect[] = ['session']
const SERVER: readonly Effect[] = ['server']
const PRIVILEGE: readonly Effect[] = ['privilege']
const SCHEMA_SERVER: readonly Effect[] = ['schema', 'server']
const SCHEMA_PRIVILEGE: readonly Effect[] = ['schema', 'privilege']
const NOTHING: readonly Effect[] = []

function schema(command: string, more?: StatementRule['more']): StatementRule {
  return more === undefined ? { command, effects: SCHEMA } : { command, effects: SCHEMA, more }
}

function withType(verb: string, field: string): (body: SyntaxBody) => string {
  return (body) => `${verb} ${objectTypeName(body[field])}`
}

const PRIVILEGED_ALTERATIONS: ReadonlySet<unknown> = new Set([
  'AT_ChangeOwner',
  'AT_EnableRowSecurity',
  'AT_DisableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
])

function alterTableEffects(body: SyntaxBody): readonly Effect[] {
  const effects: Effect[] = []
  for (const node of nodeList(body['cmds'])) {
    const subtype = bodyOf(node, 'AlterTableCmd')?.subtype
    if (PRIVILEGED_ALTERATIONS.has(subtype)) effects.push('privilege')
    if (subtype === 'AT_SetTableSpace') effects.push('server')
  }
  return effects
}

/** SECURITY DEFINER and a language that is not trusted reach further than the schema. */
function functionEffects(field: string): (body: SyntaxBody) => readonly Effect[] {
  return (body) => {
    const effects: Effect[] = []
    for (const node of nodeList(body[field])) {
      const option = bodyOf(node, 'DefElem')
      if (option?.defname === 'security') effects.push('privilege')
      const language = bodyOf(option?.arg, 'String')?.sval?.toLowerCase()
      if (option?.defname === 'language' && language !== 'sql' && language !== 'plpgsql') effects.push('server')
    }
    return effects
  }
}

const SERVER_OBJECTS: ReadonlySet<unknown> = new Set([
  'OBJECT_DATABASE',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_EXTENSION',
  'OBJECT_FDW',
  'OBJECT_FOREIGN_SERVER',
  'OBJECT_LANGUAGE',
  'OBJECT_PUBLICATION',
  'OBJECT_SUBSCRIPTION',
  'OBJECT_TABLESPACE',
])

/** For statements about many object types: policies and roles are privileges, some objects belong to the server. */
function objectEffects(field: string): (body: SyntaxBody) => readonly Effect[] {
  return (body) => {
    const type = body[field]
    if (type === 'OBJECT_POLICY' || type === 'OBJECT_ROLE') return PRIVILEGE
    return SERVER_OBJECTS.has(type) ? SERVER : NOTHING
  }
}

const TRANSACTION_COMMANDS: ReadonlyMap<unknown, string> = new Map([
  ['TRANS_STMT_BEGIN', 'BEGIN'],
  ['TRANS_STMT_START', 'START TRANSACTION'],
  ['TRANS_STMT_COMMIT', 'COMMIT'],
  ['TRANS_STMT_ROLLBACK', 'ROLLBACK'],
  ['TRANS_STMT_SAVEPOINT', 'SAVEPOINT'],
  ['TRANS_STMT_RELEASE', 'RELEASE'],
  ['TRANS_STMT_ROLLBACK_TO', 'ROLLBACK'],
  ['TRANS_STMT_PREPARE', 'PREPARE TRANSACTION'],
  ['TRANS_STMT_COMMIT_PREPARED', 'COMMIT PREPARED'],
  ['TRANS_STMT_ROLLBACK_PREPARED', 'ROLLBACK PREPARED'],
])
const TWO_PHASE: ReadonlySet<unknown> = new Set([
  'TRANS_STMT_PREPARE',
  'TRANS_STMT_COMMIT_PREPARED',
  'TRANS_STMT_ROLLBACK_PREPARED',
])

function mergeEffects(body: SyntaxBody): readonly Effect[] {
  const effects: Effect[] = []
  for (const node of nodeList(body['mergeWhenClauses'])) {
    const command = bodyOf(node, 'MergeWhenClause')?.commandType
    if (command === 'CMD_DELETE') effects.push('delete')
    if (command === 'CMD_INSERT' || command === 'CMD_UPDATE') effects.push('write')
  }
  return effects
}

function isFileCopy(body: SyntaxBody): boolean {
  return body['is_program'] === true || body['filename'] !== undefined
}

function setCommand(body: SyntaxBody): string {
  return body['kind'] === 'VAR_RESET' || body['kind'] === 'VAR_RESET_ALL' ? 'RESET' : 'SET'
}

/** Every statement of the PostgreSQL 18 grammar (src/include/nodes/parsenodes.h); the type says that none is missing. */
export const STATEMENT_RULES: Readonly<Record<StatementName, StatementRule>> = {
  AlterCollationStmt: schema('ALTER COLLATION'),
  AlterDatabaseRefreshCollStmt: { command: 'ALTER DATABASE', effects: SERVER },
  AlterDatabaseSetStmt: { command: 'ALTER DATABASE', effects: ['server', 'privilege'] },
  AlterDatabaseStmt: { command: 'ALTER DATABASE', effects: SERVER },
  AlterDefaultPrivilegesStmt: { command: 'ALTER DEFAULT PRIVILEGES', effects: PRIVILEGE },
  AlterDomainStmt: schema('ALTER DOMAIN'),
  AlterEnumStmt: schema('ALTER TYPE'),
  AlterEventTrigStmt: { command: 'ALTER EVENT TRIGGER', effects: SCHEMA_SERVER },
  AlterExtensionContentsStmt: { command: 'ALTER EXTENSION', effects: SCHEMA_SERVER },
  AlterExtensionStmt: { command: 'ALTER EXTENSION', effects: SCHEMA_SERVER },
  AlterFdwStmt: { command: 'ALTER FOREIGN DATA WRAPPER', effects: SCHEMA_SERVER },
  AlterForeignServerStmt: { command: 'ALTER SERVER', effects: SCHEMA_SERVER },
  AlterFunctionStmt: { command: withType('ALTER', 'objtype'), effects: SCHEMA, more: functionEffects('actions') },
  AlterObjectDependsStmt: { command: withType('ALTER', 'objectType'), effects: SCHEMA },
  AlterObjectSchemaStmt: { command: withType('ALTER', 'objectType'), effects: SCHEMA },
  AlterOpFamilyStmt: schema('ALTER OPERATOR FAMILY'),
  AlterOperatorStmt: schema('ALTER OPERATOR'),
  AlterOwnerStmt: { command: withType('ALTER', 'objectType'), effects: SCHEMA_PRIVILEGE },
  AlterPolicyStmt: { command: 'ALTER POLICY', effects: SCHEMA_PRIVILEGE },
  AlterPublicationStmt: { command: 'ALTER PUBLICATION', effects: SCHEMA_SERVER },
  AlterRoleSetStmt: { command: 'ALTER ROLE', effects: PRIVILEGE },
  AlterRoleStmt: { command: 'ALTER ROLE', effects: PRIVILEGE },
  AlterSeqStmt: schema('ALTER SEQUENCE'),
  AlterStatsStmt: schema('ALTER STATISTICS'),
  AlterSubscriptionStmt: { command: 'ALTER SUBSCRIPTION', effects: SCHEMA_SERVER },
  AlterSystemStmt: { command: 'ALTER SYSTEM', effects: SERVER },
  AlterTSConfigurationStmt: schema('ALTER TEXT SEARCH CONFIGURATION'),
  AlterTSDictionaryStmt: schema('ALTER TEXT SEARCH DICTIONARY'),
  AlterTableMoveAllStmt: { command: withType('ALTER', 'objtype'), effects: SCHEMA_SERVER },
  AlterTableSpaceOptionsStmt: { command: 'ALTER TABLESPACE', effects: SERVER },
  AlterTableStmt: { command: withType('ALTER', 'objtype'), effects: SCHEMA, more: alterTableEffects },
  AlterTypeStmt: schema('ALTER TYPE'),
  AlterUserMappingStmt: { command: 'ALTER USER MAPPING', effects: ['schema', 'server', 'privilege'] },
  CallStmt: { command: 'CALL', effects: ['code'] },
  CheckPointStmt: { command: 'CHECKPOINT', effects: SERVER },
  ClosePortalStmt: { command: 'CLOSE CURSOR', effects: SESSION },
  ClusterStmt: { command: 'CLUSTER', effects: SERVER },
  CommentStmt: schema('COMMENT'),
  CompositeTypeStmt: schema('CREATE TYPE'),
  ConstraintsSetStmt: { command: 'SET CONSTRAINTS', effects: ['transaction'] },
  CopyStmt: {
    command: (body) => (body['is_from'] === true ? 'COPY FROM' : 'COPY TO'),
    effects: NOTHING,
    more: (body) => [body['is_from'] === true ? 'write' : 'read', ...(isFileCopy(body) ? SERVER : NOTHING)],
  },
  CreateAmStmt: { command: 'CREATE ACCESS METHOD', effects: SCHEMA_SERVER },
  CreateCastStmt: schema('CREATE CAST'),
  CreateConversionStmt: schema('CREATE CONVERSION'),
  CreateDomainStmt: schema('CREATE DOMAIN'),
  CreateEnumStmt: schema('CREATE TYPE'),
  CreateEventTrigStmt: { command: 'CREATE EVENT TRIGGER', effects: SCHEMA_SERVER },
  CreateExtensionStmt: { command: 'CREATE EXTENSION', effects: SCHEMA_SERVER },
  CreateFdwStmt: { command: 'CREATE FOREIGN DATA WRAPPER', effects: SCHEMA_SERVER },
  CreateForeignServerStmt: { command: 'CREATE SERVER', effects: SCHEMA_SERVER },
  CreateForeignTableStmt: { command: 'CREATE FOREIGN TABLE', effects: SCHEMA_SERVER },
  CreateFunctionStmt: {
    command: (body) => (body['is_procedure'] === true ? 'CREATE PROCEDURE' : 'CREATE FUNCTION'),
    effects: SCHEMA,
    more: functionEffects('options'),
  },
  CreateOpClassStmt: schema('CREATE OPERATOR CLASS'),
  CreateOpFamilyStmt: schema('CREATE OPERATOR FAMILY'),
  CreatePLangStmt: { command: 'CREATE LANGUAGE', effects: SCHEMA_SERVER },
  CreatePolicyStmt: { command: 'CREATE POLICY', effects: SCHEMA_PRIVILEGE },
  CreatePublicationStmt: { command: 'CREATE PUBLICATION', effects: SCHEMA_SERVER },
  CreateRangeStmt: schema('CREATE TYPE'),
  CreateRoleStmt: { command: 'CREATE ROLE', effects: PRIVILEGE },
  CreateSchemaStmt: schema('CREATE SCHEMA', (body) => (body['authrole'] === undefined ? NOTHING : PRIVILEGE)),
  CreateSeqStmt: schema('CREATE SEQUENCE'),
  CreateStatsStmt: schema('CREATE STATISTICS'),
  CreateStmt: schema('CREATE TABLE', (body) => (body['tablespacename'] === undefined ? NOTHING : SERVER)),
  CreateSubscriptionStmt: { command: 'CREATE SUBSCRIPTION', effects: SCHEMA_SERVER },
  CreateTableAsStmt: {
    command: (body) => (body['objtype'] === 'OBJECT_MATVIEW' ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS'),
    effects: ['schema', 'write', 'read'],
  },
  CreateTableSpaceStmt: { command: 'CREATE TABLESPACE', effects: SERVER },
  CreateTransformStmt: schema('CREATE TRANSFORM'),
  CreateTrigStmt: schema('CREATE TRIGGER'),
  CreateUserMappingStmt: { command: 'CREATE USER MAPPING', effects: ['schema', 'server', 'privilege'] },
  CreatedbStmt: { command: 'CREATE DATABASE', effects: SCHEMA_SERVER },
  DeallocateStmt: { command: 'DEALLOCATE', effects: SESSION },
  DeclareCursorStmt: { command: 'DECLARE CURSOR', effects: ['session', 'read'] },
  DefineStmt: { command: withType('CREATE', 'kind'), effects: SCHEMA },
  DeleteStmt: { command: 'DELETE', effects: ['delete'] },
  DiscardStmt: { command: 'DISCARD', effects: SESSION },
  DoStmt: { command: 'DO', effects: ['code'] },
  DropOwnedStmt: { command: 'DROP OWNED', effects: SCHEMA_PRIVILEGE, unbounded: true },
  DropRoleStmt: { command: 'DROP ROLE', effects: PRIVILEGE, unbounded: true },
  DropStmt: {
    command: withType('DROP', 'removeType'),
    effects: SCHEMA,
    more: objectEffects('removeType'),
    unbounded: true,
  },
  DropSubscriptionStmt: { command: 'DROP SUBSCRIPTION', effects: SCHEMA_SERVER, unbounded: true },
  DropTableSpaceStmt: { command: 'DROP TABLESPACE', effects: SERVER, unbounded: true },
  DropUserMappingStmt: { command: 'DROP USER MAPPING', effects: ['schema', 'server', 'privilege'], unbounded: true },
  DropdbStmt: { command: 'DROP DATABASE', effects: SCHEMA_SERVER, unbounded: true },
  // What EXECUTE runs is known to the session only; until it is filled in (execute.ts) it counts as unknown code.
  ExecuteStmt: { command: 'EXECUTE', effects: ['session', 'code'] },
  ExplainStmt: { command: 'EXPLAIN', effects: ['read'] },
  FetchStmt: { command: (body) => (body['ismove'] === true ? 'MOVE' : 'FETCH'), effects: ['session', 'read'] },
  GrantRoleStmt: { command: (body) => (body['is_grant'] === true ? 'GRANT ROLE' : 'REVOKE ROLE'), effects: PRIVILEGE },
  GrantStmt: { command: (body) => (body['is_grant'] === true ? 'GRANT' : 'REVOKE'), effects: PRIVILEGE },
  ImportForeignSchemaStmt: { command: 'IMPORT FOREIGN SCHEMA', effects: SCHEMA_SERVER },
  IndexStmt: schema('CREATE INDEX', (body) => (body['tableSpace'] === undefined ? NOTHING : SERVER)),
  InsertStmt: { command: 'INSERT', effects: ['write'] },
  ListenStmt: { command: 'LISTEN', effects: SESSION },
  LoadStmt: { command: 'LOAD', effects: SERVER },
  LockStmt: { command: 'LOCK TABLE', effects: ['lock'] },
  MergeStmt: { command: 'MERGE', effects: NOTHING, more: mergeEffects },
  NotifyStmt: { command: 'NOTIFY', effects: SESSION },
  // PL/pgSQL's own parse modes; the SQL parser does not produce these two.
  PLAssignStmt: { command: 'UNKNOWN', effects: SERVER },
  PrepareStmt: { command: 'PREPARE', effects: SESSION },
  RawStmt: { command: 'UNKNOWN', effects: SERVER },
  ReassignOwnedStmt: { command: 'REASSIGN OWNED', effects: SCHEMA_PRIVILEGE },
  RefreshMatViewStmt: { command: 'REFRESH MATERIALIZED VIEW', effects: ['schema', 'write', 'read'] },
  ReindexStmt: { command: 'REINDEX', effects: SERVER },
  RenameStmt: { command: withType('ALTER', 'renameType'), effects: SCHEMA, more: objectEffects('renameType') },
  ReplicaIdentityStmt: schema('ALTER TABLE'),
  // The body of CREATE FUNCTION … RETURN.
  ReturnStmt: { command: 'RETURN', effects: NOTHING },
  RuleStmt: schema('CREATE RULE'),
  SecLabelStmt: { command: 'SECURITY LABEL', effects: PRIVILEGE },
  SelectStmt: { command: (body) => (body['valuesLists'] === undefined ? 'SELECT' : 'VALUES'), effects: ['read'] },
  SetOperationStmt: { command: 'UNKNOWN', effects: SERVER },
  TransactionStmt: {
    command: (body) => TRANSACTION_COMMANDS.get(body['kind'] ?? 'TRANS_STMT_BEGIN') ?? 'UNKNOWN',
    effects: ['transaction'],
    more: (body) => (TWO_PHASE.has(body['kind']) ? SERVER : NOTHING),
  },
  TruncateStmt: { command: 'TRUNCATE TABLE', effects: ['delete'], unbounded: true },
  UnlistenStmt: { command: 'UNLISTEN', effects: SESSION },
  UpdateStmt: { command: 'UPDATE', effects: ['write'] },
  VacuumStmt: {
    command: (body) => (body['is_vacuumcmd'] === true ? 'VACUUM' : 'ANALYZE'),
    effects: NOTHING,
    // Without names it is the whole database that is analysed.
    more: (body) => (body['is_vacuumcmd'] === true || body['rels'] === undefined ? SERVER : SCHEMA),
  },
  VariableSetStmt: {
    command: setCommand,
    effects: NOTHING,
    more: (body) => (body['name'] === 'TRANSACTION' ? ['transaction'] : SESSION),
  },
  VariableShowStmt: { command: 'SHOW', effects: SESSION },
  ViewStmt: schema('CREATE VIEW'),
}

const RULES_BY_NAME: ReadonlyMap<string, StatementRule> = new Map(Object.entries(STATEMENT_RULES))

/** The rule for a node, or undefined when it is not a statement that this grammar knows. */
export function statementRule(name: string): StatementRule | undefined {
  return RULES_BY_NAME.get(name)
}

export function commandOf(rule: StatementRule, body: SyntaxBody): string {
  return typeof rule.command === 'string' ? rule.command : rule.command(body)
}
