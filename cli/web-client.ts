import { Option } from 'commander'
import { z } from 'zod'
import { ChaperoneError, type ErrorCode, ERRORS } from '../src/lib/errors.ts'
import { fetchFrom, gatewayUrl } from './credentials/gateway-description.ts'
import { loginToken } from './credentials/token-source.ts'
import type { CommandContext } from './terminal.ts'

/** The web listener of a gateway, as one person or program sees it. */
export interface WebClient {
  /** Rejects with the gateway's own code. */
  ask<Schema extends z.ZodType>(
    schema: Schema,
    method: 'GET' | 'POST',
    path: string,
    body?: object,
  ): Promise<z.output<Schema>>
}

export const gatewayOption = (): Option =>
  new Option('--gateway <url>', 'web listener of the gateway; the one of your last login unless given').env(
    'CHAPERONE_GATEWAY',
  )

const problem = z.object({ title: z.string(), code: z.string(), hint: z.string().optional() })

/**
 * With the token in CHAPERONE_TOKEN, which agents and jobs bring, or that of `chaperone login`. It is asked for again each time, so
 * that a command that waits outlives its first token.
 */
export function webClient(gateway: string | undefined, { environment }: CommandContext): WebClient {
  const given = environment['CHAPERONE_TOKEN']?.trim() ?? ''
  if (given !== '' && gateway === undefined) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: 'CHAPERONE_TOKEN is set, but not for which gateway',
      hint: 'Add --gateway URL, or set CHAPERONE_GATEWAY.',
    })
  }
  const access = async () => {
    if (given !== '' && gateway !== undefined) return { url: gatewayUrl(gateway), token: given }
    const login = await loginToken(gateway, environment)
    return { url: login.gateway.url, token: login.token }
  }
  return {
    ask: async (schema, method, path, body) => {
      const { url, token } = await access()
      const response = await fetchFrom(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const answer: unknown = await response.json().catch(() => undefined)
      if (!response.ok) throw refusalOf(response.status, answer)
      const parsed = schema.safeParse(answer)
      if (parsed.success) return parsed.data
      throw new ChaperoneError('CHP-TARGET-UNREACHABLE', {
        message: `${url} does not answer as a gateway of this version`,
        hint: 'Is this the address of its web listener? Are command and gateway of one version?',
      })
    },
  }
}

function refusalOf(status: number, answer: unknown): ChaperoneError {
  const parsed = problem.safeParse(answer)
  if (!parsed.success || !isCode(parsed.data.code)) {
    return new ChaperoneError('CHP-TARGET-UNREACHABLE', { message: `the gateway answered with status ${status}` })
  }
  const { code, title, hint } = parsed.data
  return new ChaperoneError(code, { message: title, ...(hint === undefined ? {} : { hint }) })
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code)
