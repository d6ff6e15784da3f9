import type { ClientConfig } from 'pg'
import type { ServerAddress } from './server-address.ts'

/** What node-postgres would take from PG* variables of the environment if it were not given. */
interface ExplicitConfig extends ClientConfig {
  readonly sslnegotiation: 'postgres'
}

/**
 * Of one connection to the store. Every setting is named: nothing comes from the environment, and nothing that a database or
 * role of the server sets by default changes what statements mean. A statement, a lock or a server that hangs becomes an error.
 */
export function clientConfig(address: ServerAddress, timeoutMs: number): ExplicitConfig {
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    // A function also when there is no password: without one node-postgres would look into the environment and ~/.pgpass.
    password: async () => (await address.password()) ?? '',
    ssl: address.ssl,
    sslnegotiation: 'postgres',
    enableChannelBinding: address.ssl !== false,
    application_name: 'chaperone store',
    client_encoding: 'UTF8',
    options: '-c search_path=pg_catalog -c default_transaction_isolation=read\\ committed -c timezone=UTC',
    connectionTimeoutMillis: timeoutMs,
    statement_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    idle_in_transaction_session_timeout: timeoutMs,
    // The server should be first, since it can say what happened.
    query_timeout: timeoutMs + 500,
    keepAlive: true,
  }
}
