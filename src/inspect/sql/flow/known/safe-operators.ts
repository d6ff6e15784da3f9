/**
 * Operators of pg_catalog that an expression may not use.
 *
 * Criterion: the functions behind all built-in operators of PostgreSQL 13 to 18 compute from their operands alone
 * (pg_operator joined with pg_proc: none is volatile; the stable ones depend on the time zone, the default text search
 * configuration or the output format of a type), so none is listed. Operators outside pg_catalog are another matter: see
 * `check-operator.ts`.
 */
export const UNSAFE_OPERATORS: ReadonlySet<string> = new Set<string>()
