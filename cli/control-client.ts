import { ChaperoneError, type ErrorCode, ERRORS } from '../src/lib/errors.ts'
import { adminAsk } from './admin-client.ts'
import { readConfig } from './config-option.ts'
import type { CommandContext } from './terminal.ts'

export interface ControlOptions {
  readonly config: string
  readonly json?: true
}

/** Asks the admin API of a running gateway for something that it may refuse. The answer is what its JSON holds. */
export async function askControl(
  { config }: ControlOptions,
  context: CommandContext,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const text = new URLSearchParams(query).toString()
  const { admin } = readConfig(config, context)
  const { status, body } = await adminAsk(admin, method, text === '' ? path : `${path}?${text}`)
  const answer: unknown = JSON.parse(body)
  if (status === 200) return answer
  throw refusal(answer)
}

/** RFC 9457, as the gateway sends it. */
function refusal(answer: unknown): ChaperoneError {
  const { title, code } = typeof answer === 'object' && answer !== null ? { title: '', code: '', ...answer } : {}
  return new ChaperoneError(isErrorCode(code) ? code : 'CHP-REQUEST-INVALID', {
    message: typeof title === 'string' ? title : 'the gateway did not do it',
  })
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)
