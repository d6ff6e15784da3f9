import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { client, type Fetching, pinned } from './fetch.ts'
import { Unavailable } from './program.ts'
import { POSTGRESQL_SOURCES } from './sources.ts'

const SOURCES = '/etc/apt/sources.list.d/debian.sources'

/** The mirrors of this system, asked for sources. Binary packages are usually all that they are configured for. */
async function sourceLists(): Promise<string> {
  if (!existsSync(SOURCES)) throw new Unavailable(`this is no Debian with ${SOURCES}`)
  return (await readFile(SOURCES, 'utf8')).replaceAll(/^Types:.*$/gm, 'Types: deb-src')
}

/** apt with lists of its own, so that the system's stay as they are. Gives the options for its programs. */
async function privateApt(fetching: Fetching): Promise<readonly string[]> {
  const base = join(fetching.cache, 'apt')
  const parts = join(base, 'sources.list.d')
  await Promise.all(
    ['lists/partial', 'cache/archives/partial', 'sources.list.d'].map((name) =>
      mkdir(join(base, name), { recursive: true }),
    ),
  )
  await writeFile(join(parts, 'debian.sources'), await sourceLists())
  const options = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': parts,
    'Dir::State::Lists': join(base, 'lists'),
    'Dir::Cache': join(base, 'cache'),
    'APT::Sandbox::User': 'root',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** The sources of PostgreSQL: the newest that the mirrors still have. Throws Unavailable when they have none of them. */
export async function postgresqlSource(
  fetching: Fetching,
): Promise<{ readonly file: string; readonly version: string }> {
  const kept = POSTGRESQL_SOURCES.find(({ file }) => existsSync(join(fetching.cache, 'archives', file)))
  let apt: readonly string[] | undefined
  let problem: Unavailable | undefined
  for (const archive of kept === undefined ? POSTGRESQL_SOURCES : [kept]) {
    try {
      const file = await pinned(fetching, archive, async (directory) => {
        apt ??= await updated(fetching)
        const wanted = `postgresql-15=${archive.packageVersion}`
        await client(fetching, 'apt-get', [...apt, '-q', 'source', '--download-only', '--tar-only', wanted], {
          cwd: directory,
        })
      })
      return { file, version: archive.version }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      problem = error
    }
  }
  throw problem ?? new Unavailable('no sources of PostgreSQL are pinned')
}

async function updated(fetching: Fetching): Promise<readonly string[]> {
  const apt = await privateApt(fetching)
  await client(fetching, 'apt-get', [...apt, '-q', 'update'])
  return apt
}

/** The header files of the installed server, out of their package, which itself is not installed (it needs a compiler suite). */
export async function serverHeaders(fetching: Fetching, directory: string): Promise<string> {
  const version = (await client(fetching, 'dpkg-query', ['-W', '-f', '${Version}', 'postgresql-15'])).trim()
  await client(
    fetching,
    'apt-get',
    ['-q', '-o', 'APT::Sandbox::User=root', 'download', `postgresql-server-dev-15=${version}`],
    {
      cwd: directory,
    },
  )
  const [archive] = (await readdir(directory)).filter((name) => name.endsWith('.deb'))
  if (archive === undefined) throw new Unavailable('apt-get downloaded no package')
  await client(fetching, 'dpkg-deb', ['-x', join(directory, archive), join(directory, 'headers')])
  return join(directory, 'headers/usr/include/postgresql/15/server')
}
