import { type IncomingMessage, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { codeOf } from '../lib/error-code.ts'

/** A request that failed, in words for the log: codes and states, never a part of a text. */
export class PostFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PostFailed'
  }
}

export interface PostSettings {
  readonly url: URL
  /** PEM; undefined: the certificate authorities that the runtime trusts. */
  readonly ca: string | undefined
  /** Value of the header of that name. */
  readonly authorization: string | undefined
  readonly timeoutMs: number
  readonly connections: number
}

export interface PostClient {
  /** Rejects with PostFailed. */
  post(body: string, maxAnswerBytes: number, signal: AbortSignal): Promise<unknown>
  close(): void
}

/** A client for one address that keeps connections open. Certificates are always verified; redirects are not followed. */
export function postClient(settings: PostSettings): PostClient {
  const { url, ca, connections } = settings
  const common = { keepAlive: true, maxSockets: connections }
  const tls = url.protocol === 'https:'
  const agent = tls
    ? new HttpsAgent({ ...common, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
    : new HttpAgent(common)
  const once = (body: string, maxAnswerBytes: number, signal: AbortSignal, mayRepeat: boolean): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = (tls ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent,
        signal,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'content-length': Buffer.byteLength(body),
          ...(settings.authorization !== undefined && { authorization: settings.authorization }),
        },
      })
      call.on('response', (response) => {
        readAnswer(response, maxAnswerBytes).then(resolve, (error: unknown) => {
          call.destroy()
          reject(failureOf(error, signal))
        })
      })
      call.on('error', (error) => {
        // The other side has closed a connection that was kept open, just when it was used again.
        const stale = mayRepeat && call.reusedSocket && !signal.aborted && codeOf(error) === 'ECONNRESET'
        if (stale) resolve(once(body, maxAnswerBytes, signal, false))
        else reject(failureOf(error, signal))
      })
      call.end(body)
    })
  return {
    post: (body, maxAnswerBytes, signal) =>
      once(body, maxAnswerBytes, AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]), true),
    close: () => agent.destroy(),
  }
}

async function readAnswer(response: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (response.statusCode !== 200) throw new PostFailed(`status ${response.statusCode ?? 0}`)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > maxBytes) throw new PostFailed(`the answer is longer than ${maxBytes} bytes`)
    chunks.push(bytes)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new PostFailed('the answer is not JSON')
  }
}

function failureOf(error: unknown, signal: AbortSignal): PostFailed {
  if (error instanceof PostFailed) return error
  const { reason }: { reason: unknown } = signal
  if (signal.aborted) {
    return new PostFailed(reason instanceof Error && reason.name === 'TimeoutError' ? 'no answer in time' : 'given up')
  }
  return new PostFailed(codeOf(error) ?? 'the connection failed')
}
