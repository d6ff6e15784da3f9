import { type CheckContext, items, mapping, requireFile, requireUnique, text } from './check-context.ts'
import { checkIssuerName } from './check-principals.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

/** As `identity` accepts them. */
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

const OF_HTTP = ['url', 'minimumInterval', 'timeout', 'keepDuringOutage'] as const

export function checkIssuers(context: CheckContext): void {
  const list = mapping(context.data)['issuers']
  requireUnique(context, list, ['issuers'], 'name')
  requireUnique(context, list, ['issuers'], 'issuer')
  for (const [index, item] of items(list).entries()) {
    const issuer = mapping(item)
    const path = ['issuers', index]
    checkOwnName(context, [...path, 'issuer'], issuer['issuer'])
    checkUrl(context, [...path, 'issuer'], text(issuer['issuer']), issuer['allowInsecureLoopbackIssuer'] === true)
    checkKind(context, [...path, 'claims', 'kind'], mapping(issuer['claims'])['kind'])
    checkKeySource(context, path, issuer)
    checkActors(context, [...path, 'actors'], issuer['actors'])
  }
}

/** The gateway vouches for its own tokens by itself. */
function checkOwnName(context: CheckContext, path: Path, value: Data): void {
  const publicUrl = text(mapping(mapping(mapping(context.data)['listen'])['web'])['publicUrl'])
  if (publicUrl === undefined || text(value)?.replace(/\/$/, '') !== publicUrl.replace(/\/$/, '')) return
  context.report(
    path,
    'is "listen.web.publicUrl": the gateway is the issuer of its own tokens without being named here.',
  )
}

function checkKeySource(context: CheckContext, path: Path, issuer: Readonly<Record<string, Data>>): void {
  const jwks = mapping(issuer['jwks'])
  const { url, file } = jwks
  requireFile(context, [...path, 'ca'], issuer['ca'])
  requireFile(context, [...path, 'jwks', 'file'], file)
  checkKeyUrl(context, [...path, 'jwks', 'url'], text(url), issuer['allowInsecureLoopbackIssuer'] === true)
  if (file === undefined) return
  for (const name of OF_HTTP) {
    if (jwks[name] === undefined) continue
    context.report([...path, 'jwks', name], 'cannot take effect: the keys are in a file.', 'key')
  }
  if (issuer['ca'] !== undefined && !isSignedInAt(context, issuer['name'])) {
    context.report([...path, 'ca'], 'cannot take effect: the keys are in a file.', 'key')
  }
}

/** Signing in asks the issuer itself, wherever its keys are. */
function isSignedInAt(context: CheckContext, name: Data): boolean {
  const web = mapping(mapping(mapping(context.data)['listen'])['web'])
  return name !== undefined && mapping(web['signIn'])['issuer'] === name
}

/** Its keys decide who is believed, like the issuer itself. */
function checkKeyUrl(context: CheckContext, path: Path, value: string | undefined, insecure: boolean): void {
  if (value === undefined) return
  const url = URL.parse(value)
  const loopback = url?.protocol === 'http:' && LOOPBACK_HOSTS.has(url.hostname)
  if (url?.protocol !== 'https:' && !(loopback && insecure)) {
    const hint = loopback ? ', or http with "allowInsecureLoopbackIssuer: true"' : ''
    context.report(path, `must be an https URL${hint}.`)
  } else if (url.username !== '' || url.password !== '' || url.hash !== '') {
    context.report(path, 'must be a URL without user name, password and fragment.')
  }
}

function checkActors(context: CheckContext, path: Path, value: Data): void {
  if (value === undefined) return
  const { issuers, kind } = mapping(value)
  const names = items(issuers)
  for (const [index, name] of names.entries()) {
    checkIssuerName(context, [...path, 'issuers', index], name)
    if (typeof name === 'string' && mapping(kind)[name] === undefined) {
      context.report([...path, 'issuers', index], '"kind" does not say what its actors are.')
    }
  }
  for (const name of Object.keys(mapping(kind))) {
    if (!names.includes(name)) context.report([...path, 'kind', name], 'is not among "issuers".', 'key')
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
