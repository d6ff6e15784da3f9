import { DEMO_TARGET, type ConfigDocument } from '../support/testbed.ts'

/** Patients with three visits each, and a log of who called, which nobody can attribute. */
export const CLINIC_SQL = `
create schema clinic;
create table clinic.patient (id integer primary key, name text);
create table clinic.visit (id integer primary key, patient_id integer, note text);
create table clinic.call (id integer primary key, line text);
insert into clinic.patient select n, 'Quuxling ' || n from generate_series(1, 60) n;
insert into clinic.visit select n, 1 + (n - 1) / 3, 'quuxnote ' || n from generate_series(1, 180) n;
insert into clinic.call select n, 'quuxcall ' || n from generate_series(1, 20) n;
create view clinic.everybody as select string_agg(name, ',') as s from clinic.patient;
create table clinic.big as select n as id, repeat('x', 1000) as filler from generate_series(1, 20000) n;
grant usage on schema clinic to chaperone_app;
grant select, insert, update, delete on all tables in schema clinic to chaperone_app;
`

const LABELS = {
  'clinic.*': 'none',
  'clinic.patient.name': 'name',
  'clinic.visit.note': 'free-text',
  'clinic.call.line': 'free-text',
}

/** A target for each set of budgets, all of them the same database. */
export function clinicTargets(document: ConfigDocument, budgets: Readonly<Record<string, unknown>>): void {
  const { targets, grants, phi, packs } = document
  for (const [name, limits] of Object.entries(budgets)) {
    targets[name] = { ...targets[DEMO_TARGET], database: targets[DEMO_TARGET].database }
    phi.labels[name] = LABELS
    phi.patients = { ...phi.patients, [name]: ['clinic.patient.id', 'clinic.visit.patient_id'] }
    grants.push({
      name: `clinic-${name}`,
      principals: [{ group: 'care-agents' }],
      targets: [name],
      clearance: { default: name === 'clear' ? 'clear' : 'masked' },
      budgets: limits,
    })
  }
  packs.guardrails.disable = ['bulk-export', 'full-history', 'large-read', 'paged-read', 'phi-change']
}
