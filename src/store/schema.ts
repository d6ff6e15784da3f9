import type { Generated } from 'kysely'

/** The tables of the newest version of the schema, as Kysely wants them. */
export interface StoreSchema {
  readonly token_scope: TokenScopeTable
  readonly revocation: RevocationTable
  readonly revocation_version: RevocationVersionTable
  readonly alert_first_use: AlertFirstUseTable
  readonly alert_volume: AlertVolumeTable
  readonly policy_version: PolicyVersionTable
  readonly policy_activation: PolicyActivationTable
  readonly activated_grant: ActivatedGrantTable
  readonly policy_change: PolicyChangeTable
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

export interface RevocationTable {
  readonly id: string
  readonly kind: 'token' | 'tokenId' | 'member' | 'run'
  readonly issuer: string | null
  readonly value: string
  readonly issued_before: Date | null
  readonly until: Date | null
  readonly reason: string
  readonly created: Date
}

interface RevocationVersionTable {
  readonly only_one: Generated<boolean>
  /** bigint */
  readonly version: string
}

interface AlertFirstUseTable {
  readonly chain: Buffer
  readonly target: string
  readonly relation: string
  readonly first: Generated<Date>
}

interface AlertVolumeTable {
  readonly chain: Buffer
  readonly target: string
  readonly hour: Date
  /** bigint */
  readonly rows: string
}

interface PolicyVersionTable {
  readonly version: string
  readonly document: string
  readonly created: Generated<Date>
  readonly created_by: string
  readonly note: string
}

interface PolicyActivationTable {
  /** bigint */
  readonly seq: Generated<string>
  readonly version: string
  readonly activated: Generated<Date>
  readonly activated_by: string
  readonly request: string | null
}

interface ActivatedGrantTable {
  readonly request: string
  readonly chain: string
  readonly grant_name: string
  readonly digest: string
  readonly until: Date
}

interface PolicyChangeTable {
  readonly only_one: Generated<boolean>
  /** bigint */
  readonly version: string
}
