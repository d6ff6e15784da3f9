import { NOT_PHI } from '../classes.ts'
import { FHIR_MEMBERS } from './catalog/json-members.ts'
import { PERSON_WORDS } from './catalog/table-words.ts'
import { findInContent } from './content-finding.ts'
import type { DocumentEvidence, MemberEvidence } from './document-evidence.ts'
import type { MemberFinding } from './finding.ts'
import { classOfName, isKnownNotIdentifier, type RowSubject } from './name-class.ts'
import { wordsOf } from './normalised-name.ts'

/**
 * The members of documents that get a label of their own: identifiers by class, and what is known to be none. What is
 * neither is not listed: everything else in a document is masked. Sorted by path.
 */
export function membersOf({ members }: DocumentEvidence, rows: RowSubject): readonly MemberFinding[] {
  const byPath = Map.groupBy(members, ({ path }) => path.join('.'))
  return [...byPath]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, same]) => {
      const labels = same.map((member) => classOfMember(member, rows))
      const label = labels.find((one) => one !== undefined && one !== NOT_PHI) ?? labels[0]
      // Free of PHI in one kind of document and unknown in another: unknown.
      if (label === undefined || (label === NOT_PHI && labels.includes(undefined))) return []
      return same.slice(0, 1).map(({ path }) => ({ path, class: label }))
    })
}

function classOfMember(
  { path, resource, group, evidence }: MemberEvidence,
  rows: RowSubject,
): MemberFinding['class'] | undefined {
  const content = findInContent(evidence, { person: false, aboutPerson: true })
  const sure = content?.confidence === 'high' ? content.class : undefined
  if (resource !== null) {
    const below = path.slice(resource.depth).join('.')
    const rule = FHIR_MEMBERS.find((one) => (one.resource?.test(resource.type) ?? true) && one.path.test(below))
    // A telecom can be an e-mail address; what is free of PHI by its name is not, when its values say otherwise.
    if (rule !== undefined)
      return rule.class === NOT_PHI || rule.class === 'phone' ? (content?.class ?? rule.class) : rule.class
  }
  if (group === 'boolean') return NOT_PHI
  const name = path.at(-1) ?? ''
  const person = wordsOf(path.at(-2) ?? '').some((word) => PERSON_WORDS.has(word))
  const byName = classOfName(name, group, { person: person || (rows.person && path.length === 1), aboutPerson: true })
  if (byName !== undefined) return byName.byContext ? (sure ?? byName.class) : byName.class
  if (content !== undefined) return content.class
  // Numbers, and texts that repeat: what everybody has differently could be anything.
  const repeats = evidence.distinct * 2 <= evidence.values
  return isKnownNotIdentifier(name) && (group === 'number' || repeats) ? NOT_PHI : undefined
}
