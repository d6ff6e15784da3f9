import { z } from 'zod'
import { YamlDocument } from '../config/yaml-document.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { TEST_TYPES } from './test-schema.ts'

const member = z.strictObject({
  issuer: z.string().min(1),
  subject: z.string().min(1),
  kind: z.enum(['human', 'agent', 'service']),
  groups: z.array(z.string()).default([]),
  claims: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).optional(),
})

const count = z.number().int().min(0)

const expectation = z
  .strictObject({
    access: z.enum(['granted', 'none']).default('granted'),
    outcome: z.enum(['allow', 'hold', 'refuse']).optional(),
    rule: z.string().optional().describe('The rule that decided.'),
    code: z.string().optional(),
    rules: z.array(z.string()).optional().describe('All rules that matched, and no others.'),
    clearance: z.string().optional(),
    masked: z.array(z.string()).optional().describe('Classes that are touched and masked, and no others.'),
    pools: z.array(z.string()).optional().describe('Who decides about what is held, and nobody else.'),
  })
  .describe('What is not said is not looked at.')

const test = z.strictObject({
  name: z.string().min(1),
  principal: member,
  onBehalfOf: z
    .array(member)
    .default([])
    .describe('From the one who delegated back to the one with whom the chain began.'),
  purpose: z.string().optional(),
  run: z.string().optional(),
  patients: z.array(z.string()).optional(),
  target: z.string().min(1),
  at: z.iso.datetime({ offset: true }).optional().describe('Default: now.'),
  given: z.array(z.string()).default([]).describe('Grants on request that were given.'),
  sql: z.string().optional(),
  estimatedRows: count.optional(),
  recent: z
    .strictObject({
      statements: count.default(0),
      rows: count.default(0),
      patients: count.default(0),
      refusals: count.default(0),
      pagedRows: count.default(0),
    })
    .prefault({}),
  expect: expectation,
})

const schema = z.strictObject({
  searchPath: z.array(z.string()).default(['public']),
  tables: z.record(
    z.string().regex(/^[^.]+\..+$/, 'write schema.table'),
    z.record(z.string(), z.enum(TEST_TYPES, `must be one of ${TEST_TYPES.join(', ')}`)),
  ),
})

const file = z.strictObject({
  version: z.literal(1),
  schemas: z
    .record(z.string(), schema)
    .default({})
    .describe('By target; what is not here is read from the live target.'),
  tests: z.array(test).min(1),
})

export type PolicyTestFile = z.infer<typeof file>
export type PolicyTest = PolicyTestFile['tests'][number]

/**
 * The tests of a file.
 * @throws ChaperoneError CHP-CONFIG-INVALID with every problem
 */
export function parseTestFile(text: string, name: string): PolicyTestFile {
  const document = new YamlDocument(text)
  const faults = document.faults.map(
    ({ position, message }) => `${name}:${position.line}:${position.column}: ${message}`,
  )
  const parsed = file.safeParse(document.data)
  if (parsed.success && faults.length === 0) return parsed.data
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => {
    const parts = path.filter((part) => typeof part !== 'symbol')
    const { line, column } = document.keyPosition(parts)
    return `${name}:${line}:${column}: ${parts.join('.')}: ${message}`
  })
  throw new ChaperoneError('CHP-CONFIG-INVALID', {
    message: ['these are no policy tests:', ...(faults.length > 0 ? faults : problems)].join('\n'),
    hint: 'See docs/policy.md.',
  })
}
