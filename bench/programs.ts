import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runProgram } from './processes.ts'

/** A program of the system, with what `--version` says. */
export interface Program {
  readonly file: string
  readonly version: string
}

/** The programs that do the measuring; undefined when they are not installed. */
export interface Programs {
  readonly psql: Program | undefined
  readonly pgbench: Program | undefined
  readonly pgbouncer: Program | undefined
}

const PACKAGED_SERVERS = '/usr/lib/postgresql'

/** Debian keeps pgbench outside the path, one for each major version; the newest is taken. */
function packagedDirectories(): readonly string[] {
  if (!existsSync(PACKAGED_SERVERS)) return []
  const majors = readdirSync(PACKAGED_SERVERS).filter((name) => /^\d+$/.test(name))
  return majors.toSorted((a, b) => Number(b) - Number(a)).map((major) => join(PACKAGED_SERVERS, major, 'bin'))
}

async function find(name: string): Promise<Program | undefined> {
  const path = (process.env['PATH'] ?? '').split(delimiter)
  const directories = [...packagedDirectories(), ...path, '/usr/sbin', '/usr/local/sbin']
  const file = directories.map((directory) => join(directory, name)).find((candidate) => existsSync(candidate))
  if (file === undefined) return undefined
  const said = await runProgram(file, ['--version'], { environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } })
  return { file, version: /\d+(\.\d+)+/.exec(said)?.[0] ?? said.trim() }
}

export async function findPrograms(): Promise<Programs> {
  const [psql, pgbench, pgbouncer] = await Promise.all([find('psql'), find('pgbench'), find('pgbouncer')])
  return { psql, pgbench, pgbouncer }
}
