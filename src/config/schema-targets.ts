import { z } from 'zod'
import { TARGET_RISKS, UNLABELLED_COLUMNS } from './config.ts'
import { duration, optionalDuration } from './quantities.ts'
import { filePath, host, port, postgresName } from './schema-parts.ts'

export const credential = z.union([
  z.literal('none'),
  z.strictObject({
    file: filePath.optional().describe('The password is the content of this file.'),
    env: z.string().min(1).optional().describe('The password is in this environment variable.'),
    command: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('Program and arguments; prints the password, or JSON with password and expiresAt. No shell.'),
    timeout: duration('10s', '100ms', '1m', 'For the command.'),
    clientCertificate: filePath.optional().describe('PEM; together with clientKey.'),
    clientKey: filePath.optional().describe('PEM.'),
  }),
])

export const tls = z
  .strictObject({
    mode: z.enum(['verify-full', 'verifyCaOnly', 'insecureSkipVerify', 'plaintextWithoutTls']).default('verify-full'),
    ca: filePath.optional().describe('PEM; the authorities of the runtime unless given.'),
    serverName: host.optional().describe('Name in the certificate when it is not the host.'),
  })
  .prefault({})

const target = z.strictObject({
  type: z.literal('postgres').default('postgres'),
  host,
  port: port.default(5432),
  database: postgresName.optional().describe('The name of the target unless given.'),
  user: postgresName,
  credential: credential.describe('Where the password comes from, or none.'),
  tls,
  acceptRisks: z
    .array(z.enum(TARGET_RISKS))
    .default([])
    .describe('What is known to be wrong with the role or the connection, and accepted.'),
  startupParameters: z
    .array(postgresName)
    .default([])
    .describe('Start-up parameters that clients may set besides those that are always allowed.'),
  statementTimeout: optionalDuration('100ms', '7d', 'Narrows the limit of the listener for this target.'),
  unlabelledColumns: z
    .enum(UNLABELLED_COLUMNS)
    .default('mask')
    .describe('What happens to a column that no label covers.'),
  catalogCheck: z
    .enum(['strict', 'bounded'])
    .default('strict')
    .describe('Whether masked statements look at the catalog again in their own transaction.'),
  catalogRefresh: duration('30s', '1s', '1h', 'How often the catalog is read again.'),
  connectTimeout: duration('10s', '100ms', '5m', 'For connection and login at the target.'),
})

export const targetsSchema = z
  .record(z.string(), target)
  .refine((targets) => Object.keys(targets).length > 0, 'must have at least one target')
