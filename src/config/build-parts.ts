import { bare } from './bare.ts'
import { type AbsolutePath, buildPassword } from './build-credential.ts'
import type { PrincipalMatch, WebhookConfig } from './config.ts'
import type { ParsedConfig } from './schema.ts'

type ParsedApprovals = NonNullable<ParsedConfig['approvals']>

export function buildPrincipals(principals: ParsedConfig['grants'][number]['principals']): readonly PrincipalMatch[] {
  return principals.map(({ issuer, subject, group, kind, claim }) => {
    return { issuer, subject, group, kind, claim: claim && bare(claim, (value) => value) }
  })
}

export function buildWebhooks(webhooks: ParsedApprovals['webhooks'], absolute: AbsolutePath): readonly WebhookConfig[] {
  return webhooks.map(({ name, url, secret, ca }) => {
    return { name, url, secret: buildPassword(secret, absolute), caFile: ca === undefined ? undefined : absolute(ca) }
  })
}
