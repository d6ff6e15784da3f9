-- The schema of version 3, as a gateway of that version left it, with a scope and its tokens. Written once; never changed after
-- the release.

CREATE SCHEMA chaperone;

CREATE TABLE chaperone.schema_version (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);

CREATE TABLE chaperone.token (
    scope_id uuid NOT NULL,
    token text NOT NULL COLLATE pg_catalog."C",
    phi_class text NOT NULL,
    form text NOT NULL,
    value_index bytea,
    sealed bytea,
    issued timestamp with time zone NOT NULL,
    expires timestamp with time zone NOT NULL,
    CONSTRAINT token_check CHECK (((value_index IS NULL) = (sealed IS NULL))),
    CONSTRAINT token_value_index_check CHECK ((octet_length(value_index) = 32))
);

CREATE TABLE chaperone.token_scope (
    id uuid NOT NULL,
    digest bytea,
    principal_group text NOT NULL,
    purpose text NOT NULL,
    target text NOT NULL,
    key_id text NOT NULL,
    wrapped_key bytea,
    created timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    CONSTRAINT token_scope_check CHECK (((digest IS NULL) = (wrapped_key IS NULL))),
    CONSTRAINT token_scope_digest_check CHECK ((octet_length(digest) = 32))
);

INSERT INTO chaperone.schema_version VALUES (1, 'tokens', '9efe5a2c52d78b38a710a80234bc968be084d1a1275b144c3a84352160320a1b', '2026-11-20 16:28:30.205191+00');

INSERT INTO chaperone.token_scope VALUES ('cbb51a03-354e-44de-8469-1397bbddda78', '\xda1336e6b0949a2ab987808d13b3ccf793f1d4a02b233ca9744c855d18a5717d', 'agents', 'treatment', 'hospital', 'a52bb24055fe947b', '\x21bdb03eaf60b795166545d06a823226c0ba5180cde434d7cfd1fa3e433c18c2754b246257a7cb1606850039896a8ba108138ecbcaa6d0f80b777702', '2026-11-20 16:28:30.267098+00');

INSERT INTO chaperone.token VALUES ('cbb51a03-354e-44de-8469-1397bbddda78', 'tok_e95002yh8n68z4wjw9', 'name', 'text', '\x64ccc1210cc444624023fb705a07ddc11b54bc7fdc7b7bfd39d6edceb29e7b19', '\x3f213e330aa9127f19f3777056423876dc09bbc6e69becfe9073fdb717b393e9b8e90ecab9a2', '2026-11-20 16:28:30.296008+00', '2226-10-03 16:28:30.296008+00');
INSERT INTO chaperone.token VALUES ('cbb51a03-354e-44de-8469-1397bbddda78', '-1510810975', 'mrn', 'integer', NULL, NULL, '2026-11-20 16:28:30.296008+00', '2226-10-03 16:28:30.296008+00');

ALTER TABLE ONLY chaperone.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY chaperone.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (scope_id, token);

ALTER TABLE ONLY chaperone.token
    ADD CONSTRAINT token_scope_id_value_index_key UNIQUE (scope_id, value_index);

ALTER TABLE ONLY chaperone.token_scope
    ADD CONSTRAINT token_scope_digest_key UNIQUE (digest);

ALTER TABLE ONLY chaperone.token_scope
    ADD CONSTRAINT token_scope_pkey PRIMARY KEY (id);

CREATE INDEX token_expires ON chaperone.token USING btree (expires) WHERE (sealed IS NOT NULL);

-- Of version 2: approvals

CREATE TABLE chaperone.approval_request (
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
    );

CREATE UNIQUE INDEX approval_request_pending ON chaperone.approval_request (digest) WHERE state = 'pending';

CREATE INDEX approval_request_open ON chaperone.approval_request (digest)
      WHERE state IN ('pending', 'approved') OR (state = 'refused' AND NOT is_told);

CREATE INDEX approval_request_chain ON chaperone.approval_request (md5(chain)) WHERE state = 'pending';

CREATE INDEX approval_request_due ON chaperone.approval_request (expires) WHERE state IN ('pending', 'approved');

CREATE INDEX approval_request_own ON chaperone.approval_request (created)
      WHERE state = 'approved' AND kind <> 'operation';

CREATE INDEX approval_request_created ON chaperone.approval_request (created);

CREATE INDEX approval_request_state ON chaperone.approval_request (state, created);

CREATE TABLE chaperone.passkey (
      id text COLLATE "C" PRIMARY KEY,
      owner text NOT NULL,
      sealed bytea NOT NULL,
      counter bigint NOT NULL,
      created timestamptz NOT NULL,
      last_used timestamptz
    );

CREATE INDEX passkey_owner ON chaperone.passkey (md5(owner));

CREATE TABLE chaperone.passkey_challenge (
      challenge text COLLATE "C" PRIMARY KEY,
      owner text NOT NULL,
      purpose text NOT NULL,
      nonce text NOT NULL,
      expires timestamptz NOT NULL
    );

CREATE INDEX passkey_challenge_expires ON chaperone.passkey_challenge (expires);

CREATE TABLE chaperone.webhook_outbox (
      id text COLLATE "C" PRIMARY KEY,
      webhook text NOT NULL,
      body text NOT NULL,
      created timestamptz NOT NULL DEFAULT statement_timestamp(),
      attempts integer NOT NULL DEFAULT 0,
      next_attempt timestamptz NOT NULL DEFAULT statement_timestamp()
    );

CREATE INDEX webhook_outbox_due ON chaperone.webhook_outbox (webhook, next_attempt);

INSERT INTO chaperone.schema_version (version, name, checksum) VALUES (2, 'approvals', 'ea311be7e9582264b6f66fac1baa2a68a7a4a3179ebe2e4d777f2c413f7d79d3');

-- Of version 3: budgets

CREATE TABLE chaperone.budget_account (
      account bytea PRIMARY KEY CHECK (octet_length(account) = 32),
      minute bigint NOT NULL,
      touched timestamptz NOT NULL
    );

CREATE TABLE chaperone.budget_use (
      account bytea NOT NULL REFERENCES chaperone.budget_account ON DELETE CASCADE,
      minute bigint NOT NULL,
      used bigint NOT NULL CHECK (used >= 0),
      PRIMARY KEY (account, minute)
    );

CREATE TABLE chaperone.budget_patient (
      account bytea NOT NULL REFERENCES chaperone.budget_account ON DELETE CASCADE,
      patient bytea NOT NULL CHECK (octet_length(patient) = 32),
      minute bigint NOT NULL,
      PRIMARY KEY (account, patient)
    );

CREATE TABLE chaperone.budget_key (
      id integer PRIMARY KEY CHECK (id = 1),
      key bytea NOT NULL CHECK (octet_length(key) = 32)
    );

CREATE FUNCTION chaperone.budget_lock(of_account bytea, is_window boolean, OUT present bigint, OUT since bigint)
      LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO chaperone.budget_account AS a (account, minute, touched)
          VALUES (of_account, 0, clock_timestamp())
          ON CONFLICT (account) DO UPDATE SET touched = clock_timestamp()
          RETURNING a.minute INTO present;
        since := 0;
        IF is_window THEN
          present := greatest(present, floor(extract(epoch FROM clock_timestamp()) / 60)::bigint);
          UPDATE chaperone.budget_account a SET minute = present WHERE a.account = of_account;
          since := present - 61;
        ELSE
          present := 0;
        END IF;
      END $$;

CREATE FUNCTION chaperone.budget_take(of_account bytea, is_window boolean, amount bigint, cap bigint,
        OUT granted bigint, OUT at_minute bigint)
      LANGUAGE plpgsql AS $$
      DECLARE since bigint; total numeric;
      BEGIN
        SELECT l.present, l.since INTO at_minute, since FROM chaperone.budget_lock(of_account, is_window) l;
        SELECT coalesce(sum(u.used), 0) INTO total FROM chaperone.budget_use u
          WHERE u.account = of_account AND u.minute >= since;
        granted := greatest(0, least(amount, cap - total))::bigint;
        IF granted > 0 THEN
          INSERT INTO chaperone.budget_use AS u (account, minute, used) VALUES (of_account, at_minute, granted)
            ON CONFLICT (account, minute) DO UPDATE SET used = u.used + excluded.used;
        END IF;
      END $$;

CREATE FUNCTION chaperone.budget_take_patients(of_account bytea, is_window boolean, patients bytea[],
        unnamed bigint, cap bigint, OUT accepted bigint, OUT granted bigint)
      LANGUAGE plpgsql AS $$
      DECLARE present bigint; since bigint; total numeric; one bytea;
      BEGIN
        SELECT l.present, l.since INTO present, since FROM chaperone.budget_lock(of_account, is_window) l;
        SELECT coalesce(sum(u.used), 0) INTO total FROM chaperone.budget_use u
          WHERE u.account = of_account AND u.minute >= since;
        total := total + (SELECT count(*) FROM chaperone.budget_patient p
          WHERE p.account = of_account AND p.minute >= since);
        accepted := 0;
        FOREACH one IN ARRAY patients LOOP
          UPDATE chaperone.budget_patient p SET minute = present
            WHERE p.account = of_account AND p.patient = one AND p.minute >= since;
          IF NOT FOUND THEN
            EXIT WHEN total >= cap;
            INSERT INTO chaperone.budget_patient AS p (account, patient, minute) VALUES (of_account, one, present)
              ON CONFLICT (account, patient) DO UPDATE SET minute = present;
            total := total + 1;
          END IF;
          accepted := accepted + 1;
        END LOOP;
        granted := 0;
        IF accepted = cardinality(patients) THEN
          granted := greatest(0, least(unnamed, cap - total))::bigint;
        END IF;
        IF granted > 0 THEN
          INSERT INTO chaperone.budget_use AS u (account, minute, used) VALUES (of_account, present, granted)
            ON CONFLICT (account, minute) DO UPDATE SET used = u.used + excluded.used;
        END IF;
      END $$;

INSERT INTO chaperone.schema_version (version, name, checksum) VALUES (3, 'budgets', 'e6ef91e9dab35e0ca85ab9b9aafd26f776f021388632bee83316477e4b43589d');
