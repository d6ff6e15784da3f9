import { z } from 'zod'
import { PHI_CLASSES } from '../phi/classes.ts'
import { principalKind } from './schema-issuers.ts'
import { claimValues, shortName } from './schema-parts.ts'

const level = z.enum(['masked', 'clear'])

const principal = z
  .strictObject({
    issuer: shortName.optional().describe('Name of an issuer. Required when there are several.'),
    subject: z.string().min(1).optional(),
    group: z.string().min(1).optional(),
    kind: principalKind.optional(),
    claim: claimValues.optional().describe('Claims of the token with the values they must have.'),
  })
  .describe('Every field that is given must match.')

const grant = z.strictObject({
  name: shortName,
  principals: z.array(principal).min(1).describe('One of them must match.'),
  targets: z.array(z.string()).min(1),
  tokenScope: shortName.optional().describe('Grants of one scope share their tokens. Default: the name of the grant.'),
  clearance: z
    .strictObject({
      default: level.default('masked').describe('For classes that are not listed, and for unlabelled columns.'),
      classes: z.partialRecord(z.enum(PHI_CLASSES), level).default({}),
    })
    .prefault({}),
})

export const grantsSchema = z.array(grant)

const rule = z.strictObject({
  name: shortName,
  when: z.string().min(1).describe('A CEL condition over the facts of one statement.'),
  effect: z.enum(['refuse', 'hold', 'warn']),
  message: z.string().min(1).max(500).optional().describe('Shown to the client.'),
  hint: z.string().min(1).max(500).optional().describe('What the client can do next.'),
})

export const rulesSchema = z.array(rule).default([])

export const packsSchema = z
  .strictObject({
    guardrails: z
      .strictObject({ disable: z.array(z.string()).default([]).describe('Rules of the pack that do not apply.') })
      .prefault({}),
  })
  .prefault({})
