import { findInContent, outOf } from './content-finding.ts'
import { type DocumentEvidence, documentEvidence } from './document-evidence.ts'
import { membersOf } from './document-finding.ts'
import { elementsOf } from './array-elements.ts'
import { type Evidence, evidenceOf } from './evidence.ts'
import { type Finding, isStronger } from './finding.ts'
import { classOfName, isKnownNotIdentifier } from './name-class.ts'
import type { TableSubject } from './table-subject.ts'
import { type ColumnType, JSON_TYPES } from './type-group.ts'

/** What was seen of a column: counts only. */
export interface ColumnEvidence {
  readonly values: Evidence
  /** Of json and jsonb. */
  readonly document: DocumentEvidence | null
}

/** Turns sampled values, in PostgreSQL's text form, into counts. The caller drops the values. */
export function examineValues(values: readonly string[], type: ColumnType): ColumnEvidence {
  if (JSON_TYPES.has(type.oid) && !type.array) {
    return { values: evidenceOf([], type.group), document: documentEvidence(values) }
  }
  const single = type.array || type.group === 'composite' ? values.flatMap(elementsOf) : values
  return {
    values: evidenceOf(single, type.group === 'document' || type.group === 'composite' ? 'text' : type.group),
    document: null,
  }
}

/** Where an organisation is and how it is reached says nothing of a person. */
const OF_ORGANISATIONS: ReadonlySet<string> = new Set(['address', 'city', 'zip', 'geocode', 'phone', 'fax', 'url'])
/** What the values say goes before a name that means something only in its context, or that leaves the kind of number open. */
const OPEN_NAMES: ReadonlySet<string> = new Set(['other-id', 'mrn', 'account'])

/** What one column probably holds, by name, type, values and what the rows are; undefined when nothing speaks for PHI. */
export function findPhi(
  name: string,
  type: ColumnType,
  subject: TableSubject,
  { values, document }: ColumnEvidence,
): Finding | undefined {
  // Two values, and values that the schema lists, identify nobody.
  if (type.group === 'boolean' || type.group === 'enum') return undefined
  const byName = findByName(name, type, subject)
  const byContent = unlessKnown(name, findInContent(values, subject))
  const finding = ofOrganisation(combine(byName, byContent, values) ?? byType(name, type, subject), subject)
  return document === null ? finding : (findInDocuments(document, subject, finding) ?? finding)
}

function findInDocuments(
  document: DocumentEvidence,
  subject: TableSubject,
  finding: Finding | undefined,
): Finding | undefined {
  const members = membersOf(document, subject)
  const found = members.filter((member) => member.class !== 'none').length
  const rest = findInContent(document.rest, subject)
  if (found === 0) {
    // Where a member has identifiers and cannot be named, the whole document has the label.
    if (rest === undefined || rest.confidence === 'low') return undefined
    return { class: 'free-text', confidence: rest.confidence, reasons: rest.reasons.map((one) => `inside, ${one}`) }
  }
  return {
    class: 'free-text',
    confidence: 'high',
    reasons: [
      `${found} labelled member(s) in ${outOf(document.documents - document.unreadable, document.documents)}`,
      ...(finding?.reasons ?? []),
    ],
    members,
  }
}

function findByName(name: string, type: ColumnType, subject: TableSubject): Finding | undefined {
  const match = classOfName(name, type.group, subject)
  if (match !== undefined) {
    const where = match.byContext ? `, in a table ${subject.person ? 'of persons' : 'about persons'}` : ''
    // Notes about anything are common; notes about persons are what counts.
    const open = match.byContext || (match.class === 'free-text' && !subject.aboutPerson)
    return { class: match.class, confidence: open ? 'medium' : 'high', reasons: [`by its name${where}`] }
  }
  for (const field of type.fields) {
    const ofField = classOfName(field, 'text', subject)
    if (ofField !== undefined)
      return {
        class: ofField.class,
        confidence: 'high',
        reasons: [`by the name of its field ${field}`],
      }
  }
  return undefined
}

/** What merely could be an identifier is none in a column named as a code or a quantity. */
const unlessKnown = (name: string, found: Finding | undefined): Finding | undefined =>
  found?.confidence === 'low' && isKnownNotIdentifier(name) ? undefined : found

function combine(
  byName: Finding | undefined,
  byContent: Finding | undefined,
  { values }: Evidence,
): Finding | undefined {
  if (byName === undefined || byContent === undefined) return byName ?? byContent
  if (byName.class === byContent.class)
    return { ...byName, confidence: 'high', reasons: [...byName.reasons, ...byContent.reasons] }
  const open = byName.confidence !== 'high' || OPEN_NAMES.has(byName.class)
  if (open && byContent.confidence === 'high' && values > 0)
    return { ...byContent, reasons: [...byContent.reasons, `its name suggests ${byName.class}`] }
  return { ...byName, reasons: [...byName.reasons, ...byContent.reasons] }
}

/** What a type alone says, when neither name nor values do. */
function byType(name: string, { group }: ColumnType, { aboutPerson }: TableSubject): Finding | undefined {
  if (group === 'network') return { class: 'ip', confidence: 'medium', reasons: ['a network address by its type'] }
  if (group === 'mac') return { class: 'device', confidence: 'medium', reasons: ['a hardware address by its type'] }
  if (!aboutPerson) return undefined
  const because = 'in a table about persons'
  if (group === 'date') return { class: 'date', confidence: 'medium', reasons: [`a date ${because}`] }
  if (group === 'document' || group === 'bytes')
    return { class: 'free-text', confidence: 'medium', reasons: [`a document ${because}`] }
  if (group === 'geometry' && !isKnownNotIdentifier(name))
    return { class: 'geocode', confidence: 'medium', reasons: [`a place ${because}`] }
  return undefined
}

function ofOrganisation(finding: Finding | undefined, { kind }: TableSubject): Finding | undefined {
  if (finding === undefined || kind === 'person' || kind === 'other') return finding
  if (kind === 'organisation') return OF_ORGANISATIONS.has(finding.class) ? undefined : finding
  const confidence = isStronger(finding.confidence, 'low') ? 'low' : finding.confidence
  return { ...finding, confidence, reasons: [...finding.reasons, 'of staff, whom Safe Harbor does not list'] }
}
