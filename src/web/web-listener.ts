import cookie from '@fastify/cookie'
import rateLimit from '@fastify/rate-limit'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { memberKey } from '../identity/principal.ts'
import type { Clock } from '../lib/clock.ts'
import { asChaperoneError, ChaperoneError } from '../lib/errors.ts'
import { accessRoutes } from './access-routes.ts'
import { approvalRoutes } from './approval-routes.ts'
import { authenticate, SESSION_COOKIE } from './authenticate.ts'
import { type BrowserSession, RandomlyNamed } from './browser-sessions.ts'
import { meRoutes } from './me-routes.ts'
import { openApiOf } from './openapi.ts'
import { HttpError, problemOf } from './problem.ts'
import { publicRoutes } from './public-routes.ts'
import type { Caller, Route } from './route.ts'
import { SECURITY_HEADERS, STRICT_TRANSPORT_SECURITY } from './security-headers.ts'
import type { SignIn } from './sign-in.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { WebApprovals } from './web-approvals.ts'
import { servePages } from './web-pages.ts'
import type { WebServices } from './web-services.ts'

export interface WebListenerOptions {
  readonly host: string
  readonly port: number
  /** PEM text; undefined: plain http, on loopback. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  readonly publicUrl: string
  readonly services: WebServices
  /** Undefined: nobody signs in with a browser. */
  readonly signIn: SignIn | undefined
  readonly clock: Clock
  /** For the log: what failed that was not the client's doing. */
  readonly onError: (error: ChaperoneError) => void
}

export interface WebListener {
  readonly port: number
  close(): Promise<void>
}

/** Two tokens of the longest kind, and what goes with them. */
const MAX_BODY_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 32 * 1024
const MAX_CONNECTIONS = 1000
const REQUEST_MS = 15_000
/** Keeps one browser's reloads and one machine's agents going, and ends a flood. */
const PER_ADDRESS = { max: 1200, timeWindow: 60_000 }
const PER_SUBJECT = { max: 600, timeWindow: 60_000 }
const MAX_SESSIONS = 10_000

/** What people and agents reach over https: token exchange, requests and decisions, and the page for them. */
export async function startWebListener(options: WebListenerOptions): Promise<WebListener> {
  const { services, publicUrl, signIn, clock } = options
  const app = makeServer(options)
  const origin = new URL(publicUrl).origin
  const sessions = new RandomlyNamed<BrowserSession>(MAX_SESSIONS, clock)
  await app.register(cookie)
  await app.register(rateLimit, {
    ...PER_ADDRESS,
    global: true,
    keyGenerator: ({ ip }) => ip,
    errorResponseBuilder: () =>
      new ChaperoneError('CHP-LIMIT-EXCEEDED', { message: 'too many requests from this address' }),
  })
  const limitSubject = app.createRateLimit({
    ...PER_SUBJECT,
    keyGenerator: (request) => subjects.get(request) ?? request.ip,
  })
  const caller = async (request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
    const { method, headers, cookies } = request
    const asking = { method, headers, sessionCookie: cookies[SESSION_COOKIE] }
    const found = await authenticate(asking, { verify: services.verify, sessions, origin })
    subjects.set(request, memberKey(found.identity.principal))
    const limit = await limitSubject(request)
    if (!limit.isAllowed && limit.isExceeded) {
      reply.header('retry-after', limit.ttlInSeconds)
      throw new ChaperoneError('CHP-LIMIT-EXCEEDED', { message: 'too many requests of this identity' })
    }
    return found
  }

  const approvals = services.approvals && new WebApprovals(services.approvals, publicUrl)
  const routes = [
    ...meRoutes(services.approvals),
    ...(approvals === undefined ? [] : approvalRoutes(approvals)),
    ...(approvals === undefined || services.access === undefined ? [] : accessRoutes(services.access, approvals)),
  ]
  for (const one of routes) serveRoute(app, one, caller)
  const openApi = openApiOf(routes, { publicUrl, version: services.about.version })
  for (const { path, document } of publicRoutes(services, publicUrl, openApi)) {
    app.get(path, (_, reply) => reply.type('application/json').send(document()))
  }
  if (services.delegation !== undefined) await app.register(tokenEndpoint(services.delegation, origin))
  await app.register(servePages({ approvals, access: services.access, signIn, sessions, caller, origin, clock }))
  await app.listen({ host: options.host, port: options.port })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a web listener has a port')
  return { port: address.port, close: () => app.close() }
}

/** Who a request is counted for, between its authentication and its end. */
const subjects = new WeakMap<FastifyRequest, string>()

function makeServer({ tls, onError }: WebListenerOptions): FastifyInstance {
  const limits = {
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    connectionTimeout: 60_000,
    keepAliveTimeout: 20_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 100 },
    // What is no address at all reaches neither hooks nor handlers; by itself the framework would repeat it.
    frameworkErrors: (_error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      const problem = problemOf(new HttpError(400, 'CHP-REQUEST-INVALID', 'the address is not valid'))
      void reply.headers(SECURITY_HEADERS).status(problem.status).type('application/problem+json').send(problem)
    },
  }
  const http = { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: REQUEST_MS }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an instance over TLS is the same but for its raw server
  const app = (
    tls === undefined
      ? fastify({ ...limits, http })
      : fastify({ ...limits, https: { ...http, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' } })
  ) as FastifyInstance
  app.server.maxConnections = MAX_CONNECTIONS
  app.removeContentTypeParser('text/plain')
  const headers =
    tls === undefined
      ? SECURITY_HEADERS
      : { ...SECURITY_HEADERS, 'strict-transport-security': STRICT_TRANSPORT_SECURITY }
  app.addHook('onRequest', async (_, reply) => void reply.headers(headers))
  app.setNotFoundHandler(() => {
    throw new ChaperoneError('CHP-REQUEST-UNKNOWN')
  })
  app.setErrorHandler((thrown, _, reply) => {
    const error = fromFramework(thrown)
    if (asChaperoneError(error).blame !== 'client') onError(asChaperoneError(error))
    const problem = problemOf(error)
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
    return reply.status(problem.status).type('application/problem+json').send(problem)
  })
  return app
}

function serveRoute(
  app: FastifyInstance,
  one: Route,
  caller: (request: FastifyRequest, reply: FastifyReply) => Promise<Caller>,
): void {
  app.route({
    method: one.method,
    url: one.path,
    handler: async (request, reply) => {
      const found = await caller(request, reply)
      const { params, query, body } = request
      const answer = await one.handle(found, { params, query, body })
      return reply.status(answer.status).type('application/json').send(answer.body)
    },
  })
}

/** The framework's own errors, by their status; their messages can quote what was sent. */
function fromFramework(thrown: unknown): unknown {
  if (thrown instanceof ChaperoneError || !(thrown instanceof Error) || !('statusCode' in thrown)) return thrown
  const MESSAGES: Readonly<Record<number, string>> = {
    400: 'the body is not the JSON document that was announced',
    413: 'the body is too large',
    415: 'the body has to be application/json',
  }
  const status = Number(thrown.statusCode)
  const message = MESSAGES[status]
  return message === undefined ? thrown : new HttpError(status, 'CHP-REQUEST-INVALID', message)
}
