import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import type { IssuerConfig, SignInConfig } from '../config/config.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { RandomlyNamed } from './browser-sessions.ts'
import { issuerFetch } from './issuer-fetch.ts'
import { HttpError } from './problem.ts'

export interface SignInOptions {
  readonly issuer: Pick<IssuerConfig, 'issuer' | 'allowInsecureLoopback' | 'fetchTimeoutSeconds' | 'caFile'>
  readonly settings: Pick<SignInConfig, 'clientId' | 'scopes'>
  /** Undefined: a public client. */
  readonly clientSecret: () => Promise<string | undefined>
  readonly publicUrl: string
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  readonly clock: Clock
}

export interface SignedIn {
  readonly identity: VerifiedIdentity
  readonly token: string
  readonly authenticatedAt: number | undefined
  readonly returnTo: string
}

interface Transaction {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly fresh: boolean
  readonly returnTo: string
}

const MAX_TRANSACTIONS = 5000
/** As long as somebody may take to sign in at the issuer. */
export const TRANSACTION_MS = 10 * 60_000
/** The description of the issuer is read again after this time. */
const METADATA_MS = 10 * 60_000
/** A fresh sign-in proves who sits there now; a little age is the way there and back. */
const FRESH_SECONDS = 60

/** OpenID Connect with the authorization code flow, PKCE (RFC 7636), state and nonce, for people with a browser. */
export class SignIn {
  readonly #options: SignInOptions
  readonly #transactions: RandomlyNamed<Transaction>
  #configuration: { readonly value: Promise<Configuration>; readonly since: number } | undefined

  constructor(options: SignInOptions) {
    this.#options = options
    this.#transactions = new RandomlyNamed(MAX_TRANSACTIONS, options.clock)
  }

  get callback(): string {
    return `${this.#options.publicUrl}/sign-in/callback`
  }

  /** Where the browser goes, and the name of the transaction that only this browser may know. */
  async begin(returnTo: string, fresh: boolean): Promise<{ readonly url: string; readonly transaction: string }> {
    const configuration = await this.#discovered()
    const codeVerifier = randomPKCECodeVerifier()
    const [state, nonce] = [randomState(), randomNonce()]
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: this.callback,
      scope: this.#options.settings.scopes.join(' '),
      response_type: 'code',
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...(fresh ? { prompt: 'login', max_age: String(FRESH_SECONDS) } : {}),
    })
    const kept = { state, nonce, codeVerifier, fresh, returnTo }
    return { url: url.href, transaction: this.#transactions.add(kept, this.#options.clock() + TRANSACTION_MS) }
  }

  /** @throws HttpError 401 for whatever does not fit together; the reason is of no use to an attacker and not told */
  async finish(search: string, transaction: string | undefined): Promise<SignedIn> {
    const kept = transaction === undefined ? undefined : this.#transactions.take(transaction)
    if (kept === undefined) throw notSignedIn('this sign-in was not begun in this browser, or took too long')
    const configuration = await this.#discovered()
    const { nonce, state, codeVerifier } = kept
    const answer = await authorizationCodeGrant(configuration, new URL(`${this.callback}${search}`), {
      pkceCodeVerifier: codeVerifier,
      expectedNonce: nonce,
      expectedState: state,
      ...(kept.fresh ? { maxAge: FRESH_SECONDS } : {}),
    }).catch(() => {
      // The library's errors quote parameters and claims.
      throw notSignedIn('the identity provider did not sign you in')
    })
    const { identity, token } = await this.#verified([answer.access_token, answer.id_token])
    const authTime = answer.claims()?.auth_time
    return {
      identity,
      token,
      authenticatedAt: authTime === undefined ? undefined : authTime * 1000,
      returnTo: kept.returnTo,
    }
  }

  /** The token that the gateway accepts, by the rules for every client: some issuers mean the one for APIs, some the ID token. */
  async #verified(tokens: readonly (string | undefined)[]) {
    for (const token of tokens) {
      if (token === undefined) continue
      try {
        return { identity: await this.#options.verify(token), token }
      } catch (error) {
        if (!(error instanceof ChaperoneError) || error.code !== 'CHP-AUTH-FAILED') throw error
      }
    }
    throw notSignedIn('the gateway does not accept the tokens of the identity provider; its operator has to look')
  }

  #discovered(): Promise<Configuration> {
    const now = performance.now()
    if (this.#configuration !== undefined && now - this.#configuration.since < METADATA_MS)
      return this.#configuration.value
    const value = this.#discover().catch((cause: unknown) => {
      this.#configuration = undefined
      throw new HttpError(502, 'CHP-AUTH-FAILED', 'the identity provider does not answer as it should', cause)
    })
    this.#configuration = { value, since: now }
    return value
  }

  async #discover(): Promise<Configuration> {
    const { issuer, settings, clientSecret } = this.#options
    const secret = await clientSecret()
    return discovery(
      new URL(issuer.issuer),
      settings.clientId,
      undefined,
      secret === undefined ? None() : ClientSecretBasic(secret),
      {
        timeout: issuer.fetchTimeoutSeconds,
        // oxlint-disable-next-line typescript/no-deprecated -- marked so to be noticed; the configuration allows it on loopback only
        execute: [enableNonRepudiationChecks, ...(issuer.allowInsecureLoopback ? [allowInsecureRequests] : [])],
        ...(issuer.caFile === undefined ? {} : { [customFetch]: issuerFetch(issuer.caFile) }),
      },
    )
  }
}

const notSignedIn = (message: string): HttpError => new HttpError(401, 'CHP-AUTH-FAILED', message)
