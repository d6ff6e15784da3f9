import { z } from 'zod'
import { shortName } from './schema-parts.ts'
import { approvalNeedFields, approvalNeedSchema } from './schema-principals.ts'

const rule = z.strictObject({
  name: shortName,
  when: z.string().min(1).describe('A CEL condition over the facts of one statement.'),
  effect: z.enum(['refuse', 'hold', 'warn', 'alert']),
  message: z.string().min(1).max(500).optional().describe('Shown to the client.'),
  hint: z.string().min(1).max(500).optional().describe('What the client can do next.'),
  approval: z
    .strictObject(approvalNeedFields)
    .optional()
    .describe('Who may let through what the rule holds. Default: approvals.default.'),
})

export const rulesSchema = z.array(rule).default([])

export const packsSchema = z
  .strictObject({
    guardrails: z
      .strictObject({ disable: z.array(z.string()).default([]).describe('Rules of the pack that do not apply.') })
      .prefault({}),
  })
  .prefault({})

export const policySchema = z
  .strictObject({
    activation: z
      .union([z.literal('file'), approvalNeedSchema])
      .default('file')
      .describe('Who puts a new version into force: whoever writes this file, or the people of these pools.'),
  })
  .prefault({})
