import type { PhiClass } from '../classes.ts'
import { CLASS_TYPES, NAME_RULES, NOT_IDENTIFIERS } from './catalog/column-names.ts'
import { nameForms } from './normalised-name.ts'
import type { TypeGroup } from './type-group.ts'

/** What is known of the rows that a column belongs to. */
export interface RowSubject {
  /** The rows are persons. */
  readonly person: boolean
  /** The rows are linked to persons. */
  readonly aboutPerson: boolean
}

const ANY_IDENTIFIER: readonly TypeGroup[] = [
  'text',
  'integer',
  'number',
  'uuid',
  'network',
  'mac',
  'document',
  'bytes',
  'composite',
  'other',
]

export interface NameMatch {
  readonly class: PhiClass
  /** Whether the name counts only because of the rows that it belongs to. */
  readonly byContext: boolean
}

/** The class that a column's name stands for, given its type and what the rows are. */
export function classOfName(name: string, group: TypeGroup, rows: RowSubject): NameMatch | undefined {
  for (const form of nameForms(name)) {
    for (const { class: phiClass, pattern, where, types } of NAME_RULES) {
      if (!(types ?? CLASS_TYPES[phiClass] ?? ANY_IDENTIFIER).includes(group)) continue
      if (where === 'person-table' && !rows.person) continue
      if (where === 'about-person' && !rows.aboutPerson) continue
      if (pattern.test(form)) return { class: phiClass, byContext: where !== undefined }
    }
  }
  return undefined
}

/** Whether a name is one of the clinical and administrative words that are no identifiers. */
export function isKnownNotIdentifier(name: string): boolean {
  return nameForms(name).some((form) => NOT_IDENTIFIERS.some((pattern) => pattern.test(form)))
}
