import type { Generated } from 'kysely'

/** The tables of the newest version of the schema, as Kysely wants them. */
export interface StoreSchema {
  readonly token_scope: TokenScopeTable
}

interface TokenScopeTable {
  readonly id: string
  readonly digest: Buffer | null
  readonly principal_group: string
  readonly purpose: string
  readonly target: string
  readonly key_id: string
  readonly wrapped_key: Buffer | null
  readonly created: Generated<Date>
}
