/**
 * What is fetched, pinned. Nothing of it is part of this repository: it goes into a cache directory when the suites run,
 * and is checked against these digests (SHA-256 of the archive) each time it is unpacked.
 */
export interface PinnedArchive {
  readonly version: string
  readonly file: string
  readonly sha256: string
}

/**
 * The sources of the PostgreSQL that Debian 12 ships, the newest first: a mirror keeps what its release or its security
 * updates hold at the moment.
 */
export const POSTGRESQL_SOURCES: readonly (PinnedArchive & { readonly packageVersion: string })[] = [
  {
    version: '15.20',
    packageVersion: '15.20-0+deb12u1',
    file: 'postgresql-15_15.20.orig.tar.bz2',
    sha256: '30e65cbbb771a39b553ed2df7e65622e65647aed55dbc19bd0fe853ff0a08442',
  },
  {
    version: '15.18',
    packageVersion: '15.18-0+deb12u1',
    file: 'postgresql-15_15.18.orig.tar.bz2',
    sha256: '11df0df97fe3ea4ba9a791faaf39cee1d2fe571e78885b5b55d8517d27c323b4',
  },
]
/** Where Debian puts that major version. */
export const POSTGRESQL_INSTALLATION = '/usr/lib/postgresql/15'

/** Python drivers whose source distributions on PyPI hold their tests; psycopg 3's does not. */
export const PYTHON_DRIVERS = {
  psycopg2: {
    version: '2.9.10',
    wheel: 'psycopg2-binary==2.9.10',
    source: {
      version: '2.9.10',
      file: 'psycopg2-2.9.10.tar.gz',
      sha256: '12ec0b40b0273f95296233e8750441339298e6a572f7039da5b260e3c8b60e11',
    },
  },
  asyncpg: {
    version: '0.30.0',
    wheel: 'asyncpg==0.30.0',
    source: {
      version: '0.30.0',
      file: 'asyncpg-0.30.0.tar.gz',
      sha256: 'c551e9928ab6707602f44811817f82ba3c446e018bfe1d3abecc8ba5f3eac851',
    },
  },
  pg8000: {
    version: '1.31.2',
    wheel: 'pg8000==1.31.2',
    source: {
      version: '1.31.2',
      file: 'pg8000-1.31.2.tar.gz',
      sha256: '1ea46cf09d8eca07fe7eaadefd7951e37bee7fabe675df164f1a572ffb300876',
    },
  },
} as const satisfies Readonly<
  Record<string, { readonly version: string; readonly wheel: string; readonly source: PinnedArchive }>
>
export type PythonDriver = keyof typeof PYTHON_DRIVERS
export const PYTHON_TOOLS = ['pytest==9.2.0', 'pytest-mock==3.15.1', 'pytz==2025.2', 'distro==1.9.0'] as const

/** The Go driver. The checksum is that of go.sum: a SHA-256 over the files of the module. */
export const PGX = {
  module: 'github.com/jackc/pgx/v5',
  version: 'v5.7.5',
  sum: 'h1:JHGfMnQY+IEtGM63d+NGMjoRpysB2JBwDr5fsngwmJs=',
} as const

/**
 * Packages of the node-postgres family in whose archives on the npm registry there are tests; they run with the driver
 * that this repository uses. The driver's own tests are in no archive that runs on a Node.js of today.
 */
export const NODE_POSTGRES = {
  'pg-cursor': {
    version: '2.5.2',
    file: 'pg-cursor-2.5.2.tgz',
    sha256: '2a9389ec81eae80daccae8447026c417ce92aac397c934b308a919f9d38301cf',
  },
  'pg-query-stream': {
    version: '2.1.2',
    file: 'pg-query-stream-2.1.2.tgz',
    sha256: '1191172ff612bb41145225cccab77fd6618176de509bfbe2ea7fc55ac3581f3d',
  },
  'pg-pool': {
    version: '2.0.10',
    file: 'pg-pool-2.0.10.tgz',
    sha256: '1e96c53795f8f71ed81ae21728f38ddf22a930904ddb1154e89a6bf7c19c9bec',
  },
} as const satisfies Readonly<Record<string, PinnedArchive>>
/** Not stream-tester, which depends on a repository: what needs it is left out. */
export const NODE_TOOLS = [
  'pg@8.23.1',
  'pg-cursor@2.15.3',
  'mocha@7.1.2',
  'expect.js@0.3.1',
  'lodash@4.17.21',
  'co@4.6.0',
  'bluebird@3.4.1',
  'JSONStream@0.7.4',
  'concat-stream@1.0.1',
  'stream-spec@0.3.6',
  'through@2.3.8',
] as const

/** The Java driver: sources with tests, as Maven Central has them for distributions. */
export const PGJDBC: PinnedArchive = {
  version: '42.7.7',
  file: 'postgresql-42.7.7-jdbc-src.tar.gz',
  sha256: '216e8ff44559bf1094f671c43d71f65863bff381fa8e0ec6934da5d59f5a112e',
}
