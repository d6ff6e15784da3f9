import { z } from 'zod'
import { principalKind } from './schema-issuers.ts'
import { claimValues, shortName } from './schema-parts.ts'

/** Whoever a grant, a pool or a chain means. What has to be there besides the shape, `check-principals.ts` knows. */
export const principalSchema = z
  .strictObject({
    issuer: shortName.optional().describe('Name of an issuer. Required when there are several.'),
    subject: z.string().min(1).optional(),
    group: z.string().min(1).optional(),
    kind: principalKind.optional(),
    claim: claimValues.optional().describe('Claims of the token with the values they must have.'),
  })
  .describe('Every field that is given must match.')

const pools = z.array(shortName).min(1).describe('Names of pools; whoever is in one of them may decide.')

const quorum = z.int().min(1).max(20).describe('So many different people. Default: 1.')

/** Who may decide. Whether the pools exist and are large enough, `check-approvals.ts` knows. */
export const approvalNeedSchema = z.strictObject({ pools, quorum: quorum.default(1) })

/** The same where the section `approvals` has the default. */
export const approvalNeedFields = {
  pools: pools.optional(),
  quorum: quorum.optional(),
}
