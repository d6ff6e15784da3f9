import { ageAt, dateText, FIRST_ENCOUNTER_DAY, LAST_DAY, timestampText } from './calendar.ts'
import {
  CONDITIONS,
  type Condition,
  DRUGS,
  ENCOUNTER_KINDS,
  type EncounterKind,
  LABORATORY,
  type Measurement,
  VITAL_SIGNS,
} from './clinical.ts'
import { insurancePolicies } from './insurance.ts'
import { AUTHOR_ROLES, noteBody } from './notes.ts'
import { makePerson, type Person } from './person.ts'
import { type Random, seededRandom, weighted } from './random.ts'
import { TABLE_NAMES, type TableName } from './tables.ts'

export interface HospitalOptions {
  /** The same seed gives the same bytes; more patients give the same first ones. */
  readonly seed: number
  readonly patients: number
}

export interface HospitalChunk {
  readonly table: TableName
  /** Whole rows in COPY text format (PostgreSQL documentation, COPY), in the column order of `TABLES`. */
  readonly copyText: string
  readonly rows: number
}

/** Patients whose rows are made before any is handed on: large enough for COPY, small enough for memory. */
const PATIENTS_A_BATCH = 1000

/** NULL in COPY text format. */
const NULL = '\\N'
const CHRONIC = weighted(CONDITIONS.filter((condition) => condition.chronic))
const ACUTE = weighted(CONDITIONS.filter((condition) => !condition.chronic))
const KINDS = weighted(ENCOUNTER_KINDS)
const SETTLED_REASONS = [
  'Annual check-up',
  'Medication review',
  'Follow-up visit',
  'Immunization',
  'Lab results',
] as const

interface Encounter {
  readonly id: number
  readonly day: number
  /** Minutes after midnight. */
  readonly minute: number
  readonly kind: EncounterKind
  readonly department: string
}

interface Batch {
  readonly text: Record<TableName, string>
  readonly rows: Record<TableName, number>
}

const perTable = <T>(value: T): Record<TableName, T> => ({
  patients: value,
  insurance: value,
  encounters: value,
  conditions: value,
  medications: value,
  observations: value,
  notes: value,
})

/** Writes the rows of one patient after another; running numbers go on through the whole hospital. */
class Writer {
  readonly #random: Random
  readonly #ids = perTable(0)
  #batch: Batch = { text: perTable(''), rows: perTable(0) }

  constructor(random: Random) {
    this.#random = random
  }

  take(): Batch {
    const full = this.#batch
    this.#batch = { text: perTable(''), rows: perTable(0) }
    return full
  }

  patient(index: number): void {
    const random = this.#random
    const person = makePerson(random, index)
    const firstDay = Math.max(person.birthDay, FIRST_ENCOUNTER_DAY)
    const registered = Math.max(person.birthDay, random.between(FIRST_ENCOUNTER_DAY - 2200, firstDay))
    this.#row('patients', [
      person.id,
      person.mrn,
      person.firstName,
      person.lastName,
      dateText(person.birthDay),
      person.sex,
      person.ssn,
      person.phone,
      person.email,
      person.street,
      person.place.city,
      person.place.state,
      person.zip,
      timestampText(registered, random.between(420, 1080)),
    ])
    for (const fields of insurancePolicies(random, person)) {
      this.#row('insurance', [this.#nextId('insurance'), person.id, ...fields])
    }

    const chronic = this.#chronicConditions(person)
    const days = this.#encounterDays(firstDay, person.age, chronic.length)
    // A chronic condition is found at one of the first encounters, so that later ones know it.
    const foundAt = chronic.map(() => random.between(0, Math.min(2, days.length - 1)))
    const known: Condition[] = []
    days.forEach((day, at) => {
      const found = chronic.filter((_, which) => foundAt[which] === at)
      this.#encounter(person, day, found, known)
      known.push(...found)
    })
  }

  #encounter(person: Person, day: number, found: readonly Condition[], known: readonly Condition[]): void {
    const random = this.#random
    const kind = random.pick(KINDS)
    const ageThen = ageAt(person.birthDay, day)
    const acute = kind.kind !== 'wellness' && random.chance(0.45) ? this.#acuteCondition(person, ageThen) : undefined
    const problem = (acute ?? found[0] ?? (random.chance(0.5) ? known[0] : undefined))?.description
    const encounter: Encounter = {
      id: this.#nextId('encounters'),
      day,
      minute: kind.kind === 'emergency' ? random.between(0, 1439) : random.between(420, 1080),
      kind,
      department: random.pick(kind.departments),
    }
    const minutes = random.between(kind.shortest, kind.longest)
    const stillThere = day + Math.ceil((encounter.minute + minutes) / 1440) > LAST_DAY
    const charge = Math.max(35, random.around(kind.charge, kind.charge / 3)).toFixed(2)
    this.#row('encounters', [
      encounter.id,
      person.id,
      kind.kind,
      encounter.department,
      timestampText(day, encounter.minute),
      stillThere ? undefined : timestampText(day, encounter.minute + minutes),
      problem ?? random.pick(SETTLED_REASONS),
      charge,
    ])

    for (const condition of found) this.#diagnosis(person, encounter, condition)
    if (acute !== undefined) this.#diagnosis(person, encounter, acute)
    const present = acute === undefined ? [...known, ...found] : [...known, ...found, acute]
    if (kind.inPerson) {
      for (const sign of VITAL_SIGNS) if (random.chance(0.6)) this.#observation(person, encounter, sign, present)
      if (random.chance(0.3)) {
        for (let left = random.between(1, 4); left > 0; left--) {
          this.#observation(person, encounter, random.pick(LABORATORY), present)
        }
      }
    }
    if (random.chance(0.4)) {
      const subject = {
        person,
        day,
        ageThen,
        department: encounter.department,
        problem: problem?.toLowerCase() ?? 'a routine visit',
      }
      this.#row('notes', [
        this.#nextId('notes'),
        person.id,
        encounter.id,
        timestampText(day, encounter.minute + random.between(5, 90)),
        random.pick(AUTHOR_ROLES),
        noteBody(random, subject),
      ])
    }
  }

  #diagnosis(person: Person, encounter: Encounter, condition: Condition): void {
    const random = this.#random
    const onset = Math.max(person.birthDay, encounter.day - random.between(0, condition.chronic ? 400 : 10))
    const resolved = encounter.day + random.between(3, 45)
    this.#row('conditions', [
      this.#nextId('conditions'),
      person.id,
      encounter.id,
      condition.code,
      condition.description,
      dateText(onset),
      condition.chronic || resolved > LAST_DAY ? undefined : dateText(resolved),
    ])
    if (condition.drugs.length === 0 || !random.chance(0.85)) return
    const drug = DRUGS.get(random.pick(condition.drugs))
    if (drug === undefined) throw new Error(`condition ${condition.code} names a drug that is not in the table`)
    const stopped = encounter.day + (condition.chronic ? random.between(90, 900) : random.between(5, 14))
    const stops = !condition.chronic || random.chance(0.2)
    this.#row('medications', [
      this.#nextId('medications'),
      person.id,
      encounter.id,
      drug.code,
      drug.name,
      drug.dose,
      condition.chronic ? random.between(1, 11) : 0,
      dateText(encounter.day),
      stops && stopped <= LAST_DAY ? dateText(stopped) : undefined,
    ])
  }

  #observation(person: Person, encounter: Encounter, what: Measurement, present: readonly Condition[]): void {
    const random = this.#random
    const { raisedBy } = what
    const shift =
      raisedBy !== undefined && present.some(({ code }) => code.startsWith(raisedBy.prefix)) ? raisedBy.by : 0
    const value = random.around(what.mean + shift, what.deviation)
    const bounded = what.unit === '%' ? Math.min(100, value) : Math.max(0.01, value)
    this.#row('observations', [
      this.#nextId('observations'),
      person.id,
      encounter.id,
      what.loinc,
      what.name,
      bounded.toFixed(what.decimals),
      what.unit,
      timestampText(encounter.day, encounter.minute + random.between(1, 15)),
    ])
  }

  #chronicConditions(person: Person): Condition[] {
    const wanted = Math.max(0, Math.round(this.#random.around(person.age / 28, 0.8)))
    const chosen = new Set<Condition>()
    for (let tries = 0; tries < wanted * 3 && chosen.size < wanted; tries++) {
      const condition = this.#random.pick(CHRONIC)
      if (suits(condition, person, person.age)) chosen.add(condition)
    }
    return [...chosen]
  }

  #acuteCondition(person: Person, age: number): Condition | undefined {
    for (let tries = 0; tries < 4; tries++) {
      const condition = this.#random.pick(ACUTE)
      if (suits(condition, person, age)) return condition
    }
    return undefined
  }

  /** Days of the encounters, in order. About five a patient: more for the old and the chronically ill. */
  #encounterDays(firstDay: number, age: number, chronic: number): number[] {
    const random = this.#random
    const mean = 1.6 + age / 32 + chronic
    const count = Math.min(40, 1 + Math.floor(-Math.log(1 - random.fraction()) * mean))
    return Array.from({ length: count }, () => random.between(firstDay, LAST_DAY)).toSorted((a, b) => a - b)
  }

  #nextId(table: TableName): number {
    this.#ids[table] += 1
    return this.#ids[table]
  }

  #row(table: TableName, fields: readonly (string | number | undefined)[]): void {
    let line = ''
    for (const field of fields) line += `${line === '' ? '' : '\t'}${field ?? NULL}`
    this.#batch.text[table] += `${line}\n`
    this.#batch.rows[table] += 1
  }
}

const suits = (condition: Condition, person: Person, age: number): boolean =>
  age >= condition.minimumAge &&
  age <= condition.maximumAge &&
  (condition.sex === undefined || condition.sex === person.sex)

/**
 * Makes the rows of a hospital with that many made-up patients, table by table in batches, parents before children.
 * Between batches other work of the process gets its turn.
 * @throws RangeError for a seed or a number of patients that is not a whole number from 0 up
 */
export async function* generateHospital({
  seed,
  patients,
}: HospitalOptions): AsyncGenerator<HospitalChunk, void, void> {
  if (!Number.isSafeInteger(patients) || patients < 0)
    throw new RangeError('the number of patients must be a whole number')
  const writer = new Writer(seededRandom(seed))
  for (let done = 0; done < patients; ) {
    const end = Math.min(patients, done + PATIENTS_A_BATCH)
    for (; done < end; done++) writer.patient(done)
    const { text, rows } = writer.take()
    for (const table of TABLE_NAMES) {
      if (rows[table] > 0) yield { table, copyText: text[table], rows: rows[table] }
    }
  }
}
