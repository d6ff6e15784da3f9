import type { Migration } from './migration.ts'

/** Requests to humans, the passkeys that they sign with, and messages that are still to be delivered. */
export const approvals: Migration = {
  version: 2,
  name: 'approvals',
  statements: [
    // `sealed` is the request itself; the other columns are what it is found by, and are compared with it when it is opened.
    `CREATE TABLE chaperone.approval_request (
      id text COLLATE "C" PRIMARY KEY,
      digest text COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
      kind text NOT NULL,
      chain text NOT NULL,
      members text[] NOT NULL,
      pools text[] NOT NULL,
      state text NOT NULL CHECK (state IN ('pending', 'approved', 'refused', 'expired', 'withdrawn', 'used')),
      created timestamptz NOT NULL,
      expires timestamptz NOT NULL,
      is_told boolean NOT NULL,
      sealed bytea NOT NULL,
      exact bytea
    )`,
    // Two gateways that are asked for the same at once make one request.
    `CREATE UNIQUE INDEX approval_request_pending ON chaperone.approval_request (digest) WHERE state = 'pending'`,
    `CREATE INDEX approval_request_open ON chaperone.approval_request (digest)
      WHERE state IN ('pending', 'approved') OR (state = 'refused' AND NOT is_told)`,
    // By a digest: a chain may be longer than an index takes.
    `CREATE INDEX approval_request_chain ON chaperone.approval_request (md5(chain)) WHERE state = 'pending'`,
    `CREATE INDEX approval_request_due ON chaperone.approval_request (expires) WHERE state IN ('pending', 'approved')`,
    `CREATE INDEX approval_request_own ON chaperone.approval_request (created)
      WHERE state = 'approved' AND kind <> 'operation'`,
    'CREATE INDEX approval_request_created ON chaperone.approval_request (created)',
    'CREATE INDEX approval_request_state ON chaperone.approval_request (state, created)',
    `CREATE TABLE chaperone.passkey (
      id text COLLATE "C" PRIMARY KEY,
      owner text NOT NULL,
      sealed bytea NOT NULL,
      counter bigint NOT NULL,
      created timestamptz NOT NULL,
      last_used timestamptz
    )`,
    'CREATE INDEX passkey_owner ON chaperone.passkey (md5(owner))',
    // Of a ceremony that has begun. Taken once: deleted when it is looked up.
    `CREATE TABLE chaperone.passkey_challenge (
      challenge text COLLATE "C" PRIMARY KEY,
      owner text NOT NULL,
      purpose text NOT NULL,
      nonce text NOT NULL,
      expires timestamptz NOT NULL
    )`,
    'CREATE INDEX passkey_challenge_expires ON chaperone.passkey_challenge (expires)',
    `CREATE TABLE chaperone.webhook_outbox (
      id text COLLATE "C" PRIMARY KEY,
      webhook text NOT NULL,
      body text NOT NULL,
      created timestamptz NOT NULL DEFAULT statement_timestamp(),
      attempts integer NOT NULL DEFAULT 0,
      next_attempt timestamptz NOT NULL DEFAULT statement_timestamp()
    )`,
    'CREATE INDEX webhook_outbox_due ON chaperone.webhook_outbox (webhook, next_attempt)',
  ],
}
