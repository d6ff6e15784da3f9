import type { PatientKeyForm, SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { SentStatement } from '../../protocols/protocol.ts'
import { patientsNamed } from './patient-constants.ts'
import { keyFromText } from './patient-key.ts'

/** Keys come from a token, which does not say of which form they are. */
const FORMS: readonly PatientKeyForm[] = ['integer', 'uuid', 'text']

/** Whether statements are bound to patients that a session may see; what cannot be told is not. An error refuses them. */
export function patientScope(
  facts: readonly SqlFacts[],
  sent: SentStatement,
  allowed: readonly string[],
): ChaperoneError | undefined {
  const keys = new Map(
    FORMS.map((form) => [form, new Set(allowed.flatMap((key) => keyFromText(key, form) ?? []))] as const),
  )
  return facts.every((one) => isWithin(one, sent, keys)) ? undefined : new ChaperoneError('CHP-PATIENT-SCOPE')
}

/** `007` and `7` are one integer, and two texts. */
type Allowed = ReadonlyMap<PatientKeyForm, ReadonlySet<string>>

function isWithin(facts: SqlFacts, sent: SentStatement, allowed: Allowed): boolean {
  const { patients, phiReachable } = facts
  if (patients === undefined) return !phiReachable && !writesPhi(facts)
  if (patients.hasUnkeyed === true) return false
  if (patients.declared === true) return true
  const { bound, stored = [] } = patients
  if (bound === undefined) return false
  const constants = [...bound, ...stored]
  return [...allowed].every(([form, keys]) => {
    const named = patientsNamed(
      constants.filter((one) => one === undefined || one.form === form),
      facts,
      sent,
    )
    return named !== undefined && [...named].every((key) => keys.has(key))
  })
}

function writesPhi({ relations }: SqlFacts): boolean {
  return relations.some(({ phi }) => phi)
}
