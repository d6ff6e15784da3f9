import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { codeOf } from '../lib/error-code.ts'
import { isLoopbackHost } from '../lib/loopback.ts'
import type { SignedHeaders } from './webhook-signature.ts'

/** gone: the receiver does not want messages of this kind any more. */
export type Delivery = { readonly kind: 'delivered' } | { readonly kind: 'gone' | 'failed'; readonly reason: string }

export interface WebhookRequests {
  /** Never rejects. */
  post(body: string, headers: SignedHeaders, signal: AbortSignal): Promise<Delivery>
  close(): void
}

export interface WebhookAddress {
  /** https, or http to a loopback address. */
  readonly url: string
  /** PEM; undefined: the certificate authorities that the runtime trusts. */
  readonly ca: string | undefined
  readonly timeoutMs: number
  readonly connections: number
}

/** Whether messages may be sent there. */
export function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isProtected = protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))
  return isProtected && username === '' && password === ''
}

/** Requests to one webhook. Certificates are always verified, redirects are not followed, answers are not read. */
export function webhookRequests({ url, ca, timeoutMs, connections }: WebhookAddress): WebhookRequests {
  if (!isWebhookUrl(url)) throw new TypeError('messages are sent by https, or by http to a loopback address')
  const address = new URL(url)
  const isTls = address.protocol === 'https:'
  // Messages are rare: a connection that is kept open would be found broken.
  const common = { keepAlive: false, maxSockets: connections }
  const agent = isTls
    ? new HttpsAgent({ ...common, rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
    : new HttpAgent(common)
  const post = (body: string, headers: SignedHeaders, given: AbortSignal): Promise<Delivery> =>
    new Promise((resolve) => {
      const signal = AbortSignal.any([given, AbortSignal.timeout(timeoutMs)])
      const call = (isTls ? httpsRequest : httpRequest)(address, {
        method: 'POST',
        agent,
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'chaperone',
          ...headers,
        },
      })
      call.on('response', (response) => {
        // The status is all that counts; a body without end is nobody's.
        response.on('error', () => undefined)
        response.destroy()
        resolve(deliveryOf(response.statusCode ?? 0))
      })
      call.on('error', (error) => {
        const reason = signal.aborted ? (given.aborted ? 'given up' : 'no answer in time') : codeOf(error)
        resolve({ kind: 'failed', reason: reason ?? 'the connection failed' })
      })
      call.end(body)
    })
  return { post, close: () => agent.destroy() }
}

function deliveryOf(status: number): Delivery {
  if (status >= 200 && status <= 299) return { kind: 'delivered' }
  // Standard Webhooks: 410 ends it.
  return { kind: status === 410 ? 'gone' : 'failed', reason: `status ${status}` }
}
