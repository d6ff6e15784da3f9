export interface StorePlace {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

const DEFAULT_PORT = 5432

/**
 * `postgresql://user@host:port/database` (PostgreSQL documentation, section 34.1.1.2). Undefined unless user, host and database
 * are there and nothing else is: a password belongs into a file, and options have settings of their own.
 */
export function parseStoreUrl(text: string): StorePlace | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'postgresql:' && url.protocol !== 'postgres:')) return undefined
  if (url.password !== '' || /[?#]/.test(text)) return undefined
  const user = decoded(url.username)
  const database = decoded(url.pathname.slice(1))
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (!isName(user) || !isName(database) || database.includes('/') || !isHost(host)) return undefined
  return { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port), database, user }
}

/** PostgreSQL cuts longer names off: PostgreSQL documentation, section 4.1.1. */
const isName = (text: string | undefined): text is string =>
  text !== undefined && text !== '' && Buffer.byteLength(text) <= 63 && !text.includes('\0')

const isHost = (text: string): boolean => /^[A-Za-z0-9._:-]+$/.test(text)

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
