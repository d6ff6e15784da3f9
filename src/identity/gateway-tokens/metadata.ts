import { TOKEN_EXCHANGE_GRANT } from './exchange-request.ts'

/** RFC 8414, section 2: what the gateway is as an authorization server. Clients need no secret: the tokens are the proof. */
export const authorizationServerMetadata = (publicUrl: string): Readonly<Record<string, unknown>> => ({
  issuer: publicUrl,
  token_endpoint: `${publicUrl}/oauth/token`,
  jwks_uri: `${publicUrl}/.well-known/jwks.json`,
  grant_types_supported: [TOKEN_EXCHANGE_GRANT],
  response_types_supported: [],
  token_endpoint_auth_methods_supported: ['none'],
})
