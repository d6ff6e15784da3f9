import type { Catalog, CatalogRelation, CatalogType } from '../inspect/sql/catalog.ts'
import { joinedCatalogUse } from '../inspect/sql/catalog-use.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import type { CatalogExpectation, OpenedTarget } from '../protocols/protocol.ts'

/**
 * What the catalog has to be for these analyses of one text to hold; undefined when they rest on nothing in it that can change.
 */
export function catalogExpectation(
  facts: readonly SqlFacts[],
  catalog: Catalog,
  session: OpenedTarget,
): CatalogExpectation | undefined {
  const { relations, names, functions, operators } = joinedCatalogUse(facts.map(({ catalogUse }) => catalogUse))
  const index = indexOf(catalog)
  const routines = [
    ...functions.flatMap((name) => index.functions.get(name) ?? []),
    ...operators.flatMap((name) => index.operators.get(name) ?? []),
  ]
  if (relations.length === 0 && names.length === 0 && routines.length === 0) return undefined
  const used = withFieldTypes(withDescendants(relations, index), index)
  const versions = [...used.map((oid) => index.versions.get(oid)), ...routines]
  const { role, searchPath, searchPathSetting } = session
  return {
    relations: used,
    plain: used.every((oid) => isPlain(oid, index)),
    lockable: relations.flatMap((oid) => index.lockable.get(oid) ?? []),
    names,
    functions,
    operators,
    // What has no version has one on the target, so that the two differ.
    version: String(versions.reduce((sum, version) => sum + BigInt(version ?? '0'), 0n)),
    searchPaths: [...new Set([searchPathSetting, searchPath.join(',')])],
    role,
  }
}

/**
 * Whether both speak of the same, in the same state. Versions count as well: a relation that was moved away when a statement
 * was prepared, and is back since, is not what the statement was resolved with.
 */
export function sameExpectation(one: CatalogExpectation | undefined, other: CatalogExpectation | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return (
    one.version === other.version &&
    same(one.relations, other.relations) &&
    same(one.functions, other.functions) &&
    same(one.operators, other.operators) &&
    one.names.length === other.names.length &&
    one.names.every(({ name, oid }, at) => other.names[at]?.name === name && other.names[at].oid === oid)
  )
}

const same = <T>(one: readonly T[], other: readonly T[]): boolean =>
  one.length === other.length && one.every((element, at) => element === other[at])

interface CatalogIndex {
  /** Versions of relations and composite types, by the oid of pg_class. */
  readonly versions: ReadonlyMap<number, string>
  readonly relations: ReadonlyMap<number, CatalogRelation>
  readonly types: ReadonlyMap<number, CatalogType>
  /** By the oid of a parent: its children that can have some of their own. */
  readonly children: ReadonlyMap<number, readonly number[]>
  /** Of pg_class, those of composite types. */
  readonly composites: ReadonlySet<number>
  /** Relations that the session may name. */
  readonly lockable: ReadonlyMap<number, CatalogExpectation['lockable'][number]>
  /** Versions of the routines of a name. */
  readonly functions: ReadonlyMap<string, readonly string[]>
  readonly operators: ReadonlyMap<string, readonly string[]>
}

const indexes = new WeakMap<Catalog, CatalogIndex>()

function indexOf(catalog: Catalog): CatalogIndex {
  let index = indexes.get(catalog)
  if (index === undefined) {
    index = makeIndex(catalog)
    indexes.set(catalog, index)
  }
  return index
}

function makeIndex({
  relations,
  userTypes,
  userFunctions,
  userOperators,
  unusableSchemas = [],
}: Catalog): CatalogIndex {
  const unusable = new Set(unusableSchemas)
  const versions = new Map<number, string>()
  for (const { relationOid, version } of userTypes) {
    if (relationOid !== undefined && version !== undefined) versions.set(relationOid, version)
  }
  for (const { oid, version } of relations) if (version !== undefined) versions.set(oid, version)
  return {
    versions,
    relations: new Map(relations.map((relation) => [relation.oid, relation])),
    types: new Map(userTypes.map((type) => [type.oid, type])),
    children: childrenOf(relations),
    composites: new Set(userTypes.flatMap(({ kind, relationOid = 0 }) => (kind === 'c' ? [relationOid] : []))),
    lockable: new Map(
      relations
        // Temporary schemas cannot be named so, and their relations belong to one session anyway.
        .filter(({ schema }) => !unusable.has(schema) && !schema.startsWith('pg_temp'))
        .map(({ oid, schema, name }) => [oid, { oid, schema, name }] as const),
    ),
    functions: versionsByName(userFunctions),
    operators: versionsByName(userOperators),
  }
}

function versionsByName(
  routines: readonly { readonly name: string; readonly version?: string }[],
): ReadonlyMap<string, readonly string[]> {
  const byName = new Map<string, string[]>()
  for (const { name, version = '0' } of routines) {
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [version])
    else known.push(version)
  }
  return byName
}

/** A partition that is not partitioned itself has no children. */
function childrenOf(relations: readonly CatalogRelation[]): ReadonlyMap<number, readonly number[]> {
  const partitioned = new Set(relations.flatMap(({ oid, kind }) => (kind === 'p' ? [oid] : [])))
  const children = new Map<number, number[]>()
  for (const { oid, kind, parents } of relations) {
    for (const parent of parents) {
      if (kind !== 'p' && partitioned.has(parent)) continue
      const known = children.get(parent)
      if (known === undefined) children.set(parent, [oid])
      else known.push(oid)
    }
  }
  return children
}

/** A query of a parent reads its children and theirs; the version of each tells of its own children only. */
function withDescendants(relations: readonly number[], { children }: CatalogIndex): readonly number[] {
  const found = new Set(relations)
  // A set goes on with what is added to it meanwhile.
  for (const oid of found) for (const child of children.get(oid) ?? []) found.add(child)
  return [...found]
}

/** Composite types have neither rules nor parents. */
function isPlain(oid: number, { relations, composites }: CatalogIndex): boolean {
  const relation = relations.get(oid)
  return relation === undefined ? composites.has(oid) : relation.isPlain === true
}

/** With the composite types of the columns, and those of their fields: an analysis speaks of fields by name. */
function withFieldTypes(relations: readonly number[], { relations: byOid, types }: CatalogIndex): readonly number[] {
  const found = new Set(relations)
  const waiting = relations.flatMap((oid) => byOid.get(oid)?.columns.map(({ typeOid }) => typeOid) ?? [])
  const seen = new Set<number>()
  for (let typeOid = waiting.pop(); typeOid !== undefined; typeOid = waiting.pop()) {
    const type = seen.has(typeOid) ? undefined : types.get(typeOid)
    seen.add(typeOid)
    if (type === undefined) continue
    // The element type of an array, the base type of a domain.
    if (type.baseOid !== 0) waiting.push(type.baseOid)
    if (type.relationOid === undefined || type.relationOid === 0) continue
    found.add(type.relationOid)
    for (const field of type.fields ?? []) waiting.push(field.typeOid)
  }
  return [...found].toSorted((a, b) => a - b)
}
