import { z } from 'zod'
import { alertsSchema } from './schema-alerts.ts'
import { approvalsSchema, delegationSchema } from './schema-approvals.ts'
import { grantsSchema } from './schema-grants.ts'
import { issuersSchema } from './schema-issuers.ts'
import { adminSchema, journalSchema, listenSchema } from './schema-listen.ts'
import { filePath } from './schema-parts.ts'
import { phiSchema } from './schema-phi.ts'
import { packsSchema, policySchema, rulesSchema } from './schema-policy.ts'
import { storeSchema } from './schema-store.ts'
import { targetsSchema } from './schema-targets.ts'

/**
 * The shape of `chaperone.yaml`, one section a file. Shape only: what needs more than one place of the file, the file
 * system or the environment is in the `check-*.ts` files, so that it is reported even when the shape has problems too.
 */
export const configSchema = z.strictObject({
  version: z.literal(1),
  listen: listenSchema,
  admin: adminSchema,
  state: filePath.default('chaperone-state').describe('Directory for everything the gateway keeps.'),
  journal: journalSchema,
  store: storeSchema,
  issuers: issuersSchema,
  targets: targetsSchema,
  phi: phiSchema,
  grants: grantsSchema,
  rules: rulesSchema,
  packs: packsSchema,
  policy: policySchema,
  delegation: delegationSchema.describe('Gateway tokens by token exchange (RFC 8693). Without it there are none.'),
  approvals: approvalsSchema.describe('People who decide. Without it, what is held is refused.'),
  alerts: alertsSchema.describe('What operators are told of.'),
})

export type ParsedConfig = z.output<typeof configSchema>
