import { z } from 'zod'
import { filePath } from './schema-parts.ts'
import { credential, tls } from './schema-targets.ts'

/** Which keys go together, `check-store.ts` knows. */
export const storeSchema = z
  .strictObject({
    directory: filePath
      .optional()
      .describe('Of the PostgreSQL server that the gateway starts for itself. Default: <state>/store.'),
    url: z.string().optional().describe('postgresql://user@host:port/database of another server, without a password.'),
    credential: credential.optional().describe('Where the password for the url comes from, or none.'),
    tls,
  })
  .prefault({})
