import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { errors, Provider } from 'oidc-provider'
import { ProviderMemory } from './provider-memory.ts'
import { answerSignIn, type DevelopmentPerson, PROVIDER_PAGES } from './sign-in-pages.ts'

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

/** A program that people sign in to with a browser (authorization code with PKCE). */
export interface DevelopmentWebClient {
  readonly id: string
  /** Unset: a public client on somebody's machine, with the device code and any port of a loopback redirect. */
  readonly secret?: string
  readonly redirectUris: readonly string[]
}

export interface IdentityProviderOptions {
  /** Unset: a free one. */
  readonly port?: number
  readonly clients: readonly DevelopmentClient[]
  /** Who may sign in with a browser; nobody unless said otherwise. */
  readonly people?: readonly DevelopmentPerson[]
  /** Asked for once it listens, when ports are known. */
  readonly webClients?: readonly DevelopmentWebClient[]
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

function signingKey(): Readonly<Record<string, unknown>> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'ES256' }
}

const machineClient = ({ id, secret }: DevelopmentClient): object => ({
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_basic',
})

const webClient = ({ id, secret, redirectUris }: DevelopmentWebClient): object => ({
  client_id: id,
  redirect_uris: redirectUris,
  response_types: ['code'],
  require_auth_time: true,
  ...(secret === undefined
    ? {
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      }
    : {
        client_secret: secret,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code'],
      }),
})

interface TokenOf {
  readonly clientId: string
  readonly accountId?: string
}

function makeProvider(issuer: string, options: IdentityProviderOptions): Provider {
  const { clients, people = [], webClients = [], audience, tokenLifetimeSeconds = DEFAULT_LIFETIME_SECONDS } = options
  const byId = new Map(clients.map((client) => [client.id, client]))
  const bySubject = new Map(people.map((person) => [person.subject, person]))
  if (byId.size !== clients.length) throw new Error('two clients have the same id')
  const memory = new ProviderMemory()
  const provider: Provider = new Provider(issuer, {
    adapter: memory.adapter,
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomUUID()] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [...clients.map(machineClient), ...webClients.map(webClient)],
    ttl: {
      ...Object.fromEntries(LIVED.map((name) => [name, tokenLifetimeSeconds])),
      ...Object.fromEntries(KEPT.map((name) => [name, KEPT_SECONDS])),
    },
    scopes: ['openid', 'profile', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'groups', 'kind'] },
    findAccount: (_context: unknown, subject: string) => {
      const person = bySubject.get(subject)
      return person && { accountId: subject, claims: () => ({ sub: subject, ...claimsOf(person) }) }
    },
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    // Nobody is asked whether a program may have what it asks for.
    loadExistingGrant: async ({ oidc }: GrantContext) => {
      const grant = new provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId })
      grant.addOIDCScope('openid profile offline_access')
      grant.addResourceScope(GATEWAY, '')
      await grant.save()
      return grant
    },
    renderError: PROVIDER_PAGES.renderError,
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true, ...PROVIDER_PAGES.deviceFlow },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => GATEWAY,
        useGrantedResource: () => true,
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
    extraTokenClaims: (_context: unknown, { accountId, clientId }: TokenOf) => {
      const owner = accountId === undefined ? byId.get(clientId) : bySubject.get(accountId)
      return owner && { ...claimsOf(owner), purpose: 'purpose' in owner ? owner.purpose : undefined }
    },
    formats: {
      customizers: {
        // The subject of a client's own token is its id unless said otherwise here.
        jwt: (_context: unknown, token: TokenOf, jwt: { payload: Record<string, unknown> }) => {
          const subject = token.accountId ?? byId.get(token.clientId)?.subject
          if (subject !== undefined) jwt.payload['sub'] = subject
        },
      },
    },
  })
  return provider
}

interface GrantContext {
  readonly oidc: { readonly session: { readonly accountId: string }; readonly client: { readonly clientId: string } }
}

const claimsOf = ({ kind, groups, name }: Pick<DevelopmentPerson, 'kind' | 'groups' | 'name'>): object => ({
  kind,
  groups,
  name,
})

/** As long as a token. */
const LIVED = ['AccessToken', 'ClientCredentials', 'IdToken', 'AuthorizationCode'] as const
/** As long as somebody may be busy with the demo. */
const KEPT = ['RefreshToken', 'DeviceCode', 'Interaction', 'Session', 'Grant'] as const
const KEPT_SECONDS = 8 * 3600

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
    const provider = makeProvider(issuer, options)
    const answer = provider.callback()
    server.on('request', (request, response) => {
      void answerSignIn(provider, options.people ?? [], request, response).then(
        (isAnswered) => isAnswered || answer(request, response),
        () => response.writeHead(400).end(),
      )
    })
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
