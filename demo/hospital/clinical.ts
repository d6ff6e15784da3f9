/**
 * What patients of the demo hospital have, take and are measured for. Codes are ICD-10-CM and LOINC; drug codes imitate
 * RxNorm. Chosen for variety, not for epidemiology: do not use them for care.
 */
export interface Condition {
  readonly code: string
  readonly description: string
  readonly chronic: boolean
  readonly minimumAge: number
  readonly maximumAge: number
  readonly sex: 'F' | 'M' | undefined
  readonly weight: number
  /** Keys of DRUGS. */
  readonly drugs: readonly string[]
}

export interface Drug {
  readonly code: string
  readonly name: string
  readonly dose: string
}

export interface Measurement {
  readonly loinc: string
  readonly name: string
  readonly unit: string
  readonly mean: number
  readonly deviation: number
  readonly decimals: number
  /** A condition whose presence moves the mean, by ICD-10 prefix. */
  readonly raisedBy?: { readonly prefix: string; readonly by: number }
}

type DrugRow = readonly [key: string, code: string, name: string, dose: string]

const DRUG_ROWS: readonly DrugRow[] = [
  ['lisinopril', '314076', 'lisinopril 10 MG Oral Tablet', '1 tablet daily'],
  ['amlodipine', '197361', 'amlodipine 5 MG Oral Tablet', '1 tablet daily'],
  ['metoprolol', '866924', 'metoprolol tartrate 25 MG Oral Tablet', '1 tablet twice daily'],
  ['metformin', '861007', 'metformin hydrochloride 500 MG Oral Tablet', '1 tablet twice daily with meals'],
  ['insulin', '847230', 'insulin glargine 100 UNT/ML Pen Injector', '18 units at bedtime'],
  ['atorvastatin', '617310', 'atorvastatin 20 MG Oral Tablet', '1 tablet at bedtime'],
  ['albuterol', '745679', 'albuterol 0.09 MG/ACTUAT Metered Dose Inhaler', '2 puffs every 4 hours as needed'],
  ['fluticasone', '896188', 'fluticasone propionate 0.11 MG/ACTUAT Inhaler', '2 puffs twice daily'],
  ['levothyroxine', '966222', 'levothyroxine sodium 0.05 MG Oral Tablet', '1 tablet in the morning'],
  ['sertraline', '312941', 'sertraline 50 MG Oral Tablet', '1 tablet daily'],
  ['escitalopram', '351249', 'escitalopram 10 MG Oral Tablet', '1 tablet daily'],
  ['omeprazole', '198051', 'omeprazole 20 MG Delayed Release Oral Capsule', '1 capsule before breakfast'],
  ['apixaban', '1364445', 'apixaban 5 MG Oral Tablet', '1 tablet twice daily'],
  ['furosemide', '313988', 'furosemide 40 MG Oral Tablet', '1 tablet in the morning'],
  ['tiotropium', '580261', 'tiotropium 0.018 MG Inhalation Powder', '1 capsule inhaled daily'],
  ['donepezil', '997223', 'donepezil hydrochloride 10 MG Oral Tablet', '1 tablet at bedtime'],
  ['gabapentin', '310431', 'gabapentin 300 MG Oral Capsule', '1 capsule three times daily'],
  ['sumatriptan', '313165', 'sumatriptan 50 MG Oral Tablet', '1 tablet at onset of headache'],
  ['methylphenidate', '1091145', 'methylphenidate hydrochloride 10 MG Oral Tablet', '1 tablet in the morning'],
  ['buprenorphine', '1431076', 'buprenorphine 8 MG / naloxone 2 MG Sublingual Film', '1 film daily'],
  ['amoxicillin', '308191', 'amoxicillin 500 MG Oral Capsule', '1 capsule three times daily for 7 days'],
  ['nitrofurantoin', '1648755', 'nitrofurantoin 100 MG Oral Capsule', '1 capsule twice daily for 5 days'],
  ['azithromycin', '308460', 'azithromycin 250 MG Oral Tablet', '2 tablets on day 1, then 1 daily for 4 days'],
  ['ibuprofen', '197806', 'ibuprofen 600 MG Oral Tablet', '1 tablet every 6 hours as needed'],
  ['acetaminophen', '198440', 'acetaminophen 500 MG Oral Tablet', '1 tablet every 6 hours as needed'],
  ['prednisone', '312617', 'prednisone 20 MG Oral Tablet', '2 tablets daily for 5 days'],
  ['folic', '310410', 'folic acid 1 MG Oral Tablet', '1 tablet daily'],
  [
    'bictegravir',
    '1999667',
    'bictegravir 50 MG / emtricitabine 200 MG / tenofovir 25 MG Oral Tablet',
    '1 tablet daily',
  ],
]

export const DRUGS: ReadonlyMap<string, Drug> = new Map(
  DRUG_ROWS.map(([key, code, name, dose]) => [key, { code, name, dose }]),
)

type ConditionRow = readonly [
  code: string,
  description: string,
  chronic: boolean,
  minimumAge: number,
  maximumAge: number,
  sex: 'F' | 'M' | '',
  weight: number,
  drugs: string,
]

const CONDITION_ROWS: readonly ConditionRow[] = [
  ['I10', 'Essential (primary) hypertension', true, 25, 120, '', 14, 'lisinopril amlodipine'],
  ['E11.9', 'Type 2 diabetes mellitus without complications', true, 30, 120, '', 9, 'metformin insulin'],
  ['E10.9', 'Type 1 diabetes mellitus without complications', true, 4, 120, '', 1, 'insulin'],
  ['E78.5', 'Hyperlipidemia, unspecified', true, 30, 120, '', 11, 'atorvastatin'],
  ['J45.909', 'Unspecified asthma, uncomplicated', true, 4, 120, '', 7, 'albuterol fluticasone'],
  ['E03.9', 'Hypothyroidism, unspecified', true, 20, 120, '', 4, 'levothyroxine'],
  ['F32.A', 'Depression, unspecified', true, 13, 120, '', 6, 'sertraline escitalopram'],
  ['F41.1', 'Generalized anxiety disorder', true, 13, 120, '', 5, 'escitalopram sertraline'],
  ['K21.9', 'Gastro-esophageal reflux disease without esophagitis', true, 20, 120, '', 6, 'omeprazole'],
  ['I48.91', 'Unspecified atrial fibrillation', true, 55, 120, '', 3, 'apixaban metoprolol'],
  ['I50.9', 'Heart failure, unspecified', true, 60, 120, '', 3, 'furosemide metoprolol'],
  ['J44.9', 'Chronic obstructive pulmonary disease, unspecified', true, 50, 120, '', 3, 'tiotropium albuterol'],
  ['N18.30', 'Chronic kidney disease, stage 3 unspecified', true, 50, 120, '', 3, 'lisinopril'],
  ['G30.9', "Alzheimer's disease, unspecified", true, 70, 120, '', 2, 'donepezil'],
  ['M17.9', 'Osteoarthritis of knee, unspecified', true, 45, 120, '', 5, 'ibuprofen acetaminophen'],
  ['M54.50', 'Low back pain, unspecified', true, 18, 120, '', 6, 'ibuprofen gabapentin'],
  ['G43.909', 'Migraine, unspecified, not intractable', true, 12, 80, '', 4, 'sumatriptan'],
  ['F90.9', 'Attention-deficit hyperactivity disorder, unspecified type', true, 6, 50, '', 4, 'methylphenidate'],
  ['F11.20', 'Opioid dependence, uncomplicated', true, 18, 75, '', 1, 'buprenorphine'],
  ['B20', 'Human immunodeficiency virus [HIV] disease', true, 18, 85, '', 1, 'bictegravir'],
  ['D57.1', 'Sickle-cell disease without crisis', true, 1, 60, '', 1, 'folic'],
  ['C50.919', 'Malignant neoplasm of unspecified site of unspecified female breast', true, 35, 120, 'F', 1, ''],
  ['N40.1', 'Benign prostatic hyperplasia with lower urinary tract symptoms', true, 50, 120, 'M', 3, ''],
  ['L20.9', 'Atopic dermatitis, unspecified', true, 0, 60, '', 3, ''],
  ['J06.9', 'Acute upper respiratory infection, unspecified', false, 0, 120, '', 12, 'acetaminophen'],
  ['J02.9', 'Acute pharyngitis, unspecified', false, 2, 60, '', 6, 'amoxicillin'],
  ['H66.90', 'Otitis media, unspecified, unspecified ear', false, 0, 12, '', 8, 'amoxicillin'],
  ['J18.9', 'Pneumonia, unspecified organism', false, 0, 120, '', 3, 'azithromycin amoxicillin'],
  ['J20.9', 'Acute bronchitis, unspecified', false, 5, 120, '', 5, 'azithromycin prednisone'],
  ['U07.1', 'COVID-19', false, 0, 120, '', 5, 'acetaminophen'],
  ['N39.0', 'Urinary tract infection, site not specified', false, 5, 120, 'F', 6, 'nitrofurantoin'],
  ['A09', 'Infectious gastroenteritis and colitis, unspecified', false, 0, 120, '', 4, ''],
  ['S93.401A', 'Sprain of unspecified ligament of right ankle, initial encounter', false, 8, 75, '', 4, 'ibuprofen'],
  [
    'S52.501A',
    'Unspecified fracture of the lower end of right radius, initial encounter',
    false,
    5,
    120,
    '',
    2,
    'ibuprofen',
  ],
  ['S06.0X0A', 'Concussion without loss of consciousness, initial encounter', false, 5, 90, '', 1, 'acetaminophen'],
  ['L03.90', 'Cellulitis, unspecified', false, 10, 120, '', 2, 'amoxicillin'],
  ['K35.80', 'Unspecified acute appendicitis', false, 6, 60, '', 1, ''],
  ['R07.9', 'Chest pain, unspecified', false, 25, 120, '', 4, ''],
  ['R51.9', 'Headache, unspecified', false, 8, 120, '', 4, 'acetaminophen'],
  ['O80', 'Encounter for full-term uncomplicated delivery', false, 17, 46, 'F', 2, ''],
]

const condition = ([
  code,
  description,
  chronic,
  minimumAge,
  maximumAge,
  sex,
  weight,
  drugs,
]: ConditionRow): Condition => ({
  code,
  description,
  chronic,
  minimumAge,
  maximumAge,
  sex: sex === '' ? undefined : sex,
  weight,
  drugs: drugs.split(' ').filter((name) => name !== ''),
})

export const CONDITIONS: readonly Condition[] = CONDITION_ROWS.map(condition)

/** Taken at most visits in person. */
export const VITAL_SIGNS: readonly Measurement[] = [
  {
    loinc: '8480-6',
    name: 'Systolic blood pressure',
    unit: 'mm[Hg]',
    mean: 121,
    deviation: 12,
    decimals: 0,
    raisedBy: { prefix: 'I10', by: 18 },
  },
  {
    loinc: '8462-4',
    name: 'Diastolic blood pressure',
    unit: 'mm[Hg]',
    mean: 76,
    deviation: 8,
    decimals: 0,
    raisedBy: { prefix: 'I10', by: 10 },
  },
  {
    loinc: '8867-4',
    name: 'Heart rate',
    unit: '/min',
    mean: 76,
    deviation: 11,
    decimals: 0,
    raisedBy: { prefix: 'I48', by: 12 },
  },
  {
    loinc: '59408-5',
    name: 'Oxygen saturation by pulse oximetry',
    unit: '%',
    mean: 97,
    deviation: 1,
    decimals: 0,
    raisedBy: { prefix: 'J44', by: -4 },
  },
  {
    loinc: '8310-5',
    name: 'Body temperature',
    unit: 'Cel',
    mean: 36.8,
    deviation: 0.3,
    decimals: 1,
    raisedBy: { prefix: 'J1', by: 1.4 },
  },
]

/** Ordered now and then. */
export const LABORATORY: readonly Measurement[] = [
  {
    loinc: '4548-4',
    name: 'Hemoglobin A1c/Hemoglobin.total in Blood',
    unit: '%',
    mean: 5.4,
    deviation: 0.3,
    decimals: 1,
    raisedBy: { prefix: 'E1', by: 2.1 },
  },
  {
    loinc: '2345-7',
    name: 'Glucose [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    mean: 94,
    deviation: 10,
    decimals: 0,
    raisedBy: { prefix: 'E1', by: 68 },
  },
  {
    loinc: '2093-3',
    name: 'Cholesterol [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    mean: 182,
    deviation: 26,
    decimals: 0,
    raisedBy: { prefix: 'E78', by: 45 },
  },
  {
    loinc: '2085-9',
    name: 'Cholesterol in HDL [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    mean: 53,
    deviation: 10,
    decimals: 0,
  },
  {
    loinc: '2571-8',
    name: 'Triglyceride [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    mean: 118,
    deviation: 34,
    decimals: 0,
    raisedBy: { prefix: 'E78', by: 60 },
  },
  {
    loinc: '2160-0',
    name: 'Creatinine [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    mean: 0.9,
    deviation: 0.15,
    decimals: 2,
    raisedBy: { prefix: 'N18', by: 0.9 },
  },
  {
    loinc: '718-7',
    name: 'Hemoglobin [Mass/volume] in Blood',
    unit: 'g/dL',
    mean: 13.9,
    deviation: 1.1,
    decimals: 1,
    raisedBy: { prefix: 'D57', by: -4.5 },
  },
  {
    loinc: '6690-2',
    name: 'Leukocytes [#/volume] in Blood by Automated count',
    unit: '10*3/uL',
    mean: 7,
    deviation: 1.5,
    decimals: 1,
    raisedBy: { prefix: 'J18', by: 6 },
  },
  {
    loinc: '777-3',
    name: 'Platelets [#/volume] in Blood by Automated count',
    unit: '10*3/uL',
    mean: 254,
    deviation: 45,
    decimals: 0,
  },
  {
    loinc: '2823-3',
    name: 'Potassium [Moles/volume] in Serum or Plasma',
    unit: 'mmol/L',
    mean: 4.2,
    deviation: 0.3,
    decimals: 1,
  },
  {
    loinc: '2951-2',
    name: 'Sodium [Moles/volume] in Serum or Plasma',
    unit: 'mmol/L',
    mean: 139.5,
    deviation: 2.2,
    decimals: 0,
  },
  {
    loinc: '3016-3',
    name: 'Thyrotropin [Units/volume] in Serum or Plasma',
    unit: 'm[IU]/L',
    mean: 2.1,
    deviation: 0.8,
    decimals: 2,
    raisedBy: { prefix: 'E03', by: 4.5 },
  },
]

export interface EncounterKind {
  readonly kind: string
  readonly departments: readonly string[]
  /** Minutes. */
  readonly shortest: number
  readonly longest: number
  readonly inPerson: boolean
  /** US dollars. */
  readonly charge: number
  readonly weight: number
}

export const ENCOUNTER_KINDS: readonly EncounterKind[] = [
  {
    kind: 'ambulatory',
    departments: ['Family Medicine', 'Internal Medicine', 'Cardiology', 'Endocrinology', 'Orthopedics', 'Neurology'],
    shortest: 15,
    longest: 60,
    inPerson: true,
    charge: 210,
    weight: 52,
  },
  {
    kind: 'wellness',
    departments: ['Family Medicine', 'Pediatrics', 'Internal Medicine'],
    shortest: 20,
    longest: 45,
    inPerson: true,
    charge: 180,
    weight: 18,
  },
  {
    kind: 'telehealth',
    departments: ['Family Medicine', 'Behavioral Health', 'Dermatology'],
    shortest: 10,
    longest: 30,
    inPerson: false,
    charge: 95,
    weight: 16,
  },
  {
    kind: 'emergency',
    departments: ['Emergency Department'],
    shortest: 60,
    longest: 600,
    inPerson: true,
    charge: 1450,
    weight: 9,
  },
  {
    kind: 'inpatient',
    departments: ['Medical Ward', 'Surgical Ward', 'Intensive Care Unit', 'Maternity'],
    shortest: 1440,
    longest: 12_960,
    inPerson: true,
    charge: 14_200,
    weight: 5,
  },
]
