import { once } from 'node:events'
import { createServer } from 'node:http'
import * as oidc from 'openid-client'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { type GatewayDescription, isSafe } from './gateway-description.ts'
import type { Login } from './login-file.ts'

/** What people are told while they sign in. */
export interface SignInVoice {
  /** To open, and, for the device flow, the code that the page should show. */
  open(url: string, code: string | undefined): void
}

const BROWSER_TIMEOUT_MS = 5 * 60_000

async function issuerOf({ issuer, clientId, url }: GatewayDescription): Promise<oidc.Configuration> {
  const address = issuer === undefined ? null : URL.parse(issuer)
  if (address === null || clientId === undefined || !isSafe(address)) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `${url} does not say where people sign in`,
      hint: 'Its operator sets listen.web.signIn with cliClientId.',
    })
  }
  const insecure = address.protocol === 'http:' ? { execute: [oidc.allowInsecureRequests] } : {}
  return told(oidc.discovery(address, clientId, undefined, oidc.None(), insecure))
}

/** Errors of the issuer in its own words, without what was sent. */
async function told<Result>(asked: Promise<Result>): Promise<Result> {
  try {
    return await asked
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    const isRefusal = cause instanceof oidc.ResponseBodyError || cause instanceof oidc.AuthorizationResponseError
    const why = isRefusal
      ? `${cause.error}${cause.error_description === undefined ? '' : `: ${cause.error_description}`}`
      : cause.message
    throw new ChaperoneError('CHP-AUTH-FAILED', {
      message: `the identity provider gave no token (${why})`,
      hint: 'Sign in again: chaperone login URL',
      cause,
    })
  }
}

const scopeOf = ({ scopes = [] }: GatewayDescription): string => [...new Set(['openid', ...scopes])].join(' ')

function loginOf(
  gateway: GatewayDescription,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  now: number,
): Login {
  const { access_token: accessToken, refresh_token: refreshToken } = tokens
  return {
    gateway,
    accessToken,
    // Without a word about it the token counts as used up at once, and is fetched anew.
    expiresAt: now + (tokens.expiresIn() ?? 0) * 1000,
    ...(refreshToken === undefined ? {} : { refreshToken }),
  }
}

/** RFC 8628: the person signs in with a browser elsewhere. */
export async function signInWithDevice(gateway: GatewayDescription, voice: SignInVoice): Promise<Login> {
  const issuer = await issuerOf(gateway)
  const device = await told(oidc.initiateDeviceAuthorization(issuer, { scope: scopeOf(gateway) }))
  voice.open(device.verification_uri_complete ?? device.verification_uri, device.user_code)
  const tokens = await told(oidc.pollDeviceAuthorizationGrant(issuer, device))
  return loginOf(gateway, tokens, Date.now())
}

/** Authorization code with PKCE (RFC 7636) and a redirect to a port of this machine (RFC 8252, section 7.3). */
export async function signInWithBrowser(gateway: GatewayDescription, voice: SignInVoice): Promise<Login> {
  const issuer = await issuerOf(gateway)
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const redirect = `http://127.0.0.1:${port}/callback`
    const returned = callback(server, redirect, state)
    const page = oidc.buildAuthorizationUrl(issuer, {
      redirect_uri: redirect,
      scope: scopeOf(gateway),
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    voice.open(page.href, undefined)
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    const tokens = await told(returned.then((url) => oidc.authorizationCodeGrant(issuer, url, checks)))
    return loginOf(gateway, tokens, Date.now())
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** The first request with our state; anything else that comes to the port is answered and forgotten. */
function callback(server: ReturnType<typeof createServer>, redirect: string, state: string): Promise<URL> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nobody signed in')), BROWSER_TIMEOUT_MS)
    server.on('request', (request, response) => {
      const url = new URL(request.url ?? '/', redirect)
      const isOurs = url.pathname === '/callback' && url.searchParams.get('state') === state
      response.writeHead(isOurs ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
      response.end(isOurs ? 'You may close this window and go back to the terminal.\n' : 'There is nothing here.\n')
      if (!isOurs) return
      clearTimeout(timer)
      resolve(url)
    })
  })
}

/** A login with fresh tokens; the refresh token may be a new one. */
export async function refreshed(login: Login): Promise<Login> {
  const { gateway, refreshToken } = login
  if (refreshToken === undefined) {
    throw new ChaperoneError('CHP-AUTH-EXPIRED', {
      message: 'the login has expired',
      hint: `Sign in again: chaperone login ${gateway.url}`,
    })
  }
  const issuer = await issuerOf(gateway)
  const fresh = loginOf(gateway, await told(oidc.refreshTokenGrant(issuer, refreshToken)), Date.now())
  return { refreshToken, ...fresh }
}
