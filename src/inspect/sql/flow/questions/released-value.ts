import type { Node } from '@pgsql/types'
import type { StoredColumn } from '../../facts.ts'
import { integerLiteral, stringLiteral } from '../expressions/constants.ts'
import { labelOf } from '../values/document.ts'
import type { Call } from '../expressions/shape-functions.ts'
import type { Value } from '../values/types.ts'
import { DATE_LIKE, TEXT, TEXT_LIKE } from '../values/value-types.ts'
import { shaped, worst } from '../values/value.ts'

/** Parts of stored values that can be masked as well as the values themselves, because their replacement keeps such a part. */

/** EXTRACT(year FROM column) */
export function yearNumber({ nodes, values, phi }: Call): Value {
  const [, value] = values
  const column = exactly(value)
  if (stringLiteral(nodes[0])?.toLowerCase() !== 'year' || column === null || value === undefined) return worst(values)
  const isYear = DATE_LIKE.has(column.typeOid) && releases(column, phi) === 'year'
  return isYear ? shaped({ kind: 'year', column }, [value]) : worst(values)
}

/** to_char(column, 'YYYY') */
export function yearText({ nodes, values, phi }: Call): Value {
  const [value] = values
  const column = exactly(value)
  if (stringLiteral(nodes[1]) !== 'YYYY' || column === null || value === undefined) return worst(values)
  const isYear = DATE_LIKE.has(column.typeOid) && releases(column, phi) === 'year'
  return isYear ? shaped({ kind: 'year', column }, [value]) : worst(values)
}

const YEAR_OR_LONGER: ReadonlySet<string> = new Set(['year', 'decade', 'century', 'millennium'])

/**
 * date_trunc('year', column): a date is made a timestamp with time zone first, in that of the session. What is masked is still
 * the date that is stored.
 */
export function truncatedDate({ nodes, values, phi }: Call): Value {
  const [, value] = values
  const column = exactly(value)
  if (column === null || value === undefined || values.length !== 2) return worst(values)
  if (!YEAR_OR_LONGER.has(stringLiteral(nodes[0])?.toLowerCase() ?? '')) return worst(values)
  if (!DATE_LIKE.has(column.typeOid) || releases(column, phi) !== 'year') return worst(values)
  return shaped(column, [value])
}

/** left(column, 3) */
export function leftPart(call: Call): Value {
  return call.nodes.length === 2 ? prefix(call, call.nodes[1]) : worst(call.values)
}

/** substr(column, 1, 3), SUBSTRING(column FROM 1 FOR 3) */
export function firstPart(call: Call): Value {
  const { nodes, values } = call
  return nodes.length === 3 && integerLiteral(nodes[1]) === 1 ? prefix(call, nodes[2]) : worst(values)
}

/** The first characters of a column whose replacement is made from no more of them. */
function prefix({ values, phi }: Call, length: Node | undefined): Value {
  const [value] = values
  const column = exactly(value)
  if (column === null || value === undefined || !TEXT_LIKE.has(column.typeOid)) return worst(values)
  const released = labelOf(column, phi)?.releases
  const isKept = released?.kind === 'prefix' && (integerLiteral(length) ?? 0) >= released.length
  return isKept ? shaped({ ...column, typeOid: TEXT }, [value]) : worst(values)
}

function exactly(value: Value | undefined): StoredColumn | null {
  const exact = value?.exact ?? null
  return exact === null || exact.path.length > 0 ? null : exact
}

function releases(column: StoredColumn, phi: Call['phi']): string | undefined {
  return labelOf(column, phi)?.releases.kind
}
