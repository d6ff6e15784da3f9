/** OIDs of types of pg_catalog (src/include/catalog/pg_type.dat) that decide how a value can be masked inside. */
export const TEXT = 25
const BPCHAR = 1042
const VARCHAR = 1043
export const DATE = 1082
export const TIMESTAMP = 1114
export const TIMESTAMPTZ = 1184

export const TEXT_LIKE: ReadonlySet<number> = new Set([TEXT, BPCHAR, VARCHAR])
export const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802])
/** Types with a calendar date that no setting changes. */
export const DATE_LIKE: ReadonlySet<number> = new Set([DATE, TIMESTAMP])

/** Element types of the array types whose elements can be masked one by one. */
const ELEMENT_TYPES: ReadonlyMap<number, number> = new Map([
  [1009, TEXT],
  [1014, BPCHAR],
  [1015, VARCHAR],
  [1182, DATE],
  [1115, TIMESTAMP],
  [1185, TIMESTAMPTZ],
  [199, 114],
  [3807, 3802],
  [1005, 21],
  [1007, 23],
  [1016, 20],
  [1231, 1700],
  [2951, 2950],
  [1041, 869],
])

/** Types without fields that occur in arrays. */
export const SCALAR_TYPES: ReadonlySet<number> = new Set(ELEMENT_TYPES.values())

/** Null when the type is not one of these arrays. */
export function elementType(oid: number): number | null {
  return ELEMENT_TYPES.get(oid) ?? null
}
