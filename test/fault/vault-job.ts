import * as z from 'zod'
import { TOKEN_FORMS, type TokenRequest } from '../../src/phi/tokens/stand-ins.ts'

const JOB = z.object({
  location: z.object({ host: z.string(), port: z.number(), user: z.string(), database: z.string() }),
  password: z.string(),
  /** In hexadecimal. */
  key: z.string(),
  seed: z.number(),
})

/** What a worker of the crash test is told. */
export type Job = z.infer<typeof JOB>

export const parseJob = (text: string): Job => JOB.parse(JSON.parse(text))

export const SCOPES = [
  { group: 'agents', purpose: 'treatment', target: 'hospital' },
  { group: 'agents', purpose: 'research', target: 'hospital' },
] as const

/** Few enough for the workers to meet at all of them, and enough for new ones to the end. */
export const VALUES = 20_000

/** Every form has its share of the values. */
export function requestOf(value: number): TokenRequest {
  const form = TOKEN_FORMS[value % TOKEN_FORMS.length] ?? 'text'
  return { phiClass: 'name', form, value: `value ${value}` }
}
