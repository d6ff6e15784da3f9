import {
  EVENT_WORDS,
  LOOKUP_WORDS,
  ORGANISATION_WORDS,
  PERSON_WORDS,
  RECORD_WORDS,
  STAFF_WORDS,
} from './catalog/table-words.ts'
import { classOfName, type RowSubject } from './name-class.ts'
import { normalisedName, wordsOf } from './normalised-name.ts'
import type { TypeGroup } from './type-group.ts'

/** What the rows of a table are. */
export interface TableSubject extends RowSubject {
  readonly kind: 'person' | 'staff' | 'organisation' | 'other'
}

export interface SubjectInput {
  readonly oid: number
  readonly name: string
  /** Whether its values have shown that its rows are about persons. */
  readonly identified: boolean
  readonly columns: readonly { readonly name: string; readonly group: TypeGroup }[]
}

/** pg_constraint of contype f: columns of one table that hold keys of another. */
export interface ForeignKey {
  readonly from: number
  readonly fromColumns: readonly number[]
  readonly to: number
  readonly toColumns: readonly number[]
}

const ANYWHERE: RowSubject = { person: false, aboutPerson: false }
/** What only the record of an individual has. */
const OF_INDIVIDUALS: ReadonlySet<string> = new Set(['ssn', 'mrn', 'date-of-birth', 'date-of-death', 'health-plan'])
const KEYS: ReadonlySet<TypeGroup> = new Set(['integer', 'number', 'uuid', 'text'])
const KEY_OF_A_PERSON =
  /(?:^|_)(?:patient|pat|subject|person|encounter|visit|admission)_?(?:id|uuid|guid|key|sk|num)?$|^(?:hadm|stay)_id$/

/**
 * What the rows of each table are, by oid: from its name, from columns that only records of individuals have, and from
 * foreign keys, because rows that refer to a row about a person are about a person.
 */
export function tableSubjects(
  tables: readonly SubjectInput[],
  foreignKeys: readonly ForeignKey[],
): ReadonlyMap<number, TableSubject> {
  const kinds = new Map(tables.map((table) => [table.oid, kindOf(table.name)] as const))
  const about = new Set(tables.filter((table) => isAboutPersons(table, kinds.get(table.oid))).map(({ oid }) => oid))
  for (let grown = true; grown; ) {
    grown = false
    for (const { from, to } of foreignKeys) {
      if (!about.has(to) || about.has(from)) continue
      about.add(from)
      grown = true
    }
  }
  return new Map(
    [...kinds].map(([oid, kind]) => [
      oid,
      { kind, person: kind === 'person' || kind === 'staff', aboutPerson: about.has(oid) },
    ]),
  )
}

/** By the last word that is not merely "table" or "record": a patient_contact is a person, a patient_visit is not. */
function kindOf(name: string): TableSubject['kind'] {
  const words = [...wordsOf(name)]
  const named = (known: ReadonlySet<string>) => words.some((word) => known.has(word))
  while (words.length > 1 && RECORD_WORDS.has(words.at(-1) ?? '')) words.pop()
  const last = words.at(-1) ?? ''
  if (PERSON_WORDS.has(last)) return 'person'
  if (STAFF_WORDS.has(last)) return named(PERSON_WORDS) ? 'person' : 'staff'
  return ORGANISATION_WORDS.has(last) && !named(PERSON_WORDS) ? 'organisation' : 'other'
}

function isAboutPersons({ name, identified, columns }: SubjectInput, kind: TableSubject['kind'] | undefined): boolean {
  if (kind === 'person' || (identified && kind === 'other')) return true
  if (kind === 'staff' || kind === 'organisation') return false
  const words = wordsOf(name)
  const lookup = LOOKUP_WORDS.has(words.at(-1) ?? '')
  if (words.some((word) => PERSON_WORDS.has(word) || (EVENT_WORDS.has(word) && !lookup))) return true
  return columns.some(({ name: column, group }) => {
    if (group === 'boolean' || group === 'enum') return false
    const match = classOfName(column, group, ANYWHERE)
    return (
      (KEYS.has(group) && KEY_OF_A_PERSON.test(normalisedName(column))) ||
      (match !== undefined && OF_INDIVIDUALS.has(match.class))
    )
  })
}
