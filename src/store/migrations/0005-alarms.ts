import type { Migration } from './migration.ts'

/** Revocations, and what alerts remember. */
export const alarms: Migration = {
  version: 5,
  name: 'alarms',
  statements: [
    `CREATE TABLE chaperone.revocation (
      id text PRIMARY KEY,
      kind text NOT NULL CHECK (kind IN ('token', 'tokenId', 'member', 'run')),
      issuer text,
      value text NOT NULL,
      issued_before timestamptz,
      until timestamptz,
      reason text NOT NULL,
      created timestamptz NOT NULL,
      CHECK ((issuer IS NOT NULL) = (kind = 'tokenId'))
    )`,
    // Gateways ask for it twice a second, and for the list when it has changed.
    `CREATE TABLE chaperone.revocation_version (
      only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
      version bigint NOT NULL
    )`,
    'INSERT INTO chaperone.revocation_version (version) VALUES (0)',
    // Chains are kept as digests: who they are is in the journal.
    `CREATE TABLE chaperone.alert_first_use (
      chain bytea NOT NULL CHECK (octet_length(chain) = 32),
      target text NOT NULL,
      relation text NOT NULL,
      first timestamptz NOT NULL DEFAULT statement_timestamp(),
      PRIMARY KEY (chain, target, relation)
    )`,
    `CREATE TABLE chaperone.alert_volume (
      chain bytea NOT NULL CHECK (octet_length(chain) = 32),
      target text NOT NULL,
      hour timestamptz NOT NULL,
      rows bigint NOT NULL,
      PRIMARY KEY (chain, target, hour)
    )`,
    'CREATE INDEX alert_volume_hour ON chaperone.alert_volume (hour)',
  ],
}
