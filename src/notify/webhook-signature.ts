import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'
/** Standard Webhooks: between 24 and 64 bytes. */
const SECRET_BYTES = { minimum: 24, maximum: 64 } as const

/** The bytes of a secret (`whsec_` and base64); undefined for what is none. */
export function parseSecret(text: string): Buffer | undefined {
  const trimmed = text.trim()
  const encoded = trimmed.startsWith(PREFIX) ? trimmed.slice(PREFIX.length) : ''
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined
  const secret = Buffer.from(encoded, 'base64')
  return secret.length >= SECRET_BYTES.minimum && secret.length <= SECRET_BYTES.maximum ? secret : undefined
}

export interface SignedHeaders {
  readonly 'webhook-id': string
  /** Seconds since the epoch. */
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/** Standard Webhooks, symmetric signatures: HMAC-SHA256 over id, time and body. */
export function signedHeaders(secret: Buffer, id: string, body: string, now: number): SignedHeaders {
  const timestamp = String(Math.floor(now / 1000))
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
