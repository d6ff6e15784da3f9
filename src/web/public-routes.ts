import type { WebServices } from './web-services.ts'

/** A document that anybody may read. */
interface PublicRoute {
  readonly path: string
  readonly document: () => object
}

/** What clients need before they can sign in; nothing of it is secret, and nothing says what the gateway protects. */
export const publicRoutes = (
  { delegation, about }: WebServices,
  publicUrl: string,
  openApi: object,
): readonly PublicRoute[] => [
  { path: '/v1/health', document: () => ({ status: 'ok' }) },
  { path: '/v1/openapi.json', document: () => openApi },
  {
    path: '/.well-known/chaperone',
    document: () => ({
      version: about.version,
      url: publicUrl,
      postgres: about.postgres,
      ...about.signIn,
      ...(delegation === undefined ? {} : { tokenEndpoint: `${publicUrl}/oauth/token` }),
    }),
  },
  ...(delegation === undefined
    ? []
    : [
        // RFC 8414, section 3.
        { path: '/.well-known/oauth-authorization-server', document: () => delegation.metadata() },
        { path: '/.well-known/jwks.json', document: () => delegation.jwks() },
      ]),
]
