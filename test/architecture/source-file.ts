import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseAst } from 'vitest/node'

/** What the architecture rules need to know of one source file, read off its syntax tree. */
export interface SourceFile {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly ImportUse[]
  /** Dotted names as written (`process.env.HOME`, `Date.now`, `Promise`), and the keywords `async` and `await`. */
  readonly names: readonly NameUse[]
  /** Whether it holds nothing but imports and re-exports. */
  readonly onlyReexports: boolean
}

export interface ImportUse {
  readonly specifier: string
  /** Path in the repository for a relative specifier, else undefined. */
  readonly file: string | undefined
  /** True when type stripping leaves nothing of it at run time. */
  readonly typesOnly: boolean
  /** Names taken from the module; `*` where it is taken whole. */
  readonly names: readonly string[]
  readonly line: number
}

export interface NameUse {
  readonly name: string
  readonly line: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'

function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  )
}

/** `a.b.c` for a chain of plain property reads, else undefined. */
function dotted(node: Node): string | undefined {
  if (node.type === 'Identifier') return String(node['name'])
  if (node.type !== 'MemberExpression' || node['computed'] === true) return undefined
  const { object, property } = node
  const left = isNode(object) ? dotted(object) : undefined
  return left !== undefined && isNode(property) ? `${left}.${String(property['name'])}` : undefined
}

function stringValue(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}

/** The specifier that a node imports from, and whether only types come from it (`import { type A }` still runs the module). */
function importOf(node: Node): { specifier: string; typesOnly: boolean } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration': {
      const specifier = stringValue(node['source'])
      return specifier === undefined
        ? undefined
        : { specifier, typesOnly: node['importKind'] === 'type' || node['exportKind'] === 'type' }
    }
    case 'ImportExpression':
      return { specifier: stringValue(node['source']) ?? '(computed)', typesOnly: false }
    case 'TSImportType': {
      const specifier = stringValue(node['source'])
      return specifier === undefined ? undefined : { specifier, typesOnly: true }
    }
    default:
      return undefined
  }
}

/** Names that an import or re-export takes; everything, for the forms that name nothing. */
function namesOf(node: Node): string[] {
  const specifiers = node['specifiers']
  if (!Array.isArray(specifiers)) return ['*']
  return specifiers.filter(isNode).map((specifier) => {
    const name = specifier.type === 'ExportSpecifier' ? specifier['local'] : specifier['imported']
    return isNode(name) ? (dotted(name) ?? stringValue(name) ?? '*') : '*'
  })
}

/** Non-computed property keys and member names are not uses of a variable of that name. */
function isPlainKey(parent: Node, child: Node): boolean {
  if (parent['computed'] === true) return false
  return (
    (parent['key'] === child && parent['shorthand'] !== true) ||
    (parent.type === 'MemberExpression' && parent['property'] === child)
  )
}

export function parseSource(path: string, text: string): SourceFile {
  const lineStarts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1)
  const lineOf = (offset: number): number => lineStarts.findLastIndex((start) => start <= offset) + 1

  const imports: ImportUse[] = []
  const names: NameUse[] = []
  const visit = (node: Node): void => {
    const line = lineOf(node.start)
    const found = importOf(node)
    if (found) {
      const relative = found.specifier.startsWith('.')
      imports.push({
        ...found,
        names: namesOf(node),
        file: relative ? posix.join(posix.dirname(path), found.specifier) : undefined,
        line,
      })
      if (node.type !== 'ImportExpression') return
    }
    if (node['async'] === true) names.push({ name: 'async', line })
    if (node.type === 'AwaitExpression' || node['await'] === true) names.push({ name: 'await', line })
    const name = dotted(node)
    if (name !== undefined) {
      names.push({ name, line })
      return
    }
    for (const child of childrenOf(node)) if (!isPlainKey(node, child)) visit(child)
  }
  const program: unknown = parseAst(text, { lang: 'ts' }, path)
  if (!isNode(program)) throw new Error(`${path}: no syntax tree`)
  const body = childrenOf(program)
  for (const statement of body) visit(statement)

  const reexport = (node: Node): boolean =>
    node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && !isNode(node['declaration']))
  return {
    path,
    lines: lineStarts.length - (text.endsWith('\n') ? 1 : 0),
    imports,
    names,
    onlyReexports: body.some(reexport) && body.every((node) => reexport(node) || node.type === 'ImportDeclaration'),
  }
}

/** Every TypeScript file below the given folders, tests included, in a stable order. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  const paths = folders.flatMap((folder) =>
    statSync(join(root, folder), { throwIfNoEntry: false }) === undefined
      ? []
      : readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
          .map((entry) => posix.join(folder, entry.replaceAll('\\', '/')))
          .filter((path) => path.endsWith('.ts') && !path.includes('node_modules/')),
  )
  return paths.toSorted().map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}
