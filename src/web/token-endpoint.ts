import type { FastifyInstance } from 'fastify'
import { refuseForeign } from './authenticate.ts'
import { HttpError } from './problem.ts'
import type { DelegationService } from './web-services.ts'

const FORM = 'application/x-www-form-urlencoded'

/**
 * POST /oauth/token: RFC 8693 over RFC 6749, section 3.2. The tokens in the form say who asks; there is no client authentication
 * and no cookie counts. Errors are those of section 5.2.
 */
export const tokenEndpoint =
  (delegation: DelegationService, origin: string) =>
  async (scope: FastifyInstance): Promise<void> => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) => done(null, String(body)))
    scope.post('/oauth/token', async ({ method, headers, body }, reply) => {
      refuseForeign({ method, headers, sessionCookie: undefined }, origin)
      const answer = await delegation.exchange(formOf(body))
      // RFC 6749, section 5.1.
      reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).type('application/json')
      if (answer.kind === 'token') return reply.status(200).send(answer.body)
      const { error, description } = answer
      return reply
        .status(error === 'temporarily_unavailable' ? 503 : 400)
        .send({ error, error_description: description })
    })
  }

function formOf(body: unknown): URLSearchParams {
  if (typeof body !== 'string') throw new HttpError(415, 'CHP-REQUEST-INVALID', `the body has to be ${FORM}`)
  return new URLSearchParams(body)
}
