import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { errors, Provider } from 'oidc-provider'

/** A client that may fetch tokens for itself (client credentials), and what its tokens say. */
export interface DevelopmentClient {
  readonly id: string
  readonly secret: string
  /** The `sub` claim. Unset: the id. */
  readonly subject?: string
  /** The `kind` claim. */
  readonly kind: 'human' | 'agent' | 'service'
  /** The `groups` claim. */
  readonly groups: readonly string[]
  /** The `name` claim. */
  readonly name: string
  /** The `purpose` claim. Unset: none. */
  readonly purpose?: string
}

export interface IdentityProviderOptions {
  /** Unset: a free one. */
  readonly port?: number
  readonly clients: readonly DevelopmentClient[]
  /** The `aud` claim of every token. */
  readonly audience: string
  /** Default: 15 minutes. */
  readonly tokenLifetimeSeconds?: number
  /** Told what this is, once it listens. */
  readonly onBanner?: (line: string) => void
}

export interface IdentityProvider {
  readonly issuer: string
  /** Where clients post grant_type=client_credentials with their id and secret (HTTP Basic). */
  readonly tokenEndpoint: string
  /** Fetches a token as that client would, over HTTP. */
  token(clientId: string): Promise<string>
  close(): Promise<void>
}

const DEFAULT_LIFETIME_SECONDS = 900
/** Access tokens belong to a resource named by a URI (RFC 8707); the audience itself may be any text. */
const GATEWAY = 'urn:chaperone:gateway'

/**
 * The provider's storage. Its tokens are signed and complete in themselves, and there are no sessions, codes or grants,
 * so nothing is ever kept; giving it one of our own also avoids its warning about the storage that it comes with.
 */
class NothingToStore {
  async find(): Promise<undefined> {
    return undefined
  }
  async findByUid(): Promise<undefined> {
    return undefined
  }
  async findByUserCode(): Promise<undefined> {
    return undefined
  }
  async upsert(): Promise<never> {
    throw new Error('the development identity provider stores nothing')
  }
  async consume(): Promise<never> {
    throw new Error('the development identity provider stores nothing')
  }
  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

function signingKey(): Readonly<Record<string, unknown>> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'ES256' }
}

function makeProvider(issuer: string, options: IdentityProviderOptions): Provider {
  const { clients, audience, tokenLifetimeSeconds = DEFAULT_LIFETIME_SECONDS } = options
  const byId = new Map(clients.map((client) => [client.id, client]))
  if (byId.size !== clients.length) throw new Error('two clients have the same id')
  return new Provider(issuer, {
    adapter: NothingToStore,
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomUUID()] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: clients.map(({ id, secret }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
    })),
    ttl: { ClientCredentials: tokenLifetimeSeconds },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => GATEWAY,
        getResourceServerInfo: (_context: unknown, resource: string) => {
          if (resource !== GATEWAY) throw new errors.InvalidTarget()
          return {
            scope: '',
            audience,
            accessTokenFormat: 'jwt',
            accessTokenTTL: tokenLifetimeSeconds,
            jwt: { sign: { alg: 'ES256' } },
          }
        },
      },
    },
    extraTokenClaims: (_context: unknown, token: { readonly clientId: string }) => {
      const client = byId.get(token.clientId)
      return client && { kind: client.kind, groups: client.groups, name: client.name, purpose: client.purpose }
    },
    formats: {
      customizers: {
        // The subject of a client's own token is its id unless said otherwise here.
        jwt: (_context: unknown, token: { readonly clientId: string }, jwt: { payload: Record<string, unknown> }) => {
          const subject = byId.get(token.clientId)?.subject
          if (subject !== undefined) jwt.payload['sub'] = subject
        },
      },
    },
  })
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the identity provider has no TCP port')
  return address.port
}

/** RFC 6749 sections 2.3.1 and 4.4.2. */
async function fetchToken(endpoint: string, client: DevelopmentClient): Promise<string> {
  const credentials = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  const answer: unknown = await response.json()
  if (response.ok && typeof answer === 'object' && answer !== null && 'access_token' in answer) {
    return String(answer.access_token)
  }
  throw new Error(`the development identity provider gave no token to ${client.id} (status ${response.status})`)
}

/**
 * FOR DEVELOPMENT ONLY: a complete OpenID provider in this process, on 127.0.0.1 without TLS, with keys that live as
 * long as it does and clients whose secrets are in the caller's source. It prints nothing.
 */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const server = createServer()
  const port = await listen(server, options.port ?? 0)
  const issuer = `http://127.0.0.1:${port}`
  const close = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  try {
    server.on('request', makeProvider(issuer, options).callback())
  } catch (error) {
    await close()
    throw error
  }
  const tokenEndpoint = `${issuer}/token`
  options.onBanner?.(
    `DEVELOPMENT identity provider on ${issuer}: well-known secrets, no TLS; never use it for real data`,
  )
  return {
    issuer,
    tokenEndpoint,
    token: async (clientId) => {
      const client = options.clients.find(({ id }) => id === clientId)
      if (client === undefined) throw new Error(`the development identity provider has no client ${clientId}`)
      return fetchToken(tokenEndpoint, client)
    },
    close,
  }
}
