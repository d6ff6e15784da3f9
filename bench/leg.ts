/** The ways to the same database that are compared. */
export const LEG_NAMES = ['direct', 'pgbouncer', 'fsync', 'process-crash'] as const
export type LegName = (typeof LEG_NAMES)[number]

export const LEG_TITLES: Readonly<Record<LegName, string>> = {
  direct: 'direct',
  pgbouncer: 'PgBouncer',
  fsync: 'Chaperone, fsync',
  'process-crash': 'Chaperone, process-crash',
}

/** How a client connects by one of them. */
export interface Leg {
  readonly name: LegName
  readonly host: '127.0.0.1'
  readonly port: number
  readonly database: string
  readonly user: string
  /** A password, or a token in its place. */
  readonly password: string
  /** PEM file of the authority for `verify-full`; undefined for connections without TLS. */
  readonly caFile: string | undefined
  /** The process in between; undefined for `direct`. */
  readonly pid: number | undefined
}

/** The environment that libpq programs (psql, pgbench) connect with. Nothing of the caller's own PG* settings is in it. */
export function libpqEnvironment(leg: Leg): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    PGHOST: leg.host,
    PGPORT: String(leg.port),
    PGDATABASE: leg.database,
    PGUSER: leg.user,
    PGPASSWORD: leg.password,
    PGPASSFILE: '/dev/null',
    PGGSSENCMODE: 'disable',
    PGCONNECT_TIMEOUT: '30',
    ...(leg.caFile === undefined
      ? { PGSSLMODE: 'disable' }
      : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: leg.caFile, PGSSLCERT: '/nonexistent', PGSSLKEY: '/nonexistent' }),
  }
}
