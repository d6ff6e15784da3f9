/**
 * Headers of every answer. The page has one script and one style sheet, both of this origin; nothing inline, no frame around it,
 * no referrer, and markup that a script sets has to go through the page's own policy (Trusted Types).
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types chaperone-page',
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
}

/** RFC 6797: two years. */
export const STRICT_TRANSPORT_SECURITY = 'max-age=63072000; includeSubDomains'
