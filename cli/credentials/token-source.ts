import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../../src/identity/gateway-tokens/exchange-request.ts'
import { codeOf } from '../../src/lib/error-code.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { describeGateway, fetchFrom, type GatewayDescription, gatewayUrl } from './gateway-description.ts'
import { alone, type Login, readLogin, updateLogin } from './login-file.ts'
import { refreshed } from './sign-in.ts'

/** What a token is wanted for. */
export interface WantedToken {
  /** URL; undefined: that of the last login. */
  readonly gateway?: string
  readonly purpose?: string
  readonly run?: string
  readonly patient?: readonly string[]
  readonly target?: readonly string[]
  /** What is added where the gateway exchanges tokens, and left out where it does not. */
  readonly whereExchanged?: { readonly run: string; readonly target: readonly string[] }
  /** Files with the tokens of those it is about; undefined: the login's. */
  readonly onBehalfOf?: string
  readonly actor?: string
}

export interface FreshToken {
  readonly gateway: GatewayDescription
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

type Environment = Readonly<Record<string, string | undefined>>

/** A login's token that ends sooner is fetched anew first. */
const FRESH_MS = 60_000
const answer = z.object({ access_token: z.string(), expires_in: z.number() })
const failure = z.object({ error: z.string(), error_description: z.string().optional() })

/**
 * A token that ends as late as possible: that of the gateway, made of the login's or of those in files, or, at a gateway that
 * exchanges none, the login's own.
 */
export async function freshToken(wanted: WantedToken, environment: Environment): Promise<FreshToken> {
  const { onBehalfOf, actor } = wanted
  // Who brings both tokens, as agents do, needs no login.
  const url = wanted.gateway === undefined ? undefined : gatewayUrl(wanted.gateway)
  const login =
    onBehalfOf !== undefined && actor !== undefined && url !== undefined
      ? undefined
      : await usableLogin(url, environment)
  const gateway = login?.gateway ?? (await describeGateway(url ?? ''))
  const own = login?.accessToken
  const subject = onBehalfOf === undefined ? own : await readToken(onBehalfOf)
  const acting = actor !== undefined ? await readToken(actor) : onBehalfOf === undefined ? undefined : own
  if (gateway.tokenEndpoint !== undefined && subject !== undefined) {
    return exchanged(gateway, gateway.tokenEndpoint, formOf(wanted, gateway, subject, acting))
  }
  const { purpose, run, patient = [], target = [] } = wanted
  const asks =
    [purpose, run, onBehalfOf, actor].some((value) => value !== undefined) || patient.length + target.length > 0
  if (login === undefined || asks) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `${gateway.url} exchanges no tokens`,
      hint: 'Its operator sets "delegation". Without it a token cannot be narrowed or delegated.',
    })
  }
  return { gateway, token: login.accessToken, expiresAt: login.expiresAt }
}

/** The login's own token, as its issuer gave it: what a person shows to the web listener. */
export async function loginToken(gateway: string | undefined, environment: Environment): Promise<FreshToken> {
  const login = await usableLogin(gateway === undefined ? undefined : gatewayUrl(gateway), environment)
  return { gateway: login.gateway, token: login.accessToken, expiresAt: login.expiresAt }
}

const isFresh = ({ expiresAt }: Login): boolean => expiresAt - Date.now() > FRESH_MS

async function usableLogin(url: string | undefined, environment: Environment): Promise<Login> {
  const known = await readLogin(environment, url)
  if (isFresh(known)) return known
  return alone(environment, known.gateway.url, async () => {
    // Another process may have been faster.
    const current = await readLogin(environment, known.gateway.url)
    if (isFresh(current)) return current
    const fresh = await refreshed(current)
    await updateLogin(environment, fresh)
    return fresh
  })
}

function formOf(
  { purpose, patient = [], whereExchanged, ...wanted }: WantedToken,
  { url }: GatewayDescription,
  subject: string,
  actor: string | undefined,
): URLSearchParams {
  const run = wanted.run ?? whereExchanged?.run
  const targets = [...(wanted.target ?? []), ...(whereExchanged?.target ?? [])]
  const form = new URLSearchParams({
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: subject,
    subject_token_type: ACCESS_TOKEN_TYPE,
    ...(actor === undefined ? {} : { actor_token: actor, actor_token_type: ACCESS_TOKEN_TYPE }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(run === undefined ? {} : { run }),
  })
  for (const one of targets) form.append('resource', `${url}/targets/${one}`)
  for (const one of patient) form.append('patients', one)
  return form
}

async function exchanged(gateway: GatewayDescription, endpoint: string, form: URLSearchParams): Promise<FreshToken> {
  const response = await fetchFrom(endpoint, { method: 'POST', body: form })
  const body: unknown = await response.json().catch(() => undefined)
  const given = answer.safeParse(body)
  if (response.ok && given.success) {
    return { gateway, token: given.data.access_token, expiresAt: Date.now() + given.data.expires_in * 1000 }
  }
  const told = failure.safeParse(body)
  const why = told.success ? `${told.data.error}: ${told.data.error_description ?? ''}` : `status ${response.status}`
  throw new ChaperoneError('CHP-DELEGATION-REFUSED', { message: `the gateway gave no token (${why})` })
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the token in ${file} cannot be read (${codeOf(cause) ?? 'error'})`,
      hint: 'Name a file that holds the token and nothing else.',
      cause,
    })
  }
}
