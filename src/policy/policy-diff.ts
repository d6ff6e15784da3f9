/** A part of a policy document, as JSON has it. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Longest value that is shown of one side. */
const MAX_VALUE = 120

/**
 * What differs between two versions (canonical JSON), a line for each part, in the order of its path: `+ grants[agents]`,
 * `~ grants[agents].clearance.default: "masked" → "clear"`, `- rules[no-writes]`. Entries of lists are told apart by their names.
 */
export function diffPolicies(before: string, after: string): readonly string[] {
  return differences('', parsed(before), parsed(after))
}

const parsed = (document: string): Json => JSON.parse(document)

function differences(path: string, before: Json | undefined, after: Json | undefined): readonly string[] {
  if (same(before, after)) return []
  if (before === undefined) return [`+ ${path}: ${shown(after)}`]
  if (after === undefined) return [`- ${path}: ${shown(before)}`]
  const left = membersOf(before)
  const right = membersOf(after)
  if (left === undefined || right === undefined) return [`~ ${path}: ${shown(before)} → ${shown(after)}`]
  const names = [...new Set([...left.keys(), ...right.keys()])].toSorted()
  return names.flatMap((name) => differences(join(path, name, Array.isArray(after)), left.get(name), right.get(name)))
}

/** By name; undefined for what is shown whole: scalars, and lists whose entries have no names of their own. */
function membersOf(value: Json): ReadonlyMap<string, Json> | undefined {
  if (isList(value)) {
    const named = value.map((entry) => [nameOf(entry), entry] as const)
    const names = new Set(named.map(([name]) => name))
    if (value.length > 0 && (names.has(undefined) || names.size < value.length)) return undefined
    return new Map(named.flatMap(([name, entry]) => (name === undefined ? [] : [[name, entry] as const])))
  }
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined
}

function nameOf(entry: Json): string | undefined {
  if (typeof entry !== 'object' || entry === null || isList(entry)) return undefined
  const name = entry['name'] ?? entry['key']
  return typeof name === 'string' ? name : undefined
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)

const join = (path: string, name: string, isEntry: boolean): string =>
  isEntry ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`

const same = (left: Json | undefined, right: Json | undefined): boolean =>
  JSON.stringify(left) === JSON.stringify(right)

function shown(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? ''
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`
}
