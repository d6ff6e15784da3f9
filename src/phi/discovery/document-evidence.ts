import { type Evidence, evidenceOf } from './evidence.ts'
import { MEMBER_WORDS } from './catalog/json-members.ts'
import { normalisedName } from './normalised-name.ts'
import type { TypeGroup } from './type-group.ts'

/** What was seen at one path of a column's JSON documents. */
export interface MemberEvidence {
  /** From the top of the document; arrays have no part of their own. All of it is made of known words. */
  readonly path: readonly string[]
  /** Where in `path` the nearest enclosing object with a `resourceType` begins, and that type; null outside FHIR. */
  readonly resource: { readonly type: string; readonly depth: number } | null
  readonly group: TypeGroup
  readonly evidence: Evidence
}

export interface DocumentEvidence {
  readonly documents: number
  /** Too long to be sampled whole. */
  readonly unreadable: number
  readonly members: readonly MemberEvidence[]
  /** Paths that are left out because a name on the way could be data. */
  readonly unnamed: number
  /** Of the values at those paths, of those names, and of documents that have no members. */
  readonly rest: Evidence
}

const MAX_DEPTH = 16
const MAX_PATHS = 2_000
const MAX_VALUES = 400
const MAX_REST = 4_000
const MAX_NODES = 50_000
const MAX_NAME = 40

/** Looks into the documents of a column; keeps paths of known words and counts. */
export function documentEvidence(texts: Iterable<string>): DocumentEvidence {
  const found: Found = { leaves: new Map(), unnamed: new Set(), rest: [] }
  let documents = 0
  let unreadable = 0
  for (const text of texts) {
    documents += 1
    const value = parse(text)
    if (typeof value === 'object' && value !== null) collect(value, found)
    else if (value === undefined) unreadable += 1
    else addRest(found, value)
  }
  const members = [...found.leaves.values()].map(({ path, resource, group, values }) => ({
    path,
    resource,
    group,
    evidence: evidenceOf(values, group),
  }))
  return { documents, unreadable, members, unnamed: found.unnamed.size, rest: evidenceOf(found.rest, 'text') }
}

interface Found {
  readonly leaves: Map<string, Leaf>
  readonly unnamed: Set<string>
  readonly rest: string[]
}

interface Leaf {
  readonly path: readonly string[]
  readonly resource: MemberEvidence['resource']
  readonly group: TypeGroup
  readonly values: string[]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** An object or array that is still to be looked into; its path is null below a name that could be data. */
interface Pending {
  readonly value: object
  readonly path: readonly string[] | null
  readonly resource: MemberEvidence['resource']
  readonly depth: number
}

function collect(document: object, found: Found): void {
  const queue: Pending[] = [{ value: document, path: [], resource: null, depth: 0 }]
  let nodes = 0
  for (const { value, path, resource, depth } of queue) {
    const type = resourceTypeOf(value)
    const here = type === undefined || path === null ? resource : { type, depth: path.length }
    for (const [name, member] of Object.entries(value)) {
      nodes += 1
      if (nodes > MAX_NODES) return
      const next = Array.isArray(value) ? path : pathTo(path, name, found)
      if (typeof member === 'object' && member !== null) {
        if (depth < MAX_DEPTH) queue.push({ value: member, path: next, resource: here, depth: depth + 1 })
      } else if (next === null || next.length === 0) addRest(found, member)
      else addLeaf(found.leaves, next, here, member)
    }
  }
}

function pathTo(path: Pending['path'], name: string, found: Found): Pending['path'] {
  if (path !== null && isKnownWord(name)) return [...path, name]
  if (path !== null) found.unnamed.add([...path, name].join('.'))
  addRest(found, name)
  return null
}

function addRest({ rest }: Found, value: unknown): void {
  if (value !== null && rest.length < MAX_REST) rest.push(textOf(value))
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function addLeaf(
  leaves: Map<string, Leaf>,
  path: readonly string[],
  resource: MemberEvidence['resource'],
  value: unknown,
): void {
  if (value === null) return
  const group = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'boolean'
  const key = `${group} ${resource?.type ?? ''} ${path.join('.')}`
  let leaf = leaves.get(key)
  if (leaf === undefined) {
    if (leaves.size >= MAX_PATHS) return
    leaf = { path, resource, group, values: [] }
    leaves.set(key, leaf)
  }
  if (leaf.values.length < MAX_VALUES) leaf.values.push(textOf(value))
}

function resourceTypeOf(value: object): string | undefined {
  const type: unknown = 'resourceType' in value ? value.resourceType : undefined
  return typeof type === 'string' ? type : undefined
}

/** Whether a name of a member is certainly a name and not data: short, plain, and made of known words. */
function isKnownWord(name: string): boolean {
  return (
    name.length <= MAX_NAME &&
    /^[A-Za-z][A-Za-z0-9_-]*$/.test(name) &&
    normalisedName(name)
      .split('_')
      .every((word) => MEMBER_WORDS.has(word))
  )
}
