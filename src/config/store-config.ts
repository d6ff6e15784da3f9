import type { CredentialConfig, TargetTlsConfig } from './config.ts'

/** Where the gateway keeps what outlives a process and is shared between gateways: tokens. */
export type StoreConfig =
  /** A PostgreSQL server of the gateway's own, started as its child. */
  | { readonly kind: 'embedded'; readonly directory: string }
  | {
      readonly kind: 'server'
      readonly host: string
      readonly port: number
      readonly database: string
      readonly user: string
      readonly credential: CredentialConfig
      readonly tls: TargetTlsConfig
    }

/** A reference: the key itself is read at start. */
export type KeyReference =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string }

/** Of the transform `token`. */
export interface TokensConfig {
  /** Of the key that wraps the keys of the scopes. */
  readonly key: KeyReference
  /** Nobody has named the key: it is the gateway's own file, made at the first start. */
  readonly keyIsOwn: boolean
  /** Keys that may still be in use in the store. */
  readonly previousKeys: readonly KeyReference[]
  /** From the issue of a token to its end. */
  readonly lifetime: number
  /** Values and tokens in memory, in bytes. */
  readonly cacheSize: number
}
