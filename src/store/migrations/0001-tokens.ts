import type { Migration } from './migration.ts'

/** The vault: scopes with their wrapped keys, and tokens. */
export const tokens: Migration = {
  version: 1,
  name: 'tokens',
  statements: [
    // Deletion takes digest and key at once; the row goes when the last token of the scope has.
    `CREATE TABLE chaperone.token_scope (
      id uuid PRIMARY KEY,
      digest bytea UNIQUE CHECK (octet_length(digest) = 32),
      principal_group text NOT NULL,
      purpose text NOT NULL,
      target text NOT NULL,
      key_id text NOT NULL,
      wrapped_key bytea,
      created timestamptz NOT NULL DEFAULT statement_timestamp(),
      CHECK ((digest IS NULL) = (wrapped_key IS NULL))
    )`,
    // No foreign key: it would lock the scope once a row; the statement that inserts locks it once. A token of a form with few
    // spellings stays after its end without index and value, so that nobody gets it a second time.
    `CREATE TABLE chaperone.token (
      scope_id uuid NOT NULL,
      token text COLLATE "C" NOT NULL,
      phi_class text NOT NULL,
      form text NOT NULL,
      value_index bytea CHECK (octet_length(value_index) = 32),
      sealed bytea,
      issued timestamptz NOT NULL,
      expires timestamptz NOT NULL,
      PRIMARY KEY (scope_id, token),
      UNIQUE (scope_id, value_index),
      CHECK ((value_index IS NULL) = (sealed IS NULL))
    )`,
    'CREATE INDEX token_expires ON chaperone.token (expires) WHERE sealed IS NOT NULL',
  ],
}
