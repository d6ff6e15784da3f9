/**
 * Versions of what analysis knows of a target's catalog, in SQL: the same text makes them when the catalog is read and when a
 * statement runs, so that they can be compared. A version is a sum of hashes, exact as `numeric`, of the catalog rows that
 * make up a thing; a row counts by its `xmin`, which every change of it renews. Of pg_class itself only what analysis reads
 * counts, because TRUNCATE, REFRESH MATERIALIZED VIEW and GRANT write to it as well; the row of its type tells when a
 * relation was renamed or moved, also when it was moved back since. In between, each look-up goes by an index: the server
 * must not choose a scan of a whole catalog.
 */

/** What to add for a row of a catalog that is not the newest of its kind; the reader of the catalog needs nothing of that. */
export type Outdated = (catalog: string, row: string) => string

export const NEVER_OUTDATED: Outdated = () => '0'

/**
 * The first oid that is given after the cluster was made (transam.h, FirstNormalObjectId): what is below came with the server
 * and is known by name.
 */
export const FIRST_USER_OID = 16_384

/**
 * What of a relation there is to look at. One that never had rules, children or parents has no rows in pg_rewrite and pg_inherits,
 * and pg_class says so when that changes (relhasrules, relhassubclass; a parent counts its columns in pg_attribute).
 */
export type Looked = 'plain' | 'whole'

/** The version of the relation whose oid the expression gives; the same for both ways to look at one that is plain. */
export const relationVersion = (oid: string, outdated: Outdated, looked: Looked = 'whole'): string =>
  `(${[
    `coalesce((select pg_catalog.hash_record_extended(row(c.oid, c.relname, c.relnamespace, c.relkind, c.relnatts,
    c.relhasrules, c.relhassubclass, (select t.xmin from pg_catalog.pg_type t where t.oid operator(pg_catalog.=) c.reltype)), 1)::pg_catalog.numeric
    operator(pg_catalog.+) ${outdated('pg_class', 'c')}
    from pg_catalog.pg_class c where c.oid operator(pg_catalog.=) ${oid}), 0)`,
    rowsVersion(
      'pg_attribute',
      'row(r.attrelid, r.attnum, r.xmin)',
      `r.attrelid operator(pg_catalog.=) ${oid} and r.attnum operator(pg_catalog.>) 0`,
      outdated,
    ),
    ...(looked === 'plain' ? [] : linksVersion(oid, outdated)),
  ].join(' operator(pg_catalog.+) ')})`

const linksVersion = (oid: string, outdated: Outdated): readonly string[] => [
  rowsVersion('pg_rewrite', 'row(r.oid, r.ev_class, r.xmin)', `r.ev_class operator(pg_catalog.=) ${oid}`, outdated),
  rowsVersion(
    'pg_inherits',
    'row(r.inhparent, r.inhrelid, r.xmin)',
    `r.inhparent operator(pg_catalog.=) ${oid}`,
    outdated,
  ),
  rowsVersion(
    'pg_inherits',
    'row(r.inhrelid, r.inhparent, r.xmin)',
    `r.inhrelid operator(pg_catalog.=) ${oid}`,
    outdated,
  ),
]

/** Whether the relation of a row `rel` of pg_class, or of one with its columns, can be looked at as plain. */
export const isPlain = (rel: string): string =>
  `not (${rel}.relhasrules or ${rel}.relhassubclass or ${rel}.relispartition
    or exists (select from pg_catalog.pg_inherits i where i.inhrelid = ${rel}.oid))`

/** The version of the functions for which the condition on `r` holds. Built-in ones come with the server. */
export const functionVersion = (condition: string, outdated: Outdated): string =>
  rowsVersion('pg_proc', 'row(r.oid, r.xmin)', `${condition} and ${outsideCatalogs('r.pronamespace')}`, outdated)

/** The version of the operators for which the condition on `r` holds. */
export const operatorVersion = (condition: string, outdated: Outdated): string =>
  rowsVersion('pg_operator', 'row(r.oid, r.xmin)', `${condition} and ${outsideCatalogs('r.oprnamespace')}`, outdated)

/**
 * The version of the code of the database's owners, and of what makes it run: functions in any language, triggers, defaults,
 * constraints, row security, casts and event triggers. What sessions make for themselves does not count.
 */
export const codeVersion = (userSpace: string): string =>
  `(${[
    functionVersion(`r.pronamespace in (${userSpace})`, NEVER_OUTDATED),
    ...(
      [
        ['pg_trigger', relationIn('r.tgrelid', userSpace)],
        ['pg_attrdef', relationIn('r.adrelid', userSpace)],
        ['pg_policy', relationIn('r.polrelid', userSpace)],
        ['pg_constraint', `r.connamespace in (${userSpace})`],
        ['pg_cast', `r.oid operator(pg_catalog.>=) ${FIRST_USER_OID}`],
        ['pg_event_trigger', 'true'],
      ] as const
    ).map(([catalog, condition]) => rowsVersion(catalog, 'row(r.oid, r.xmin)', condition, NEVER_OUTDATED)),
    // Whose rights and which row security hold; a row of pg_class is written to for other reasons as well.
    rowsVersion(
      'pg_class',
      'row(r.oid, r.relowner, r.relrowsecurity, r.relforcerowsecurity, r.reloptions)',
      `r.relkind in ('r', 'p', 'v', 'm', 'f') and r.relnamespace in (${userSpace})`,
      NEVER_OUTDATED,
    ),
  ].join(' operator(pg_catalog.+) ')})`

const relationIn = (oid: string, userSpace: string): string =>
  `exists (select from pg_catalog.pg_class c where c.oid operator(pg_catalog.=) ${oid} and c.relnamespace in (${userSpace}))`

const outsideCatalogs = (schema: string): string =>
  `r.oid operator(pg_catalog.>=) ${FIRST_USER_OID} and ${schema} operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace`

const rowsVersion = (catalog: string, row: string, condition: string, outdated: Outdated): string =>
  `coalesce((select pg_catalog.sum(pg_catalog.hash_record_extended(${row}, 2) operator(pg_catalog.+) ${outdated(catalog, 'r')})
    from pg_catalog.${catalog} r where ${condition}), 0)`
