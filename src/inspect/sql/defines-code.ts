/**
 * Statements that teach the server code, conversions or policies. What runs them later is not visible in the statement
 * that does (a cast, a default, a trigger), and the catalog snapshot does not hold them, so a masked principal may not
 * make them at all.
 */
export const DEFINES_CODE: ReadonlySet<string> = new Set([
  'AlterDomainStmt',
  'AlterEventTrigStmt',
  'AlterExtensionContentsStmt',
  'AlterExtensionStmt',
  'AlterFunctionStmt',
  'AlterOperatorStmt',
  'AlterOpFamilyStmt',
  'AlterPolicyStmt',
  'CreateAmStmt',
  'CreateCastStmt',
  'CreateConversionStmt',
  'CreateDomainStmt',
  'CreateEventTrigStmt',
  'CreateExtensionStmt',
  'CreateFdwStmt',
  'CreateForeignServerStmt',
  'CreateForeignTableStmt',
  'CreateFunctionStmt',
  'CreateOpClassStmt',
  'CreateOpFamilyStmt',
  'CreatePLangStmt',
  'CreatePolicyStmt',
  'CreateTransformStmt',
  'CreateTrigStmt',
  'CreateUserMappingStmt',
  'DefineStmt',
  'ImportForeignSchemaStmt',
  'RuleStmt',
])
