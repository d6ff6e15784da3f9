/**
 * Extensions whose operators and functions compute from their arguments alone, in C or in SQL of their own script. Without
 * them citext's `=` and `max` in a schema of the search path would make every use of those names unsafe.
 *
 * Criterion as for SAFE_FUNCTIONS. Not here: what runs SQL (dblink, tablefunc, xml2), reads files, pages, statistics or other
 * servers (adminpack, file_fdw, pageinspect, pg_stat_statements, postgres_fdw). The value lists functions that are not safe.
 */
export const SAFE_EXTENSIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['btree_gin', []],
  ['btree_gist', []],
  ['citext', []],
  ['cube', []],
  ['earthdistance', []],
  ['fuzzystrmatch', []],
  ['hstore', []],
  ['intarray', []],
  ['isn', ['isn_weak']],
  ['ltree', []],
  ['pg_trgm', ['set_limit']],
  ['pgcrypto', []],
  ['seg', []],
  ['unaccent', []],
  ['uuid-ossp', []],
  ['vector', []],
])

/** Extensions of which the operators are safe, while their functions need more than a glance. */
export const SAFE_OPERATOR_EXTENSIONS: ReadonlySet<string> = new Set([
  ...SAFE_EXTENSIONS.keys(),
  'postgis',
  'postgis_raster',
  'postgis_topology',
])
