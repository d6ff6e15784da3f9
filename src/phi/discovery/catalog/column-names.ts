import type { PhiClass } from '../../classes.ts'
import type { TypeGroup } from '../type-group.ts'

/**
 * Names of columns, by the Safe Harbor identifier they stand for (45 CFR 164.514(b)(2)(i), letters as in `../../classes.ts`).
 * Collected from the schemas of Synthea (CSV, OHDSI ETL-Synthea DDL), OMOP CDM 5.4, MIMIC-IV, i2b2 1.8, OpenMRS 2.9 and
 * OpenEMR, and from the field names of HL7 v2 PID. Matched against normalised names. Linear: no look-around, no
 * back-reference, nothing repeated without a bound.
 */
export interface NameRule {
  readonly class: PhiClass
  readonly pattern: RegExp
  /**
   * Where the name is not enough. `person-table`: only in a table whose rows are persons (`name` of a patient, not of a drug).
   * `about-person`: only where rows are linked to persons.
   */
  readonly where?: 'person-table' | 'about-person'
  /** Types that can hold the identifier; unset: see `CLASS_TYPES`. */
  readonly types?: readonly TypeGroup[]
}

const NUMBERED = '(?:_?[0-9]{1,2})?$'
/** The name, or the last words of it. */
const ending = (words: string): RegExp => new RegExp(`(?:^|_)(?:${words})${NUMBERED}`)
const whole = (words: string): RegExp => new RegExp(`^(?:${words})${NUMBERED}`)

const NO = '_?(?:no|num|nr|number)'
const ID_OR_NO = '_?(?:id|no|num|nr|number)'
const DAY = '_?(?:date|time|datetime|dt|ts|dttm|timestamp)'

const PEOPLE =
  'patient|pat|person|member|insured|subscriber|guarantor|(?:policy_?|account_?|card_?)?holder|contact|emergency|emergency_contact|next_of_kin|kin|nok|spouse|partner|parent|guardian_?s?|mother_?s?|father_?s?|child|baby|newborn|relative|caller|recipient|beneficiary|payee|donor|employer|employee|staff|provider|physician|doctor|nurse|clinician|practitioner|attending|referring|prescriber|surgeon|author|signer|witness|driver'

/** What a class is stored as; anything else with that name is something about it (`email boolean`, `age_group enum`). */
export const CLASS_TYPES: Readonly<Partial<Record<PhiClass, readonly TypeGroup[]>>> = {
  date: ['date', 'text', 'integer'],
  'date-of-birth': ['date', 'text', 'integer', 'time'],
  'date-of-death': ['date', 'text', 'integer', 'time'],
  age: ['integer', 'number', 'text', 'interval'],
  geocode: ['text', 'integer', 'number', 'geometry'],
  zip: ['text', 'integer'],
  name: ['text', 'composite', 'bytes', 'document'],
  city: ['text'],
  address: ['text', 'composite', 'document', 'integer'],
  photo: ['bytes', 'text', 'document'],
  biometric: ['bytes', 'text', 'document', 'number', 'other'],
  'free-text': ['text', 'document', 'bytes', 'composite'],
  url: ['text', 'document'],
  ip: ['text', 'network'],
  email: ['text', 'document', 'bytes', 'composite'],
}

/** In order: the first that matches counts, so what is more specific stands before what is less. */
export const NAME_RULES: readonly NameRule[] = [
  // G. Last four digits are derived from the number: still the identifier.
  {
    class: 'ssn',
    pattern: ending(
      `ssn|ssnum|ss|ss${NO}|ssn${NO}|social|social_security(?:${NO})?|soc_sec|ssn_?last_?4|last_?4_?ssn|itin|tin|tax_id|taxpayer_id|sozialversicherungsnummer`,
    ),
  },
  // F
  {
    class: 'email',
    pattern: ending(
      'emails?|e_mails?|mail|emailaddress|email_(?:address|direct|addr)|guardianemail|direct_address|correo|courriel',
    ),
  },
  // O
  {
    class: 'ip',
    pattern: ending(
      'ip|ipv4|ipv6|ip_?addr(?:ess)?|remote_?addr(?:ess)?|(?:client|source|src|host|login)_?ip|x_forwarded_for',
    ),
  },
  // M
  {
    class: 'device',
    pattern: ending(
      `udi|udi_di|udi_pi|unique_device_id|production_id|device_?(?:id|identifier|serial|serial_?no|no|number|mac)|serial|serial${NO}|implant_?(?:id|serial)|pacemaker_?(?:id|serial)|imei|imsi|meid|mac|mac_?addr(?:ess)?|equipment_?id|lot${NO}|distinct_identifier`,
    ),
  },
  // N
  {
    class: 'url',
    pattern: ending('urls?|uri|website|web_?(?:page|site|url)|homepage|href|(?:portal|profile|avatar|photo)_?url'),
  },
  { class: 'url', pattern: ending('link'), where: 'person-table' },
  // Q
  {
    class: 'photo',
    pattern: ending(
      'photos?|photograph|picture|portrait|avatar|face_?image|profile_?(?:pic|picture|image|photo)|headshot|image_?(?:data|blob|base64)|selfie|id_?scan|value_complex',
    ),
  },
  { class: 'photo', pattern: ending('image|scan'), types: ['bytes'] },
  // P
  {
    class: 'biometric',
    pattern: ending(
      'finger_?prints?|voice_?print|retina|iris(?:_?(?:scan|code))?|face_?(?:template|embedding|vector)|palm_?(?:print|vein)|biometrics?(?:_?(?:id|data|template))?|signature_?(?:image|blob|data)|dna_?sequence|genome_?file|gait',
    ),
  },
  // L
  {
    class: 'vehicle',
    pattern: ending(
      'vin|vehicle_?(?:id|no|num|number|identification_number)|plate|plate_?(?:no|num|number)|licen[cs]e_?plate|tag_?number|registration_?plate',
    ),
  },
  // E, D
  { class: 'fax', pattern: ending(`fax(?:es)?|fax${NO}|facsimile`) },
  {
    class: 'phone',
    pattern: ending(
      `(?:guardian)?(?:work)?phones?|telephone|tel|telecom|telefon|telefono|mobile|cell|cellphone|cell_phone|pager|beeper|sms|voicemail|(?:contact|callback|mobile|cell|tele?phone|phone|tel|sms|pager)${NO}|phone_(?:home|work|cell|mobile|biz|contact|ext|country_code)`,
    ),
  },
  // H
  {
    class: 'mrn',
    pattern: ending(
      `mrn|mrn(?:${ID_OR_NO}|_uuid)|mr${NO}|medrec(?:${NO})?|medical_record(?:${ID_OR_NO})?|chart${ID_OR_NO}|pat_?mrn(?:_id)?|epic_?id|enterprise_?id|empi|mpi|mpi_id|hospital_?(?:no|number)|unit_?number|pubpid|patient_ide|person_source_value|patient_?(?:no|number|identifier)`,
    ),
  },
  { class: 'mrn', pattern: whole('identifier|external_id'), where: 'about-person' },
  // I
  {
    class: 'health-plan',
    pattern: ending(
      `mbi|hicn?|hicno|medicare_?(?:id|no|num|number|beneficiary_id)?|medicaid_?(?:id|no|num|number)?|bene_?id|beneficiary${ID_OR_NO}|member(?:${ID_OR_NO}|_mbi)|subscriber${ID_OR_NO}|policy${ID_OR_NO}|group${NO}|insurance${ID_OR_NO}|plan_?member_?id|cert_?no|health_?plan${ID_OR_NO}|payer_?member_?id|card_?id`,
    ),
  },
  // K
  {
    class: 'license',
    pattern: ending(
      `drivers?|drivers?_?licen[cs]e(?:_?(?:no|num|number|state))?|dl|dl${NO}|dln|licen[cs]e${ID_OR_NO}|passport(?:${NO})?|certificate${NO}|dea(?:${NO})?|federal_?drug_?id|npi(?:${NO})?|(?:state|medical)_?licen[cs]e|upin|visa_?(?:no|number)|green_?card|alien_?(?:no|number)|military_?id|edipi|birth_?certificate(?:${NO})?`,
    ),
  },
  // J
  {
    class: 'account',
    pattern: ending(
      `account|acct|(?:account|acct)${ID_OR_NO}|har|csn|(?:visit|encounter|fin|invoice|claim|card|credit_?card|cc|billing|guarantor)_?(?:no|num|number)|claim_?id|billing_?id|hadm_id|stay_id|encounter_ide|fin|bank_?account|iban|bank_iban|routing(?:${NO})?|aba|credit_?card|pan`,
    ),
  },
  // C
  {
    class: 'date-of-death',
    pattern: ending(`(?:death|deceased)${DAY}|dod|date_of_death|died_(?:on|at)|deceased_(?:at|on)|sterbedatum`),
  },
  {
    class: 'date-of-birth',
    pattern: ending(
      `dob|date_of_birth|birth(?:${DAY}|day)|birth_day|born|born_(?:on|at)|(?:year|month|day|time)_of_birth|birth_(?:year|month)|yob|geburtsdatum|fecha_(?:de_)?nacimiento|date_(?:de_)?naissance`,
    ),
  },
  { class: 'age', pattern: ending('age|age_in_(?:years|months|days)(?:_num)?|age_?(?:years|months|days)') },
  { class: 'age', pattern: /(?:^|_)age_at_[a-z0-9_]{1,40}$/ },
  {
    class: 'date',
    pattern: ending(
      `(?:admit|admission|adm|disch|discharge|edreg|edout|chart|store|order|schedule|transfer|visit|encounter|service|procedure|surgery|onset|resolved|diagnosis|specimen|collection|prescription|appointment|appt|obs|observation|measurement|immunization|vaccination|note|claim|start|end|stop)${DAY}|(?:in|out)time|date_of_service|dos|abatement|authored_?on|admitted_(?:on|at)|discharged_(?:on|at)|(?:visit|condition|drug_exposure|procedure|observation_period)_(?:start|end)${DAY}`,
    ),
    where: 'about-person',
  },
  {
    class: 'date',
    pattern: ending(
      'date|datetime|dt|dttm|timestamp|start|stop|end|onset|effective|issued|recorded|performed|occurred|regdate|contrastart|ad_reviewed|date_[a-z]{1,20}|at|on',
    ),
    where: 'about-person',
    types: ['date'],
  },
  // B. State and country are no identifiers, and the first three digits of a ZIP code may be none.
  {
    class: 'zip',
    // Not zip3: three digits are what remains of it.
    pattern: /(?:^|_)(?:(?:guardian)?(?:zip|zip_?code|postal_?code|post_?code)|zip_?[459]|zip_?cd|zcta5?|plz)$/,
  },
  {
    class: 'geocode',
    pattern: ending(
      'lat|lon|lng|latitude|longitude|geo|geom|geocode|geohash|geolocation|gps|coordinates?|fips|fips_code|census_tract|tract|block_group',
    ),
  },
  { class: 'geocode', pattern: ending('position|location|coord'), types: ['geometry'] },
  { class: 'city', pattern: ending('(?:guardian)?city|city_name|town|village|city_village|municipality|ciudad') },
  {
    class: 'address',
    pattern: ending(
      '(?:guardian)?address|streets?|street_(?:name|number|line_?[0-9])|addr|address_?line(?:_?[0-9])?|apt|apartment|house_(?:no|number)|po_?box|county|county_(?:code|name|district)|parish|precinct|neighbou?rhood|subdivision|statecityzip_path|birth_?place|place_of_birth|location_source_value|residence|strasse|direccion',
    ),
  },
  { class: 'address', pattern: whole('line|district|home|addresses'), where: 'about-person' },
  // A: of the person, relatives, employers and household members; names of staff are left to the reader.
  { class: 'name', pattern: ending(`(?:${PEOPLE})_?(?:full_?|first_?|given_?|middle_?|last_?|family_?)?names?`) },
  {
    class: 'name',
    pattern: ending(
      '(?:first|given|middle|last|family|maiden|sur|nick|full|preferred|legal|alias|birth|previous|former)_?names?|[flm]_?name|birth_[flm]name|surname|forename|maiden|maiden_?name|mothers_?maiden(?:_?name)?|mothersname|guardiansname|nickname|name_(?:history|char)|(?:family_)?name_(?:prefix|suffix)|middle_initials?|next_of_kin|emergency_contact|contact_person|employer|vorname|nachname|apellidos?|prenom|nom_de_famille',
    ),
  },
  {
    class: 'name',
    pattern: whole(
      'names?|first|given|middle|last|family|prefix|suffix|title|initials|salutation|alias(?:es)?|display_?name|nombre|nom',
    ),
    where: 'person-table',
  },
  // R. Keys of persons and of what belongs to them are "any other unique identifying number".
  {
    class: 'other-id',
    pattern: ending(
      `(?:patient|pat|subject|person|encounter|visit|admission|episode|beneficiary|mother|newborn)_?(?:id|uuid|guid|key|sk|num)|patient_?ref|pid|user_?name|login|userid|user_id|system_id|(?:employee|student|badge)${ID_OR_NO}|accession(?:${NO})?|specimen_?(?:id|source_id)|(?:prescription|rx)${NO}|trial_?subject|screening_?no|(?:device|push|session|access|refresh|auth)_token|cookie|session_?id|secret_(?:question|answer)|password(?:_hash)?|passwd|salt|activation_key|cmsportal_login|twitter|facebook|instagram|linkedin|wechat|barcode|enterprise_?identifier|(?:series|instance|study_instance|sop_instance)_uid`,
    ),
  },
  {
    class: 'other-id',
    pattern: whole(`patient|uuid|guid|poe_id|emar_id|note_id|order${ID_OR_NO}`),
    where: 'about-person',
  },
  // Text in which any of them may stand.
  {
    class: 'free-text',
    pattern: ending(
      'notes?|note_text|narrative|comments?|remarks?|memo|free_?text|text_div|transcript|dictation|report_text|impression|findings|hpi|snippet|lexical_variant|value_text|value_as_string|tval_char|(?:observation|patient|visit|provider)_blob|comment_to_fulfiller|fulfiller_comment|chief_complaint|void_reason|billing_note|usertext|genericval',
    ),
  },
  {
    class: 'free-text',
    pattern: ending(
      'text|body|messages?|feedback|reviews?|history|assessment|details?|subject|result_value|field_value|sig|instructions?|raw|payload|documents?|doc|content|blob|html|xml|description_other',
    ),
    where: 'about-person',
  },
]

/**
 * Names of columns that hold no identifier: the clinical content that people want to work with. Not on the list of 18, but
 * several of them together can single a person out (164.514(b)(2)(ii)), which no catalog can tell.
 */
export const NOT_IDENTIFIERS: readonly RegExp[] = [
  ending('sex|gender|race|ethnicity|marital|marital_status|language|religion|state|country|nationality'),
  ending('[a-z]{1,30}_concept_id|concept_cd'),
  ending(
    'code|codes|icd|icd_?(?:9|10)|icd_code|snomed|sct|loinc|rxnorm|rxcui|ndc|ndc_code|cpt|hcpcs|procedure_code|drg|atc|itemid',
  ),
  ending(
    'status|type|kind|category|class|flag|units?|unit_of_measure|currency|priority|severity|count|quantity|qty|dose|dosage|route|frequency|refills',
  ),
  ending('amount|cost|price|charge|balance|total|copay|ratio|percent|score|value_num|valuenum|value_as_number'),
  /^(?:is|has|can|should)_/,
]
