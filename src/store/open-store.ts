import { Kysely, PostgresDialect } from 'kysely'
import { Connections, type StoreState } from './connections.ts'
import { EmbeddedStore } from './embedded/embedded-store.ts'
import type { StoreSchema } from './schema.ts'
import type { ServerAddress } from './server-address.ts'

export type StoreLocation =
  /** A server of the gateway's own, as its child, with its files in this directory. */
  | {
      readonly kind: 'embedded'
      readonly directory: string
      /** "default": those of the registry package for this platform; else a directory with bin/, lib/ and share/. */
      readonly binaries?: string
    }
  | ({ readonly kind: 'server' } & ServerAddress)

export interface StoreOptions {
  readonly location: StoreLocation
  /** How long a statement or a connection may take. Unset: 5 s. */
  readonly timeoutMs?: number
  /** Unset: 8. One more is used for notifications. */
  readonly maxConnections?: number
  /** Told of changes only. */
  readonly onState?: (state: StoreState) => void
}

/** The state that gateways share: a PostgreSQL database. */
export interface Store {
  readonly db: Kysely<StoreSchema>
  readonly connections: Connections
  readonly state: StoreState
  /**
   * Resolves when the store can be used. Rejects with StoreUnusable when an operator has to act, with another error when
   * it is not there at the moment; then whatever is asked later tries again.
   */
  ready(): Promise<void>
  /** Waits for work in progress; ends the server if this process has started it. */
  close(): Promise<void>
}

const TIMEOUT_MS = 5000
const MAX_CONNECTIONS = 8

/** Nothing is connected yet: that happens when something is asked for, so that a store that is down stops nobody who needs none. */
export function openStore(options: StoreOptions): Store {
  const server = serverOf(options.location)
  const connections = new Connections({
    locate: () => server.locate(),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
    onState: options.onState,
  })
  const db = new Kysely<StoreSchema>({ dialect: new PostgresDialect({ pool: connections }) }).withSchema('chaperone')
  return {
    db,
    connections,
    get state() {
      return connections.state
    },
    ready: () => connections.ready(),
    close: async () => {
      await connections.end()
      await server.stop()
    },
  }
}

interface Server {
  locate(): Promise<ServerAddress>
  stop(): Promise<void>
}

function serverOf(location: StoreLocation): Server {
  if (location.kind === 'embedded') return new EmbeddedStore(location.directory, location.binaries)
  return { locate: () => Promise.resolve(location), stop: () => Promise.resolve() }
}
