import { z } from 'zod'
import { STEP_UPS } from './config.ts'
import { duration } from './quantities.ts'
import { keyReference, shortName } from './schema-parts.ts'
import { approvalNeedSchema, principalSchema } from './schema-principals.ts'
import { webhooksSchema } from './schema-webhooks.ts'

/** What goes together, `check-approvals.ts` knows. */
export const approvalsSchema = z
  .strictObject({
    pools: z
      .record(shortName, z.array(principalSchema).min(1))
      .refine((pools) => Object.keys(pools).length > 0, 'must have at least one pool')
      .describe('Name → people who may decide; one of the list must match.'),
    default: approvalNeedSchema.describe('For rules and grants that say nothing themselves.'),
    stepUp: z.enum(STEP_UPS).default('passkey').describe('What a decision needs besides a valid token.'),
    wait: duration('30s', '1s', '1h', 'How long a client waits for a decision before it gets a ticket.'),
    waitInTransaction: duration('5s', '0s', '10m', 'The same inside a transaction, which may hold locks.'),
    requestLifetime: duration('1h', '1m', '7d', 'From a request to its end without a decision.'),
    maxApproval: duration('8h', '1m', '7d', 'Longest time for which the same operation may be approved.'),
    maxPending: z.int().min(1).max(10_000).default(20).describe('Requests of one chain that wait at the same time.'),
    key: keyReference
      .optional()
      .describe(
        'Key that statements of requests are encrypted under: 32 bytes in base64. Default: <state>/approvals.key.',
      ),
    webhooks: webhooksSchema.describe('Are told of requests and decisions.'),
  })
  .optional()

export const delegationSchema = z
  .strictObject({
    signingKey: keyReference
      .optional()
      .describe('Key that signs gateway tokens: 32 bytes in base64 (Ed25519). Default: <state>/signing.key.'),
    previousSigningKeys: z.array(keyReference).default([]).describe('Keys whose tokens are still accepted.'),
    lifetime: duration('15m', '10s', '24h', 'Longest life of a gateway token.'),
    maxChain: z.int().min(2).max(10).default(5).describe('Members of a chain at most.'),
  })
  .optional()
