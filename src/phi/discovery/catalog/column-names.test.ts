import { describe, expect, it } from 'vitest'
import { PHI_CLASSES, type PhiClass } from '../../classes.ts'
import { nonLinear } from '../../detect/linear-pattern-test-support.ts'
import { classOfName } from '../name-class.ts'
import { tableSubjects } from '../table-subject.ts'
import type { TypeGroup } from '../type-group.ts'
import { NAME_RULES, NOT_IDENTIFIERS } from './column-names.ts'

/** The class of `table.column` when nothing but its names and type are known. */
function classOf(name: string, group: TypeGroup): PhiClass | 'none' {
  const [table = '', column = ''] = name.split('.')
  const input = { oid: 1, name: table, identified: false, columns: [{ name: column, group }] }
  const subject = tableSubjects([input], []).get(1) ?? expect.fail('no subject')
  return classOfName(column, group, subject)?.class ?? 'none'
}

/** Columns of systems that exist, by what they hold. */
const KNOWN: Readonly<Partial<Record<PhiClass, Readonly<Partial<Record<TypeGroup, string>>>>>> = {
  name: {
    text: `patients.PREFIX patients.FIRST patients.MIDDLE patients.LAST patients.SUFFIX patients.MAIDEN provider.provider_name
      person_name.prefix person_name.given_name person_name.middle_name person_name.family_name_prefix
      person_name.family_name person_name.family_name2 person_name.family_name_suffix provider.name patient_data.title
      patient_data.fname patient_data.lname patient_data.mname patient_data.mothersname patient_data.guardiansname
      patient_data.birth_fname patient_data.preferred_name patient_data.name_history insurance.subscriber_name
      billing_account.guarantor_name PatientAlias.FullName PatientAlias.BirthName visit.attending_physician_name
      PROVIDER_DIMENSION.NAME_CHAR patients.Vorname patients.apellidos orders.NextOfKinName patient.guarantor_middle_initial
      patient.name_suffix`,
  },
  address: {
    text: `patients.BIRTHPLACE patients.ADDRESS patients.COUNTY location.address_1 location.address_2 location.county
      location.location_source_value PATIENT_DIMENSION.STATECITYZIP_PATH person_address.address1 person_address.address15
      person_address.county_district patient_data.street patient_data.street_line_2 patient_data.guardianaddress`,
    composite: 'patients.home',
  },
  city: { text: 'patients.CITY location.city person_address.city_village patient_data.guardiancity' },
  zip: {
    text: 'patients.ZIP location.zip PATIENT_DIMENSION.ZIP_CD person_address.postal_code patient_data.guardianpostalcode a.plz',
    integer: 'patients.zip_code',
  },
  geocode: {
    number: 'patients.LAT patients.LON location.latitude location.longitude',
    text: 'person_address.latitude patients.FIPS a.geohash',
    geometry: 'visits.position',
  },
  'date-of-birth': {
    date: 'patients.BIRTHDATE person.birth_datetime PATIENT_DIMENSION.BIRTH_DATE person.birthdate patient_data.DOB',
    integer: 'person.month_of_birth person.day_of_birth person.year_of_birth',
    time: 'person.birthtime',
  },
  'date-of-death': {
    date: 'patients.DEATHDATE death.death_date death.death_datetime patients.dod admissions.deathtime person.death_date patient_data.deceased_date',
  },
  date: {
    date: `encounters.START encounters.STOP observations.DATE visit_occurrence.visit_start_date
      visit_occurrence.visit_start_datetime condition_occurrence.condition_start_date drug_exposure.verbatim_end_date
      measurement.measurement_date note.note_date specimen.specimen_date observation_period.observation_period_start_date
      admissions.admittime admissions.dischtime admissions.edregtime labevents.charttime labevents.storetime
      omr_observations.chartdate transfers.intime transfers.outtime poe.ordertime VISIT_DIMENSION.START_DATE
      encounter.encounter_datetime visit.date_started obs.obs_datetime obs.value_datetime patient_data.regdate
      patient_data.contrastart patient_data.ad_reviewed`,
  },
  age: { integer: 'patients.anchor_age PATIENT_DIMENSION.AGE_IN_YEARS_NUM visit.age_at_admission patients.age' },
  phone: {
    text: `patients.PHONE patient_data.phone_home patient_data.phone_biz patient_data.phone_contact patient_data.phone_cell
      patient_data.guardianphone patient_data.guardianworkphone appointment.callback_phone a.mobile_number a.telefon`,
    integer: 'patients.phone_no appointment.callback_no',
  },
  fax: { text: 'users.fax facility.fax a.fax_number' },
  email: { text: 'patient_data.email patient_data.email_direct patient_data.guardianemail users.email a.EmailAddress' },
  ssn: {
    text: 'patients.SSN patient_data.ss insurance.subscriber_ssn a.social_security_number a.ssn_last4 a.SSN_Encrypted',
    integer: 'a.ssn',
  },
  mrn: {
    text: 'person.person_source_value PATIENT_MAPPING.PATIENT_IDE patient_identifier.identifier patient_data.pubpid patients.mrn',
    integer: 'patients.mrn_no mv.chart_no',
    uuid: 'patients.mrn_uuid',
  },
  'health-plan': {
    text: 'insurance_data.policy_number insurance_data.group_number insurance.member_mbi insurance.member_id a.medicaid_id',
  },
  account: {
    integer: 'admissions.hadm_id icustays.stay_id VISIT_DIMENSION.ENCOUNTER_NUM',
    text: 'ENCOUNTER_MAPPING.ENCOUNTER_IDE billing_account.account_no billing_account.bank_iban insurance.card_number',
  },
  license: {
    text: 'patients.DRIVERS patients.PASSPORT provider.npi provider.dea patient_data.drivers_license users.federaldrugid',
  },
  vehicle: { text: 'a.vin a.license_plate a.plate_number' },
  device: {
    text: 'devices.UDI device_exposure.unique_device_id device_exposure.production_id drug_exposure.lot_number a.serial_no',
    mac: 'web_session.device_mac',
  },
  url: { text: 'web_session.url a.website patients.photo_url' },
  ip: { network: 'patients.portal_ip audit_event.client_ip', text: 'a.x_forwarded_for' },
  biometric: { bytes: 'a.fingerprint a.face_template', text: 'a.voice_print' },
  photo: { bytes: 'patients.photo scans.image', text: 'obs.value_complex a.avatar' },
  'other-id': {
    uuid: 'PatientAlias.PatientId patient_identity.uuid',
    integer: `person.person_id patients.subject_id PATIENT_DIMENSION.PATIENT_NUM patient.patient_id patient_data.pid
      encounters.encounter_id`,
    text: `imaging_studies.SERIES_UID imaging_studies.INSTANCE_UID specimen.specimen_source_id note.note_id poe.poe_id
      emar.emar_id obs.accession_number users.username users.system_id users.password users.secret_question
      patient_data.cmsportal_login encounters.PATIENT`,
  },
  'free-text': {
    text: `note.note_text note_nlp.snippet note_nlp.lexical_variant observation.value_as_string drug_exposure.sig
      labevents.comments microbiologyevents.comments omr_observations.result_value poe_detail.field_value
      OBSERVATION_FACT.TVAL_CHAR OBSERVATION_FACT.OBSERVATION_BLOB PATIENT_DIMENSION.PATIENT_BLOB obs.value_text
      obs.comments note.text patient_orders.instructions patient.void_reason patient_data.billing_note
      patient_data.usertext1 patient_data.genericval1 patient_message.subject patient_message.body patient_feedback.feedback`,
    document: 'patient_resource.document',
  },
}

/** The clinical and administrative content that people want to work with. */
const NO_IDENTIFIERS: Readonly<Partial<Record<TypeGroup, string>>> = {
  text: `conditions.CODE conditions.DESCRIPTION observations.VALUE observations.UNITS observations.TYPE patients.GENDER
    patients.RACE patients.ETHNICITY patients.MARITAL patients.STATE encounters.REASONCODE encounters.REASONDESCRIPTION
    encounters.ENCOUNTERCLASS observations.CATEGORY medications.STATUS admissions.insurance admissions.language
    medications.name organizations.name drug.brand_name_code labevents.flag observations.loinc conditions.icd_code
    encounters.department encounters.kind insurance.payer insurance.plan medications.dose notes.author_role
    prescriptions.drug d_items.label drug_strength.valid_unit zip3_population.zip3 products.name departments.title
    encounters.discharge_disposition patients.blood_type lab.specimen_type claims.claim_status`,
  integer: `measurement.measurement_concept_id condition_occurrence.condition_concept_id person.gender_concept_id
    medications.refills cost_by_month.encounters zip3_population.population_2010 labevents.itemid web_session.pages`,
  number:
    'measurement.value_as_number labevents.valuenum encounters.charge patients.balance insurance.copay reporting.total_cost',
  boolean: 'patient_contact.is_primary patients.has_phone patients.email_ok',
  date: 'cost_by_month.month departments.opened drug_strength.valid_until calendar.day',
  enum: 'patients.sex appointment.status',
}

const GROUPS = [
  'text',
  'integer',
  'number',
  'date',
  'time',
  'uuid',
  'bytes',
  'boolean',
  'enum',
  'composite',
  'geometry',
  'network',
  'mac',
  'document',
] as const satisfies readonly TypeGroup[]

const columnsOf = (known: Readonly<Partial<Record<TypeGroup, string>>>): readonly (readonly [TypeGroup, string])[] =>
  GROUPS.flatMap((group) =>
    (known[group] ?? '').split(/\s+/).flatMap((name) => (name === '' ? [] : [[group, name] as const])),
  )

describe('names of columns', () => {
  const known = Object.entries(KNOWN).flatMap(([phiClass, names]) =>
    columnsOf(names).map(([group, name]) => [name, group, phiClass] as const),
  )
  it.each(known)('%s %s: %s', (name, group, phiClass) => expect(classOf(name, group)).toBe(phiClass))

  it.each(columnsOf(NO_IDENTIFIERS))('%s %s: none', (group, name) => expect(classOf(name, group)).toBe('none'))

  it('have a pattern for every class', () => {
    const classes = new Set(NAME_RULES.map((rule) => rule.class))
    expect(PHI_CLASSES.filter((phiClass) => !classes.has(phiClass))).toEqual([])
  })

  it('have linear patterns', () => {
    const patterns = [...NAME_RULES.map(({ pattern }) => pattern), ...NOT_IDENTIFIERS]
    expect(patterns.map(nonLinear).filter((why) => why !== undefined)).toEqual([])
  })
})
