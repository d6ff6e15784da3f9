import type { CollateClause } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import type { Value } from '../values/types.ts'
import { detached } from '../values/value.ts'

/**
 * The collations of pg_catalog (PostgreSQL documentation, 23.2.2), which tell all texts apart. Any other could be one for which
 * texts are equal that are not the same (`deterministic = false`).
 */
const DETERMINISTIC =
  /^(?:C|POSIX|default|ucs_basic|unicode|pg_c_utf8|pg_unicode_fast|[a-z]{2,3}_[A-Z]{2}(?:\.utf-?8)?|[a-z]{2,3}(?:-[A-Za-z]{2,4})*-x-icu)$/

/** A text under another collation: the same text, but what equals it is no longer sure. */
export function collated(value: Value, { collname }: CollateClause): Value {
  const plain = detached(value)
  if (plain.exact === null || DETERMINISTIC.test(nameParts(collname).at(-1) ?? '')) return plain
  return { ...plain, exact: null }
}
