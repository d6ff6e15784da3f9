import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type ProgramOptions, runProgram, Unavailable } from './program.ts'
import type { PinnedArchive } from './sources.ts'

/** What fetching needs to know of the run. */
export interface Fetching {
  readonly cache: string
  readonly offline: boolean
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

const FETCH_TIMEOUT_MS = 10 * 60_000

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Runs a registry's client. Throws Unavailable with the end of what it said when it fails. */
export async function client(
  fetching: Fetching,
  file: string,
  args: readonly string[],
  options: Pick<ProgramOptions, 'cwd' | 'environment'> = {},
): Promise<string> {
  const { signal } = fetching
  const { code, stdout, stderr } = await runProgram(file, args, { timeoutMs: FETCH_TIMEOUT_MS, signal, ...options })
  signal.throwIfAborted()
  if (code === 0) return stdout
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-3).join(' ').slice(-400)
  throw new Unavailable(`"${file} ${args[0] ?? ''} …" ended with ${code ?? 'no status'}: ${said}`)
}

/**
 * An archive in the cache, after its digest was checked. `get` leaves it, under its name, in the directory it is given.
 * Throws Unavailable when it cannot be had, or is not what was pinned.
 */
export async function pinned(
  fetching: Fetching,
  archive: PinnedArchive,
  get: (directory: string) => Promise<unknown>,
): Promise<string> {
  const directory = join(fetching.cache, 'archives')
  const kept = join(directory, archive.file)
  if (!existsSync(kept)) {
    if (fetching.offline) throw new Unavailable(`${archive.file} is not in the cache, and nothing is to be fetched`)
    fetching.say(`fetching ${archive.file}`)
    const incoming = join(directory, `incoming-${process.pid}`)
    await mkdir(incoming, { recursive: true })
    try {
      await get(incoming)
      const found = (await readdir(incoming)).find((name) => name.toLowerCase() === archive.file.toLowerCase())
      if (found === undefined) throw new Unavailable(`the registry did not give ${archive.file}`)
      await rename(join(incoming, found), kept)
    } finally {
      await rm(incoming, { recursive: true, force: true })
    }
  }
  const found = await digest(kept)
  if (found === archive.sha256) return kept
  await rm(kept)
  throw new Unavailable(`${archive.file} is not the pinned archive (SHA-256 ${found})`)
}

/** Unpacks an archive, without its top folder. */
export async function unpack(fetching: Fetching, archive: string, into: string): Promise<void> {
  await mkdir(into, { recursive: true })
  await client(fetching, 'tar', ['-xf', archive, '--strip-components=1', '--no-same-owner', '-C', into])
}

/** Makes something in the cache once; what was left half done is made again. */
export async function madeOnce(
  fetching: Fetching,
  name: string,
  make: (directory: string) => Promise<unknown>,
): Promise<string> {
  const directory = join(fetching.cache, name)
  const complete = join(directory, '.complete')
  if (existsSync(complete)) return directory
  if (fetching.offline) throw new Unavailable(`${name} is not in the cache, and nothing is to be fetched`)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  fetching.say(`making ${name}`)
  await make(directory)
  await writeFile(complete, '')
  return directory
}
