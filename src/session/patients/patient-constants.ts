import type { PatientConstant, PatientKeyForm, SqlFacts } from '../../inspect/sql/facts.ts'
import type { BoundValue, SentStatement } from '../../protocols/protocol.ts'
import { binaryElements, textElements } from '../constants/array-elements.ts'
import { Literals } from '../constants/literals.ts'
import { keyFromBinary, keyFromText } from './patient-key.ts'

/** pg_type.oid of what a parameter of each form may be declared as; 0 and `unknown` leave it to the server. */
const DECLARED: Readonly<Record<PatientKeyForm, readonly number[]>> = {
  integer: [0, 705, 20, 21, 23],
  uuid: [0, 705, 2950],
  text: [0, 705, 25, 1043],
}
/** The same of arrays. */
const DECLARED_ARRAYS: Readonly<Record<PatientKeyForm, readonly number[]>> = {
  integer: [0, 705, 1005, 1007, 1016],
  uuid: [0, 705, 2951],
  text: [0, 705, 1009, 1015],
}

/** The keys that constants name, as the target reads them; undefined when that of one of them cannot be told. */
export function patientsNamed(
  constants: readonly (PatientConstant | undefined)[],
  facts: SqlFacts,
  sent: SentStatement,
): ReadonlySet<string> | undefined {
  const keys = new Set<string>()
  const literals = new Literals(sent.sql)
  for (const constant of constants) {
    const found = constant === undefined ? undefined : keysOf(constant, facts, sent, literals)
    if (found === undefined) return undefined
    for (const key of found) keys.add(key)
  }
  return keys
}

function keysOf(
  { at, form, isArray }: PatientConstant,
  { sites }: SqlFacts,
  { parameters }: SentStatement,
  literals: Literals,
): readonly string[] | undefined {
  if (at.kind === 'parameter') {
    const value = parameters[at.number - 1]
    return value === undefined ? undefined : ofParameter(value, form, isArray)
  }
  // Stand-ins that were replaced before it have moved it.
  if (at.kind === 'span' && sites !== undefined) return undefined
  const { text, kind } = literals.at(at, 'comparison')
  if (isArray) return kind === 'string' ? elementsOf(textElements(Buffer.from(text)), form, false) : undefined
  return listed(keyFromText(text, form))
}

function ofParameter({ typeOid, format, value }: BoundValue, form: PatientKeyForm, isArray: boolean) {
  const declared = isArray ? DECLARED_ARRAYS : DECLARED
  if (!declared[form].includes(typeOid) || (format !== 0 && format !== 1)) return undefined
  // Nothing is equal to NULL.
  if (value === null) return []
  if (isArray) return elementsOf(format === 1 ? binaryElements(value) : textElements(value), form, format === 1)
  return listed(format === 1 ? keyFromBinary(value, form) : keyFromText(value.toString('utf8'), form))
}

function elementsOf(
  elements: ReturnType<typeof textElements>,
  form: PatientKeyForm,
  isBinary: boolean,
): readonly string[] | undefined {
  if (elements === undefined) return undefined
  const { elementOid, cells } = elements
  if (elementOid !== undefined && !DECLARED[form].includes(elementOid)) return undefined
  const keys = cells.flatMap(
    ({ value }) => (isBinary ? keyFromBinary(value, form) : keyFromText(value.toString('utf8'), form)) ?? [],
  )
  return keys.length === cells.length ? keys : undefined
}

const listed = (key: string | undefined): readonly string[] | undefined => (key === undefined ? undefined : [key])
