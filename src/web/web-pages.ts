import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ChaperoneError } from '../lib/errors.ts'
import { refuseForeign, SESSION_COOKIE, SIGN_IN_COOKIE } from './authenticate.ts'
import type { BrowserSession, RandomlyNamed } from './browser-sessions.ts'
import { mayHavePages, pageRoutes, safeReturn, type Shown } from './page-routes.ts'
import { type Layout, page, STATIC_FILES } from './page/layout.ts'
import { faultPage, goingOnPage, noSignInPage, signInPage } from './page/other-pages.ts'
import { problemOf } from './problem.ts'
import type { Caller } from './route.ts'
import { type SignIn, type SignedIn, TRANSACTION_MS } from './sign-in.ts'
import type { WebApprovals } from './web-approvals.ts'
import type { AccessService } from './web-services.ts'

export interface PagesOptions {
  readonly approvals: WebApprovals | undefined
  readonly access: AccessService | undefined
  readonly signIn: SignIn | undefined
  readonly sessions: RandomlyNamed<BrowserSession>
  readonly caller: (request: FastifyRequest, reply: FastifyReply) => Promise<Caller>
  readonly origin: string
  readonly clock: () => number
}

/** Of the browser, however long the token is good for. */
const LONGEST_SESSION_MS = 8 * 3_600_000
/** Sign-ins that one address may begin; each asks the identity provider. */
const SIGN_INS = { rateLimit: { max: 60, timeWindow: 60_000 } }

const COOKIE = { httpOnly: true, secure: true, path: '/', sameSite: 'strict' } as const
/** The way back from the identity provider begins at another site. */
const SIGN_IN_COOKIE_OPTIONS = { ...COOKIE, sameSite: 'lax' } as const

/** The pages, and the sign-in of a browser. */
export const servePages =
  (options: PagesOptions) =>
  async (scope: FastifyInstance): Promise<void> => {
    const { approvals, access, clock } = options
    serveStatic(scope)
    if (options.signIn === undefined) scope.get('/sign-in', (_, reply) => send(reply, 404, noSignIn))
    else serveSignIn(scope, options, options.signIn)
    serveSignOut(scope, options)
    if (approvals === undefined) return
    scope.get('/', (_, reply) => reply.redirect('/approvals', 303))
    for (const { path, show } of pageRoutes(approvals, access, clock)) {
      scope.get<{ Params: Record<string, string> }>(path, async (request, reply) => {
        const caller = await signedIn(request, reply, options)
        if (caller === undefined) return reply
        const who = caller.identity.principal.name ?? caller.identity.principal.subject
        const { status, shown } = await show(caller, request.params).then(
          (found) => ({ status: 200, shown: found }),
          (error: unknown) => faultOf(error),
        )
        return send(reply, status, { ...shown, who })
      })
    }
  }

function faultOf(error: unknown): { status: number; shown: Shown } {
  const { status, title, hint, code } = problemOf(error)
  if (status === 500) throw error
  return { status, shown: { title: 'Not available', section: 'approvals', body: faultPage(title, hint, code) } }
}

const noSignIn: Layout = { title: 'Sign in', who: undefined, body: noSignInPage }

const send = (reply: FastifyReply, status: number, layout: Layout): FastifyReply =>
  reply.status(status).type('text/html; charset=utf-8').send(page(layout))

/** Whoever has signed in; else undefined, and the answer is on its way. Tokens in headers are for programs. */
async function signedIn(
  request: FastifyRequest,
  reply: FastifyReply,
  options: PagesOptions,
): Promise<Caller | undefined> {
  const to = request.url.split('?')[0] ?? '/'
  if (request.cookies[SESSION_COOKIE] === undefined && request.headers['sec-fetch-site'] === 'cross-site') {
    // A link of another site: the cookie (SameSite=Strict) comes with the next request, which is of this page.
    send(reply, 200, { title: 'One moment', who: undefined, goTo: safeReturn(to), body: goingOnPage(safeReturn(to)) })
    return undefined
  }
  try {
    const caller = await options.caller(request, reply)
    if (caller.via === 'page') return caller
  } catch (error) {
    if (problemOf(error).status !== 401) throw error
  }
  if (options.signIn === undefined) send(reply, 401, noSignIn)
  else send(reply, 401, { title: 'Sign in', who: undefined, body: signInPage(safeReturn(to), undefined) })
  return undefined
}

function serveStatic(scope: FastifyInstance): void {
  scope.get<{ Params: { name: string } }>('/static/:name', (request, reply) => {
    const file = STATIC_FILES.get(request.params.name)
    if (file === undefined) throw new ChaperoneError('CHP-REQUEST-UNKNOWN')
    // Pages name them with their digest.
    return reply.header('cache-control', 'public, max-age=31536000, immutable').type(file.type).send(file.content)
  })
}

function serveSignIn(scope: FastifyInstance, options: PagesOptions, signIn: SignIn): void {
  scope.get<{ Querystring: Record<string, unknown> }>('/sign-in', { config: SIGN_INS }, async (request, reply) => {
    try {
      const { url, transaction } = await signIn.begin(safeReturn(request.query['to']), request.query['fresh'] === '1')
      reply.setCookie(SIGN_IN_COOKIE, transaction, { ...SIGN_IN_COOKIE_OPTIONS, maxAge: TRANSACTION_MS / 1000 })
      return await reply.redirect(url, 303)
    } catch (error) {
      return notSignedIn(reply, error)
    }
  })
  scope.get('/sign-in/callback', { config: SIGN_INS }, async (request, reply) => {
    reply.clearCookie(SIGN_IN_COOKIE, SIGN_IN_COOKIE_OPTIONS)
    const query = request.url.slice(request.url.indexOf('?'))
    try {
      const found = await signIn.finish(query, request.cookies[SIGN_IN_COOKIE])
      return welcome(request, reply, found, options)
    } catch (error) {
      return notSignedIn(reply, error)
    }
  })
}

function welcome(request: FastifyRequest, reply: FastifyReply, found: SignedIn, options: PagesOptions): FastifyReply {
  const { sessions, clock } = options
  const { identity, token, authenticatedAt, returnTo } = found
  if (!mayHavePages(identity)) {
    throw new ChaperoneError('CHP-REQUEST-FORBIDDEN', {
      message: 'this page is for people who act for themselves; agents and services use the API',
    })
  }
  // Never the name of a session that somebody else may know (session fixation).
  const earlier = request.cookies[SESSION_COOKIE]
  if (earlier !== undefined) sessions.take(earlier)
  const until = Math.min(clock() + LONGEST_SESSION_MS, identity.expiresAt)
  reply.setCookie(SESSION_COOKIE, sessions.add({ token, authenticatedAt }, until), COOKIE)
  return send(reply, 200, { title: 'Signed in', who: undefined, goTo: returnTo, body: goingOnPage(returnTo) })
}

function notSignedIn(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, title } = problemOf(error)
  if (status === 500) throw error
  return send(reply, status, { title: 'Sign in', who: undefined, body: signInPage('/approvals', title) })
}

function serveSignOut(scope: FastifyInstance, { sessions, origin }: PagesOptions): void {
  scope.post('/v1/sign-out', (request, reply) => {
    const { method, headers, cookies } = request
    refuseForeign({ method, headers, sessionCookie: undefined }, origin)
    const session = cookies[SESSION_COOKIE]
    if (session !== undefined) sessions.take(session)
    return reply.clearCookie(SESSION_COOKIE, COOKIE).status(204).send()
  })
}
