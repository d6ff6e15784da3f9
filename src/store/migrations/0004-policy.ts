import type { Migration } from './migration.ts'

/** Versions of the policy, and grants given on request. */
export const policyVersions: Migration = {
  version: 4,
  name: 'policy',
  statements: [
    `CREATE TABLE chaperone.policy_version (
      version text COLLATE "C" PRIMARY KEY CHECK (version ~ '^sha256:[0-9a-f]{64}$'),
      document text NOT NULL,
      created timestamptz NOT NULL DEFAULT statement_timestamp(),
      created_by text NOT NULL,
      note text NOT NULL
    )`,
    // The last one counts. A request brings about one activation, however often it is told to.
    `CREATE TABLE chaperone.policy_activation (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      version text COLLATE "C" NOT NULL REFERENCES chaperone.policy_version,
      activated timestamptz NOT NULL DEFAULT statement_timestamp(),
      activated_by text NOT NULL,
      request text UNIQUE
    )`,
    `CREATE TABLE chaperone.activated_grant (
      request text PRIMARY KEY,
      chain text NOT NULL,
      grant_name text NOT NULL,
      digest text NOT NULL,
      until timestamptz NOT NULL
    )`,
    'CREATE INDEX activated_grant_until ON chaperone.activated_grant (until)',
    // Gateways ask for it twice a second, and for the rest when it has changed. Activations take turns by its lock.
    `CREATE TABLE chaperone.policy_change (
      only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
      version bigint NOT NULL
    )`,
    'INSERT INTO chaperone.policy_change (version) VALUES (0)',
  ],
}
