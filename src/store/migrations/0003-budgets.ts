import type { Migration } from './migration.ts'

/**
 * Shared counts. Minutes are since the epoch by this server's clock, and never go back for an account; 0 is for counts without a
 * window. A function, because each of its statements sees what was committed while the one before waited for the lock.
 */
export const budgets: Migration = {
  version: 3,
  name: 'budgets',
  statements: [
    `CREATE TABLE chaperone.budget_account (
      account bytea PRIMARY KEY CHECK (octet_length(account) = 32),
      minute bigint NOT NULL,
      touched timestamptz NOT NULL
    )`,
    `CREATE TABLE chaperone.budget_use (
      account bytea NOT NULL REFERENCES chaperone.budget_account ON DELETE CASCADE,
      minute bigint NOT NULL,
      used bigint NOT NULL CHECK (used >= 0),
      PRIMARY KEY (account, minute)
    )`,
    // Keyed digests: nobody can tell from them who the patients are without the key, and that is for this alone.
    `CREATE TABLE chaperone.budget_patient (
      account bytea NOT NULL REFERENCES chaperone.budget_account ON DELETE CASCADE,
      patient bytea NOT NULL CHECK (octet_length(patient) = 32),
      minute bigint NOT NULL,
      PRIMARY KEY (account, patient)
    )`,
    `CREATE TABLE chaperone.budget_key (
      id integer PRIMARY KEY CHECK (id = 1),
      key bytea NOT NULL CHECK (octet_length(key) = 32)
    )`,
    // Locks the account, and says from which minute on its counts count.
    `CREATE FUNCTION chaperone.budget_lock(of_account bytea, is_window boolean, OUT present bigint, OUT since bigint)
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
      END $$`,
    // As much of an amount as is left.
    `CREATE FUNCTION chaperone.budget_take(of_account bytea, is_window boolean, amount bigint, cap bigint,
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
      END $$`,
    // As many of the patients, in their order, as there is room for, and then of rows that name none.
    `CREATE FUNCTION chaperone.budget_take_patients(of_account bytea, is_window boolean, patients bytea[],
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
      END $$`,
  ],
}
