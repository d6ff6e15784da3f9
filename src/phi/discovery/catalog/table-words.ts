/** Words in the names of tables, singular. Health systems' own: OMOP, i2b2, MIMIC, OpenMRS, OpenEMR, FHIR resource names. */

const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/))

/** Those whose records they are, with relatives and others of the household (164.514(b)(2)(i)). */
export const PERSON_WORDS = words(
  'patient pat person people individual member subscriber insured guarantor beneficiary enrollee participant client customer consumer resident relative kin guardian contact dependent newborn mother father donor recipient caller demographic',
)

/** Who treats and administers: not the individual, but persons. */
export const STAFF_WORDS = words(
  'provider practitioner physician doctor nurse clinician surgeon therapist pharmacist staff employee user caregiver author personnel operator worker',
)

export const ORGANISATION_WORDS = words(
  'organization organisation hospital facility clinic department dept ward unit site location care_site payer insurer pharmacy vendor supplier manufacturer laboratory company branch agency practice',
)

/** What happens to a person, one row an event. */
export const EVENT_WORDS = words(
  'encounter visit admission discharge stay episode transfer observation obs condition diagnosis problem medication prescription drug dispense immunization vaccination allergy procedure surgery specimen measurement vital labevent lab note document appointment referral death birth claim chart device emar poe imaging',
)

/** Lists of what a column may say. */
export const LOOKUP_WORDS = words('status type category method kind code role permission setting template slot lookup')

/** What may follow a word for a person without changing what a row is. */
export const RECORD_WORDS = words(
  'dimension dim fact table tbl data info information detail master record registry profile name alias address identity identifier list history base entity attribute phone email',
)
