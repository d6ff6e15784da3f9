import { z } from 'zod'
import { duration } from './quantities.ts'
import { filePath, shortName } from './schema-parts.ts'

/** Where a secret comes from. Which keys go together, `check-secrets.ts` knows. */
export const secretSchema = z.strictObject({
  file: filePath.optional().describe('It is the content of this file.'),
  env: z.string().min(1).optional().describe('It is in this environment variable.'),
  command: z.array(z.string().min(1)).min(1).optional().describe('Program and arguments; prints it. No shell.'),
  timeout: duration('10s', '100ms', '1m', 'For the command.'),
})

const webhook = z.strictObject({
  name: shortName,
  url: z.string().describe('https, or http to a loopback address.'),
  secret: secretSchema.describe('Signs what is sent (Standard Webhooks): whsec_ and base64.'),
  ca: filePath.optional().describe('PEM; the authorities of the runtime unless given.'),
})

export const webhooksSchema = z.array(webhook).max(20).default([])
