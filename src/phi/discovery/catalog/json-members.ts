import { NOT_PHI, type PhiClass } from '../../classes.ts'

/**
 * Parts of JSON documents. FHIR R4 elements by resource; the paths were checked against the R4 sample of Microsoft's Tools
 * for Health Data Anonymization, those that it lacks against the resource pages of the specification.
 */
export interface MemberRule {
  /** `resourceType` of the object that the path begins at; unset: any. */
  readonly resource?: RegExp
  /** Of the dotted path below that object; arrays have no part of their own. */
  readonly path: RegExp
  readonly class: PhiClass | typeof NOT_PHI
}

const PERSONS = /^(?:Patient|RelatedPerson|Person|Practitioner)$/

/** In order: the first that matches counts. */
export const FHIR_MEMBERS: readonly MemberRule[] = [
  { path: /(?:^|\.)text\.div$/, class: 'free-text' },
  { path: /(?:^|\.)note\.text$/, class: 'free-text' },
  {
    path: /^(?:resourceType|status|active|gender|language|maritalStatus\..{1,80}|multipleBirth[A-Z][a-z]{1,20})$/,
    class: NOT_PHI,
  },
  { path: /(?:^|\.)(?:system|use|rank|unit|currency|comparator)$/, class: NOT_PHI },
  { path: /(?:^|\.)coding\.(?:code|version|userSelected)$/, class: NOT_PHI },
  { path: /(?:^|\.)(?:valueQuantity|doseQuantity|quantity)\.(?:value|code)$/, class: NOT_PHI },
  { resource: PERSONS, path: /^(?:contact\.)?name(?:\.(?:family|given|text|prefix|suffix))?$/, class: 'name' },
  { resource: /^(?:FamilyMemberHistory|Group|CareTeam|Account)$/, path: /^name$/, class: 'name' },
  { resource: PERSONS, path: /^identifier\.value$/, class: 'mrn' },
  { resource: /^Coverage$/, path: /^(?:subscriberId|dependent|identifier\.value|class\.value)$/, class: 'health-plan' },
  { resource: /^(?:Account|Encounter|Claim|ExplanationOfBenefit)$/, path: /^identifier\.value$/, class: 'account' },
  { resource: /^Practitioner$/, path: /^qualification\.identifier\.value$/, class: 'license' },
  {
    resource: /^Device$/,
    path: /^(?:udiCarrier\.(?:deviceIdentifier|carrierHRF|carrierAIDC)|serialNumber|distinctIdentifier|lotNumber|identifier\.value)$/,
    class: 'device',
  },
  {
    path: /(?:^|\.)(?:identifier|accessionIdentifier|groupIdentifier|masterIdentifier|requisition)\.value$/,
    class: 'other-id',
  },
  { path: /(?:^|\.)telecom\.value$/, class: 'phone' },
  { path: /(?:^|\.)birthDate$/, class: 'date-of-birth' },
  { path: /(?:^|\.)deceasedDateTime$/, class: 'date-of-death' },
  { path: /(?:^|\.)(?:address|valueAddress)\.(?:line|district|text)$/, class: 'address' },
  { path: /(?:^|\.)(?:address|valueAddress)\.city$/, class: 'city' },
  { path: /(?:^|\.)(?:address|valueAddress)\.postalCode$/, class: 'zip' },
  { path: /(?:^|\.)(?:address|valueAddress)\.(?:state|country)$/, class: NOT_PHI },
  { path: /(?:^|\.)position\.(?:latitude|longitude|altitude)$/, class: 'geocode' },
  // The geolocation extension of an address has its coordinates two levels down.
  { path: /(?:^|\.)address\.extension\.extension\.valueDecimal$/, class: 'geocode' },
  { path: /(?:^|\.)photo\.data$/, class: 'photo' },
  { path: /(?:^|\.)(?:attachment|presentedForm|content)\.data$/, class: 'free-text' },
  { resource: /^(?:Media|Binary)$/, path: /^(?:data|content\.data)$/, class: 'photo' },
  { resource: /^AuditEvent$/, path: /(?:^|\.)network\.address$/, class: 'ip' },
  // A code has a display too; that of a reference is a name.
  { path: /(?:^|\.)(?:coding|[a-z]{0,20}Coding|tag|security|class)\.display$/, class: NOT_PHI },
  { path: /(?:^|\.)display$/, class: 'name' },
  { path: /(?:^|\.)(?:reference|fullUrl)$/, class: 'other-id' },
  { path: /(?:^|\.)id$/, class: 'other-id' },
  // The name of an extension is an address of vocabulary.
  { path: /(?:^|\.)extension\.url$/, class: NOT_PHI },
  { path: /(?:^|\.)(?:url|endpoint)$/, class: 'url' },
  { path: /(?:^|\.)value(?:Date|DateTime|Instant|Period\.start|Period\.end)$/, class: 'date' },
  {
    path: /(?:^|\.)(?:[a-z]{1,20}Date|[a-z]{1,20}DateTime|[a-z]{1,20}Period\.(?:start|end)|period\.(?:start|end)|issued|authoredOn|created|date|lastUpdated|recorded|sent|received|[a-z]{1,20}Time)$/,
    class: 'date',
  },
  { path: /(?:^|\.)(?:onsetAge|age|ageAge|abatementAge)\.value$/, class: 'age' },
  {
    path: /(?:^|\.)(?:valueString|conclusion|summary|contentString|answer\.valueString|description)$/,
    class: 'free-text',
  },
]

/**
 * Words that names of members are made of. A member's name is printed only when all its words are among these: documents
 * exist whose member names are data (`{"<name of a patient>": …}`).
 */
export const MEMBER_WORDS: ReadonlySet<string> = new Set(
  `abatement accession account active actor address addr admission admit admitted age aic aidc alias allergy altitude amount answer
appointment apt area at attachment attending attribute attributes author authored authored balance batch beneficiary billing birth
birthdate birthday blood body bundle business care carrier category cause cell charge chart city claim class client code coding comment
comments company communication component conclusion condition contact contacts contained content count country county coverage created
customer data date day death deceased decimal department description detail details device diagnosis direct disch discharge discharged
display distinct district div dob document dose drivers driver ds effective email emails emergency employee employer encounter
encounters end entry episode event events extension facility family fax fhir field fields first form fname full gender geo geolocation
given group guarantor guardian header height history hl7 home hospital house hrf iban id identifier identifiers identity image info
information insurance insured integer invoice ip issue issued item items kind kin lab label language last lat latitude legal level
license licence line line1 line2 link list lname lng location lon longitude lot mac maiden mail manifest marital master mbi medicaid
medical medicare medication medications member message meta metadata method middle mobile modified mother mothers multiple name names
national network next nok note notes notice npi num number object observation observations occupation of on onset order orders
organization origin other page participant party passport patient patients payer payload pager performed performer period person
personal phone phones photo physician picture pid place plan plate policy position postal post postcode practitioner practitioners
preferred prefix prescription prescriber presented previous primary priority problem procedure product profile properties property
provider qualification quantity race rank reason received recipient record recorded records reference referral relation relationship
relative report request requisition resource resources response result results role route row rows sample secondary section sent serial
series service session sex size social source specimen spouse ss ssn staff start state status stop street subject subscriber suffix
suite summary surname system tag tags tax tel telecom telephone text time timestamp title town type udi uid unit units updated uri url
urls use user username uuid value values verified version vin visit vital vitals web website weight work year zip zip4 zip5 zipcode
address1 address2 phone1 phone2 line_1 line_2 boolean instant string`.split(/\s+/),
)
