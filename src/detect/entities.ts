import type { PhiClass } from '../phi/classes.ts'

/** What types of entities are here: a class, or 'none' for what is not to be masked. */
export type EntityClasses = Readonly<Record<string, PhiClass | 'none'>>

/** Of a type that nobody has named here. */
export const UNKNOWN_ENTITY: PhiClass = 'other-id'

/** The types of entities of the Presidio analyzer, and of models that are often put behind it. */
export const DEFAULT_ENTITIES: EntityClasses = {
  PERSON: 'name',
  PATIENT: 'name',
  STAFF: 'name',
  HCW: 'name',
  ORGANIZATION: 'name',
  ORG: 'name',
  HOSPITAL: 'name',
  HOSP: 'name',
  VENDOR: 'name',
  PATORG: 'name',
  FACILITY: 'name',
  LOCATION: 'address',
  LOC: 'address',
  GPE: 'city',
  ADDRESS: 'address',
  ZIP: 'zip',
  DATE_TIME: 'date',
  DATE: 'date',
  AGE: 'age',
  PHONE_NUMBER: 'phone',
  PHONE: 'phone',
  EMAIL_ADDRESS: 'email',
  EMAIL: 'email',
  US_SSN: 'ssn',
  US_ITIN: 'ssn',
  US_MBI: 'health-plan',
  MEDICAL_RECORD_NUMBER: 'mrn',
  MEDICAL_LICENSE: 'license',
  US_DRIVER_LICENSE: 'license',
  US_PASSPORT: 'license',
  US_NPI: 'license',
  CREDIT_CARD: 'account',
  CRYPTO: 'account',
  IBAN_CODE: 'account',
  US_BANK_NUMBER: 'account',
  ABA_ROUTING_NUMBER: 'account',
  IP_ADDRESS: 'ip',
  MAC_ADDRESS: 'device',
  URL: 'url',
  DOMAIN_NAME: 'url',
  ID: 'other-id',
  NRP: 'other-id',
}
