import { isBuiltin } from 'node:module'
import {
  BESIDE_THE_CODEC,
  CODEC,
  DATA_TABLES,
  OUT_OF_REACH,
  OUTSIDE_WORLD,
  PROMISES_AND_CLOCKS,
  PURE_ROOMS,
  ROOMS,
  type Room,
  WAITING,
} from './rooms.ts'
import type { ImportUse, SourceFile } from './source-file.ts'

/** A question at 300 lines, a refusal here. */
const MAX_LINES = 500

/** Tests, and what only tests import; the latter is named so that nobody takes it for the product. */
const TEST_PATH = /(?:\.test|-test-support)\.ts$/
const isTest = (file: SourceFile): boolean => TEST_PATH.test(file.path)
const startsWithAny = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => path.startsWith(prefix))
/** Whether a dotted name is `prefix` itself or something of it. */
const isOf = (name: string, prefix: string): boolean => name === prefix || name.startsWith(`${prefix}.`)
const moduleIs = (specifier: string, names: readonly string[]): boolean =>
  names.some((name) => specifier === name || specifier.startsWith(`${name}/`))

/** The room a path of this repository belongs to. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.filter((room) => (room.path.endsWith('/') ? path.startsWith(room.path) : path === room.path)).toSorted(
    (a, b) => b.path.length - a.path.length,
  )[0]
}

export function unhousedFiles(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => roomOf(file.path) === undefined)
    .map((file) => `${file.path}: no room. Give its folder a row in test/architecture/rooms.ts, or move it.`)
}

function importViolation(file: SourceFile, use: ImportUse): string | undefined {
  const at = `${file.path}:${use.line}: imports ${use.specifier}`
  if (use.specifier === '(computed)')
    return `${file.path}:${use.line}: imports a computed name, which no table can judge.`
  if (use.file === undefined) return undefined
  if (use.file.startsWith('..')) return `${at}, which is outside the repository and will not be there in a clone.`
  if (!use.file.endsWith('.ts') && !use.file.endsWith('.json'))
    return `${at}; write the extension, nothing resolves it.`
  const room = roomOf(file.path)
  const target = roomOf(use.file)
  if (TEST_PATH.test(use.file)) return `${at}, which is there for tests only.`
  if (room === undefined || room === target) return undefined
  for (const [shipped, reach] of Object.entries(OUT_OF_REACH)) {
    if (file.path.startsWith(shipped) && startsWithAny(use.file, reach)) {
      return `${at}: ${shipped} stands without ${reach.join(', ')}.`
    }
  }
  if (room.mayImport === 'everything') return undefined
  if (target === undefined) return `${at}, which is in no room of test/architecture/rooms.ts.`
  // A file of a room can be within reach when the rest of it is not.
  const reach = room.mayImport[use.file] ?? room.mayImport[target.path]
  if (reach === undefined) return `${at}: ${room.path} may not use ${target.path}, because ${room.why}.`
  if (reach === 'types' && !use.typesOnly) {
    return `${at}: ${room.path} may use types of ${target.path} only (write "import type"), because ${room.why}.`
  }
  return undefined
}

/** The import table of docs/adr/0001-rooms.md. Tests may use what they like of the product. */
export function importViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file))
    .flatMap((file) => file.imports.map((use) => importViolation(file, use)))
    .filter((violation) => violation !== undefined)
}

/** `src/` and `cli/` are published: at run time they have what package.json installs for users, and nothing else. */
export function packageViolations(files: readonly SourceFile[], shipped: readonly string[]): string[] {
  return files
    .filter((file) => !isTest(file) && startsWithAny(file.path, ['src/', 'cli/']))
    .flatMap((file) =>
      file.imports
        .filter((use) => use.file === undefined && !use.typesOnly && !use.specifier.startsWith('node:'))
        .flatMap((use) => {
          if (isBuiltin(use.specifier))
            return [`${file.path}:${use.line}: write node:${use.specifier}, so that no package can take its place.`]
          return moduleIs(use.specifier, shipped) || use.specifier === '(computed)'
            ? []
            : [
                `${file.path}:${use.line}: ${use.specifier} is not among the dependencies of package.json, so users would not have it.`,
              ]
        }),
    )
}

/** Pure rooms: no I/O. `inspect` may start its parser worker; `decide` is handed the time. */
export function purityViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file) && startsWithAny(file.path, PURE_ROOMS))
    .flatMap((file) => {
      const forbidden = file.path.startsWith('src/inspect/') ? OUTSIDE_WORLD : [...OUTSIDE_WORLD, 'node:worker_threads']
      const imports = file.imports
        .filter((use) => moduleIs(use.specifier, forbidden))
        .map(
          (use) =>
            `${file.path}:${use.line}: ${use.specifier} in a room that only computes; take the value as a parameter.`,
        )
      const clocks = file.path.startsWith('src/decide/')
        ? file.names
            .filter(({ name }) =>
              ['Date', 'performance', 'setTimeout', 'setInterval'].some((clock) => isOf(name, clock)),
            )
            .map(
              ({ name, line }) =>
                `${file.path}:${line}: ${name}: a decision has no clock of its own, so that it can be replayed.`,
            )
        : []
      return [...imports, ...clocks]
    })
}

/** Codecs: no socket, promise or clock, so that they run the same under test, fuzz and replay. */
export function codecViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file) && CODEC.test(file.path) && BESIDE_THE_CODEC[file.path] === undefined)
    .flatMap((file) => [
      ...file.imports
        .filter((use) => moduleIs(use.specifier, [...OUTSIDE_WORLD, ...WAITING]))
        .map(
          (use) => `${file.path}:${use.line}: a codec imports ${use.specifier}; bytes in, messages out, nothing else.`,
        ),
      ...file.names
        .filter(({ name }) => PROMISES_AND_CLOCKS.some((word) => isOf(name, word)))
        .map(({ name, line }) => `${file.path}:${line}: "${name}" in a codec; waiting belongs to relay.ts.`),
    ])
}

const mayReadEnvironment = (path: string): boolean =>
  path.startsWith('src/config/') ||
  path === 'src/main.ts' ||
  path === 'cli/main.ts' ||
  !startsWithAny(path, ['src/', 'cli/'])

/** Only the configuration reads the environment; the two entry points may hand it over. */
export function environmentReads(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file) && !mayReadEnvironment(file.path))
    .flatMap((file) => [
      ...file.names
        .map(({ name, line }) => ({ name: name.replace(/^globalThis\./, ''), line }))
        .filter(({ name }) => name === 'process' || isOf(name, 'process.env'))
        .map(
          ({ line }) =>
            `${file.path}:${line}: reads the environment; src/config is its only reader, so take a value of Config.`,
        ),
      ...file.imports
        .filter((use) => moduleIs(use.specifier, ['node:process']))
        .filter((use) => use.names.some((name) => ['env', 'default', '*'].includes(name)))
        .map(
          (use) =>
            `${file.path}:${use.line}: imports ${use.names.join(', ')} of node:process; src/config is the only reader of the environment.`,
        ),
    ])
}

export function consoleUses(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file))
    .flatMap((file) =>
      file.names
        .filter(({ name }) => isOf(name.replace(/^globalThis\./, ''), 'console'))
        .map(
          ({ name, line }) =>
            `${file.path}:${line}: ${name}; log through the logger (it redacts), print through the stream.`,
        ),
    )
}

export function barrels(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.onlyReexports)
    .map(
      (file) => `${file.path}: only re-exports; import from the file that has the thing, so that rooms stay visible.`,
    )
}

export function oversized(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !isTest(file) && file.lines > MAX_LINES && DATA_TABLES[file.path] === undefined)
    .map(
      (file) =>
        `${file.path}: ${file.lines} lines (limit ${MAX_LINES}); split it by purpose, or list it as a data table with the reason.`,
    )
}

/** An exemption that is no longer needed is taken off its list. */
export function staleExemptions(files: readonly SourceFile[]): string[] {
  const tables = Object.keys(DATA_TABLES)
    .filter((path) => (files.find((file) => file.path === path)?.lines ?? 0) <= MAX_LINES)
    .map((path) => `${path}: is listed as an oversized data table but is not one (any more).`)
  const beside = Object.keys(BESIDE_THE_CODEC)
    .filter((path) => !CODEC.test(path) || !files.some((file) => file.path === path))
    .map((path) => `${path}: is listed as lying beside the codec but does not (any more).`)
  return [...tables, ...beside]
}
