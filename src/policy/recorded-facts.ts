import { z } from 'zod'
import type { Principal } from '../identity/principal.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'

const effects = [
  'read',
  'write',
  'delete',
  'schema',
  'privilege',
  'session',
  'server',
  'transaction',
  'lock',
  'code',
] as const
const actions = ['read', 'insert', 'update', 'delete', 'truncate', 'schema', 'lock'] as const
const hazards = [
  'function-not-known-safe',
  'relation-not-allowed',
  'relation-unresolved',
  'operator-not-known-safe',
  'phi-copied',
  'phi-in-utility',
  'setting-pinned',
  'setting-required',
  'code-not-analysed',
  'construct-not-analysed',
] as const

const statement = z.object({
  bounded: z.enum(['not-applicable', 'bounded', 'unbounded']),
  command: z.string(),
  effects: z.array(z.enum(effects)),
  functions: z.array(z.string()),
  hazards: z.array(z.object({ kind: z.enum(hazards), subject: z.string() })),
  limited: z.boolean(),
  onlyTemporaryObjects: z.boolean(),
  phiReachable: z.boolean(),
  questions: z.array(
    z.object({
      byStandIn: z.boolean(),
      classes: z.array(z.string()),
      columns: z.array(z.string()),
      released: z.boolean(),
      use: z.enum(['condition', 'order', 'group', 'computation']),
    }),
  ),
  relations: z.array(
    z.object({
      action: z.enum(actions),
      columns: z.union([z.literal('*'), z.array(z.string())]),
      name: z.string(),
      oid: z.number().nullable(),
      phi: z.boolean(),
      schema: z.string().nullable(),
      touchesPhi: z.boolean(),
    }),
  ),
  reading: z
    .object({
      bound: z.enum(['keyed', 'filtered', 'all']),
      isPage: z.boolean(),
      limit: z.union([z.number(), z.literal('unknown')]).optional(),
    })
    .optional(),
  patients: z.object({ bound: z.boolean(), named: z.boolean() }).optional(),
})

const facts = z.object({ statements: z.array(statement) })

const member = z.object({
  issuer: z.string(),
  subject: z.string(),
  kind: z.enum(['human', 'agent', 'service']),
  groups: z.array(z.string()),
  claims: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number(), z.boolean()]))]),
    )
    .optional(),
})

const sessionStart = z.object({
  access: z.object({ clearance: z.string(), grants: z.array(z.string()) }),
  principal: member.extend({
    onBehalfOf: z.array(member),
    purpose: z.string().optional(),
    run: z.string().optional(),
    patients: z.array(z.string()).optional(),
    targets: z.array(z.string()).optional(),
  }),
})

export interface RecordedSession {
  readonly principal: Principal
  readonly grants: readonly string[]
  readonly clearance: string
}

/** The body of a record of the kind `session-start`; undefined for one that does not have what decides. */
export function recordedSession(body: string): RecordedSession | undefined {
  const parsed = sessionStart.safeParse(json(body))
  if (!parsed.success) return undefined
  const { access, principal } = parsed.data
  const { onBehalfOf, purpose, run, patients, targets, ...holder } = principal
  return {
    principal: {
      ...memberOf(holder),
      name: undefined,
      ...(onBehalfOf.length === 0 ? {} : { onBehalfOf: onBehalfOf.map(memberOf) }),
      ...(purpose === undefined ? {} : { purpose }),
      ...(run === undefined ? {} : { run }),
      ...(patients === undefined ? {} : { patients }),
      ...(targets === undefined ? {} : { targets }),
    },
    grants: access.grants,
    clearance: access.clearance,
  }
}

function memberOf({ claims, ...rest }: z.infer<typeof member>) {
  return claims === undefined ? rest : { ...rest, claims }
}

/** The body of a record of the kind `facts`: as far as policy sees them, they are those of the time. Undefined for what is none. */
export function recordedFacts(body: string): readonly SqlFacts[] | undefined {
  const parsed = facts.safeParse(json(body))
  return parsed.success ? parsed.data.statements.map(factsOf) : undefined
}

function factsOf({ patients, reading, questions, ...one }: z.infer<typeof statement>): SqlFacts {
  return {
    ...one,
    questions: questions.map(({ byStandIn, ...question }) => (byStandIn ? { ...question, byStandIn } : question)),
    ...(reading === undefined ? {} : { reading: readingOf(reading) }),
    ...(patients === undefined ? {} : { patients: patientsOf(patients) }),
    // No decision looks at these.
    outputs: 'unknown',
    catalogUse: { relations: [], names: [], functions: [], operators: [] },
    session: { kind: 'none' },
  }
}

function readingOf({
  bound,
  isPage,
  limit,
}: NonNullable<z.infer<typeof statement>['reading']>): NonNullable<SqlFacts['reading']> {
  return { bound, isPage, ...(limit === undefined ? {} : { limit }) }
}

/** Which constants bind the patients is not kept. */
function patientsOf({
  bound,
  named,
}: {
  readonly bound: boolean
  readonly named: boolean
}): NonNullable<SqlFacts['patients']> {
  return { ...(bound ? { bound: [] } : {}), ...(named ? { output: 0 } : {}) }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
