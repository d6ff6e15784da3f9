import { z } from 'zod'

/** Names of issuers, grants and rules: they appear in messages, headers and file names. */
export const shortName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/, 'must be lower-case letters, digits, ".", "_" and "-"')

/** Relative paths start at the directory of the configuration file. */
export const filePath = z
  .string()
  .min(1, 'must name a file')
  .regex(/^[^\0]*$/, 'must not contain NUL')

/** Where a secret is; never the secret itself. */
export const keyReference = z.strictObject({
  file: filePath.optional().describe('It is the content of this file.'),
  env: z.string().min(1).optional().describe('It is in this environment variable.'),
})

export const host = z
  .string()
  .min(1, 'must name a host')
  .regex(/^[^\s/\0]+$/, 'must be a host name or an IP address')

export const port = z.int().min(1).max(65535)

/** A name that PostgreSQL knows: at most 63 bytes (PostgreSQL documentation, section 4.1.1). */
export const postgresName = z
  .string()
  .min(1)
  .refine((name) => Buffer.byteLength(name) <= 63 && !name.includes('\0'), 'must be at most 63 bytes long')

/** One string, or a list with at least one. */
export const oneOrMore = (item: z.ZodType<string, string>) =>
  z.union([item, z.array(item).min(1)]).transform((value) => (typeof value === 'string' ? [value] : value))

export const claimValues = z.record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
