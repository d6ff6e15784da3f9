import { type CheckContext, items, mapping, requireUnique, text } from './check-context.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

/** As `identity` accepts them. */
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

export function checkIssuers(context: CheckContext): void {
  const list = mapping(context.data)['issuers']
  requireUnique(context, list, ['issuers'], 'name')
  requireUnique(context, list, ['issuers'], 'issuer')
  for (const [index, item] of items(list).entries()) {
    const issuer = mapping(item)
    const path = ['issuers', index]
    checkUrl(context, [...path, 'issuer'], text(issuer['issuer']), issuer['allowInsecureLoopbackIssuer'] === true)
    checkKind(context, [...path, 'claims', 'kind'], mapping(issuer['claims'])['kind'])
  }
}

/** OpenID Connect Discovery 1.0, section 3: https, no query, no fragment. */
function checkUrl(context: CheckContext, path: Path, issuer: string | undefined, insecure: boolean): void {
  if (issuer === undefined) return
  const url = URL.parse(issuer)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    context.report(path, 'must be an https URL.')
    return
  }
  if (url.username !== '' || url.password !== '' || issuer.includes('?') || issuer.includes('#')) {
    context.report(path, 'must be a URL without user name, password, query and fragment.')
  }
  const insecurePath = [...path.slice(0, -1), 'allowInsecureLoopbackIssuer']
  if (url.protocol === 'http:') {
    if (!LOOPBACK_HOSTS.has(url.hostname)) context.report(path, 'must be an https URL.')
    else if (!insecure) context.report(path, 'is http, which needs "allowInsecureLoopbackIssuer: true".')
  } else if (insecure) context.report(insecurePath, 'cannot take effect: the issuer is not an http URL.')
}

function checkKind(context: CheckContext, path: Path, value: Data): void {
  if (value === undefined) return
  const kind = mapping(value)
  const mapped = kind['claim'] !== undefined || kind['values'] !== undefined
  if (kind['fixed'] !== undefined && mapped) {
    context.report(path, 'must have "fixed", or "claim" and "values", not both.', 'key')
  } else if (kind['fixed'] === undefined && (kind['claim'] === undefined || kind['values'] === undefined)) {
    context.report(path, 'needs "fixed", or "claim" and "values".', 'key')
  } else if (kind['values'] !== undefined && Object.keys(mapping(kind['values'])).length === 0) {
    context.report([...path, 'values'], 'must not be empty: every token would be refused.')
  }
}
