import { chmod, chown, copyFile, cp, mkdir, readdir, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Endpoint } from './bed.ts'
import { runProgram, Unavailable } from './program.ts'

/** The database of pg_regress; some tests name it. */
export const REGRESSION_DATABASE = 'regression'

/** Where one run finds its input and leaves its output; both runs have paths of one length, which tables show. */
export interface RegressDirectory {
  /** The src/test/regress of the sources: sql/, data/, expected/. */
  readonly source: string
  /** regress.so, refint.so, autoinc.so. */
  readonly libraries: string
  /** Made here: results/, which the server writes to as well. */
  readonly build: string
}

export interface RegressOutput {
  readonly file: string
  readonly seconds: number
  readonly problem: string | undefined
}

/** Copies what the server itself has to read to where its user can read it. */
export async function makeWorkspace(regress: string, libraries: readonly string[], base: string): Promise<void> {
  await mkdir(base, { recursive: true })
  await chmod(base, 0o755)
  await cp(regress, join(base, 'regress'), { recursive: true })
  await mkdir(join(base, 'lib'), { recursive: true })
  for (const library of libraries) {
    if (!existsSync(library)) throw new Unavailable(`there is no ${library}`)
    await copyFile(library, join(base, 'lib', library.split('/').at(-1) ?? ''))
  }
  await openForReading(join(base, 'regress'))
  await openForReading(join(base, 'lib'))
}

async function openForReading(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await openForReading(path)
    else await chmod(path, ((await stat(path)).mode & 0o111) === 0 ? 0o644 : 0o755)
  }
}

/** The build directory of one run; `owner` is the server's user, whose COPY … TO writes there. */
export async function makeBuildDirectory(
  base: string,
  name: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): Promise<RegressDirectory> {
  const build = join(base, name)
  for (const directory of [build, join(build, 'results'), join(build, 'testtablespace')]) {
    await mkdir(directory, { recursive: true })
    await chmod(directory, 0o777)
    if (owner !== undefined) await chown(directory, owner.uid, owner.gid)
  }
  return { source: join(base, 'regress'), libraries: join(base, 'lib'), build }
}

/** What pg_regress sets for psql (initialize_environment and psql_start_test of its source). */
function environment(endpoint: Endpoint, directory: RegressDirectory, test: string): Readonly<Record<string, string>> {
  return {
    LANG: 'C',
    LC_MESSAGES: 'C',
    PGAPPNAME: `pg_regress/${test}`,
    PGTZ: 'America/Los_Angeles',
    PGDATESTYLE: 'Postgres, MDY',
    PGOPTIONS: '-c intervalstyle=postgres_verbose',
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGUSER: endpoint.user,
    PGPASSWORD: endpoint.password,
    PGSSLMODE: 'disable',
    PGGSSENCMODE: 'disable',
    PG_ABS_SRCDIR: directory.source,
    PG_ABS_BUILDDIR: directory.build,
    PG_LIBDIR: directory.libraries,
    PG_DLSUFFIX: '.so',
  }
}

/** Runs one test by psql with the flags of pg_regress. */
export async function runTest(
  endpoint: Endpoint,
  directory: RegressDirectory,
  test: string,
  options: { readonly psql: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<RegressOutput> {
  const file = join(directory.build, 'results', `${test}.out`)
  const started = performance.now()
  const flags = ['-X', '-a', '-q', '-d', REGRESSION_DATABASE]
  const variables = ['-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on']
  const { code, timedOut } = await runProgram(options.psql, [...flags, ...variables], {
    cwd: directory.build,
    environment: environment(endpoint, directory, test),
    stdin: join(directory.source, 'sql', `${test}.sql`),
    output: file,
    timeoutMs: options.timeoutMs,
    signal: options.signal,
  })
  const seconds = (performance.now() - started) / 1000
  if (timedOut) return { file, seconds, problem: `not finished after ${Math.round(seconds)} s` }
  // psql ends with 2 when its connection broke, 3 when a script had an error; a test may do either on purpose.
  return { file, seconds, problem: code === null ? 'psql was killed or did not start' : undefined }
}
