import type { ConnectionOptions } from 'node:tls'

/** How to reach the server of the store. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** Asked for each new connection. */
  readonly password: () => Promise<string | undefined>
  readonly ssl: ConnectionOptions | false
}
