import { dateText, FIRST_ENCOUNTER_DAY, LAST_DAY } from './calendar.ts'
import { FEMALE_NAMES, MALE_NAMES } from './names.ts'
import type { Person } from './person.ts'
import type { Random } from './random.ts'

interface Payer {
  readonly name: string
  readonly plans: readonly string[]
  readonly memberPrefix: string
}

/** Made-up insurers. */
const COMMERCIAL: readonly Payer[] = [
  { name: 'Harbor Mutual Health', plans: ['PPO Gold', 'PPO Silver', 'HMO Basic'], memberPrefix: 'HMH' },
  { name: 'Prairie Shield', plans: ['Choice 1500', 'Choice 3000'], memberPrefix: 'PSH' },
  { name: 'Northern Lights Assurance', plans: ['Family Plus', 'Individual'], memberPrefix: 'NLA' },
  { name: 'Summit Employers Trust', plans: ['EPO', 'High Deductible'], memberPrefix: 'SET' },
]
const SENIOR: Payer = { name: 'Federal Senior Care', plans: ['Part A and B', 'Advantage HMO'], memberPrefix: 'FSC' }
const STATE: Payer = { name: 'State Family Care', plans: ['Managed Care', 'Fee for Service'], memberPrefix: 'SFC' }

const ALPHABET = 'ACDEFGHJKMNPQRTUVWXY0123456789'

function code(random: Random, length: number): string {
  let text = ''
  for (let left = length; left > 0; left--) text += ALPHABET[random.between(0, ALPHABET.length - 1)]
  return text
}

/** The fields of `hospital.insurance` after `patient_id`. */
type PolicyFields = readonly (string | undefined)[]

function policy(random: Random, person: Person, payer: Payer): PolicyFields {
  const from = random.between(FIRST_ENCOUNTER_DAY - 700, LAST_DAY - 200)
  const to = random.chance(0.15) ? dateText(random.between(from + 90, LAST_DAY)) : undefined
  const group = payer === SENIOR ? undefined : `G${random.between(10_000, 99_999)}`
  const parent = random.pick(random.chance(0.5) ? FEMALE_NAMES : MALE_NAMES)
  const subscriber = `${person.age < 18 ? parent : person.firstName} ${person.lastName}`
  return [
    payer.name,
    random.pick(payer.plans),
    `${payer.memberPrefix}${code(random, 9)}`,
    group,
    subscriber,
    dateText(from),
    to,
  ]
}

/** One entry a policy: none for the uninsured, two for some. */
export function insurancePolicies(random: Random, person: Person): PolicyFields[] {
  if (random.chance(0.07)) return []
  const first =
    person.age >= 65 ? SENIOR : random.chance(person.age < 18 ? 0.4 : 0.15) ? STATE : random.pick(COMMERCIAL)
  const rows = [policy(random, person, first)]
  if (random.chance(0.15)) rows.push(policy(random, person, random.pick(COMMERCIAL)))
  return rows
}
