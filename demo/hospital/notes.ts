import { dateText } from './calendar.ts'
import { FEMALE_NAMES, LAST_NAMES, MALE_NAMES } from './names.ts'
import { fictionalPhone, type Person } from './person.ts'
import type { Random } from './random.ts'

export const AUTHOR_ROLES: readonly string[] = ['physician', 'nurse', 'nurse', 'social worker', 'care coordinator']

const RELATIVES = ['daughter', 'son', 'wife', 'husband', 'sister', 'brother', 'neighbor', 'roommate'] as const

export interface NoteSubject {
  readonly person: Person
  readonly day: number
  readonly ageThen: number
  readonly department: string
  readonly problem: string
}

type Template = (random: Random, subject: NoteSubject) => string

const relativeName = (random: Random, lastName: string): string => {
  const first = random.pick(random.chance(0.5) ? FEMALE_NAMES : MALE_NAMES)
  return `${first} ${random.chance(0.6) ? lastName : random.pick(LAST_NAMES)}`
}

const pronoun = ({ sex }: Person): string => (sex === 'F' ? 'She' : sex === 'M' ? 'He' : 'They')

/** Notes as they are written: names, relatives, numbers, dates and places stand in the middle of clinical text. */
const TEMPLATES: readonly Template[] = [
  (random, { person, ageThen, problem }) =>
    `${person.firstName} ${person.lastName} is a ${ageThen}-year-old seen for ${problem}. ${pronoun(person)} reports ${random.between(2, 14)} days of symptoms, no recent travel. Plan: continue current medication, return in ${random.between(2, 12)} weeks. Call back at ${person.phone}.`,
  (random, { person, day }) =>
    `Phone call ${dateText(day)}: spoke with ${random.pick(RELATIVES)} ${relativeName(random, person.lastName)} (${fictionalPhone(random, person.place.areaCode)}) about Mr./Ms. ${person.lastName}. Understands warning signs and will bring the patient in if they worsen.`,
  (random, { person, department }) =>
    `${department} follow-up, MRN ${person.mrn}. Pt lives at ${person.street}, ${person.place.city} with ${random.pick(RELATIVES)}. Ambulates without aid. Medication list reviewed with patient.`,
  (random, { person, problem }) =>
    `Pt c/o ${problem}, onset ${random.between(1, 9)} d ago. Denies fever, chills. Exam unremarkable.\\nA/P: supportive care. Results to be discussed with ${person.firstName} by phone (${person.phone}).`,
  (random, { person }) =>
    `Discharge planning: home health referral sent. Emergency contact ${relativeName(random, person.lastName)}, ${random.pick(RELATIVES)}, ${fictionalPhone(random, person.place.areaCode)}. Patient portal e-mail on file${person.email === undefined ? ' is missing' : `: ${person.email}`}.`,
  (random, { problem }) =>
    `Reviewed labs, within expected limits for ${problem}. No change to the plan. Next visit in ${random.between(3, 6)} months.`,
  (random, { person, ageThen, day }) =>
    `S: ${ageThen}yo, DOB ${dateText(person.birthDay)}, here ${dateText(day)} for medication review.\\nO: alert, oriented, in no distress.\\nA: stable.\\nP: refill ${random.between(1, 3)} months; ${person.lastName} family agrees.`,
  (random, { person, department }) =>
    `Interpreter used during the ${department} visit. ${person.firstName} prefers to be called in the ${random.chance(0.5) ? 'morning' : 'evening'}; voice mail may be left at ${person.phone}. Works at ${random.pick(LAST_NAMES)} & Sons, ${person.place.city}.`,
]

/** The text of one note, with line breaks escaped as in COPY text format. */
export function noteBody(random: Random, subject: NoteSubject): string {
  return random.pick(TEMPLATES)(random, subject)
}
