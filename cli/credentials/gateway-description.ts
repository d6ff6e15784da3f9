import { z } from 'zod'
import { isLoopback } from '../../src/lib/wire.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'

/** What a gateway tells clients about itself (GET /.well-known/chaperone). */
export const gatewayDescription = z.object({
  url: z.string(),
  postgres: z.object({ host: z.string().min(1), port: z.int().min(1).max(65535) }),
  /** Authority of the certificate of its PostgreSQL listener, where clients would not know it. */
  issuer: z.string().optional(),
  clientId: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  /** Token exchange; undefined: the gateway has none. */
  tokenEndpoint: z.string().optional(),
})

export type GatewayDescription = z.infer<typeof gatewayDescription>

const TIMEOUT_MS = 15_000

/** https, or http on this machine: tokens go there. No slash at the end. */
export function gatewayUrl(text: string): string {
  const url = URL.parse(text)
  if (
    url === null ||
    !isSafe(url) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: 'the address of the gateway is not an https URL',
      hint: 'Give the publicUrl of its web listener, for example https://chaperone.example.org',
    })
  }
  return url.href.replace(/\/+$/, '')
}

export function isSafe(url: URL): boolean {
  const { hostname, protocol } = url
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && (hostname === 'localhost' || (isIp(hostname) && isLoopback(bare(hostname)))))
  )
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')
const isIp = (hostname: string): boolean => /^[0-9.]+$|^\[/.test(hostname)

/** Asks a gateway how it is reached. What it names as its token endpoint has to be its own: tokens are sent there. */
export async function describeGateway(url: string): Promise<GatewayDescription> {
  const response = await fetchFrom(`${url}/.well-known/chaperone`, { headers: { accept: 'application/json' } })
  const parsed = gatewayDescription.safeParse(await response.json().catch(() => undefined))
  if (!response.ok || !parsed.success) throw unusable(url, 'it does not describe itself as a gateway')
  const { tokenEndpoint } = parsed.data
  if (parsed.data.url !== url) throw unusable(url, `it calls itself ${parsed.data.url}: use that address`)
  if (tokenEndpoint !== undefined && !tokenEndpoint.startsWith(`${url}/`)) {
    throw unusable(url, 'its token endpoint is at another place')
  }
  return parsed.data
}

/** Rejects with an error in plain words. */
export async function fetchFrom(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (cause) {
    const { origin } = new URL(url)
    const why =
      cause instanceof Error && cause.cause instanceof Error && 'code' in cause.cause ? String(cause.cause.code) : ''
    throw new ChaperoneError('CHP-TARGET-UNREACHABLE', {
      message: `no answer from ${origin}${why === '' ? '' : ` (${why})`}`,
      hint: 'Is the address right? For a certificate of a private authority set NODE_EXTRA_CA_CERTS to its PEM file.',
      cause,
    })
  }
}

const unusable = (url: string, what: string): ChaperoneError =>
  new ChaperoneError('CHP-CONFIG-INVALID', { message: `${url} cannot be used: ${what}`, hint: 'Ask its operator.' })
