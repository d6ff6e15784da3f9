import { z } from 'zod'
import { issuersSchema } from './schema-issuers.ts'
import { adminSchema, journalSchema, listenSchema } from './schema-listen.ts'
import { filePath } from './schema-parts.ts'
import { phiSchema } from './schema-phi.ts'
import { grantsSchema, packsSchema, rulesSchema } from './schema-policy.ts'
import { storeSchema } from './schema-store.ts'
import { targetsSchema } from './schema-targets.ts'

/**
 * The shape of `chaperone.yaml`, one section a file. Shape only: what needs more than one place of the file, the file
 * system or the environment is in `cross-checks.ts`, so that it is reported even when the shape has problems too.
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
})

export type ParsedConfig = z.output<typeof configSchema>
