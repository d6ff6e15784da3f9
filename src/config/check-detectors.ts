import { isLoopbackHost } from '../lib/loopback.ts'
import { operatorPatternProblem } from '../phi/detect/operator-pattern.ts'
import { type CheckContext, items, mapping, requireFile, requireUnique, text } from './check-context.ts'
import { checkPlace } from './check-keys.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

const PATH = ['phi', 'detectors']

export function checkDetectors(context: CheckContext, value: Data): void {
  const { patterns, http } = mapping(value)
  requireUnique(context, patterns, [...PATH, 'patterns'], 'name')
  for (const [index, item] of items(patterns).entries()) {
    const { pattern } = mapping(item)
    const problem = typeof pattern === 'string' && pattern !== '' ? operatorPatternProblem(pattern) : undefined
    if (problem !== undefined) context.report([...PATH, 'patterns', index, 'pattern'], `${problem}.`)
  }
  if (http !== undefined) checkHttp(context, [...PATH, 'http'], http)
}

function checkHttp(context: CheckContext, path: Path, value: Data): void {
  const { url, ca, authorization } = mapping(value)
  const parsed = URL.parse(text(url) ?? '')
  if (typeof url === 'string') checkUrl(context, [...path, 'url'], url, parsed)
  requireFile(context, [...path, 'ca'], ca)
  if (ca !== undefined && parsed?.protocol === 'http:') {
    context.report([...path, 'ca'], 'cannot take effect: the service is not asked over TLS.', 'key')
  }
  checkPlace(context, [...path, 'authorization'], authorization)
}

/** Texts with PHI are sent there. */
function checkUrl(context: CheckContext, path: Path, url: string, parsed: URL | null): void {
  if (parsed?.protocol !== 'https:' && !(parsed?.protocol === 'http:' && isLoopbackHost(parsed.hostname))) {
    context.report(path, 'must be an https URL, or http to a loopback address.')
  } else if (parsed.username !== '' || parsed.password !== '' || /[?#]/.test(url)) {
    context.report(path, 'must be a URL without user name, password, query and fragment.')
  }
}
