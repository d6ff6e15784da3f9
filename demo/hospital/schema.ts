import { TABLES } from './tables.ts'

/** The role that the gateway logs in with: reads and writes rows, owns nothing, bypasses nothing. */
export const APP_ROLE = 'chaperone_app'

const createTable = ({ name, columns }: (typeof TABLES)[number]): string =>
  `CREATE TABLE hospital.${name} (\n${columns.map(([column, type]) => `  ${column} ${type}`).join(',\n')}\n);`

/** Schema and tables, without what is faster to add once they are full. */
export const TABLES_SQL = `CREATE SCHEMA hospital;
${TABLES.map(createTable).join('\n')}
`

const children = TABLES.filter(({ columns }) => columns.some(([name]) => name === 'encounter_id'))

/** Foreign keys, indexes, views, and identity columns that go on after the loaded rows. Run after the rows are in. */
export const FINISH_SQL = `
ALTER TABLE hospital.insurance ADD FOREIGN KEY (patient_id) REFERENCES hospital.patients;
ALTER TABLE hospital.encounters ADD FOREIGN KEY (patient_id) REFERENCES hospital.patients;
${children
  .map(
    ({ name }) => `ALTER TABLE hospital.${name}
  ADD FOREIGN KEY (patient_id) REFERENCES hospital.patients,
  ADD FOREIGN KEY (encounter_id) REFERENCES hospital.encounters;
CREATE INDEX ON hospital.${name} (patient_id);
CREATE INDEX ON hospital.${name} (encounter_id);`,
  )
  .join('\n')}
CREATE INDEX ON hospital.insurance (patient_id);
CREATE INDEX ON hospital.encounters (patient_id, started_at);
CREATE INDEX ON hospital.patients (last_name, first_name);
CREATE INDEX ON hospital.conditions (code);
CREATE INDEX ON hospital.observations (loinc);
${TABLES.filter(({ name }) => name !== 'patients')
  .map(
    ({ name }) =>
      `SELECT setval(pg_get_serial_sequence('hospital.${name}', 'id'), max(id)) FROM hospital.${name} HAVING max(id) IS NOT NULL;`,
  )
  .join('\n')}

CREATE VIEW hospital.patient_directory AS
  SELECT id, last_name || ', ' || first_name AS full_name, birth_date, phone, city, state
  FROM hospital.patients;

CREATE VIEW hospital.monthly_encounters AS
  SELECT date_trunc('month', started_at, 'UTC') AS month, department, count(*) AS encounters
  FROM hospital.encounters
  GROUP BY 1, 2
  HAVING count(*) >= 11;

COMMENT ON SCHEMA hospital IS 'Synthetic: every patient is made up.';
`

/** Rights of the application's role. The role itself is made by the loader, because roles outlive a database. */
export const GRANTS_SQL = `
GRANT USAGE ON SCHEMA hospital TO ${APP_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hospital TO ${APP_ROLE};
`
