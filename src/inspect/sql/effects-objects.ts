/** How PostgreSQL spells an object type in a command tag; the rest follows from the enum's own name. */
const SPELLED: ReadonlyMap<string, string> = new Map([
  ['OBJECT_ACCESS_METHOD', 'ACCESS METHOD'],
  ['OBJECT_FDW', 'FOREIGN DATA WRAPPER'],
  ['OBJECT_FOREIGN_SERVER', 'SERVER'],
  ['OBJECT_LARGEOBJECT', 'LARGE OBJECT'],
  ['OBJECT_MATVIEW', 'MATERIALIZED VIEW'],
  ['OBJECT_OPCLASS', 'OPERATOR CLASS'],
  ['OBJECT_OPFAMILY', 'OPERATOR FAMILY'],
  ['OBJECT_STATISTIC_EXT', 'STATISTICS'],
  ['OBJECT_TSCONFIGURATION', 'TEXT SEARCH CONFIGURATION'],
  ['OBJECT_TSDICTIONARY', 'TEXT SEARCH DICTIONARY'],
  ['OBJECT_TSPARSER', 'TEXT SEARCH PARSER'],
  ['OBJECT_TSTEMPLATE', 'TEXT SEARCH TEMPLATE'],
  ['OBJECT_DOMCONSTRAINT', 'DOMAIN'],
  ['OBJECT_TABCONSTRAINT', 'TABLE'],
  ['OBJECT_COLUMN', 'TABLE'],
  ['OBJECT_ATTRIBUTE', 'TYPE'],
])

/** The object type as it appears after CREATE, ALTER or DROP; `OBJECT_FOREIGN_TABLE` becomes `FOREIGN TABLE`. */
export function objectTypeName(type: unknown): string {
  if (typeof type !== 'string') return 'OBJECT'
  return SPELLED.get(type) ?? type.replace(/^OBJECT_/, '').replaceAll('_', ' ')
}
