import { isLoopbackHost } from '../lib/loopback.ts'
import { type CheckContext, mapping, requireFile, text } from './check-context.ts'
import { checkKey, checkKeys } from './check-keys.ts'
import { checkIssuerName } from './check-principals.ts'
import { checkSecret } from './check-secrets.ts'
import type { Data } from './yaml-document.ts'

const PATH = ['listen', 'web']

/** The section `listen.web`, undefined when it is not there. */
export const webSection = (context: CheckContext): Data => mapping(mapping(context.data)['listen'])['web']

export function checkWeb(context: CheckContext): void {
  const section = webSection(context)
  if (section === undefined) return
  const web = mapping(section)
  if (web['tls'] === undefined && !isLoopbackHost(text(web['host']) ?? '127.0.0.1')) {
    context.report(PATH, '"tls" is missing; without it the host must be a loopback address.', 'key')
  }
  const tls = mapping(web['tls'])
  for (const name of ['certificate', 'key']) requireFile(context, [...PATH, 'tls', name], tls[name])
  checkPublicUrl(context, text(web['publicUrl']))
  const signIn = mapping(web['signIn'])
  checkIssuerName(context, [...PATH, 'signIn', 'issuer'], signIn['issuer'])
  checkSecret(context, [...PATH, 'signIn', 'clientSecret'], signIn['clientSecret'])
}

/** It is the origin of passkeys and the issuer of gateway tokens: an origin, and one that browsers take for secure. */
function checkPublicUrl(context: CheckContext, url: string | undefined): void {
  if (url === undefined) return
  const parsed = URL.parse(url)
  if (parsed?.protocol !== 'https:' && !(parsed?.protocol === 'http:' && isLoopbackHost(parsed.hostname))) {
    context.report([...PATH, 'publicUrl'], 'must be an https URL, or http to a loopback address.')
  } else if (url !== parsed.origin && url !== `${parsed.origin}/`) {
    context.report([...PATH, 'publicUrl'], 'must be https://host or https://host:port in lower case, and nothing else.')
  }
}

export function checkDelegation(context: CheckContext): void {
  const section = mapping(context.data)['delegation']
  if (section === undefined) return
  if (webSection(context) === undefined) {
    context.report(['delegation'], 'cannot take effect without "listen.web", where tokens are exchanged.', 'key')
  }
  checkKey(context, ['delegation', 'signingKey'], mapping(section)['signingKey'])
  checkKeys(context, ['delegation', 'previousSigningKeys'], mapping(section)['previousSigningKeys'])
}
