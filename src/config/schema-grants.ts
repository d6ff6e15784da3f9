import { z } from 'zod'
import { PHI_CLASSES } from '../phi/classes.ts'
import { duration, optionalSize } from './quantities.ts'
import { shortName } from './schema-parts.ts'
import { approvalNeedFields, principalSchema } from './schema-principals.ts'
import { scheduleSchema } from './schema-schedule.ts'
import { parseInstant } from './time-of-day.ts'

const level = z.enum(['masked', 'clear'])

const instant = (description: string) =>
  z
    .string()
    .transform((text, context) => {
      const at = parseInstant(text)
      if (at !== undefined) return at
      const message = 'must be a time of RFC 3339 like 2027-01-31T18:00:00Z'
      context.issues.push({ code: 'custom', message, input: text })
      return z.NEVER
    })
    .optional()
    .meta({ description })

const count = (description: string) => z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional().describe(description)

const budget = z
  .strictObject({
    rows: count('Rows that are released.'),
    bytes: optionalSize('1KiB', '999999GiB', 'What rows have on the wire.'),
    statements: count('Statements that begin.'),
    patients: count('Different patients whose rows are released.'),
  })
  .optional()

const chain = z.union([
  z.literal('none'),
  z.strictObject({
    onBehalfOf: z
      .array(principalSchema)
      .min(1)
      .optional()
      .describe('With one of them the chain has to begin. Default: with anybody.'),
    maxLength: z.int().min(2).max(10).optional().describe('Members at most, the holder of the token included.'),
  }),
])

const grant = z.strictObject({
  name: shortName,
  use: z
    .enum(['access', 'delegation'])
    .default('access')
    .describe('delegation: whoever acts for a member may have as much; the member itself gets no access.'),
  principals: z.array(principalSchema).min(1).describe('One of them must match.'),
  chain: chain
    .optional()
    .describe('none: the holder of the token acts for itself. Default: for itself or for anybody.'),
  targets: z.array(z.string()).min(1),
  purposes: z.array(z.string().min(1)).min(1).optional().describe('What the access has to be for. Default: anything.'),
  schedule: scheduleSchema.optional().describe('When. Default: always.'),
  notBefore: instant('RFC 3339: nothing is granted before.'),
  expires: instant('RFC 3339: nothing is granted from then on.'),
  tables: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('What may be named: schema.*, schema.table, schema.table(column, …). Default: everything.'),
  budgets: z
    .strictObject({ session: budget, run: budget, hour: budget })
    .prefault({})
    .describe('How much, in one session, in one run, in an hour.'),
  onRequest: z
    .strictObject({
      ...approvalNeedFields,
      maxDuration: duration('8h', '1m', '30d', 'Longest time that may be asked for.'),
    })
    .optional()
    .describe('The grant counts for a time after a request was approved.'),
  requiresPatients: z.boolean().default(false).describe('Tokens have to name the patients that may be seen.'),
  tokenScope: shortName.optional().describe('Grants of one scope share their tokens. Default: the name of the grant.'),
  clearance: z
    .strictObject({
      default: level.default('masked').describe('For classes that are not listed, and for unlabelled columns.'),
      classes: z.partialRecord(z.enum(PHI_CLASSES), level).default({}),
    })
    .prefault({}),
})

export const grantsSchema = z.array(grant)
