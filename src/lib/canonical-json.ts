/**
 * JSON in the canonical form of RFC 8785: keys sorted by UTF-16 code units, no spaces. Undefined members are left out. A number
 * that is none, which JSON would write as null, is refused: two values must not share a digest.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError('no JSON for a number that is not finite')
  const text: unknown = JSON.stringify(value)
  if (typeof text !== 'string') throw new TypeError(`no JSON for a ${typeof value}`)
  return text
}
